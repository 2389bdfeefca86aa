import asyncio
import math
import socket
import threading
import time
from contextlib import contextmanager
from random import Random

import dns.message
import dns.rrset
import pytest
import uvloop

from probes.models import Evidence, Measure, Outcome, Request
from tests.support.certificates import Authority
from tests.support.dns_servers import bind, dig, unbound
from tests.support.looks import a_dns_probe, look, looks, opened
from tests.support.servers import free_port


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    with bind(tmp_path_factory.mktemp("bind")) as port:
        yield port


@pytest.fixture(scope="module")
def resolver(authority, tmp_path_factory):
    with unbound(tmp_path_factory.mktemp("unbound"), authority=authority) as port:
        yield port


@contextmanager
def a_server_that(*deeds):
    """A server whose n-th answer is made by the n-th deed from the query; a deed answers what is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(5)

        def serve():
            for deed in deeds:
                try:
                    data, source = listening.recvfrom(4096)
                except OSError:
                    return
                for answer in deed(data):
                    listening.sendto(answer, source)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        listening.close()
        thread.join(6)


def well(data, *, value="127.0.0.8", truncated=False):
    query = dns.message.from_wire(data)
    response = dns.message.make_response(query)
    if truncated:
        response.flags |= dns.flags.TC
    elif query.question[0].rdtype == dns.rdatatype.A:
        response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", value))
    return response.to_wire()


WWW = {"name": "www.lab.test"}


async def asked(port, timeout=2.0, **options):
    async with opened(a_dns_probe()) as probe:
        return await look(probe, "127.0.0.1", port, options=options, timeout=timeout)


async def test_a_server_that_answers_is_ok_and_proves_the_protocol(authority):
    answer = await asked(authority, **WWW, recursion="no")
    assert (answer.outcome, answer.code, answer.evidence) == (Outcome.OK, 0, Evidence.PROTOCOL)
    assert 0 < answer.rtt < 0.5
    assert answer.phases[3] == answer.rtt
    assert all(math.isnan(phase) for phase in answer.phases[:3])


QUESTIONS = [
    ("www.lab.test", "A"),
    ("www.lab.test", "AAAA"),
    ("cu.lab.test", "A"),
    ("lab.test", "SOA"),
    ("lab.test", "NS"),
    ("lab.test", "MX"),
    ("lab.test", "NAPTR"),
    ("_sip._udp.lab.test", "SRV"),
    ("chu.lab.test", "TXT"),
    ("khong-co.lab.test", "A"),
    ("ns.lab.test", "AAAA"),
]


@pytest.mark.parametrize(
    ("server", "name", "kind"),
    [(server, *question) for server in ("authority", "resolver") for question in QUESTIONS]
    + [("authority", "la.example", "A")],
)
async def test_dig_says_the_same(server, name, kind, request):
    port = request.getfixturevalue(server)
    theirs = dig(port, name, kind)
    ours = await asked(port, name=name, type=kind, rcode=theirs.status, min_answers=str(len(theirs.values)))
    assert ours.outcome is Outcome.OK, ours.detail
    for value in theirs.values:
        text = value.replace(" ", "%20").replace('"', "%22").replace(",", "%2C").replace("+", "%2B")
        held = await asked(port, name=name, type=kind, expect=text)
        assert held.outcome is Outcome.OK, held.detail
    more = await asked(
        port, name=name, type=kind, rcode=theirs.status, min_answers=str(len(theirs.values) + 1)
    )
    assert (more.outcome, more.detail) == (
        Outcome.MISMATCH,
        f"answers: {len(theirs.values)} of {len(theirs.values) + 1}",
    )


@pytest.mark.parametrize(
    ("options", "outcome", "code", "detail"),
    [
        ({"name": "khong-co.lab.test"}, Outcome.MISMATCH, 3, "NXDOMAIN"),
        ({"name": "khong-co.lab.test", "rcode": "NXDOMAIN"}, Outcome.OK, 3, ""),
        ({"name": "la.example"}, Outcome.MISMATCH, 5, "REFUSED"),
        ({**WWW, "expect": "127.0.0.8"}, Outcome.OK, 0, ""),
        ({**WWW, "expect": "127.0.0.5"}, Outcome.MISMATCH, 0, "not among the answers: 127.0.0.5"),
        ({**WWW, "recursion": "yes"}, Outcome.MISMATCH, 0, "no recursion"),
        ({"name": "lab.test", "type": "SOA", "serial_min": "2026112201"}, Outcome.OK, 0, ""),
        ({"name": "lab.test", "type": "SOA", "serial_min": "2026112301"}, Outcome.MISMATCH, 0,
         "serial 2026112201 is behind 2026112301"),
        ({"name": "a..b"}, Outcome.ERROR, 0, "not sent: name cannot be asked for: 'a..b'"),
    ],
)  # fmt: skip
async def test_what_bind_answers_is_judged_by_the_options(authority, options, outcome, code, detail):
    answer = await asked(authority, **options)
    assert (answer.outcome, answer.code, answer.detail) == (outcome, code, detail)


async def test_the_serial_of_a_zone_is_measured(authority):
    answer = await asked(authority, name="lab.test", type="SOA")
    assert answer.measures == {Measure.SERIAL: 2026112201}


async def test_a_resolver_recurses(resolver):
    answer = await asked(resolver, **WWW, recursion="yes", expect="127.0.0.8")
    assert (answer.outcome, answer.detail) == (Outcome.OK, "")


async def test_a_server_that_lost_its_zone_says_servfail_which_is_an_answer_and_no_timeout(authority):
    answer = await asked(authority, name="www.hong.test")
    assert (answer.outcome, answer.code, answer.detail) == (Outcome.MISMATCH, 2, "SERVFAIL")
    assert 0 < answer.rtt < 0.5


async def test_an_answer_that_does_not_fit_is_asked_for_again_over_tcp(authority):
    async with opened(a_dns_probe()) as probe:
        options = {"name": "dai.lab.test", "type": "TXT", "min_answers": "20"}
        answer = await look(probe, "127.0.0.1", authority, options=options)
        statistics = probe.statistics()
    assert answer.outcome is Outcome.OK, answer.detail
    _, connect, tls, first_byte = answer.phases
    assert connect > 0
    assert math.isnan(tls)
    assert answer.rtt == pytest.approx(connect + first_byte)
    assert (statistics.truncated, statistics.in_flight) == (1, 0)


async def test_tcp_alone_is_a_transport_of_its_own(authority):
    answer = await asked(authority, **WWW, transport="tcp", min_answers="2")
    assert answer.outcome is Outcome.OK
    assert answer.phases[1] > 0


async def test_dns_over_tls_is_asked_and_its_certificate_judged(tmp_path):
    signer = Authority()
    chain, key = signer.mint("127.0.0.1").write(tmp_path, "dot")
    old_chain, old_key = signer.mint("127.0.0.1", days=(-9, -2)).write(tmp_path, "old")
    ca = signer.write(tmp_path / "ca.pem")
    for name, files, expected in (("dot", (chain, key), ""), ("old", (old_chain, old_key), "expired")):
        port = free_port()
        tls = (
            f' interface: 127.0.0.1@{port}\n tls-port: {port}\n tls-service-pem: "{files[0]}"\n'
            f' tls-service-key: "{files[1]}"\n'
        )
        with unbound(tmp_path / name, tls=tls):
            options = {"name": "cs.lab.test", "expect": "127.0.0.9", "transport": "tls", "ca": str(ca)}
            answer = await asked(port, **options)
        assert answer.detail == expected
        assert answer.outcome is (Outcome.MISMATCH if expected else Outcome.OK)
        assert Measure.TLS_NOT_AFTER in answer.measures


async def test_what_others_send_is_no_answer():
    def spoiled(data):
        wrong_number = bytes([data[0] ^ 1]) + well(data)[1:]
        wrong_question = well(
            dns.message.make_query("la.test", "A", id=dns.message.from_wire(data).id).to_wire()
        )
        return [wrong_number, wrong_question, data, b"", b"\0", well(data)]

    with a_server_that(spoiled) as port:
        async with opened(a_dns_probe()) as probe:
            answer = await look(probe, "127.0.0.1", port, options=WWW)
            assert probe.statistics().foreign == 5
    assert answer.outcome is Outcome.OK


async def test_an_answer_from_another_port_or_address_is_no_answer():
    def from_elsewhere(data):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as liar:
            liar.bind(("127.0.0.2", 0))
            liar.sendto(well(data, value="6.6.6.6"), asking)
        return []

    async with opened(a_dns_probe()) as probe:
        asking = ("127.0.0.1", probe._datagrams._by_family[socket.AF_INET].getsockname()[1])
        with a_server_that(from_elsewhere) as port:
            answer = await look(probe, "127.0.0.1", port, options=WWW, timeout=0.4)
        assert probe.statistics().foreign == 1
    assert (answer.outcome, answer.detail) == (Outcome.TIMEOUT, "first_byte")


async def test_silence_is_a_timeout_that_is_no_duration():
    with a_server_that(lambda _: []) as port:
        began = time.monotonic()
        answer = await asked(port, timeout=0.3, **WWW)
    assert (answer.outcome, answer.detail) == (Outcome.TIMEOUT, "first_byte")
    assert math.isnan(answer.rtt)
    assert not answer.phases
    assert 0.3 <= time.monotonic() - began < 1.5


async def test_a_hanging_retry_over_tcp_ends_within_the_one_timeout():
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        port = listening.getsockname()[1]
        datagrams.bind(("127.0.0.1", port))
        loop = asyncio.get_running_loop()
        datagrams.setblocking(False)

        def cut_short():
            data, source = datagrams.recvfrom(4096)
            datagrams.sendto(well(data, truncated=True), source)

        loop.add_reader(datagrams, cut_short)
        began = time.monotonic()
        answer = await asked(port, timeout=0.4, **WWW)
        loop.remove_reader(datagrams)
    assert (answer.outcome, answer.detail) == (Outcome.TIMEOUT, "first_byte")
    assert time.monotonic() - began < 1.5


async def test_a_port_that_nobody_holds_is_refused_at_once():
    port = free_port(socket.SOCK_DGRAM)
    for transport in ("udp", "tcp"):
        answer = await asked(port, transport=transport, **WWW)
        assert (answer.outcome, answer.detail) == (Outcome.REFUSED, "ECONNREFUSED")


async def test_of_ten_queries_of_which_three_are_lost_exactly_three_time_out():
    lost = {2, 3, 7}
    deeds = [(lambda _: []) if n in lost else (lambda data: [well(data)]) for n in range(10)]
    with a_server_that(*deeds) as port:
        async with opened(a_dns_probe()) as probe:
            outcomes = [
                (await look(probe, "127.0.0.1", port, options=WWW, timeout=0.3)).outcome for _ in range(10)
            ]
    assert [n for n, outcome in enumerate(outcomes) if outcome is Outcome.TIMEOUT] == sorted(lost)
    assert outcomes.count(Outcome.OK) == 7


async def test_many_queries_at_once_each_have_their_own_answer(authority):
    names = ["www.lab.test", "thu.lab.test", "khong-co.lab.test"]
    options = [{"name": name, "recursion": "no"} for name in names]
    requests = [Request(n, "127.0.0.1", authority, options[n % 3], 5.0) for n in range(1_200)]
    answers = []
    async with opened(a_dns_probe()) as probe:
        for start in range(0, len(requests), 200):  # a real server's receive buffer is not bottomless
            answers += await looks(probe, requests[start : start + 200])
    assert [answer.code for answer in answers] == [(0, 0, 3)[n % 3] for n in range(1_200)]


async def test_an_identifier_under_way_is_not_given_twice():
    class Repeating(Random):
        def randrange(self, *_):
            self.calls = getattr(self, "calls", 0) + 1
            return (self.calls - 1) // 3  # every number three times over

    with a_server_that(*[lambda data: [well(data)]] * 3) as port:
        async with opened(a_dns_probe(rng=Repeating())) as probe:
            answers = await looks(probe, [Request(n, "127.0.0.1", port, WWW, 2.0) for n in range(3)])
    assert [answer.outcome for answer in answers] == [Outcome.OK] * 3


async def test_closing_ends_what_is_under_way_as_an_error_of_ours():
    with a_server_that(lambda _: []) as port:
        probe = a_dns_probe()
        await probe.open()
        ended = []
        probe.begin(Request(0, "127.0.0.1", port, WWW, 30.0), lambda _, answer: ended.append(answer))
        await probe.close()
    assert [answer.outcome for answer in ended] == [Outcome.ERROR]


async def test_a_name_is_never_looked_up():
    async with opened(a_dns_probe()) as probe:
        answer = await look(probe, "localhost", 53)
    assert answer.outcome is Outcome.ERROR
    assert "localhost" in answer.detail


def test_the_loop_of_production_gives_the_same_answers(authority):
    async def scenario():
        right = await asked(authority, **WWW)
        absent = await asked(authority, name="khong-co.lab.test")
        refused = await asked(free_port(socket.SOCK_DGRAM), **WWW)
        return right.outcome, absent.code, refused.outcome

    assert uvloop.run(scenario()) == (Outcome.OK, 3, Outcome.REFUSED)

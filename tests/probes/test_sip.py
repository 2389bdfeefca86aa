import asyncio
import shutil
import socket
import subprocess
import time
from contextlib import asynccontextmanager

import pytest
import uvloop

from probes.models import Evidence, Outcome, Request
from probes.sip import SipProbe
from probes.sip_message import SipResponse, parse_sip
from tests.support.looks import a_sip_probe, look, looks, opened
from tests.support.servers import free_port, kamailio, needs_program, sipp_answering

ROUTE = """
  if (!sanity_check("17895","7")) exit;
  if (!is_method("OPTIONS")) { sl_send_reply("405","Method Not Allowed"); exit; }
  if ($rU == "busy") { sl_send_reply("486","Busy Here"); exit; }
  if ($rU == "nobody") { sl_send_reply("404","Not Found"); exit; }
  if ($rU == "full") { sl_send_reply("503","Service Unavailable"); exit; }
  if ($rU == "slow") { sl_send_reply("408","Request Timeout"); exit; }
  if ($rU == "who") { sl_send_reply("401","Unauthorized"); exit; }
  if ($rU == "mute") exit;
  sl_send_reply("200","Keepalive");
"""


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    port = free_port(socket.SOCK_DGRAM)
    with kamailio(tmp_path_factory.mktemp("kamailio"), port=port, route=ROUTE):
        yield port


class Element(asyncio.DatagramProtocol):
    """A SIP element that answers as it is told: a function from the request to the messages to send."""

    def __init__(self, answers):
        self.answers = answers
        self.requests = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, source):
        self.requests.append(parse_sip(data))
        for message in self.answers(self.requests[-1], len(self.requests)):
            self.transport.sendto(message, source)


@asynccontextmanager
async def an_element(answers):
    loop = asyncio.get_running_loop()
    transport, element = await loop.create_datagram_endpoint(
        lambda: Element(answers), local_addr=("127.0.0.1", 0)
    )
    element.port = transport.get_extra_info("sockname")[1]
    try:
        yield element
    finally:
        transport.close()


def answer_to(request, status=200, reason="OK"):
    copied = [
        (name, value) for name, value in request.headers if name in {"via", "from", "to", "call-id", "cseq"}
    ]
    return SipResponse(tuple(copied), b"", status, reason).encode()


async def eventually(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


async def test_an_element_that_answers_200_is_ok_and_proves_the_protocol(exchange):
    async with opened(a_sip_probe()) as probe:
        answer = await look(probe, "127.0.0.1", exchange)
        statistics = probe.statistics()
    assert (answer.outcome, answer.code, answer.evidence) == (Outcome.OK, 200, Evidence.PROTOCOL)
    assert 0 < answer.rtt < 0.1
    assert (statistics.sent, statistics.answered, statistics.in_flight) == (1, 1, 0)


@pytest.mark.parametrize(
    ("user", "outcome", "code"),
    [
        ("busy", Outcome.OK, 486),
        ("nobody", Outcome.OK, 404),
        ("who", Outcome.OK, 401),
        ("full", Outcome.OVERLOADED, 503),
        ("slow", Outcome.TIMEOUT, 408),
        ("+842993820001", Outcome.OK, 200),
    ],
)
async def test_any_final_answer_proves_the_element_except_those_that_speak_for_others(
    exchange, user, outcome, code
):
    async with opened(a_sip_probe()) as probe:
        answer = await look(probe, "127.0.0.1", exchange, options={"user": user})
    assert (answer.outcome, answer.code) == (outcome, code)
    assert (answer.evidence is Evidence.PROTOCOL) is (outcome is Outcome.OK)


async def test_an_element_that_says_nothing_is_asked_again_and_then_given_up_in_time(exchange):
    async with opened(a_sip_probe()) as probe:
        began = time.monotonic()
        answer = await look(probe, "127.0.0.1", exchange, options={"user": "mute"}, timeout=0.7)
        spent = time.monotonic() - began
        statistics = probe.statistics()
    assert (answer.outcome, answer.code, answer.detail) == (Outcome.TIMEOUT, 0, "no answer")
    assert 0.7 <= spent < 1.5
    assert (statistics.sent, statistics.retransmitted) == (1, 1)


@pytest.mark.parametrize("status", ["200 OK", "480 Temporarily Unavailable", "603 Decline"])
async def test_what_sipp_answers_is_kept_as_the_code(tmp_path, status):
    port = free_port(socket.SOCK_DGRAM)
    with sipp_answering(tmp_path, port=port, status=status):
        async with opened(a_sip_probe()) as probe:
            answer = await look(probe, "127.0.0.1", port)
    assert (answer.outcome, answer.code) == (Outcome.OK, int(status[:3]))


async def test_a_provisional_answer_is_waited_beyond(tmp_path):
    port = free_port(socket.SOCK_DGRAM)
    with sipp_answering(tmp_path, port=port, status="200 OK", first="100 Trying"):
        async with opened(a_sip_probe()) as probe:
            answer = await look(probe, "127.0.0.1", port)
            statistics = probe.statistics()
    assert (answer.outcome, answer.code, statistics.provisional) == (Outcome.OK, 200, 1)


async def test_an_element_that_only_ever_says_trying_times_out_with_that_code():
    def answers(request, _):
        return [answer_to(request, 100, "Trying")]

    async with an_element(answers) as element, opened(a_sip_probe()) as probe:
        answer = await look(probe, "127.0.0.1", element.port, timeout=0.3)
    assert (answer.outcome, answer.code, answer.detail) == (Outcome.TIMEOUT, 100, "only 100")


async def test_a_port_that_nobody_holds_refuses_at_once():
    async with opened(a_sip_probe()) as probe:
        began = time.monotonic()
        answer = await look(probe, "127.0.0.1", free_port(socket.SOCK_DGRAM), timeout=5.0)
        spent = time.monotonic() - began
    assert (answer.outcome, answer.detail) == (Outcome.REFUSED, "ECONNREFUSED")
    assert spent < 1.0


async def test_a_thousand_dead_targets_on_the_socket_do_not_disturb_the_living(exchange):
    dead = free_port(socket.SOCK_DGRAM)
    requests = [Request(n, "127.0.0.1", dead if n % 2 else exchange, {}, 5.0) for n in range(1000)]
    async with opened(a_sip_probe()) as probe:
        answers = await looks(probe, requests)
    living = {answer.outcome for answer in answers[::2]}
    # ICMP errors are rate limited (net.ipv4.icmp_msgs_per_sec), so the dead may also just be silent
    assert living == {Outcome.OK}
    assert {answer.outcome for answer in answers[1::2]} <= {Outcome.REFUSED, Outcome.TIMEOUT}


async def test_looks_that_begin_when_others_end_do_not_begin_ever_deeper():
    dead = free_port(socket.SOCK_DGRAM)
    async with opened(a_sip_probe()) as probe:
        ended = asyncio.get_running_loop().create_future()
        left = 3000

        def begin_next(_request, _answer):
            nonlocal left
            left -= 1
            if left > 0:
                probe.begin(Request(left, "127.0.0.1", dead, {}, 0.2), begin_next)
            elif not ended.done():
                ended.set_result(None)

        for n in range(300):
            probe.begin(Request(n, "127.0.0.1", dead, {}, 0.2), begin_next)
        await asyncio.wait_for(ended, 60)
        assert probe.statistics().icmp_errors > 0


async def test_answers_twice_late_and_to_others_are_counted_apart_and_change_nothing():
    def answers(request, number):
        return [answer_to(request)] * 3 if number == 1 else []

    async with an_element(answers) as element, opened(a_sip_probe()) as probe:
        first = await look(probe, "127.0.0.1", element.port)
        await eventually(lambda: probe.statistics().duplicate == 2)
        second = await look(probe, "127.0.0.1", element.port, timeout=0.1)
        own = ("127.0.0.1", probe._datagrams._by_family[socket.AF_INET].getsockname()[1])
        element.transport.sendto(answer_to(element.requests[-1]), own)
        await eventually(lambda: probe.statistics().late == 1)
        foreign = answer_to(element.requests[-1]).replace(b"z9hG4bK", b"z9hG4bKother")
        element.transport.sendto(foreign, own)
        element.transport.sendto(b"OPTIONS sip:us SIP/2.0\r\n\r\n", own)
        await eventually(lambda: probe.statistics().foreign == 2)
        element.transport.sendto(b"\0\1\2", own)
        await eventually(lambda: probe.statistics().malformed == 1)
    assert (first.outcome, second.outcome) == (Outcome.OK, Outcome.TIMEOUT)


async def test_the_answer_to_a_repeated_request_ends_the_look_and_rtt_counts_from_the_first():
    def answers(request, number):
        return [answer_to(request)] if number == 2 else []

    async with an_element(answers) as element, opened(a_sip_probe()) as probe:
        answer = await look(probe, "127.0.0.1", element.port, timeout=2.0)
    assert answer.outcome is Outcome.OK
    assert 0.5 <= answer.rtt < 1.0


async def test_an_answer_that_waited_for_a_busy_loop_is_no_timeout_and_no_slow_line(exchange):
    async with opened(a_sip_probe()) as probe:
        await look(probe, "127.0.0.1", exchange)  # the kernel begins to stamp a moment after it was asked to
        waiting = asyncio.get_running_loop().create_future()
        probe.begin(Request(0, "127.0.0.1", exchange, {}, 0.05), lambda _, answer: waiting.set_result(answer))
        time.sleep(0.3)  # somebody else's fault
        answer = await asyncio.wait_for(waiting, 60)
    assert answer.outcome is Outcome.OK
    assert answer.rtt < 0.15


async def test_every_request_has_a_branch_of_its_own_with_the_cookie_and_asks_for_the_way_back():
    def answers(request, _):
        return [answer_to(request)]

    async with an_element(answers) as element, opened(a_sip_probe()) as probe:
        await looks(probe, [Request(n, "127.0.0.1", element.port, {}, 2.0) for n in range(20)])
    vias = [request.via for request in element.requests]
    assert len({via.branch for via in vias}) == 20
    assert all(via.branch.startswith("z9hG4bK") for via in vias)
    assert all("rport" in dict(via.parameters) for via in vias)
    assert len({request.header("call-id") for request in element.requests}) == 20
    assert {request.header("max-forwards") for request in element.requests} == {"70"}


async def test_all_targets_share_one_socket_a_family(exchange):
    probe = a_sip_probe()
    async with opened(probe):
        await looks(probe, [Request(n, f"127.0.0.{n % 250 + 1}", exchange, {}, 0.5) for n in range(1000)])
        assert len(probe._datagrams._by_family) <= 2


@pytest.mark.parametrize(
    ("address", "options", "detail"),
    [
        ("sip.example", {}, "not sent: not a numeric address: sip.example"),
        ("127.0.0.1", {"transport": "sctp"}, "not sent: transport is udp, tcp or tls: 'sctp'"),
        ("127.0.0.1", {"user": "a>\r\nX: y"}, "not sent: user cannot stand in a SIP address: 'a>\\r\\nX: y'"),
        ("255.255.255.255", {}, "not sent: "),
    ],
)
async def test_what_cannot_be_sent_is_an_error_of_ours(address, options, detail):
    async with opened(a_sip_probe()) as probe:
        answer = await look(probe, address, 5060, options=options)
    assert answer.outcome is Outcome.ERROR
    assert answer.detail.startswith(detail)


async def test_closing_ends_what_is_under_way_as_an_error_of_ours(exchange):
    probe = a_sip_probe()
    await probe.open()
    ended = []
    request = Request(0, "127.0.0.1", exchange, {"user": "mute"}, 30.0)
    probe.begin(request, lambda _, answer: ended.append(answer.outcome))
    await probe.close()
    assert ended == [Outcome.ERROR]


async def test_sipsak_and_the_probe_agree_on_who_is_alive(exchange):
    needs_program("sipsak")
    sipsak = shutil.which("sipsak") or "sipsak"
    dead = free_port(socket.SOCK_DGRAM)
    async with opened(a_sip_probe()) as probe:
        for port in (exchange, dead):
            oracle = await asyncio.to_thread(
                subprocess.run, [sipsak, "-s", f"sip:127.0.0.1:{port}"], capture_output=True, check=False
            )
            answer = await look(probe, "127.0.0.1", port, timeout=1.0)
            assert (oracle.returncode == 0) is (answer.outcome is Outcome.OK)


def test_the_loop_of_production_gives_the_same_answers(exchange):
    async def scenario():
        probe: SipProbe = a_sip_probe()
        async with opened(probe):
            alive = await look(probe, "127.0.0.1", exchange)
            refused = await look(probe, "127.0.0.1", free_port(socket.SOCK_DGRAM))
            again = await look(probe, "127.0.0.1", exchange)
        return alive.outcome, refused.outcome, again.outcome

    assert uvloop.run(scenario()) == (Outcome.OK, Outcome.REFUSED, Outcome.OK)

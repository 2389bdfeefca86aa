"""OPTIONS over TCP and TLS, registrations and what answers mean for a line, against kamailio and elements by hand."""

import asyncio
import math
import shutil
import socket
import subprocess
from contextlib import asynccontextmanager

import pytest

from probes.models import Evidence, Outcome
from probes.sip import SipProbe
from probes.sip_message import parse_sip
from tests.support.looks import a_sip_probe, look, opened
from tests.support.servers import free_port, needs_program
from tests.support.telephony import a_certificate, exchange_with_registrar


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    port = free_port()
    with exchange_with_registrar(tmp_path_factory.mktemp("exchange"), port=port) as certificate:
        yield port, str(certificate)


def over(transport, exchange, **options):
    """Port and options of a look over a transport."""
    port, certificate = exchange
    given = {"transport": transport, **options}
    return (port + 1, {"ca": certificate, **given}) if transport == "tls" else (port, given)


async def register(exchange, user, domain, *, expires):
    """Bind a contact with the registrar, as a phone would."""
    port, _ = exchange
    text = (
        f"REGISTER sip:{domain} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKreg{user};rport\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:{user}@{domain}>;tag=r\r\nTo: <sip:{user}@{domain}>\r\n"
        f"Call-ID: reg{user}\r\nCSeq: 1 REGISTER\r\nContact: <sip:{user}@127.0.0.1:9>;expires={expires}\r\n"
        "Content-Length: 0\r\n\r\n"
    )

    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.settimeout(5)
            phone.connect(("127.0.0.1", port))
            phone.send(text.encode())
            return phone.recv(4096)

    answer = await asyncio.to_thread(send)
    assert answer.startswith(b"SIP/2.0 200"), answer


@asynccontextmanager
async def a_stream_element(answers):
    """An element on TCP that answers each request with the bytes that ``answers`` makes of it, None for a close."""

    async def serve(reader, writer):
        number = 0
        while head := await reader.readuntil(b"\r\n\r\n"):
            number += 1
            data = answers(parse_sip(head), number)
            if data is None:
                break
            for piece in data if isinstance(data, list) else [data]:
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def guarded(reader, writer):
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def written(request, status="200 OK", *, extra="", via=None):
    via = request.header("via") if via is None else via
    copied = "".join(f"{name}: {request.header(name)}\r\n" for name in ("from", "to", "call-id", "cseq"))
    return f"SIP/2.0 {status}\r\nVia: {via}\r\n{copied}{extra}Content-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_the_same_element_answers_the_same_over_every_transport(exchange, transport):
    async with opened(a_sip_probe()) as probe:
        port, options = over(transport, exchange)
        free = await look(probe, "127.0.0.1", port, options=options)
        port, options = over(transport, exchange, user="busy")
        busy = await look(probe, "127.0.0.1", port, options=options)
    assert (free.outcome, free.code, free.evidence) == (Outcome.OK, 200, Evidence.PROTOCOL)
    assert (busy.outcome, busy.code, busy.detail) == (Outcome.OK, 486, "486 Busy Here")
    assert 0 < free.rtt < 1


async def test_over_tls_the_phases_are_told_and_the_round_trip_is_their_sum(exchange):
    port, options = over("tls", exchange)
    async with opened(a_sip_probe()) as probe:
        answer = await look(probe, "127.0.0.1", port, options=options)
    _, connect, tls, first_byte = answer.phases
    assert min(connect, tls, first_byte) > 0
    assert math.isclose(answer.rtt, connect + tls + first_byte)


async def test_a_certificate_that_nobody_vouches_for_is_a_mismatch_unless_it_may_be(exchange):
    port, _ = exchange
    async with opened(a_sip_probe()) as probe:
        strict = await look(probe, "127.0.0.1", port + 1, options={"transport": "tls"})
        lax = await look(probe, "127.0.0.1", port + 1, options={"transport": "tls", "insecure": "yes"})
    assert (strict.outcome, lax.outcome) == (Outcome.MISMATCH, Outcome.OK)
    assert strict.detail.startswith("untrusted: ")


async def test_a_name_that_the_certificate_does_not_hold_is_a_mismatch(exchange):
    port, options = over("tls", exchange, server_name="tong-dai.vn")
    async with opened(a_sip_probe()) as probe:
        answer = await look(probe, "127.0.0.1", port, options=options)
    assert answer.outcome is Outcome.MISMATCH
    assert answer.detail == "wrong-name: is for 127.0.0.1"


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_an_element_that_says_nothing_on_a_stream_times_out_in_time(exchange, transport):
    port, options = over(transport, exchange, user="mute")
    async with opened(a_sip_probe()) as probe:
        answer = await look(probe, "127.0.0.1", port, options=options, timeout=0.5)
        in_flight = probe.statistics().in_flight
    assert (answer.outcome, answer.detail, in_flight) == (Outcome.TIMEOUT, "answer", 0)
    assert math.isnan(answer.rtt)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_a_stream_port_that_nobody_holds_refuses_at_once(transport):
    async with opened(a_sip_probe()) as probe:
        answer = await look(probe, "127.0.0.1", free_port(), options={"transport": transport})
    assert answer.outcome is Outcome.REFUSED


async def test_answers_in_pieces_keepalives_trying_and_strangers_before_them_are_read():
    def answers(request, _):
        stranger = written(request, "603 Decline", via="SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKother")
        own = b"\r\n\r\n" + written(request, "100 Trying") + stranger + written(request)
        return [own[:50], own[50:200], own[200:]]

    async with a_stream_element(answers) as port, opened(a_sip_probe()) as probe:
        answer = await look(probe, "127.0.0.1", port, options={"transport": "tcp"})
        statistics = probe.statistics()
    assert (answer.outcome, answer.code) == (Outcome.OK, 200)
    assert (statistics.provisional, statistics.foreign) == (1, 1)


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (None, "closed without an answer"),
        (b"220 smtp.vn ESMTP\r\n\r\n", "no SIP: not a start line: '220 smtp.vn ESMTP'"),
        (b"x" * 70_000, "no SIP: the head of a message does not end"),
        (
            b"SIP/2.0 200 OK\r\nContent-Length: 99999999\r\n\r\n",
            "no SIP: a message of 100000043 octets",
        ),
    ],
    ids=["close", "smtp", "endless", "huge"],
)
async def test_what_does_not_speak_sip_on_a_stream_is_a_mismatch(said, detail):
    async with a_stream_element(lambda *_: said) as port, opened(a_sip_probe()) as probe:
        answer = await look(probe, "127.0.0.1", port, options={"transport": "tcp"})
    assert (answer.outcome, answer.detail) == (Outcome.MISMATCH, detail)


async def test_an_element_that_only_ever_says_trying_on_a_stream_times_out_with_that_code():
    async with (
        a_stream_element(lambda request, _: written(request, "100 Trying")) as port,
        opened(a_sip_probe()) as probe,
    ):
        answer = await look(probe, "127.0.0.1", port, options={"transport": "tcp"}, timeout=0.3)
    assert (answer.outcome, answer.code, answer.detail) == (Outcome.TIMEOUT, 100, "only 100")


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_registration_that_stands_is_evidence_with_the_seconds_it_has_left(exchange, transport):
    await register(exchange, f"xa-{transport}", "open.vn", expires=300)
    port, options = over(transport, exchange, user=f"xa-{transport}", domain="open.vn", ask="registration")
    if transport == "tls":
        options["server_name"] = "127.0.0.1"
    async with opened(a_sip_probe()) as probe:
        answer = await look(probe, "127.0.0.1", port, options=options)
    assert (answer.outcome, answer.code, answer.evidence) == (Outcome.OK, 200, Evidence.REGISTERED)
    left = int(answer.detail.removeprefix("registered, expires in ").removesuffix(" s"))
    assert 250 < left <= 300


async def test_asking_about_a_registration_does_not_change_it(exchange):
    await register(exchange, "xa-hoi", "open.vn", expires=300)
    port, options = over("udp", exchange, user="xa-hoi", domain="open.vn", ask="registration")
    async with opened(a_sip_probe()) as probe:
        for _ in range(3):
            answer = await look(probe, "127.0.0.1", port, options=options)
            assert answer.evidence is Evidence.REGISTERED
        elsewhere = await look(probe, "127.0.0.1", port, options={**options, "contact": "@10.9.9.9"})
    assert (elsewhere.outcome, elsewhere.detail) == (Outcome.MISMATCH, "no binding")


@pytest.mark.parametrize(
    ("user", "domain", "password", "outcome", "detail"),
    [
        ("vang", "open.vn", "", Outcome.MISMATCH, "no binding"),
        ("nobody", "open.vn", "", Outcome.MISMATCH, "404 Not Found"),
        ("ai", "closed.vn", "", Outcome.OK, "401 Unauthorized"),
        ("ai", "closed.vn", "sai", Outcome.MISMATCH, "401 Unauthorized"),
        ("ai", "closed.vn", "bí-mật", Outcome.MISMATCH, "no binding"),
        ("ai", "strong.vn", "bí-mật", Outcome.MISMATCH, "no binding"),
    ],
    ids=["no binding", "unknown", "challenged", "wrong password", "right password", "right password, qop"],
)
@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_registration_that_does_not_stand_says_why(
    exchange, transport, user, domain, password, outcome, detail
):
    given = {"user": user, "domain": domain, "ask": "registration"}
    port, options = over(transport, exchange, **given, **({"password": password} if password else {}))
    async with opened(a_sip_probe()) as probe:
        answer = await look(probe, "127.0.0.1", port, options=options)
    assert (answer.outcome, answer.detail, answer.evidence) == (outcome, detail, Evidence.PROTOCOL)


@pytest.mark.parametrize(
    ("user", "outcome", "evidence"),
    [
        ("+842993820001", Outcome.OK, Evidence.LINE_TESTED),
        ("busy", Outcome.OK, Evidence.LINE_TESTED),
        ("away", Outcome.MISMATCH, Evidence.PROTOCOL),
    ],
)
async def test_only_an_element_that_speaks_for_the_line_proves_it(exchange, user, outcome, evidence):
    port, options = over("udp", exchange, user=user)
    async with opened(a_sip_probe()) as probe:
        alive = await look(probe, "127.0.0.1", port, options=options)
        line = await look(probe, "127.0.0.1", port, options={**options, "line": "yes"})
    assert (alive.outcome, alive.evidence) == (Outcome.OK, Evidence.PROTOCOL)
    assert (line.outcome, line.evidence) == (outcome, evidence)


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        ({"ask": "gì"}, "ask is options or registration: 'gì'"),
        ({"ask": "registration"}, "a registration is somebody's: user is missing"),
        ({"domain": "a b"}, "domain cannot stand in a SIP address: 'a b'"),
        ({"password": "x"}, "a password needs a username"),
        ({"line": "maybe"}, "line is yes or no: 'maybe'"),
        ({"transport": "tls", "ca": "/nowhere.pem"}, "No such file or directory"),
    ],
)
async def test_options_that_cannot_be_meant_send_nothing_and_say_which(options, detail):
    async with opened(a_sip_probe()) as probe:
        answer = await look(probe, "127.0.0.1", 5060, options=options)
        assert probe.statistics().sent == 0
    assert (answer.outcome, answer.detail) == (Outcome.ERROR, f"not sent: {detail}")


async def test_over_ipv6_addresses_stand_in_brackets():
    try:
        listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with listening:
        async with opened(a_sip_probe()) as probe:
            port = listening.getsockname()[1]
            await look(probe, "::1", port, options={"transport": "tcp", "user": "1"}, timeout=0.2)
        accepted, _ = listening.accept()
        with accepted:
            asked = parse_sip(accepted.recv(4096))
    assert asked.uri == f"sip:1@[::1]:{port}"
    assert asked.via.host == "[::1]"


async def test_closing_ends_looks_over_streams_as_an_error_of_ours(exchange):
    port, options = over("tcp", exchange, user="mute")
    probe: SipProbe = a_sip_probe()
    await probe.open()
    waiting = asyncio.create_task(look(probe, "127.0.0.1", port, options=options, timeout=30))
    async with asyncio.timeout(60):
        while probe.statistics().sent == 0:
            await asyncio.sleep(0.005)
    await probe.close()
    answer = await waiting
    assert (answer.outcome, answer.detail) == (Outcome.ERROR, "closed")


async def test_sipsak_agrees_over_tcp_too(exchange):
    needs_program("sipsak")
    port, options = over("tcp", exchange)
    command = [shutil.which("sipsak"), "-E", "tcp", "-s", f"sip:127.0.0.1:{port}"]
    oracle = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
    async with opened(a_sip_probe()) as probe:
        answer = await look(probe, "127.0.0.1", port, options=options)
    assert (oracle.returncode == 0, answer.outcome) == (True, Outcome.OK)


def test_a_certificate_of_a_test_is_whole(tmp_path):
    certificate, key = a_certificate(tmp_path)
    assert certificate.read_text().startswith("-----BEGIN CERTIFICATE")
    assert "PRIVATE KEY" in key.read_text()

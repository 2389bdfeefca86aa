"""Test calls against phones and exchanges that nobody here wrote: SIPp's scenarios, baresip; and by hand."""

import asyncio
import datetime as dt
import math
import socket
import time

import pytest

from probes.models import Evidence, Measure, Outcome, Request
from probes.sip_call import NOT_A_TEST_LINE
from probes.sip_message import SipRequest, parse_sip
from tests.support.looks import look, opened
from tests.support.servers import free_port
from tests.support.telephony import a_call_probe, baresip, sipp, sipp_messages, sipp_says

TEST_LINE = {"test_line": "yes", "user": "02993820001"}
INVITED = ' <recv request="INVITE"/>'
ACKNOWLEDGED = ' <recv request="ACK"/>'
HUNG_UP = ' <recv request="BYE"/>\n' + sipp_says("200 OK", tag="")
CANCELLED = ' <recv request="CANCEL"/>'


def pause(milliseconds):
    return f' <pause milliseconds="{milliseconds}"/>'


async def play(directory, steps, *, options=None, timeout=5.0, sipp_options=()):
    """Call a SIPp scenario; answer the look, and what SIPp sent and received. SIPp must have been content."""
    port = free_port(socket.SOCK_DGRAM)
    with sipp(directory, "\n".join(steps), port=port, options=sipp_options) as server:
        async with opened(a_call_probe()) as probe:
            given = {**TEST_LINE, "listen_seconds": "0", **(options or {})}
            answer = await look(probe, "127.0.0.1", port, options=given, timeout=timeout)
            content = await asyncio.to_thread(server.wait, 20)
        assert content == 0, (directory / "sipp.log").read_text()[-1500:]
    return answer, sipp_messages(directory / "messages.log")


def sent_by_us(messages):
    return [message.split()[1] for message in messages if message.startswith("<")]


async def test_a_line_that_rings_slowly_and_answers_is_hung_up_and_its_delay_is_known(tmp_path):
    steps = [
        INVITED, sipp_says("100 Trying"), pause(400), sipp_says("180 Ringing"), pause(300),
        sipp_says("200 OK", again=True), ACKNOWLEDGED, HUNG_UP,
    ]  # fmt: skip
    answer, messages = await play(tmp_path, steps)
    assert (answer.outcome, answer.code, answer.evidence) == (Outcome.OK, 200, Evidence.CALL_ANSWERED)
    assert 0.38 <= answer.measures[Measure.POST_DIAL_SECONDS] < 2
    assert 0 < answer.rtt < 0.38  # of the 100, not of whoever lifted the receiver
    assert sent_by_us(messages) == ["INVITE", "ACK", "BYE"]


async def test_early_media_is_noted(tmp_path):
    steps = [
        INVITED, sipp_says("183 Session Progress", media=6000), pause(100),
        sipp_says("200 OK", media=6000, again=True), ACKNOWLEDGED, HUNG_UP,
    ]  # fmt: skip
    answer, _ = await play(tmp_path, steps)
    assert (answer.outcome, answer.detail) == (Outcome.OK, "early media")


@pytest.mark.parametrize(
    ("status", "outcome", "evidence"),
    [
        ("486 Busy Here", Outcome.OK, Evidence.LINE_TESTED),
        ("603 Decline", Outcome.MISMATCH, Evidence.PROTOCOL),
        ("404 Not Found", Outcome.MISMATCH, Evidence.PROTOCOL),
        ("302 Moved Temporarily", Outcome.MISMATCH, Evidence.PROTOCOL),
        ("503 Service Unavailable", Outcome.OVERLOADED, Evidence.NONE),
        ("408 Request Timeout", Outcome.TIMEOUT, Evidence.NONE),
    ],
)
async def test_a_refusal_is_acknowledged_and_never_followed_elsewhere(tmp_path, status, outcome, evidence):
    moved = "Contact: <sip:113@127.0.0.1:9>\n" if status.startswith("3") else ""
    answer, messages = await play(
        tmp_path, [INVITED, sipp_says(status, extra=moved, again=True), ACKNOWLEDGED]
    )
    assert (answer.outcome, answer.code, answer.evidence) == (outcome, int(status[:3]), evidence)
    assert answer.detail == status
    assert sent_by_us(messages) == ["INVITE", "ACK"]


async def test_a_line_that_rings_and_rings_is_cancelled_at_the_timeout(tmp_path):
    steps = [
        INVITED, sipp_says("180 Ringing"), CANCELLED, sipp_says("200 OK"),
        sipp_says("487 Request Terminated", cseq="CSeq: 1 INVITE", again=True), ACKNOWLEDGED,
    ]  # fmt: skip
    began = time.monotonic()
    answer, messages = await play(tmp_path, steps, timeout=0.6)
    assert (answer.outcome, answer.code, answer.detail) == (Outcome.TIMEOUT, 180, "rang, not answered")
    assert Measure.POST_DIAL_SECONDS in answer.measures
    assert time.monotonic() - began < 5
    assert sent_by_us(messages) == ["INVITE", "CANCEL", "ACK"]


async def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up(tmp_path):
    steps = [
        INVITED, sipp_says("180 Ringing"), CANCELLED, sipp_says("481 Call Leg Does Not Exist"),
        sipp_says("200 OK", cseq="CSeq: 1 INVITE", again=True), ACKNOWLEDGED, HUNG_UP,
    ]  # fmt: skip
    answer, messages = await play(tmp_path, steps, timeout=0.5)
    assert answer.outcome is Outcome.TIMEOUT
    assert sent_by_us(messages) == ["INVITE", "CANCEL", "ACK", "BYE"]


async def test_a_line_silent_until_after_the_timeout_is_cancelled_as_soon_as_it_rings(tmp_path):
    steps = [
        INVITED, pause(900), sipp_says("180 Ringing"), CANCELLED, sipp_says("200 OK"),
        sipp_says("487 Request Terminated", cseq="CSeq: 1 INVITE", again=True), ACKNOWLEDGED,
    ]  # fmt: skip
    answer, messages = await play(tmp_path, steps, timeout=0.3)
    assert (answer.outcome, answer.code, answer.detail) == (Outcome.TIMEOUT, 0, "no answer")
    assert sent_by_us(messages) == ["INVITE", "CANCEL", "ACK"]  # and no second INVITE after giving up


async def test_a_line_that_hangs_up_first_is_granted_it(tmp_path):
    # SIPp has no keyword for "the caller's From as a To": an action remembers it.
    invited = (
        ' <recv request="INVITE"><action><ereg regexp="&lt;.*" search_in="hdr" header="From:" assign_to="1"/>'
        "</action></recv>"
    )
    bye = (
        ' <send retrans="500"><![CDATA[\n\nBYE sip:thongsuot@[remote_ip]:[remote_port] SIP/2.0\n'
        "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\nMax-Forwards: 70\n"
        "From: <sip:02993820001@[local_ip]:[local_port]>;tag=[pid]S[call_number]\nTo: [$1]\n[last_Call-ID:]\n"
        'CSeq: 7 BYE\nContent-Length: 0\n\n]]></send>\n <recv response="200"/>'
    )
    steps = [invited, sipp_says("200 OK", again=True), ACKNOWLEDGED, bye]
    answer, messages = await play(tmp_path, steps, options={"listen_seconds": "5", "media": "no"})
    assert (answer.outcome, answer.detail) == (Outcome.OK, "hung up by them")
    assert sent_by_us(messages) == ["INVITE", "ACK", "SIP/2.0"]


@pytest.mark.parametrize(("password", "outcome"), [("mat khau", Outcome.OK), ("sai", Outcome.MISMATCH)])
async def test_a_gateway_that_asks_who_we_are_is_told(tmp_path, password, outcome):
    challenge = 'WWW-Authenticate: Digest realm="cong.vn", nonce="abc123", algorithm=MD5\n'
    checked = (
        ' <recv request="INVITE"><action><verifyauth assign_to="1" username="soctrang" password="mat khau"/>'
        "</action></recv>\n"
        ' <nop test="1" next="known"/>'
    )
    steps = [
        INVITED,
        sipp_says("401 Unauthorized", extra=challenge, again=True),
        ACKNOWLEDGED,
        checked,
        sipp_says("403 Forbidden", again=True),
        ACKNOWLEDGED,
        ' <nop next="end"/>\n <label id="known"/>',
        sipp_says("200 OK", again=True),
        ACKNOWLEDGED,
        HUNG_UP,
        ' <label id="end"/>',
    ]
    given = {"username": "soctrang", "password": password}
    answer, messages = await play(tmp_path, steps, options=given)
    assert (answer.outcome, answer.code) == (outcome, 200 if outcome is Outcome.OK else 403)
    ended = ["BYE"] if outcome is Outcome.OK else []
    assert sent_by_us(messages) == ["INVITE", "ACK", "INVITE", "ACK", *ended]


async def test_an_echo_line_gives_loss_jitter_delay_and_a_score(tmp_path):
    media = free_port(socket.SOCK_DGRAM)
    steps = [INVITED, sipp_says("200 OK", media=media, again=True), ACKNOWLEDGED, HUNG_UP]
    answer, _ = await play(
        tmp_path, steps, options={"listen_seconds": "1"}, sipp_options=("-rtp_echo", "-mp", str(media))
    )
    assert (answer.outcome, answer.detail) == (Outcome.OK, "")
    assert answer.measures[Measure.LOSS_RATIO] == 0
    assert 0 < answer.measures[Measure.ONE_WAY_SECONDS] < 0.1
    assert answer.measures[Measure.JITTER_SECONDS] < 0.05
    assert 3.5 < answer.measures[Measure.MOS] < 4.5


async def test_a_line_that_answers_and_stays_silent_is_no_good_line(tmp_path):
    steps = [
        INVITED,
        sipp_says("200 OK", media=free_port(socket.SOCK_DGRAM), again=True),
        ACKNOWLEDGED,
        HUNG_UP,
    ]
    answer, _ = await play(tmp_path, steps, options={"listen_seconds": "0.3"})
    assert (answer.outcome, answer.detail) == (Outcome.MISMATCH, "answered, but silent")
    assert answer.evidence is Evidence.CALL_ANSWERED
    assert Measure.MOS not in answer.measures


async def test_baresip_answers_and_is_heard(tmp_path):
    port, media = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM) & ~1
    with baresip(tmp_path, port=port, media=media):
        async with opened(a_call_probe()) as probe:
            options = {"test_line": "yes", "user": "test", "listen_seconds": "1.5"}
            answer = await look(probe, "127.0.0.1", port, options=options, timeout=5)
            nobody = await look(probe, "127.0.0.1", port, options={**options, "user": "ai"}, timeout=5)
    assert (answer.outcome, answer.evidence) == (Outcome.OK, Evidence.CALL_ANSWERED)
    assert answer.measures[Measure.LOSS_RATIO] == 0
    assert 0 <= answer.measures[Measure.JITTER_SECONDS] < 0.1
    assert 1 < answer.measures[Measure.MOS] < 4.5  # how well depends on how busy this machine is
    assert Measure.ONE_WAY_SECONDS not in answer.measures  # it does not echo: its delay is not known
    assert (nobody.outcome, nobody.code) == (Outcome.MISMATCH, 404)


@pytest.mark.parametrize(
    "options", [{}, {"test_line": "no"}, {"test_line": ""}, {"test_line": "YES"}, {"test-line": "yes"}]
)
async def test_a_number_that_is_not_marked_is_never_called(options):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.setblocking(False)
        async with opened(a_call_probe()) as probe:
            port = line.getsockname()[1]
            answer = await look(probe, "127.0.0.1", port, options={"user": "113", **options}, timeout=0.2)
            assert probe.statistics().begun == 0
        assert (answer.outcome, answer.detail) == (Outcome.ERROR, NOT_A_TEST_LINE)
        with pytest.raises(BlockingIOError):
            line.recv(1)


async def test_a_gateway_is_called_once_a_minute_whatever_asks():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(5)
        port = line.getsockname()[1]
        async with opened(a_call_probe(interval=60)) as probe:
            answers = [
                await look(probe, "127.0.0.1", port, options={**TEST_LINE, "user": user}, timeout=0.05)
                for user in ("1", "2", "3")
            ]
        assert [answer.detail for answer in answers] == ["no answer", "rate-capped", "rate-capped"]
        line.setblocking(False)
        heard = [line.recv(4096) for _ in range(3)]
        with pytest.raises(BlockingIOError):
            line.recv(1)
    assert heard[0].startswith(b"INVITE sip:1@")
    assert all(asked.startswith(b"OPTIONS sip:127.0.0.1:") for asked in heard[1:])


async def test_a_gateway_that_falls_silent_between_two_calls_is_a_failure_of_its_lines(tmp_path):
    port = free_port(socket.SOCK_DGRAM)
    async with opened(a_call_probe(interval=60)) as probe:
        with baresip(tmp_path, port=port, media=free_port(socket.SOCK_DGRAM)):
            called = await look(probe, "127.0.0.1", port, options={**TEST_LINE, "user": "test"}, timeout=5)
            async with asyncio.timeout(60):
                while (
                    capped := await look(probe, "127.0.0.1", port, options=TEST_LINE, timeout=1)
                ).detail != "rate-capped":
                    await asyncio.sleep(0.05)
        gone = await look(probe, "127.0.0.1", port, options=TEST_LINE, timeout=0.5)
    assert called.outcome is Outcome.OK, called.detail
    assert (capped.outcome, capped.evidence) == (
        Outcome.ERROR,
        Evidence.NONE,
    )  # it lives: that proves no line
    assert (gone.outcome, gone.detail) == (Outcome.REFUSED, "gateway: ECONNREFUSED")
    assert math.isnan(gone.rtt)


async def test_a_gateway_that_never_answered_options_is_not_dead_for_its_silence():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        async with opened(a_call_probe(interval=60)) as probe:
            answers = [
                await look(probe, "127.0.0.1", line.getsockname()[1], options=TEST_LINE, timeout=0.1)
                for _ in range(3)
            ]
    assert [answer.outcome for answer in answers] == [Outcome.TIMEOUT, Outcome.ERROR, Outcome.ERROR]


async def test_outside_its_hours_a_line_is_left_alone():
    night = dt.datetime(2026, 3, 15, 15, 30, tzinfo=dt.UTC)  # 22:30 in the province
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.setblocking(False)
        async with opened(a_call_probe(at=night)) as probe:
            answer = await look(
                probe, "127.0.0.1", line.getsockname()[1], options={**TEST_LINE, "hours": "07:00-21:00"}
            )
        assert (answer.outcome, answer.detail) == (Outcome.ERROR, "outside-hours")
        with pytest.raises(BlockingIOError):
            line.recv(1)


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        ({"user": "a b"}, "user cannot stand in a SIP address: 'a b'"),
        ({"hours": "sáng"}, "hours are written 07:00-21:00: 'sáng'"),
        ({"listen_seconds": "600"}, "listen_seconds is 0 to 60: '600'"),
        ({"listen_seconds": "lâu"}, "listen_seconds is a number: 'lâu'"),
        ({"codec": "g729"}, "codec is plain or concealed: 'g729'"),
        ({"media": "x"}, "media is yes or no: 'x'"),
        ({"domain": "a b"}, "domain cannot stand in a SIP address: 'a b'"),
    ],
)
async def test_options_that_cannot_be_meant_call_nobody_and_say_which(options, detail):
    async with opened(a_call_probe()) as probe:
        answer = await look(probe, "127.0.0.1", 5060, options={**TEST_LINE, **options})
        assert probe.statistics().begun == 0
    assert (answer.outcome, answer.detail) == (Outcome.ERROR, f"not sent: {detail}")


async def test_a_gateway_that_nobody_holds_refuses_at_once():
    async with opened(a_call_probe()) as probe:
        answer = await look(probe, "127.0.0.1", free_port(socket.SOCK_DGRAM), options=TEST_LINE, timeout=5)
        assert probe.statistics().open == 0
    assert (answer.outcome, answer.detail) == (Outcome.REFUSED, "ECONNREFUSED")
    assert math.isnan(answer.rtt)


async def test_closing_hangs_up_and_ends_the_look_as_an_error_of_ours():
    received = []

    class Line(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, source):
            message = parse_sip(data)
            received.append(message.method)
            if message.method == "INVITE":
                copied = [item for item in message.headers if item[0] in {"via", "from", "call-id", "cseq"}]
                lines = [f"{name}: {value}" for name, value in copied]
                said = "\r\n".join(["SIP/2.0 200 OK", *lines, f"To: {message.header('to')};tag=x", "", ""])
                self.transport.sendto(said.encode(), source)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Line, local_addr=("127.0.0.1", 0))
    probe = a_call_probe()
    await probe.open()
    port = transport.get_extra_info("sockname")[1]
    ended = []
    options = {**TEST_LINE, "listen_seconds": "30"}
    probe.begin(Request(0, "127.0.0.1", port, options, 30.0), lambda _, answer: ended.append(answer))
    async with asyncio.timeout(60):
        while probe.statistics().answered == 0:
            await asyncio.sleep(0.005)
    await probe.close()
    async with asyncio.timeout(60):
        while "BYE" not in received:
            await asyncio.sleep(0.005)
    transport.close()
    assert [(answer.outcome, answer.detail) for answer in ended] == [(Outcome.ERROR, "closed")]
    assert received == ["INVITE", "ACK", "BYE"]


async def test_a_stranger_who_calls_us_is_not_answered():
    async with opened(a_call_probe()) as probe:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.1", 0))
            stranger.setblocking(False)
            port = probe._datagrams._by_family[socket.AF_INET].getsockname()[1]
            call = SipRequest((("Call-ID", "x"), ("CSeq", "1 INVITE")), b"", "INVITE", "sip:us@127.0.0.1")
            stranger.sendto(call.encode(), ("127.0.0.1", port))
            stranger.sendto(b"\0", ("127.0.0.1", port))
            async with asyncio.timeout(60):
                while probe.statistics().foreign + probe.statistics().malformed < 2:
                    await asyncio.sleep(0.005)
            with pytest.raises(BlockingIOError):
                stranger.recv(1)

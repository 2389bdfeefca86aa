"""STAMP from end to end on loopback, with losses and delays in each direction that are known exactly."""

import asyncio
import ipaddress
import math
import socket
import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.models import Evidence, Measure, Outcome, Request
from probes.stamp_packet import ReflectedPacket, SenderPacket, ntp_of, parse_reflected, parse_sender
from probes.stamp_session import StampSession
from tests.support.looks import look, looks, opened
from tests.support.measuring import a_reflector, a_relay, a_stamp_probe
from tests.support.servers import free_port

BRISK = {"count": "20", "interval_ms": "5"}


async def measured(port, *, timeout=0.5, clock_error=None, **options):
    async with opened(a_stamp_probe(clock_error=clock_error)) as probe:
        return await look(probe, "127.0.0.1", port, options={**BRISK, **options}, timeout=timeout)


async def test_a_whole_path_loses_nothing_and_sounds_like_a_telephone():
    async with a_reflector() as (reflector, port):
        answer = await measured(port)
        assert reflector.statistics().reflected == 20
    assert (answer.outcome, answer.evidence, answer.detail) == (Outcome.OK, Evidence.PROTOCOL, "")
    figures = answer.measures
    assert (
        figures[Measure.LOSS_RATIO]
        == figures[Measure.LOSS_OUT_RATIO]
        == figures[Measure.LOSS_BACK_RATIO]
        == 0
    )
    assert 0 < answer.rtt < 0.1
    assert 3.5 < figures[Measure.MOS] < 4.5
    assert Measure.ONE_WAY_SECONDS not in figures  # nobody declared a clock


@pytest.mark.parametrize(("out", "back"), [(0, 0), (1, 0), (0, 1), (3, 2), (10, 5), (0, 19), (19, 0)])
async def test_k_of_n_lost_in_each_direction_reads_exactly(out, back):
    # the last packet is spared: after it nobody could know in which direction the rest was lost
    def but_the_last(lost, of):
        return lambda number: None if number < lost and number < of - 1 else 0.0

    async with (
        a_reflector() as (_, port),
        a_relay(port, out=but_the_last(out, 20), back=but_the_last(back, 20 - out)) as relay,
    ):
        answer = await measured(relay, timeout=0.3)
    came = 20 - out - back
    assert answer.measures[Measure.LOSS_RATIO] == pytest.approx((out + back) / 20)
    assert answer.measures[Measure.LOSS_OUT_RATIO] == pytest.approx(out / 20)
    assert answer.measures[Measure.LOSS_BACK_RATIO] == pytest.approx(back / (20 - out))
    assert answer.detail == (f"{20 - came} of 20 lost" if came < 20 else "")


async def test_delay_is_felt_in_the_direction_that_has_it_where_both_clocks_are_declared():
    async with a_reflector(clock_error=0.001) as (_, port), a_relay(port, out=lambda _: 0.05) as relay:
        answer = await measured(relay, clock_error=0.001)
    assert answer.measures[Measure.ONE_WAY_SECONDS] == pytest.approx(0.05, abs=0.045)
    assert answer.rtt == pytest.approx(0.05, abs=0.045)


@pytest.mark.parametrize(("ours", "theirs"), [(None, 0.001), (0.001, None)])
async def test_one_declared_clock_is_no_common_time(ours, theirs):
    async with a_reflector(clock_error=theirs) as (_, port):
        answer = await measured(port, clock_error=ours)
    assert Measure.ONE_WAY_SECONDS not in answer.measures


async def test_jitter_is_felt_in_the_direction_that_has_it():
    rng = Random(5)
    async with a_reflector() as (_, port), a_relay(port, back=lambda _: rng.choice([0.0, 0.02])) as relay:
        answer = await measured(relay, count="60")
    assert answer.measures[Measure.JITTER_BACK_SECONDS] > 0.005
    assert answer.measures[Measure.JITTER_OUT_SECONDS] < answer.measures[Measure.JITTER_BACK_SECONDS]


async def test_loss_is_heard():
    async with a_reflector() as (_, port), a_relay(port, out=lambda n: None if n % 5 == 1 else 0.0) as relay:
        answer = await measured(relay)
    assert answer.measures[Measure.MOS] < 2


async def test_nothing_back_is_a_timeout_without_a_duration():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        answer = await measured(mute.getsockname()[1], timeout=0.2)
    assert (answer.outcome, answer.detail) == (Outcome.TIMEOUT, "none of 20 came back")
    assert math.isnan(answer.rtt)
    assert answer.measures == {}


async def test_a_port_that_nobody_holds_refuses_at_once():
    began = time.monotonic()
    answer = await measured(free_port(socket.SOCK_DGRAM), timeout=5, count="500")
    assert (answer.outcome, answer.detail) == (Outcome.REFUSED, "ECONNREFUSED")
    assert time.monotonic() - began < 1


async def test_packets_go_out_at_voices_pace_and_class_and_size_and_are_returned_in_theirs():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        came = []

        def receive():
            listening.settimeout(2)
            while len(came) < 10:
                data, notes, _, _ = listening.recvmsg(2048, 256)
                came.append((time.monotonic(), len(data), notes[0][2][0]))

        receiving = asyncio.create_task(asyncio.to_thread(receive))
        await measured(listening.getsockname()[1], count="10", interval_ms="20", timeout=0.1)
        await receiving
    assert {size for _, size, _ in came} == {172}
    assert {tos for _, _, tos in came} == {46 << 2}
    assert 0.15 < came[-1][0] - came[0][0] < 2


async def test_the_reflector_answers_in_the_class_that_it_was_asked_in():
    async with a_reflector() as (_, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 46 << 2)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 33)
            sender.settimeout(5)
            sender.sendto(SenderPacket(5, 6, 7, 8).encode(), ("127.0.0.1", port))
            data, notes, _, _ = await asyncio.to_thread(sender.recvmsg, 2048, 256)
    reply = parse_reflected(data)
    assert notes[0][2][0] == 46 << 2
    assert (reply.sequence, reply.session, reply.sender_sequence, reply.sender_timestamp) == (0, 8, 5, 6)
    assert (reply.sender_estimate, reply.sender_ttl) == (7, 33)


async def test_each_session_is_counted_from_nought():
    async with a_reflector() as (reflector, port), opened(a_stamp_probe()) as probe:
        for _ in range(3):
            answer = await look(probe, "127.0.0.1", port, options=BRISK, timeout=0.5)
            assert answer.measures[Measure.LOSS_OUT_RATIO] == 0
        assert reflector.statistics().sessions == 3


async def test_many_sessions_at_once_keep_to_themselves():
    async with a_reflector() as (_, port), opened(a_stamp_probe()) as probe:
        requests = [Request(n, "127.0.0.1", port, BRISK, 1.0) for n in range(30)]
        answers = await looks(probe, requests)
        statistics = probe.statistics()
    assert {answer.measures[Measure.LOSS_RATIO] for answer in answers} == {0.0}
    assert (statistics.sent, statistics.received, statistics.foreign, statistics.open) == (600, 600, 0, 0)


class Reflecting(asyncio.DatagramProtocol):
    """A reflector by hand: answers with the packets that a function makes of each one."""

    def __init__(self, replies):
        self.replies = replies

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, source):
        for reply in self.replies(parse_sender(data)):
            self.transport.sendto(reply, source)


async def by_hand(replies, *, clock_error=None, **options):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Reflecting(replies), local_addr=("127.0.0.1", 0)
    )
    try:
        async with opened(a_stamp_probe(clock_error=clock_error)) as probe:
            port = transport.get_extra_info("sockname")[1]
            answer = await look(probe, "127.0.0.1", port, options={**BRISK, **options}, timeout=0.3)
            return answer, probe.statistics()
    finally:
        transport.close()


def reply_to(packet, **changed):
    fields = {
        "sequence": packet.sequence, "timestamp": ntp_of(time.time_ns()), "estimate": 1, "session": packet.session,
        "received": ntp_of(time.time_ns()), "sender_sequence": packet.sequence, "sender_timestamp": packet.timestamp,
        "sender_estimate": packet.estimate, "sender_ttl": 64,
    }  # fmt: skip
    return ReflectedPacket(**{**fields, **changed}).encode()


def shifted(seconds):
    """A reflector whose clock, said to follow UTC, is ahead of ours."""

    def replies(packet):
        there = ntp_of(time.time_ns() + round(seconds * 1e9))
        return [reply_to(packet, estimate=0x8001, received=there, timestamp=there)]

    return replies


async def test_clocks_an_hour_apart_change_neither_round_trip_nor_jitter():
    answer, _ = await by_hand(shifted(3600))
    assert 0 < answer.rtt < 0.1
    assert answer.measures[Measure.JITTER_OUT_SECONDS] < 0.05
    assert answer.measures[Measure.JITTER_BACK_SECONDS] < 0.05


async def test_clocks_that_are_said_to_agree_and_do_not_measure_nothing():
    ahead, _ = await by_hand(shifted(0.5), clock_error=0.001)
    behind, _ = await by_hand(shifted(-0.5), clock_error=0.001)
    assert Measure.ONE_WAY_SECONDS not in ahead.measures  # longer than the whole round trip
    assert Measure.ONE_WAY_SECONDS not in behind.measures  # before it was sent


async def test_a_reflector_of_the_older_rfc_that_knows_no_sessions_is_understood():
    answer, _ = await by_hand(lambda packet: [reply_to(packet, session=0)], stateful="no")
    assert answer.outcome is Outcome.OK
    assert Measure.LOSS_OUT_RATIO not in answer.measures
    assert answer.measures[Measure.LOSS_RATIO] == 0


async def test_a_reflector_that_counts_on_from_earlier_sessions_is_understood():
    def replies(packet):
        return [] if packet.sequence == 7 else [reply_to(packet, sequence=1000 + packet.sequence)]

    answer, _ = await by_hand(replies)
    assert answer.measures[Measure.LOSS_OUT_RATIO] == 0
    assert answer.measures[Measure.LOSS_BACK_RATIO] == pytest.approx(1 / 20)


@pytest.mark.parametrize(
    "forge",
    [
        lambda packet: reply_to(packet, sender_timestamp=packet.timestamp + 1),
        lambda packet: reply_to(packet, sender_sequence=packet.sequence + 100),
        lambda packet: reply_to(packet, session=packet.session ^ 0x100),
    ],
    ids=["time", "number", "session"],
)
async def test_replies_to_what_was_never_sent_are_foreign(forge):
    answer, statistics = await by_hand(lambda packet: [forge(packet)])
    assert answer.outcome is Outcome.TIMEOUT
    assert statistics.foreign == 20


async def test_a_reply_from_another_port_is_foreign():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind(("127.0.0.1", 0))

        async with opened(a_stamp_probe()) as probe:
            own = probe._datagrams.own_end("127.0.0.1")

            def replies(packet):
                elsewhere.sendto(reply_to(packet), own)
                return []

            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(
                lambda: Reflecting(replies), local_addr=("127.0.0.1", 0)
            )
            port = transport.get_extra_info("sockname")[1]
            answer = await look(probe, "127.0.0.1", port, options=BRISK, timeout=0.2)
            transport.close()
            assert probe.statistics().foreign == 20
    assert answer.outcome is Outcome.TIMEOUT


async def test_doubled_and_short_replies_are_counted_apart():
    answer, statistics = await by_hand(lambda packet: [b"\0" * 43, reply_to(packet), reply_to(packet)])
    assert answer.measures[Measure.LOSS_RATIO] == 0
    assert statistics.malformed == 20
    assert statistics.duplicate >= 19  # what comes after the last reply belongs to nobody


async def test_a_busy_loop_is_no_loss():
    async with a_reflector() as (_, port), opened(a_stamp_probe()) as probe:
        waiting = asyncio.create_task(look(probe, "127.0.0.1", port, options=BRISK, timeout=0.05))
        async with asyncio.timeout(60):
            while probe.statistics().sent < 19:
                await asyncio.sleep(0)
        time.sleep(0.2)  # somebody else's fault: reflector and probe both stand still
        answer = await waiting
    assert answer.outcome is Outcome.OK


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        ({"count": "0"}, "count is a whole number of 1 to 3000: '0'"),
        ({"count": "một"}, "count is a whole number of 1 to 3000: 'một'"),
        ({"interval_ms": "1"}, "interval_ms is a whole number of 5 to 1000: '1'"),
        ({"count": "3000", "interval_ms": "1000"}, "count packets every interval_ms take more than 60 s"),
        ({"size": "45"}, "size is 44, or 48 and more"),
        ({"dscp": "64"}, "dscp is a whole number of 0 to 63: '64'"),
        ({"stateful": "x"}, "stateful is yes or no: 'x'"),
        ({"codec": "x"}, "codec is plain or concealed: 'x'"),
    ],
)
async def test_options_that_cannot_be_meant_send_nothing_and_say_which(options, detail):
    async with opened(a_stamp_probe()) as probe:
        answer = await look(probe, "127.0.0.1", 862, options=options)
        assert probe.statistics().sent == 0
    assert (answer.outcome, answer.detail) == (Outcome.ERROR, f"not sent: {detail}")


async def test_closing_ends_what_is_under_way_as_an_error_of_ours():
    probe = a_stamp_probe()
    await probe.open()
    ended = []
    probe.begin(Request(0, "127.0.0.1", 9, BRISK, 30.0), lambda _, answer: ended.append(answer.detail))
    await probe.close()
    assert ended == ["closed"]


async def test_the_reflector_refuses_strangers_short_packets_its_own_kind_and_floods():
    network = ipaddress.ip_network("127.0.0.2/32")
    async with a_reflector(allowed=[network]) as (reflector, port):
        assert (await measured(port, timeout=0.1)).outcome is Outcome.TIMEOUT
        assert reflector.statistics().refused == 20
    async with a_reflector(most_per_second=5) as (reflector, port):
        answer = await measured(port, timeout=0.1)
        assert answer.measures[Measure.LOSS_RATIO] == pytest.approx(15 / 20)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.bind(("127.0.0.3", port))  # as another reflector would
            sender.sendto(SenderPacket(0, 1, 2).encode(), ("127.0.0.1", port))
            async with asyncio.timeout(60):
                while reflector.statistics().refused == 0:
                    await asyncio.sleep(0.005)
            with pytest.raises(BlockingIOError):
                sender.recv(1)
    async with a_reflector() as (reflector, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"\0" * 43, ("127.0.0.1", port))
            async with asyncio.timeout(60):
                while reflector.statistics().malformed == 0:
                    await asyncio.sleep(0.005)
        assert reflector.statistics().reflected == 0


async def test_senders_that_are_gone_do_not_keep_the_reflector_busy():
    async with a_reflector() as (reflector, port):
        for _ in range(20):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(SenderPacket(0, 1, 2).encode(), ("127.0.0.1", port))
        assert (await measured(port)).measures[Measure.LOSS_RATIO] == 0
        assert reflector.statistics().receive_errors == 0


FATES = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@given(FATES)
def test_whatever_is_lost_where_the_count_is_true_up_to_the_last_reply(fates):
    session = StampSession(number=1, estimate=1, size=44)
    reflected, last = 0, -1
    came = reached = 0
    for number, (lost_out, lost_back) in enumerate(fates):
        sent = parse_sender(session.next(timestamp=number + 10, now=float(number)))
        if lost_out:
            continue
        if not lost_back:
            reply = ReflectedPacket(reflected, 12, 1, 1, 11, sent.sequence, sent.timestamp, 1, 64)
            assert session.take(reply, number + 0.01)
            last, came, reached = number, came + 1, reflected + 1
        reflected += 1
    result = session.result(is_stateful=True, buffer_seconds=0.06)
    assert (result.sent, result.received) == (len(fates), came)
    if last < 0:
        assert math.isnan(result.loss_out)
        return
    assert result.loss_out == pytest.approx(1 - reached / len(fates))
    assert result.loss_back == pytest.approx(1 - came / reached)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as trial:
            trial.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
async def test_over_ipv6_it_is_the_same():
    async with a_reflector(address="::1") as (_, port), opened(a_stamp_probe()) as probe:
        answer = await look(probe, "::1", port, options=BRISK, timeout=0.5)
    assert (answer.outcome, answer.measures[Measure.LOSS_RATIO]) == (Outcome.OK, 0)

"""What a listener makes of RTP: against tshark's own account, against the RFC, and against anything at all."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.rtp import RtpError, RtpListener, RtpPacket, parse_rtp
from tests.support.captures import rtp_streams, write_capture


def packet(number, *, first=0, ssrc=77, payload=b"x" * 160):
    return RtpPacket(8, (first + number) & 0xFFFF, (number * 160) & 0xFFFFFFFF, ssrc, payload)


def heard(numbers, *, first=0, at=lambda place: place * 0.02):
    listener = RtpListener()
    for place, number in enumerate(numbers):
        listener.take(packet(number, first=first), at(place))
    return listener.report(buffer_seconds=0.06)


@pytest.mark.parametrize("seed", range(4))
def test_loss_and_jitter_are_those_that_tshark_finds_in_the_same_capture(tmp_path, seed):
    rng = Random(seed)
    listener, datagrams, jitters = RtpListener(), [], []
    late = 0.0
    for number in range(400):
        if 0 < number < 399 and rng.random() < 0.1:
            continue
        late = max(0.0, late + rng.uniform(-0.004, 0.004))  # never so late that order changes
        at = round(1000 + number * 0.02 + late, 9)
        sent = packet(number, first=65_400)
        datagrams.append((at, 5000, 6000, sent.encode()))
        listener.take(parse_rtp(sent.encode()), at)
        jitters.append(listener.report(buffer_seconds=0.06).jitter * 1000)
    oracle = rtp_streams(write_capture(tmp_path / "rtp.pcap", datagrams), port=6000)
    report = listener.report(buffer_seconds=0.06)
    assert (report.received, report.expected - report.received) == (oracle["received"], oracle["lost"])
    assert max(jitters) == pytest.approx(oracle["max_jitter"], abs=0.002)
    assert sum(jitters) / len(jitters) == pytest.approx(oracle["mean_jitter"], rel=0.01)


def test_nothing_lost_is_a_loss_of_nothing_also_where_numbers_wrap():
    report = heard(range(500), first=65_300)
    assert (report.expected, report.received, report.loss_ratio, report.jitter) == (
        500,
        500,
        0.0,
        pytest.approx(0),
    )


@pytest.mark.parametrize("lost", [0, 1, 3, 10, 19])
def test_k_of_n_lost_reads_exactly(lost):
    # the first and the last frame the count: what is lost outside of them nobody can know
    numbers = [0, *range(1 + lost, 21)]
    report = heard(numbers)
    assert (report.expected, report.received) == (21, 21 - lost)
    assert report.loss_ratio == pytest.approx(lost / 21)


@given(st.sets(st.integers(0, 300), min_size=1), st.integers(0, 65_535), st.randoms(use_true_random=False))
def test_whatever_is_lost_doubled_or_out_of_order_is_counted_for_what_it_is(numbers, first, rng):
    order = sorted(numbers)
    for place in range(0, len(order) - 1, 3):
        if order[place + 1] - order[place] < 50:
            order[place], order[place + 1] = order[place + 1], order[place]
    doubled = [number for number in order if rng.random() < 0.2]
    report = heard([*order, *[n for n in doubled if max(order) - n < 90]], first=first)
    assert report.received == len(numbers)
    assert report.expected == max(numbers) - min(numbers) + 1
    assert report.duplicate == len([n for n in doubled if max(order) - n < 90])


def test_packets_out_of_order_are_counted_and_not_lost():
    report = heard([0, 1, 3, 2, 4, 6, 7, 5, 8])
    assert (report.reordered, report.received, report.expected) == (2, 9, 9)


def test_what_comes_before_the_first_widens_the_count():
    assert heard([2, 0, 1, 3]).expected == 4


def test_a_packet_later_than_the_buffer_is_lost_to_the_listener_only():
    report = heard(range(10), at=lambda place: place * 0.02 + (0.1 if place == 5 else 0.0))
    assert (report.received, report.late, report.loss_ratio) == (10, 1, 0.0)
    assert report.heard_loss_ratio == pytest.approx(0.1)


def test_a_source_that_begins_anew_is_followed_and_one_stray_packet_is_not():
    stray = heard([0, 1, 2, 30_000, 3, 4])
    assert (stray.received, stray.expected) == (5, 5)
    anew = heard([*range(10), *range(30_000, 30_010)])
    assert anew.expected == 10 + 9  # the first of the new ones only made it suspect (RFC 3550, A.1)
    assert anew.received == 19


def test_of_several_sources_the_one_that_sends_most_is_judged_and_sources_are_bounded():
    listener = RtpListener()
    for number in range(20):
        listener.take(packet(number, ssrc=1), number * 0.02)
    for stranger in range(2, 30):
        listener.take(packet(0, ssrc=stranger), 1.0)
    assert listener.report(buffer_seconds=0.06).received == 20
    assert listener.foreign == 25


def test_silence_is_no_loss():
    assert RtpListener().report(buffer_seconds=0.06).loss_ratio == 0.0


def test_extensions_contributors_and_padding_are_passed_over():
    plain = packet(7, payload=b"voice")
    raw = bytearray(plain.encode())
    raw[0] |= 0x20 | 0x10 | 0x02
    full = bytes(raw[:12]) + b"\0" * 8 + b"\xbe\xde\0\1" + b"ext!" + b"voice" + b"\0\0\3"
    assert parse_rtp(full) == plain


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\0",
        b"\x40" + b"\0" * 11,
        b"\x81" + b"\x08" + b"\0" * 10,
        b"\x90\x08" + b"\0" * 12,
        b"\xa0\x08" + b"\0" * 10,
        b"\xa0\x08" + b"\0" * 10 + b"\xff",
        b"\x80\xc8" + b"\0" * 20,
    ],
    ids=["empty", "short", "version", "contributors", "extension", "no padding", "padding", "rtcp"],
)
def test_what_is_no_rtp_is_refused(data):
    with pytest.raises(RtpError):
        parse_rtp(data)


@given(st.binary(max_size=80))
def test_no_bytes_whatever_break_the_decoder(data):
    try:
        found = parse_rtp(data)
    except RtpError:
        return
    assert 0 <= found.sequence < 65_536
    assert len(found.payload) <= len(data) - 12


@given(
    st.integers(0, 71),
    st.integers(0, 65_535),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=200),
    st.booleans(),
)
def test_what_is_written_is_read_back(kind, sequence, stamp, payload, marker):
    sent = RtpPacket(kind, sequence, stamp, stamp ^ 5, payload, marker=marker)
    assert parse_rtp(sent.encode()) == sent


@given(st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, 2**32 - 1), st.floats(0, 1e6)), max_size=50))
def test_no_numbers_whatever_break_the_count(packets):
    listener = RtpListener()
    for sequence, stamp, at in packets:
        listener.take(RtpPacket(0, sequence, stamp, 1, b""), at)
    report = listener.report(buffer_seconds=0.06)
    assert 0 <= report.received <= max(report.expected, 0)
    assert 0 <= report.loss_ratio <= 1
    assert report.jitter >= 0

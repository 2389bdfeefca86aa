"""STAMP's packets against tshark's reading of them, octets written out by the RFC, and anything at all."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.stamp_packet import (
    BASE_SIZE,
    ReflectedPacket,
    SenderPacket,
    StampPacketError,
    error_estimate,
    error_seconds,
    is_synchronised,
    nanoseconds_between,
    ntp_of,
    parse_reflected,
    parse_sender,
    reflected_tail,
)
from tests.support.captures import dissected, write_capture

U16, U32, U64 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
NOON = datetime(2026, 3, 15, 5, 0, 0, 250_000, tzinfo=UTC)
NOON_NS = int(NOON.timestamp() * 1e6) * 1000


def test_a_senders_packet_is_the_rfcs_figure_octet_by_octet():
    # RFC 8762, figure 2: number, 64-bit time, error estimate, then zeros; RFC 8972 has the session in their first two
    packet = SenderPacket(7, 0x0102030405060708, 0x8305, 0xBEEF)
    expected = bytes.fromhex("00000007 0102030405060708 8305 beef") + bytes(28)
    assert packet.encode() == expected
    assert len(expected) == BASE_SIZE


def test_a_reflected_packet_is_the_rfcs_figure_octet_by_octet():
    # RFC 8762, figure 5
    packet = ReflectedPacket(1, 2, 0x8101, 0xBEEF, 3, 4, 5, 0x0102, 64)
    assert packet.encode() == bytes.fromhex(
        "00000001 0000000000000002 8101 beef 0000000000000003 00000004 0000000000000005 0102 0000 40 000000"
    )


def test_tshark_reads_both_kinds_as_we_wrote_them(tmp_path):
    estimate = error_estimate(0.001, synchronised=True)
    sent = SenderPacket(41, ntp_of(NOON_NS), estimate)
    reply = ReflectedPacket(
        40,
        ntp_of(NOON_NS + 250_000_000),
        estimate,
        0,
        ntp_of(NOON_NS + 125_000_000),
        41,
        sent.timestamp,
        estimate,
        63,
    )
    file = write_capture(
        tmp_path / "stamp.pcap", [(1.0, 5000, 862, sent.encode()), (1.1, 862, 5000, reply.encode())]
    )
    out, back = (layers["twamp.test"] for layers in dissected(file, port=862, protocol="twamp.test"))
    assert int(out["twamp.test.seq_number"]) == 41
    assert "05:00:00.25" in out["twamp.test.timestamp"]
    assert int(back["twamp.test.seq_number"]) == 40
    assert int(back["twamp.test.sender_seq_number"]) == 41
    assert "05:00:00.375" in back["twamp.test.receive_timestamp"]
    assert "05:00:00.25" in back["twamp.test.sender_timestamp"]
    assert int(back["twamp.test.sender_ttl"]) == 63


def test_a_longer_packet_is_padded_as_rfc_8972_says_and_returned_as_long():
    data = SenderPacket(1, 2, 3, 4).encode(172)
    assert len(data) == 172
    assert data[44:48] == b"\x80\x01\x00\x7c"  # not yet recognised, extra padding, 124 octets
    assert reflected_tail(data)[:4] == b"\x00\x01\x00\x7c"
    assert len(reflected_tail(data)) == 128
    assert reflected_tail(SenderPacket(1, 2, 3).encode() + b"\0\0\0") == b"\0\0\0"


@given(U32, U64, U16, U16, st.sampled_from([44, 48, 49, 172, 1472]))
def test_what_a_sender_writes_is_read_back(sequence, timestamp, estimate, session, size):
    packet = SenderPacket(sequence, timestamp, estimate, session)
    assert parse_sender(packet.encode(size)) == packet
    assert len(packet.encode(size)) == size


@given(st.builds(ReflectedPacket, U32, U64, U16, U16, U64, U32, U64, U16, st.integers(0, 255)))
def test_what_a_reflector_writes_is_read_back(packet):
    assert parse_reflected(packet.encode()) == packet


@given(st.binary(max_size=120))
def test_no_bytes_whatever_break_the_decoders(data):
    for parse in (parse_sender, parse_reflected):
        try:
            parse(data)
        except StampPacketError:
            assert len(data) < BASE_SIZE
    assert len(reflected_tail(data)) == max(0, len(data) - BASE_SIZE)


@given(st.integers(0, 2**62), st.integers(-(10**15), 10**15))
def test_times_differ_by_what_they_differ_by_over_the_end_of_an_era_too(wall_ns, step):
    later = max(0, wall_ns + step)
    assert nanoseconds_between(ntp_of(wall_ns), ntp_of(later)) == pytest.approx(
        later - wall_ns, abs=2, rel=1e-9
    )


def test_the_era_ends_in_2036_and_nothing_happens():
    before = int(datetime(2036, 2, 7, 6, 28, 15, tzinfo=UTC).timestamp()) * 10**9
    assert ntp_of(before) >> 32 == 2**32 - 1
    assert ntp_of(before + 10**9) >> 32 == 0
    assert nanoseconds_between(ntp_of(before), ntp_of(before + 10**9)) == 1e9


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 1e-6, 0.001, 0.25, 1.0, 100.0])
def test_an_error_estimate_never_promises_more_than_is_known(seconds):
    estimate = error_estimate(seconds, synchronised=True)
    assert seconds <= error_seconds(estimate) <= seconds * 1.02 + 2**-32
    assert is_synchronised(estimate)
    assert not is_synchronised(error_estimate(seconds, synchronised=False))


@pytest.mark.parametrize("estimate", [0x8000, 0xC001, 0x0001])
def test_a_void_estimate_another_format_and_an_unset_clock_are_no_common_time(estimate):
    assert not is_synchronised(estimate)

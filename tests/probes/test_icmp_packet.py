"""Echo requests, replies and errors as bytes, against the RFCs and against chance."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.icmp_packet import ECHO_SIZE, WIDTH, EchoCodec, Family, checksum
from tests.fuzz import fuzz_icmp
from tests.fuzz.run import hurled
from tests.support.icmp import IDENTIFIER, NONCE, reply, requests, rfc1071

NUMBER = st.integers(0, 2**32 - 1)
FAMILY = st.sampled_from(Family)
RAW_V4, BARE_V4, V6 = (Family.V4, True), (Family.V4, False), (Family.V6, False)
ARRIVAL = st.sampled_from([RAW_V4, BARE_V4, V6])


def codec(arrival):
    family, has_ip_header = arrival
    return EchoCodec(family, nonce=NONCE, identifier=IDENTIFIER, has_ip_header=has_ip_header)


def ipv4(payload, *, options=b"", destination=bytes(4), protocol=1):
    header = bytearray(20) + options
    header[0] = 0x40 | len(header) // 4
    header[9] = protocol
    header[16:20] = destination
    return bytes(header) + payload


def ipv6(payload, *, destination=bytes(16), protocol=58):
    header = bytearray(40)
    header[0], header[6] = 0x60, protocol
    header[24:40] = destination
    return bytes(header) + payload


def arriving(arrival, message, **ip):
    return ipv4(message, **ip) if arrival == RAW_V4 else message


def read(arrival, *datagrams):
    rows = np.zeros((len(datagrams), WIDTH), np.uint8)
    for row, datagram in zip(rows, datagrams, strict=True):
        kept = datagram[:WIDTH]
        row[: len(kept)] = np.frombuffer(kept, np.uint8)
    return codec(arrival).read(rows, np.array([len(datagram) for datagram in datagrams], np.uint32))


def error(family, quoted, *, kind=0, code=1):
    return bytes([family.errors[kind], code, 0, 0, 0, 0, 0, 0]) + quoted


def test_the_example_of_rfc_1071_has_its_checksum():
    octets = np.array([[0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]], np.uint8)
    assert checksum(octets).tobytes() == bytes([0x22, 0x0D])


@given(st.lists(st.binary(min_size=24, max_size=24), min_size=1, max_size=8))
def test_the_checksum_of_any_bytes_is_the_one_of_rfc_1071(packets):
    rows = np.frombuffer(b"".join(packets), np.uint8).reshape(-1, 24)
    assert [word.tobytes() for word in checksum(rows)] == [rfc1071(one).to_bytes(2, "big") for one in packets]


@given(FAMILY, st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=20))
def test_a_request_has_a_checksum_that_verifies_and_the_looks_low_bits_as_sequence(family, looks):
    slot, look = zip(*looks, strict=True)
    for row, number in zip(requests(family, slot, look), look, strict=True):
        octets = bytes(row)
        assert rfc1071(octets) == 0
        assert octets[0] == family.request
        assert int.from_bytes(octets[4:6], "big") == IDENTIFIER
        assert int.from_bytes(octets[6:8], "big") == number % 65536


@given(ARRIVAL, st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=20))
def test_what_comes_back_names_the_slot_and_the_look_that_were_sent(arrival, looks):
    reading = read(arrival, *(arriving(arrival, reply(*one, arrival[0])) for one in looks))
    assert list(zip(reading.slot.tolist(), reading.look.tolist(), strict=True)) == looks
    assert (reading.truncated, reading.foreign, reading.quotes) == (0, 0, None)


@given(NUMBER, NUMBER, st.integers(1, 10))
def test_ip_options_before_a_reply_do_not_hide_it(slot, look, words):
    plain = ipv4(reply(slot, look))
    routed = ipv4(reply(slot, look), options=bytes([1]) * 4 * words)
    reading = read(RAW_V4, plain, routed, plain)
    assert reading.slot.tolist() == [slot] * 3
    assert reading.look.tolist() == [look] * 3


@given(ARRIVAL, NUMBER, NUMBER, st.integers(1, ECHO_SIZE - 1))
def test_a_reply_cut_short_anywhere_is_no_answer(arrival, slot, look, kept):
    whole = arriving(arrival, reply(slot, look, arrival[0]))
    reading = read(arrival, whole[: len(whole) - ECHO_SIZE + kept], whole)
    assert reading.row.tolist() == [1]
    assert (reading.truncated, reading.foreign) == (1, 0)


@given(ARRIVAL, NUMBER, NUMBER, st.integers(0, ECHO_SIZE * 8 - 1))
def test_one_flipped_bit_makes_a_reply_foreign_unless_nobody_reads_it(arrival, slot, look, bit):
    octets = bytearray(reply(slot, look, arrival[0]))
    octets[bit // 8] ^= 1 << bit % 8
    reading = read(arrival, arriving(arrival, bytes(octets)))
    in_checksum, in_slot, in_look_high = bit // 8 in {2, 3}, bit // 8 in range(16, 20), bit // 8 in {22, 23}
    if in_checksum:
        assert reading.row.tolist() == [0]
    elif in_slot or in_look_high:  # found out when the look is looked up: see the flight table
        assert (int(reading.slot[0]), int(reading.look[0])) != (slot, look)
    else:
        assert (len(reading.row), reading.foreign) == (0, 1)


@pytest.mark.parametrize("strange", [{"nonce": NONCE ^ 1}, {"identifier": IDENTIFIER + 1}])
def test_another_engines_reply_is_foreign(strange):
    reading = read(V6, reply(1, 2, Family.V6, **strange), reply(1, 2, Family.V6))
    assert (reading.row.tolist(), reading.foreign) == ([1], 1)


@given(NUMBER, NUMBER, st.binary(min_size=4, max_size=4), st.integers(0, 1), st.integers(0, 10))
def test_an_ipv4_error_that_quotes_enough_names_the_look_and_where_it_went(slot, look, address, kind, words):
    quoted = ipv4(
        bytes(requests(Family.V4, [slot], [look])[0]), options=bytes(4 * words), destination=address
    )
    quotes = read(RAW_V4, ipv4(error(Family.V4, quoted, kind=kind))).quotes
    assert (quotes.look.tolist(), quotes.known.tolist()) == ([look], [True])
    assert bytes(quotes.destination[0]) == address


@given(NUMBER, NUMBER, st.binary(min_size=16, max_size=16), st.integers(0, 1))
def test_an_ipv6_error_names_the_look_and_where_it_went(slot, look, address, kind):
    quoted = ipv6(bytes(requests(Family.V6, [slot], [look])[0]), destination=address)
    quotes = read(V6, error(Family.V6, quoted, kind=kind)).quotes
    assert (quotes.look.tolist(), quotes.known.tolist()) == ([look], [True])
    assert bytes(quotes.destination[0]) == address


@given(NUMBER, NUMBER, st.binary(min_size=4, max_size=4), st.integers(8, ECHO_SIZE - 1))
def test_an_error_that_quotes_eight_bytes_still_gives_sequence_and_destination(slot, look, address, kept):
    quoted = ipv4(bytes(requests(Family.V4, [slot], [look])[0])[:kept], destination=address)
    quotes = read(RAW_V4, ipv4(error(Family.V4, quoted))).quotes
    assert (quotes.sequence.tolist(), quotes.known.tolist()) == ([look % 65536], [False])
    assert bytes(quotes.destination[0]) == address


@pytest.mark.parametrize(
    "quoted",
    [
        ipv4(bytes(requests(Family.V4, [1], [2], nonce=NONCE ^ 1)[0])),
        ipv4(bytes(requests(Family.V4, [1], [2], identifier=7)[0])),
        ipv4(bytes(requests(Family.V4, [1], [2])[0]), protocol=17),
        ipv4(reply(1, 2)),
        ipv4(bytes(requests(Family.V4, [1], [2])[0]))[:27],
        b"",
    ],
    ids=["other nonce", "other identifier", "a UDP datagram", "a reply", "less than the RFC asks", "nothing"],
)
def test_an_error_about_somebody_elses_packet_is_foreign(quoted):
    reading = read(RAW_V4, ipv4(error(Family.V4, quoted)))
    assert reading.foreign == 1
    assert reading.quotes is None or not len(reading.quotes.row)


@given(ARRIVAL, st.lists(st.binary(max_size=200), min_size=1, max_size=30))
def test_any_bytes_at_all_are_read_and_counted_once(arrival, datagrams):
    reading = read(arrival, *datagrams)
    quoting = 0 if reading.quotes is None else len(reading.quotes.row)
    assert len(reading.row) + quoting + reading.truncated + reading.foreign == len(datagrams)


def test_thousands_of_mutilated_datagrams_are_sorted_out_without_a_crash():
    assert hurled(fuzz_icmp, rng=Random(792), count=4_000) == 4_000

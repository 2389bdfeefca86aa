"""Batches as bytes: nothing is changed on the way, and no bytes can do harm."""

import math
import zlib
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.bus_wire import MAX_PAYLOAD, WireError, decode, encode, frames, newest_ns, replayed
from probes.models import PHASES, Evidence, Flag, Look, Measure, Outcome, batch_of
from tests.fuzz import fuzz_bus_wire
from tests.fuzz.run import hurled

COLUMNS = ("target", "at_ns", "outcome", "rtt", "code", "evidence", "flags", "phases")

durations = st.one_of(st.just(math.nan), st.floats(0, 1e6, width=32))
looks = st.builds(
    Look,
    target=st.integers(0, 2**32 - 1),
    at_ns=st.integers(-(2**62), 2**62),
    outcome=st.sampled_from(Outcome),
    rtt=durations,
    code=st.integers(-(2**15), 2**15 - 1),
    evidence=st.sampled_from(Evidence),
    flags=st.integers(0, int(sum(Flag))).map(Flag),
    phases=st.one_of(st.just(()), st.lists(durations, min_size=1, max_size=len(PHASES))),
    detail=st.text(max_size=80).filter(lambda text: "\ud800" not in text),
    measures=st.dictionaries(st.sampled_from(Measure), st.floats(allow_nan=False), max_size=4),
)
batches = st.builds(
    batch_of,
    st.lists(looks, max_size=30),
    vantage=st.text(max_size=40),
    fleet=st.text(max_size=64),
    epoch=st.integers(0, 2**62),
    sequence=st.integers(0, 2**62),
    clock_age=st.one_of(st.just(math.nan), st.floats(0, 1e9)),
)


def a_batch(sequence=1, *, at_ns=5, rows=3):
    some = [
        Look(
            target=n, at_ns=at_ns + n, outcome=Outcome.TIMEOUT, detail="connect", measures={Measure.MOS: 4.1}
        )
        for n in range(rows)
    ]
    return batch_of(some, vantage="V1", fleet="digest", epoch=3, sequence=sequence)


def same(mine, theirs):
    for name in COLUMNS:
        left, right = getattr(mine, name), getattr(theirs, name)
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    for name in ("vantage", "fleet", "epoch", "sequence"):
        assert getattr(mine, name) == getattr(theirs, name)
    assert mine.clock_age == theirs.clock_age or (math.isnan(mine.clock_age) and math.isnan(theirs.clock_age))
    assert {row: dict(found) for row, found in mine.measures.items()} == theirs.measures
    assert dict(mine.details) == theirs.details


@given(batch=batches)
def test_a_batch_comes_back_as_it_was(batch):
    same(batch, decode(encode(batch)))


@given(several=st.lists(batches, max_size=4))
def test_frames_after_one_another_come_apart_as_they_were_put_together(several):
    body = b"".join(map(encode, several))
    for batch, frame in zip(several, frames(body), strict=True):
        same(batch, decode(frame))


def test_a_replayed_frame_marks_every_sample_and_changes_nothing_else():
    frame = encode(a_batch())
    again = decode(replayed(frame))
    assert (again.flags == Flag.REPLAYED).all()
    assert again.sequence == 1
    assert replayed(replayed(frame)) == replayed(frame)


def test_a_spool_reads_a_frame_s_age_from_its_header():
    assert newest_ns(encode(a_batch(at_ns=1_000, rows=4))) == 1_003
    assert newest_ns(encode(a_batch(rows=0))) == 0


def test_a_long_text_is_cut_between_letters():
    look = Look(target=0, at_ns=0, outcome=Outcome.ERROR, detail="đ" * 2_000)
    batch = batch_of([look], vantage="V", fleet="", epoch=0, sequence=0)
    assert decode(encode(batch)).details == {0: "đ" * 500}


def test_two_hundred_samples_take_few_bytes():
    rng = Random(1)
    some = [
        Look(target=n, at_ns=10**18 + n * 10**5, outcome=Outcome.OK, rtt=rng.random() / 10)
        for n in range(200)
    ]
    frame = encode(batch_of(some, vantage="V", fleet="f" * 64, epoch=1, sequence=1))
    assert len(frame) / 200 < 14


@pytest.mark.parametrize("cut", range(0, 80, 7))
def test_a_frame_cut_anywhere_is_refused(cut):
    frame = encode(a_batch())
    with pytest.raises(WireError):
        decode(frame[:cut])


def test_a_payload_that_inflates_to_more_than_it_says_is_refused_before_it_is_held():
    frame = bytearray(encode(a_batch()))
    bomb = zlib.compress(bytes(50_000_000))
    frame[8:12] = (1_000).to_bytes(4, "little")
    frame[12:16] = len(bomb).to_bytes(4, "little")
    with pytest.raises(WireError, match="length"):
        decode(bytes(frame[:24]) + bomb)


def test_a_payload_beyond_the_bound_is_refused_by_its_header():
    frame = bytearray(encode(a_batch()))
    frame[8:12] = (MAX_PAYLOAD + 1).to_bytes(4, "little")
    with pytest.raises(WireError, match="large"):
        decode(bytes(frame))


def with_payload(change):
    frame = encode(a_batch())
    payload = bytearray(zlib.decompress(frame[24:]))
    change(payload)
    packed = zlib.compress(bytes(payload))
    head = frame[:8] + len(payload).to_bytes(4, "little") + len(packed).to_bytes(4, "little") + frame[16:24]
    return head + packed


def test_a_value_that_does_not_exist_is_refused():
    first_column = 24 + 12 + 2 + 4 + len("V1") + len("digest")
    outcomes = first_column + 3 * 4 + 3 * 8
    with pytest.raises(WireError, match="outcome"):
        decode(with_payload(lambda payload: payload.__setitem__(outcomes, 99)))
    with pytest.raises(WireError, match="more payload"):
        decode(with_payload(lambda payload: payload.append(0)))


def test_a_figure_that_this_version_does_not_know_is_left_out():
    frame = with_payload(lambda payload: payload.__setitem__(payload.index(b"mos"), ord("x")))
    assert decode(frame).measures == {}


def test_twenty_thousand_mangled_frames_do_no_harm():
    assert hurled(fuzz_bus_wire, count=20_000, rng=Random(4)) == 20_000

"""Slots of five minutes, and when a link is congested: pure, from slots alone."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitor.congestion import Norm, Watch, silenced, slots_in, watched
from monitor.load import SLOT_NS, Direction, LoadMeter, Slot
from monitor.moments import SECOND, nanoseconds
from tests.support.monitoring import NOON

START = nanoseconds(NOON)
LINE = ("L-1", Direction.OUT)
NORM = Norm(0.8, 3)


def slots(*loads, first=0):
    """Slots on end from the ``first``; None is one that nobody measured."""
    numbered = enumerate(loads, start=first)
    return [Slot(START + n * SLOT_NS, *LINE, load=load) for n, load in numbered if load is not None]


def minutes(found):
    """From and to in minutes after noon, None for what lasts."""
    ends = None if found.ended_ns is None else (found.ended_ns - START) // (60 * SECOND)
    return (found.started_ns - START) // (60 * SECOND), ends


def after(*loads, norm=NORM):
    return watched({}, slots(*loads), norm)[LINE]


def test_a_slot_is_the_mean_of_what_was_measured_in_it():
    meter = LoadMeter()
    for second, load in ((0, 0.2), (60, 0.4), (299, 0.9)):
        meter.take("L-1", "t", Direction.IN, at_ns=START + second * SECOND, load=load)
    (slot,) = meter.ended(START + 400 * SECOND)
    assert (slot.start_ns, slot.link, slot.direction, round(slot.load, 9)) == (START, "L-1", "in", 0.5)


def test_of_both_ends_of_a_link_the_busiest_counts():
    meter = LoadMeter()
    meter.take("L-1", "east", Direction.IN, at_ns=START, load=0.3)
    meter.take("L-1", "west", Direction.IN, at_ns=START, load=0.7)
    assert [slot.load for slot in meter.ended(START + 2 * SLOT_NS)] == [0.7]


def test_a_slot_waits_for_what_comes_late_and_is_handed_out_once():
    meter = LoadMeter()
    meter.take("L-1", "t", Direction.IN, at_ns=START, load=0.3)
    assert meter.ended(START + SLOT_NS + 59 * SECOND) == []
    assert len(meter.ended(START + SLOT_NS + 60 * SECOND)) == 1
    assert meter.ended(START + 2 * SLOT_NS) == []


def test_what_was_measured_for_a_slot_that_is_gone_is_counted_and_changes_nothing():
    meter = LoadMeter()
    meter.ended(START + 2 * SLOT_NS)
    meter.take("L-1", "t", Direction.IN, at_ns=START, load=0.3)
    assert (meter.late, meter.ended(START + 9 * SLOT_NS)) == (1, [])


def test_a_clock_that_was_set_back_opens_no_slot_twice():
    meter = LoadMeter()
    meter.ended(START + 5 * SLOT_NS)
    meter.ended(START)
    meter.take("L-1", "t", Direction.IN, at_ns=START, load=0.3)
    assert meter.late == 1


def test_a_quarter_of_an_hour_over_the_norm_is_a_congestion_from_its_beginning():
    assert after(0.5, 0.8, 0.9).lasting is None
    watch = after(0.5, 0.8, 0.9, 0.85)
    assert minutes(watch.lasting) == (5, None)
    assert watch.lasting.peak == 0.9


def test_a_peak_of_ten_minutes_is_none():
    assert after(0.99, 0.99, 0.7, 0.99, 0.99, 0.7) == Watch()


def test_a_load_at_the_norm_itself_does_not_come_and_go():
    watch = after(0.81, 0.81, 0.81, 0.79, 0.81, 0.76, 0.8)
    assert (minutes(watch.lasting), watch.over) == ((0, None), ())


def test_it_ends_with_the_last_slot_before_one_that_is_clearly_under():
    watch = after(0.9, 0.9, 0.9, 0.9, 0.7)
    assert watch.lasting is None
    assert [minutes(each) for each in watch.over] == [(0, 20)]


def test_slots_that_nobody_measured_begin_and_end_nothing():
    assert after(0.9, 0.9, None, 0.9).lasting is None
    assert minutes(after(0.9, 0.9, 0.9, None, 0.9).lasting) == (0, None)


def test_after_half_an_hour_of_silence_it_ended_when_it_was_last_seen():
    watches = watched({}, slots(0.9, 0.9, 0.9), NORM)
    assert silenced(watches, START + (15 + 30) * 60 * SECOND) == {}
    (found,) = silenced(watches, START + (15 + 31) * 60 * SECOND)[LINE].over
    assert minutes(found) == (0, 15)


def test_a_policy_s_minutes_are_whole_slots_and_at_least_one():
    assert [slots_in(seconds) for seconds in (0, 60, 300, 301, 900)] == [1, 1, 1, 2, 3]


@given(st.lists(st.one_of(st.none(), st.floats(0, 1.2)), max_size=60), st.integers(1, 4))
def test_however_slots_are_handed_in_the_same_is_believed(loads, norm_after):
    norm = Norm(0.8, norm_after)
    whole = watched({}, slots(*loads), norm).get(LINE, Watch())
    watches, over = {}, []
    for slot in slots(*loads):
        watches |= watched(watches, [slot], norm)
        over += watches[LINE].over
    piecewise = watches.get(LINE, Watch())
    assert (piecewise.lasting, piecewise.run, tuple(over)) == (whole.lasting, whole.run, whole.over)


@given(st.lists(st.floats(0, 1.2), max_size=60))
def test_congestions_never_overlap_and_hold_no_slot_that_is_clearly_under(loads):
    watch = watched({}, slots(*loads), NORM).get(LINE, Watch())
    intervals = [minutes(each) for each in watch.over]
    assert all(since < until for since, until in intervals)
    assert all(before[1] <= after[0] for before, after in pairwise(intervals))
    for since, until in intervals:
        assert min(loads[since // 5 : until // 5]) >= 0.75
        assert min(loads[since // 5 : since // 5 + 3]) >= 0.8

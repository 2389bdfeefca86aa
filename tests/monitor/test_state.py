"""When failures mean down and answers mean up, whatever the order in which they arrive."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.models import LookPolicy
from monitor.models import ChangeReason, View
from monitor.moments import SECOND
from monitor.state import ViewPolicy, ViewRecord, grow_stale, observe
from probes.models import Flag, Look, Outcome

POLICY = ViewPolicy(down_after=3, up_after=2, apart_ns=SECOND // 10, stale_ns=30 * SECOND)
FAILURES = [Outcome.TIMEOUT, Outcome.REFUSED, Outcome.UNREACHABLE, Outcome.MISMATCH, Outcome.OVERLOADED]


def ok(at, flags=Flag.NONE):
    return Look(0, round(at * SECOND), Outcome.OK, flags=flags)


def bad(at, outcome=Outcome.TIMEOUT):
    return Look(0, round(at * SECOND), outcome)


def believed(*looks, policy=POLICY, record=None):
    record = ViewRecord() if record is None else record
    changes = []
    for look in looks:
        record, change = observe(record, look, policy)
        changes += [change] if change else []
    return record, [(change.new, change.at_ns / SECOND) for change in changes]


UP = believed(ok(1))[0]
DOWN = believed(ok(1), bad(10), bad(11), bad(12))[0]

CASES = {
    "one answer is enough to be up for the first time": ([ok(1)], [(View.UP, 1)]),
    "two failures are not down": ([ok(1), bad(2), bad(3)], [(View.UP, 1)]),
    "three failures are down since the first": (
        [ok(1), bad(2), bad(3), bad(4)],
        [(View.UP, 1), (View.DOWN, 2)],
    ),
    "an answer between failures begins the count anew": (
        [ok(1), bad(2), bad(3), ok(4), bad(5), bad(6)],
        [(View.UP, 1)],
    ),
    "one answer does not end an outage": ([bad(1), bad(2), bad(3), ok(4)], [(View.DOWN, 1)]),
    "two answers end it at the first of them": (
        [bad(1), bad(2), bad(3), ok(4), ok(5)],
        [(View.DOWN, 1), (View.UP, 4)],
    ),
    "a failure between answers keeps it down": (
        [bad(1), bad(2), bad(3), ok(4), bad(5), ok(6)],
        [(View.DOWN, 1)],
    ),
    "our own error says nothing": (
        [ok(1), bad(2), bad(3, Outcome.ERROR), bad(4, Outcome.ERROR), bad(5)],
        [(View.UP, 1)],
    ),
    "a late answer within its timeout is an answer": (
        [ok(1), bad(2), bad(3), ok(3.2, Flag.LATE), bad(3.4)],
        [(View.UP, 1)],
    ),
    "a confirming look may finish before the overdue one": (
        [ok(1), bad(2.4), bad(2.6), bad(2)],
        [(View.UP, 1), (View.DOWN, 2)],
    ),
    "an answer older than the failures does not clear them": (
        [ok(1), bad(3), bad(4), ok(2), bad(5)],
        [(View.UP, 1), (View.DOWN, 3)],
    ),
    "a failure older than the last answer turns nothing down": (
        [ok(10), bad(7), bad(8), bad(9)],
        [(View.UP, 10)],
    ),
    "an answer older than the last failure ends nothing": (
        [bad(10), bad(11), bad(12), ok(8), ok(9)],
        [(View.DOWN, 10)],
    ),
    "a burst of looks is one piece of evidence": ([ok(1), bad(2), bad(2.03), bad(2.06)], [(View.UP, 1)]),
    "overlapping confirming looks count each": (
        [ok(1), bad(2), bad(2.2), bad(2.4)],
        [(View.UP, 1), (View.DOWN, 2)],
    ),
}


@pytest.mark.parametrize(("looks", "changes"), CASES.values(), ids=CASES)
def test_views(looks, changes):
    assert believed(*looks)[1] == changes


@pytest.mark.parametrize("outcome", FAILURES)
def test_every_outcome_that_speaks_against_the_target_counts(outcome):
    assert believed(*(bad(n, outcome) for n in (2, 3, 4)), record=UP)[0].view is View.DOWN


@pytest.mark.parametrize("order", list(permutations([2.0, 2.2, 2.4])))
def test_three_failures_are_down_since_the_first_in_every_order(order):
    assert believed(*(bad(at) for at in order), record=UP)[1] == [(View.DOWN, 2.0)]


@pytest.mark.parametrize("order", list(permutations([2.0, 2.06, 2.12, 2.3])))
def test_a_run_is_counted_by_start_times_in_every_order(order):
    # 2.0, 2.12 and 2.3 are far enough apart; 2.06 is part of a burst.
    assert believed(*(bad(at) for at in order), record=UP)[1] == [(View.DOWN, 2.0)]


def test_the_first_result_is_told_from_a_recovery():
    assert observe(ViewRecord(), ok(1), POLICY)[1].reason is ChangeReason.FIRST_RESULT
    again = observe(observe(DOWN, ok(20), POLICY)[0], ok(21), POLICY)[1]
    assert again.reason is ChangeReason.ANSWERS_IN_A_ROW


def test_nothing_heard_is_unknown():
    record, change = grow_stale(UP, 31 * SECOND)
    assert (record.view, change.new, change.reason) == (View.UNKNOWN, View.UNKNOWN, ChangeReason.STALE)
    assert grow_stale(record, 32 * SECOND) == (record, None)


def test_a_failure_confirms_what_was_down_before_we_lost_sight_of_it():
    blind, _ = grow_stale(DOWN, 50 * SECOND)
    assert believed(bad(60), record=blind)[1] == [(View.DOWN, 60)]


def test_what_was_down_before_we_lost_sight_of_it_needs_two_answers():
    blind, _ = grow_stale(DOWN, 50 * SECOND)
    assert believed(ok(60), record=blind)[1] == []
    assert believed(ok(60), ok(61), record=blind)[1] == [(View.UP, 60)]


def test_what_was_up_before_we_lost_sight_of_it_needs_three_failures():
    blind, _ = grow_stale(UP, 31 * SECOND)
    assert believed(bad(60), bad(61), record=blind)[1] == []
    assert believed(ok(60), record=blind)[1] == [(View.UP, 60)]


def test_looks_apart_follow_a_fast_retry_cadence():
    assert ViewPolicy.of(LookPolicy(retry=0.05)).apart_ns == SECOND // 40
    assert ViewPolicy.of(LookPolicy(retry=1.0)).apart_ns == SECOND // 10


CLUMPY = ViewPolicy(down_after=6, up_after=2, apart_ns=SECOND // 10, down_m=4, down_n=6)

CLUMPED = {
    "four of the last six are down since the first of the four": (
        [ok(1), ok(2), bad(3), bad(4), ok(5), bad(6), bad(7)],
        [(View.UP, 1), (View.DOWN, 3)],
    ),
    "three of the last six are not": ([ok(1), bad(2), ok(3), ok(4), bad(5), ok(6), bad(8)], [(View.UP, 1)]),
    "a failure that has left the window is forgotten": (
        [bad(1), ok(2), bad(3), ok(4), bad(5), ok(6), ok(6.5), bad(7), ok(8), bad(9)],
        [(View.UP, 2)],
    ),
    "a burst of failures is one of the window": (
        [ok(1), bad(2), bad(2.03), bad(2.06), ok(3), bad(4), bad(5), ok(6)],
        [(View.UP, 1)],
    ),
    "an answer inside a burst makes it an answer": (
        [ok(1), bad(2), bad(3), ok(4), bad(5), ok(5.02), bad(6)],
        [(View.UP, 1)],
    ),
    "as many newest answers as mean up are never overruled": (
        [ok(1), bad(2), bad(3), bad(4), ok(5), ok(6), bad(4.5)],
        [(View.UP, 1)],
    ),
    "failures in a row still decide, whichever comes first": (
        [ok(1), *(bad(2 + n) for n in range(4))],
        [(View.UP, 1), (View.DOWN, 2)],
    ),
    "what was lost before it came back is not held against it": (
        [ok(1), bad(2), bad(3), ok(4), bad(5), bad(6), ok(7), ok(8), bad(9), bad(10), ok(11)],
        [(View.UP, 1), (View.DOWN, 2), (View.UP, 7)],
    ),
}


@pytest.mark.parametrize(("looks", "changes"), CLUMPED.values(), ids=CLUMPED)
def test_m_of_n(looks, changes):
    assert believed(*looks, policy=CLUMPY)[1] == changes


@pytest.mark.parametrize("order", list(permutations([3.0, 4.0, 6.0, 7.0])))
def test_four_of_six_are_down_since_the_first_in_every_order(order):
    up = believed(ok(1), ok(2), ok(5), policy=CLUMPY)[0]
    assert believed(*(bad(at) for at in order), policy=CLUMPY, record=up)[1] == [(View.DOWN, 3.0)]


def test_m_of_n_is_told_from_failures_in_a_row():
    looks = [ok(1), bad(2), ok(3), bad(4), bad(5)]
    change = observe(believed(*looks, policy=CLUMPY)[0], bad(6), CLUMPY)[1]
    assert change.reason is ChangeReason.FAILURES_IN_WINDOW


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 8), st.integers(0, 8), st.integers(1, 4))
def test_m_of_n_in_order_follows_the_rule_as_told(goods, down_m, more, up_after):
    """Nothing but the last n looks since it was last up decides, and the newest answers overrule it."""
    down_n = down_m + more
    policy = ViewPolicy(down_after=100, up_after=up_after, down_m=down_m, down_n=down_n)
    record, seen = ViewRecord(), []
    for number, good in enumerate(goods, 1):
        was, look = record, ok(number) if good else bad(number)
        record, change = observe(record, look, policy)
        seen.append(good)
        last = seen[-down_n:]
        enough = last.count(False) >= down_m and not good
        if was.view is not View.DOWN:
            assert (record.view is View.DOWN) == enough
        if change is not None and change.new is View.UP:
            seen = seen[-up_after:] if was.view is View.DOWN else [True]


def reference(looks, policy):
    """The rule as one would tell it, for looks in order and far apart."""
    view, run, since = View.UNKNOWN, [], None
    changes = []
    for look in looks:
        good = look.outcome is Outcome.OK
        run = [*run, look.at_ns] if since is good else [look.at_ns]
        since = good
        was_down = any(new is View.DOWN for new, _ in changes[-1:])
        needed = (policy.up_after if was_down else 1) if good else policy.down_after
        wanted = View.UP if good else View.DOWN
        if view is not wanted and len(run) >= needed:
            view = wanted
            changes.append((wanted, run[0] / SECOND))
    return view, changes


@given(
    st.lists(st.booleans(), max_size=60),
    st.integers(1, 5),
    st.integers(1, 4),
)
def test_looks_in_order_follow_the_rule_as_told(goods, down_after, up_after):
    policy = ViewPolicy(down_after=down_after, up_after=up_after)
    looks = [ok(n) if good else bad(n) for n, good in enumerate(goods, 1)]
    record, changes = believed(*looks, policy=policy)
    assert (record.view, changes) == reference(looks, policy)


@given(st.lists(st.tuples(st.integers(1, 200), st.booleans()), max_size=40, unique_by=lambda look: look[0]))
def test_a_look_taken_twice_changes_nothing(looks):
    taken = [ok(at / 2) if good else bad(at / 2) for at, good in looks]
    record, changes = believed(*taken)
    doubled, again = believed(*(each for look in taken for each in (look, look)))
    assert (doubled, again) == (record, changes)


@given(
    st.lists(st.tuples(st.integers(1, 100), st.booleans()), min_size=1, max_size=30, unique_by=lambda x: x[0])
)
def test_belief_never_contradicts_the_newest_looks(looks):
    """Down is never believed with ``up_after`` newest looks good, nor up with ``down_after`` newest failed."""
    record, _ = believed(*(ok(at) if good else bad(at) for at, good in looks))
    newest = [good for _, good in sorted(looks)]
    if all(newest[-POLICY.up_after :]) and len(newest) >= POLICY.up_after:
        assert record.view is View.UP
    if len(newest) >= POLICY.down_after and not any(newest[-POLICY.down_after :]):
        assert record.view is View.DOWN


@given(st.lists(st.tuples(st.floats(1, 5), st.booleans()), max_size=80))
def test_a_run_stays_bounded(looks):
    record, _ = believed(
        *(ok(at) if good else bad(at) for at, good in looks), policy=ViewPolicy(down_after=50)
    )
    assert len(record.run) <= 64
    assert list(record.run) == sorted(record.run)

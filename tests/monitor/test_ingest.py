"""The columns say what the rules say, look by look, however looks are cut into batches."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.ingest import Rows, ViewTable, rounds
from monitor.models import View
from monitor.moments import SECOND
from monitor.state import ViewPolicy, ViewRecord, observe
from probes.models import Evidence, Look, Outcome

POLICY = ViewPolicy()
ARMING = ViewPolicy(arm_ns=20 * SECOND)
CLUMPY = ViewPolicy(down_after=6, down_m=3, down_n=5)
OUTCOMES = [Outcome.OK, Outcome.OK, Outcome.TIMEOUT, Outcome.REFUSED, Outcome.ERROR]


def rows(*looks):
    """Looks as (target, seconds, outcome) or (target, seconds, outcome, rtt)."""
    full = [(*look, 0.01 if look[2] is Outcome.OK else np.nan)[:4] for look in looks]
    return Rows(
        np.array([look[0] for look in full], np.intp),
        np.array([round(look[1] * SECOND) for look in full], np.int64),
        np.array([look[2] for look in full], np.uint8),
        np.array([look[3] for look in full], np.float32),
        np.array([Evidence.TRANSPORT if look[2] is Outcome.OK else 0 for look in full], np.uint8),
    )


looks_at_a_few = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 300).map(lambda n: n / 2), st.sampled_from(OUTCOMES)),
    max_size=60,
    unique_by=lambda look: (look[0], look[1]),
)


@given(looks_at_a_few, st.integers(1, 9), st.sampled_from([POLICY, CLUMPY, ARMING]))
def test_columns_believe_what_the_rules_believe(looks, size, policy):
    table = ViewTable([policy] * 4)
    changes = []
    for start in range(0, len(looks), size):
        changes += table.take(rows(*looks[start : start + size]))
    for target in range(4):
        record, expected = ViewRecord(), []
        for start in range(0, len(looks), size):
            some = sorted(look for look in looks[start : start + size] if look[0] == target)
            for _, at, outcome in some:
                record, change = observe(record, Look(target, round(at * SECOND), outcome), policy)
                expected += [change] if change else []
        assert table.record(target) == record
        assert [each.change for each in changes if each.target == target] == expected


def test_a_target_is_in_each_round_once_and_older_looks_come_first():
    parts = list(rounds(rows((1, 5, Outcome.OK), (0, 3, Outcome.OK), (1, 4, Outcome.TIMEOUT))))
    assert [sorted(zip(p.target.tolist(), (p.at_ns // SECOND).tolist(), strict=True)) for p in parts] == [
        [(0, 3), (1, 4)],
        [(1, 5)],
    ]


def test_no_look_is_no_round():
    assert list(rounds(rows())) == []


def test_loss_is_the_share_of_failures_in_the_last_twenty_looks():
    table = ViewTable([POLICY] * 2)
    for at in range(1, 31):
        table.take(rows((0, at, Outcome.TIMEOUT if at in (29, 30) else Outcome.OK)))
    assert table.loss().tolist() == [np.float32(0.1), 0.0]


def test_the_round_trip_is_that_of_the_last_good_look():
    table = ViewTable([POLICY])
    table.take(rows((0, 1, Outcome.OK, 0.02), (0, 2, Outcome.OK, 0.03), (0, 3, Outcome.TIMEOUT)))
    table.take(rows((0, 1.5, Outcome.OK, 0.09)))
    assert table.rtt[0] == np.float32(0.03)


def test_nothing_grows_stale_before_looking_began():
    table = ViewTable([POLICY])
    table.take(rows((0, 1, Outcome.OK)))
    assert table.grow_stale(100 * SECOND, not_before_ns=90 * SECOND) == []
    (change,) = table.grow_stale(121 * SECOND, not_before_ns=90 * SECOND)
    assert (change.change.new, change.change.at_ns) == (View.UNKNOWN, 120 * SECOND)


def test_a_table_of_another_fleet_takes_over_rows_and_runs():
    old = ViewTable([POLICY] * 3)
    old.take(rows((0, 1, Outcome.OK), (2, 1, Outcome.OK), (2, 2, Outcome.TIMEOUT), (2, 3, Outcome.TIMEOUT)))
    new = ViewTable([POLICY] * 2)
    new.inherit(old, (np.array([1], np.intp), np.array([2], np.intp)))
    assert new.record(1) == old.record(2)
    (change,) = new.take(rows((1, 4, Outcome.TIMEOUT)))
    assert (change.target, change.change.new, change.change.at_ns) == (1, View.DOWN, 2 * SECOND)

"""What answers, but not well, is degraded: by loss, delay and jitter over a window, never instead of down."""

import numpy as np
import pytest

from inventory.models import LookPolicy
from monitor.ingest import Rows, ViewTable
from monitor.models import ChangeReason, State, Verdict, View
from monitor.moments import SECOND, moment
from monitor.quality import OFF, QualityPolicy, QualityTable
from monitor.state import ViewPolicy
from probes.models import Evidence, Outcome
from tests.support.monitoring import an_inventory, belief_on, ns

LOSSY = QualityPolicy(loss=0.3, after=10)


def rows(*looks):
    """Looks at target 0 as (seconds, round trip); a round trip of None is a timeout."""
    return Rows(
        np.zeros(len(looks), np.intp),
        np.array([round(at * SECOND) for at, _ in looks], np.int64),
        np.array([Outcome.TIMEOUT if rtt is None else Outcome.OK for _, rtt in looks], np.uint8),
        np.array([np.nan if rtt is None else rtt for _, rtt in looks], np.float32),
        np.array([Evidence.TRANSPORT if rtt else Evidence.NONE for _, rtt in looks], np.uint8),
    )


def a_table(quality, **policy):
    return ViewTable([ViewPolicy(quality=quality, **policy)])


def believed(table, rtts, *, since=1):
    """What a view turned to, and when, from looks a second apart."""
    turned = []
    for at, rtt in enumerate(rtts, since):
        turned += table.take(rows((at, rtt)))
    return [(each.change.new, each.change.at_ns // SECOND) for each in turned]


GOOD = 0.02


def test_more_loss_than_allowed_over_the_whole_window_is_degraded():
    lossy = [GOOD, None, GOOD, None, GOOD, None, GOOD, None, GOOD, GOOD, GOOD]
    assert believed(a_table(LOSSY), lossy) == [(View.UP, 1), (View.DEGRADED, 11)]


def test_as_much_loss_as_allowed_is_not():
    assert believed(a_table(LOSSY), [GOOD, None, GOOD, GOOD, None, GOOD, GOOD, None, *[GOOD] * 9]) == [
        (View.UP, 1)
    ]


def test_it_is_well_again_only_when_clearly_better():
    table = a_table(QualityPolicy(loss=0.3, after=10))
    believed(table, [GOOD, *[None, GOOD] * 5])
    assert table.view[0] == 2
    one_of_three = [GOOD, GOOD, None]
    believed(table, one_of_three * 6, since=20)
    assert table.view[0] == 2
    (turn,) = believed(table, [GOOD] * 10, since=50)
    assert turn == (View.UP, 53)  # two of ten left, which is below three quarters of 0.3


def test_half_of_the_answers_slow_is_degraded_but_a_straggler_is_not():
    slow = QualityPolicy(rtt=0.3, after=5)
    assert believed(a_table(slow), [GOOD] * 6 + [0.9] + [GOOD] * 6) == [(View.UP, 1)]
    assert believed(a_table(slow), [GOOD] * 6 + [0.9] * 3) == [(View.UP, 1), (View.DEGRADED, 9)]


def test_jitter_is_the_mean_difference_of_neighbours():
    jittery = QualityPolicy(jitter=0.05, after=4)
    assert believed(a_table(jittery), [0.1, 0.16, 0.1, 0.16, 0.1]) == [(View.UP, 1), (View.DEGRADED, 5)]
    assert believed(a_table(jittery), [0.1, 0.11, 0.12, 0.13, 0.14, 0.15]) == [(View.UP, 1)]


def test_what_goes_down_never_passes_through_degraded():
    table = a_table(QualityPolicy(loss=0.1, after=5), down_after=5)
    assert believed(table, [GOOD] * 8 + [None] * 5) == [(View.UP, 1), (View.DOWN, 9)]


def test_a_degraded_target_goes_down_as_fast_as_any_other():
    table = a_table(QualityPolicy(rtt=0.3, after=5))
    assert believed(table, [0.4] * 6 + [None] * 3)[1:] == [(View.DEGRADED, 6), (View.DOWN, 7)]


def test_what_came_back_is_not_held_to_account_for_its_outage():
    table = a_table(LOSSY)
    believed(table, [GOOD, GOOD, *[None] * 12])
    assert believed(table, [GOOD] * 30, since=20) == [(View.UP, 20)]


def test_a_line_that_was_cut_before_is_found_cut_again_as_soon():
    table = a_table(OFF, down_after=3, down_after_lossy=20)
    again = [*[GOOD] * 5, None, None, None]
    believed(table, [GOOD] * 5 + [None] * 12)
    assert believed(table, again, since=20) == [(View.UP, 20), (View.DOWN, 25)]
    assert believed(table, again, since=28) == [(View.UP, 28)], "three seconds of silence may have been loss"
    assert table.loss()[0] < 1
    assert believed(table, [None] * 20, since=36) == [(View.DOWN, 33)]
    assert table.loss()[0] == 1


def test_how_much_more_was_asked_of_a_lossy_line_is_known_while_it_is_down():
    table = a_table(OFF, down_after=3, down_after_lossy=20)
    believed(table, [GOOD, GOOD, None, *[GOOD] * 20, *[None] * 20])
    assert 1 < table.lossy[0] < 3
    believed(table, [GOOD, GOOD], since=60)
    assert not table.lossy


def test_a_policy_without_thresholds_makes_a_degraded_target_well_again():
    table = a_table(QualityPolicy(rtt=0.3, after=5))
    believed(table, [0.4] * 20)
    table.govern([ViewPolicy(quality=OFF)])
    assert believed(table, [0.4], since=30) == [(View.UP, 30)]


def test_another_fleet_keeps_what_was_remembered():
    old = a_table(QualityPolicy(loss=0.3, rtt=0.3, after=5))
    believed(old, [0.1, 0.2, None, 0.2, 0.2])
    new = ViewTable([ViewPolicy(quality=QualityPolicy(rtt=0.3, after=5))] * 2)
    new.inherit(old, (np.array([1], np.intp), np.array([0], np.intp)))
    assert new.quality.figures(np.array([1], np.intp))[0] == pytest.approx([0.2, 0.2, 0.05])


def test_every_target_is_judged_by_a_window_of_its_own():
    table = QualityTable(2)
    table.govern([QualityPolicy(rtt=1, after=2), QualityPolicy(rtt=1, after=4)])
    both = np.array([0, 1], np.intp)
    for rtt in (0.1, 0.2, 0.3, 0.4):
        table.add(both, is_ok=np.array([True, True]), rtt=np.array([rtt, rtt], np.float32))
    assert table.figures(both)[:, 1].tolist() == pytest.approx([0.35, 0.25])


async def test_a_site_with_a_lossy_path_is_degraded_and_says_by_how_much(tmp_path):
    inventory = an_inventory(look=LookPolicy(degraded_loss=0.2, degraded_after=10))
    async with belief_on(tmp_path / "db", inventory) as duty:
        for at in range(12):
            await duty.all_answer(at=at, but=["X-31-FIXED"] if at % 3 == 2 else [])
        await duty.all_answer(at=12)
        view = duty.service.snapshot().targets["X-31-FIXED"]
        assert (view.state, view.since) == (State.DEGRADED, moment(ns(10)))
        assert duty.service.snapshot().sites["X-31"].verdict is Verdict.DEGRADED
        (change,) = [c for c in duty.heard if c.reason is ChangeReason.SLOW_OR_LOSSY]
        assert change.evidence == {"vantage": "V1", "loss": 0.3}
        assert not [c for c in duty.heard if c.kind == "cause"]
        for at in range(13, 30):
            await duty.all_answer(at=at)
        assert duty.service.snapshot().sites["X-31"].verdict is Verdict.READY


async def test_degraded_outlives_a_restart_until_a_whole_window_is_well(tmp_path):
    inventory = an_inventory(look=LookPolicy(degraded_rtt=0.3, degraded_after=5))
    async with belief_on(tmp_path / "db", inventory) as duty:
        for at in range(8):
            await duty.all_answer(at=at, rtt=0.4)
        assert duty.service.snapshot().targets["X-31-FIXED"].state is State.DEGRADED
    async with belief_on(tmp_path / "db", inventory, at=20, epoch=2) as duty:
        assert duty.service.snapshot().targets["X-31-FIXED"].state is State.DEGRADED
        for at in range(21, 25):
            await duty.all_answer(at=at)
        assert duty.service.snapshot().targets["X-31-FIXED"].state is State.DEGRADED
        await duty.all_answer(at=25)
        assert duty.service.snapshot().targets["X-31-FIXED"].state is State.UP

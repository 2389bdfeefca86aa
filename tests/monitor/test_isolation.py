"""A vantage that cannot see blames nobody."""

import pytest

from monitor.isolation import Gap, Sight, SightChange, proves_sight, watch
from probes.models import Outcome


def seen(sight, *looks):
    """Canary looks as (canary, start, answered); answers the sight and what happened."""
    gaps, changes = [], []
    for canary, at, answered in looks:
        sight, gap, change = watch(sight, canary, at, is_answered=answered)
        gaps += [gap] if gap else []
        changes += [change] if change else []
    return sight, gaps, changes


def test_without_canaries_every_failure_counts_at_once():
    assert Sight.over(()).may_count(10)


def test_a_failure_counts_once_a_canary_answered_a_look_no_older():
    sight, _, _ = seen(Sight.over(("a", "b")), (0, 10, True))
    assert sight.may_count(9)
    assert sight.may_count(10)
    assert not sight.may_count(11)


def test_nothing_counts_before_the_first_canary_answered():
    assert not Sight.over(("a",)).may_count(1)


def test_one_lost_packet_blinds_for_a_look_and_is_not_isolation():
    sight, gaps, changes = seen(Sight.over(("a",)), (0, 10, True), (0, 11, False), (0, 12, True))
    assert (gaps, changes) == ([Gap(10, 12)], [])
    assert not sight.is_blind


def test_a_dead_canary_blinds_nobody():
    looks = [(1, at, False) for at in range(10, 20)]
    _, gaps, changes = seen(Sight.over(("a", "b")), (0, 9, True), *looks, (0, 20, True))
    assert (gaps, changes) == ([], [])


def test_all_canaries_failing_twice_is_isolation_since_the_last_proof_of_sight():
    looks = [(canary, at, False) for at in (11, 12) for canary in (0, 1)]
    sight, _, changes = seen(Sight.over(("a", "b")), (0, 9, True), (1, 10, True), *looks)
    assert sight.is_isolated
    assert changes == [SightChange(is_isolated=True, at_ns=10)]


def test_the_first_answer_releases_and_its_gap_is_blind():
    looks = [(0, 10, True), (0, 11, False), (0, 12, False), (0, 13, True)]
    sight, gaps, changes = seen(Sight.over(("a",)), *looks)
    assert gaps == [Gap(10, 13)]
    assert changes[-1] == SightChange(is_isolated=False, at_ns=13)
    assert not sight.is_isolated


def test_an_answer_older_than_the_failures_moves_the_proof_but_ends_nothing():
    sight, gaps, _ = seen(Sight.over(("a",)), (0, 10, True), (0, 13, False), (0, 12, True))
    assert sight.is_blind
    assert gaps == []
    assert sight.sighted_ns == 12


def test_a_vantage_that_never_saw_is_isolated_too():
    sight, _, changes = seen(Sight.over(("a",)), (0, 10, False), (0, 11, False))
    assert sight.is_isolated
    assert changes == [SightChange(is_isolated=True, at_ns=11)]


@pytest.mark.parametrize("outcome", Outcome)
def test_any_answer_through_the_network_proves_sight(outcome):
    assert proves_sight(outcome) == (outcome not in {Outcome.TIMEOUT, Outcome.UNREACHABLE, Outcome.ERROR})


GROUPS = ("gateway", "second_hop", "resolver_a", "resolver_b")
S = 1_000_000_000


def all_answered(at=10):
    sight, _, _ = seen(Sight.over(GROUPS), *[(number, at * S, True) for number in range(4)])
    return sight


def test_a_gateway_alone_does_not_vouch_for_the_world_behind_it():
    looks = [(number, at * S, number == 0) for at in (11, 12) for number in range(4)]
    sight, _, changes = seen(all_answered(), *looks)
    assert sight.is_blind
    assert sight.sighted_ns == 10 * S
    assert changes == [SightChange(is_isolated=True, at_ns=10 * S)]


def test_two_canaries_of_one_group_are_one_voice():
    sight, _, _ = seen(Sight.over(("a", "a", "b", "c")), *[(number, 10 * S, True) for number in range(4)])
    sight, _, _ = seen(sight, (2, 11 * S, False), (3, 11 * S, False), (0, 11 * S, True), (1, 11 * S, True))
    assert sight.is_blind


def test_one_dead_group_of_four_makes_us_doubt_ourselves_for_a_while_and_then_no_more():
    sight, _, _ = seen(all_answered(), (3, 11 * S, False), *[(number, 12 * S, True) for number in range(3)])
    assert not sight.is_blind
    assert sight.steady_since(12 * S) is None
    sight, _, _ = seen(sight, *[(number, 21 * S, True) for number in range(3)])
    assert sight.steady_since(21 * S) is not None
    assert sight.vouched_ns == 21 * S


def test_a_group_that_lost_a_look_is_trusted_again_after_three_answers_and_from_the_first_of_them_on():
    sight, _, _ = seen(all_answered(), (3, 11 * S, False), (3, 12 * S, True), (3, 13 * S, True))
    assert sight.steady_since(13 * S) is None
    sight, _, _ = seen(sight, (3, 14 * S, True))
    assert sight.steady_since(14 * S) == 12 * S


def test_a_group_silent_for_a_minute_is_written_off_until_it_answers():
    looks = [(number, at * S, number != 3) for at in range(11, 75) for number in range(4)]
    sight, _, _ = seen(all_answered(), *looks)
    assert sight.written_off == {"resolver_b"}
    lost_too = [(number, 75 * S, number in {0, 1}) for number in range(3)]
    sight, _, _ = seen(sight, *lost_too)
    assert not sight.is_blind
    sight, _, _ = seen(sight, (3, 76 * S, True))
    assert sight.written_off == frozenset()


def test_groups_that_fall_silent_together_are_never_written_off_by_the_rest():
    looks = [(number, at * S, number < 2) for at in range(11, 90) for number in range(4)]
    sight, _, _ = seen(all_answered(), *looks)
    assert sight.is_blind
    assert sight.written_off == frozenset()


def test_a_loss_that_is_known_late_takes_the_trust_back():
    sight, _, _ = seen(all_answered(), (3, 11 * S, False))
    later = [(3, 12 * S + n * S // 4, True) for n in (0, 2, 3, 4, 5, 6)]
    sight, _, _ = seen(sight, *later)
    assert sight.steady_since(14 * S) == 12 * S
    sight, _, _ = seen(sight, (3, 12 * S + S // 4, False))
    assert sight.steady_since(14 * S) is None

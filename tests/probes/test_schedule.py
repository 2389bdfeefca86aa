"""When a vantage looks: phases, doubt, confirming looks, kin."""

import numpy as np
import pytest

from probes.models import Outcome
from probes.schedule import CONFIRM_GAP_NS, KIN_STRIKES, LINGER_AT_MOST, LINGER_NS, Pacing, Schedule

SECOND = 1_000_000_000


def a_pacing(count=1, *, cadence=5.0, timeout=1.0, retry=1.0, down_after=3, up_after=2):
    def column(value):
        return np.full(count, int(value * SECOND), np.int64)

    return Pacing(
        cadence=column(cadence),
        timeout=column(timeout),
        retry=column(retry),
        down_after=np.full(count, down_after, np.int16),
        up_after=np.full(count, up_after, np.int16),
    )


def a_schedule(*codes, **pacing):
    return Schedule(codes or ("one",), a_pacing(len(codes) or 1, **pacing), now=0)


def ended(schedule, slot, outcome, now):
    return schedule.finished(np.array([slot]), np.array([outcome], np.uint8), now)


def trusted(schedule, slot=0):
    """Two good looks: believed up."""
    ended(schedule, slot, Outcome.OK, 0)
    ended(schedule, slot, Outcome.OK, 1)


def looks_between(schedule, start, end, *, step=10_000_000):
    """Walk the clock; answer (time, slot, confirms) of every look."""
    found = []
    for now in range(start, end, step):
        due = schedule.due(now, at_most=1000)
        found += [(now, slot, False) for slot in due.regular.tolist()]
        found += [(now, slot, True) for slot in due.confirm.tolist()]
    return found


def test_every_target_is_looked_at_once_a_cadence():
    schedule = a_schedule(*[f"t{n}" for n in range(200)])
    looks = looks_between(schedule, 0, 20 * SECOND)
    counts = np.bincount([slot for _, slot, _ in looks], minlength=200)
    assert set(counts.tolist()) == {4}


def test_looks_are_spread_over_the_cadence_and_do_not_bunch():
    schedule = a_schedule(*[f"target-{n}" for n in range(1000)])
    looks = looks_between(schedule, 0, 10 * SECOND)
    per_tenth = np.bincount([at // (SECOND // 2) for at, _, _ in looks], minlength=20)
    assert per_tenth.min() > 60
    assert per_tenth.max() < 150


def test_the_phase_of_a_target_survives_a_restart():
    first = looks_between(a_schedule("31498-fibre"), 0, 5 * SECOND)
    later = Schedule(("31498-fibre",), a_pacing(), now=1_000_000 * SECOND)
    again = looks_between(later, 1_000_000 * SECOND, 1_000_005 * SECOND)
    assert (again[0][0] - first[0][0]) % (5 * SECOND) == 0


def test_a_look_that_was_missed_is_skipped_and_not_queued():
    schedule = a_schedule("one")
    schedule.due(0, at_most=10)
    late = schedule.due(60 * SECOND, at_most=10)
    assert late.regular.tolist() == [0]
    assert schedule.due(60 * SECOND, at_most=10).regular.tolist() == []


def test_what_exceeds_the_pace_stays_due_oldest_first():
    schedule = a_schedule(*[f"t{n}" for n in range(100)])
    now = 5 * SECOND
    first = schedule.due(now, at_most=30)
    second = schedule.due(now, at_most=100)
    assert len(first.regular) == 30
    assert sorted([*first.regular.tolist(), *second.regular.tolist()]) == list(range(100))
    assert first.lag >= second.lag


def test_an_overdue_answer_starts_confirming_looks_at_once_and_200_ms_apart():
    schedule = a_schedule("one", down_after=4)
    trusted(schedule)
    schedule.suspect(np.array([0]), 10 * SECOND)
    confirms = [at for at, _, is_confirm in looks_between(schedule, 10 * SECOND, 11 * SECOND) if is_confirm]
    assert confirms[0] == 10 * SECOND
    assert set(np.diff(confirms[:4]).tolist()) == {CONFIRM_GAP_NS}


def test_one_lost_packet_costs_one_confirming_look_and_nothing_else():
    schedule = a_schedule("one")
    trusted(schedule)
    schedule.suspect(np.array([0]), 10 * SECOND)
    assert schedule.due(10 * SECOND, at_most=9).confirm.tolist() == [0]
    ended(schedule, 0, Outcome.OK, 10 * SECOND + 1_000_000)
    assert schedule.in_doubt == 0
    assert not [look for look in looks_between(schedule, 10 * SECOND, 14 * SECOND) if look[2]]


def test_confirming_ends_when_the_failures_in_a_row_decide():
    schedule = a_schedule("one", down_after=3)
    trusted(schedule)
    for _ in range(3):
        ended(schedule, 0, Outcome.TIMEOUT, 10 * SECOND)
    assert schedule.in_doubt == 0
    confirming = [
        at for at, _, is_confirming in looks_between(schedule, 10 * SECOND, 30 * SECOND) if is_confirming
    ]
    assert set(np.diff(confirming).tolist()) == {CONFIRM_GAP_NS}
    assert confirming[-1] <= 10 * SECOND + LINGER_NS


def test_only_so_many_are_lingered_at_and_an_answer_ends_it():
    codes = [f"t{number}" for number in range(LINGER_AT_MOST + 5)]
    schedule = a_schedule(*codes, cadence=60, down_after=1)
    trusted(schedule)
    for slot in range(len(codes)):
        ended(schedule, slot, Outcome.TIMEOUT, 10 * SECOND)
    asked = {
        slot for _, slot, is_confirming in looks_between(schedule, 10 * SECOND, 11 * SECOND) if is_confirming
    }
    assert len(asked) == LINGER_AT_MOST
    for _ in range(2):
        ended(schedule, 0, Outcome.OK, 11 * SECOND)
    later = looks_between(schedule, 11 * SECOND, 12 * SECOND)
    assert 0 not in {slot for _, slot, is_confirming in later if is_confirming}


def test_what_fell_while_we_were_blind_is_asked_again_as_if_it_had_never_fallen():
    schedule = a_schedule("before", "blind", "falling", "well", down_after=3)
    for slot in range(4):
        trusted(schedule, slot)
    for slot, failures, at in ((0, 3, 5), (1, 3, 10), (2, 2, 11)):
        for _ in range(failures):
            ended(schedule, slot, Outcome.TIMEOUT, at * SECOND)
    schedule.ask_again(8 * SECOND, 20 * SECOND)
    due = schedule.due(20 * SECOND, at_most=9)
    assert due.confirm.tolist() == [0, 1, 2], "the first is lingered at: it fell before we were blind"
    assert schedule.in_doubt == 2
    for slot in (1, 2):
        for _ in range(2):
            ended(schedule, slot, Outcome.TIMEOUT, 21 * SECOND)
    assert schedule.in_doubt == 2, "what failed before does not count"


def test_a_target_believed_down_that_answers_is_confirmed_200_ms_later():
    schedule = a_schedule("one", down_after=1)
    ended(schedule, 0, Outcome.TIMEOUT, 0)
    now = 5 * SECOND
    assert schedule.due(now, at_most=9).regular.tolist() == [0]
    ended(schedule, 0, Outcome.OK, now)
    assert schedule.due(now, at_most=9).confirm.tolist() == []
    assert schedule.due(now + CONFIRM_GAP_NS, at_most=9).confirm.tolist() == [0]
    ended(schedule, 0, Outcome.OK, now + CONFIRM_GAP_NS + 1)
    assert schedule.in_doubt == 0


def test_a_target_in_doubt_is_looked_at_by_confirming_looks_only_200_ms_apart():
    schedule = a_schedule("one", cadence=0.3, down_after=9)
    trusted(schedule)
    schedule.suspect(np.array([0]), 10 * SECOND)
    looks = looks_between(schedule, 10 * SECOND, 11 * SECOND)
    assert {is_confirm for _, _, is_confirm in looks} == {True}
    assert set(np.diff([at for at, _, _ in looks]).tolist()) == {CONFIRM_GAP_NS}


def test_doubt_that_nothing_decides_falls_back_to_the_retry_cadence():
    schedule = a_schedule("one", down_after=3, retry=1.0)
    trusted(schedule)
    schedule.suspect(np.array([0]), 10 * SECOND)
    confirms = [at for at, _, c in looks_between(schedule, 10 * SECOND, 15 * SECOND) if c]
    assert np.diff(confirms)[-1] == SECOND


def test_an_error_of_our_own_says_nothing_about_the_target():
    schedule = a_schedule("one")
    trusted(schedule)
    for _ in range(9):
        ended(schedule, 0, Outcome.ERROR, 10 * SECOND)
    assert schedule.in_doubt == 0


def test_the_second_strike_calls_the_kin_and_the_first_does_not():
    schedule = a_schedule("one")
    trusted(schedule)
    calls = [schedule.suspect(np.array([0]), 10 * SECOND + n).tolist() for n in range(4)]
    assert calls[: KIN_STRIKES - 1] == [[]] * (KIN_STRIKES - 1)
    assert calls[KIN_STRIKES - 1] == [0]
    assert calls[KIN_STRIKES:] == [[]] * (4 - KIN_STRIKES)


def test_a_refusal_is_a_strike_though_nothing_was_overdue():
    schedule = a_schedule("one", down_after=9)
    trusted(schedule)
    assert ended(schedule, 0, Outcome.REFUSED, SECOND).tolist() == []
    assert ended(schedule, 0, Outcome.REFUSED, 2 * SECOND).tolist() == [0]


def test_the_first_answer_of_a_target_believed_down_calls_its_kin_and_the_second_does_not():
    schedule = a_schedule("one", down_after=1, up_after=3)
    ended(schedule, 0, Outcome.TIMEOUT, 0)
    assert ended(schedule, 0, Outcome.OK, SECOND).tolist() == [0]
    assert ended(schedule, 0, Outcome.OK, SECOND + 1).tolist() == []


def test_a_target_that_answers_for_the_first_time_ever_calls_nobody():
    schedule = a_schedule("one")
    assert ended(schedule, 0, Outcome.OK, 0).tolist() == []


def test_hastened_kin_are_looked_at_now_unless_they_just_were():
    schedule = a_schedule("one", "two", "three", cadence=3600)
    now = SECOND
    schedule.hasten(np.array([0, 1, 2]), now)
    assert schedule.due(now, at_most=9).regular.tolist() == [0, 1, 2]
    schedule.hasten(np.array([0, 1, 2]), now + 1)
    assert schedule.due(now + 1, at_most=9).regular.tolist() == []


def test_a_reload_keeps_belief_and_doubt_by_code():
    old = a_schedule("kept", "gone", down_after=1)
    ended(old, 0, Outcome.TIMEOUT, 0)
    new = a_schedule("fresh", "kept", down_after=1)
    new.inherit(old)
    ended(new, 1, Outcome.OK, SECOND)
    assert new.due(SECOND, at_most=9).confirm.tolist() == [1]


def test_a_reload_to_nothing_known_is_quiet():
    new = a_schedule("fresh")
    new.inherit(a_schedule("gone"))
    assert new.in_doubt == 0


@pytest.mark.parametrize("cadence", [1.0, 5.0, 30.0])
def test_a_change_of_phase_changes_the_cadence(cadence):
    schedule = a_schedule("one", cadence=7.0)
    schedule.pace(a_pacing(cadence=cadence), now=0)
    looks = looks_between(schedule, 0, int(60 * SECOND))
    assert len(looks) == 60 // cadence


def test_what_was_never_looked_at_is_trusted_at_its_first_answer_as_belief_does():
    schedule = a_schedule("one", "two")
    schedule.finished(np.array([0, 1]), np.array([Outcome.OK, Outcome.TIMEOUT], np.uint8), SECOND)
    assert schedule.in_doubt == 1
    assert {slot for _, slot, is_confirm in looks_between(schedule, SECOND, 4 * SECOND) if is_confirm} == {1}


def test_what_failed_first_is_trusted_only_when_its_answers_repeat():
    schedule = a_schedule("one")
    ended(schedule, 0, Outcome.TIMEOUT, SECOND)
    ended(schedule, 0, Outcome.OK, 2 * SECOND)
    assert schedule.in_doubt == 1
    ended(schedule, 0, Outcome.OK, 3 * SECOND)
    assert schedule.in_doubt == 0


def test_the_silence_of_what_is_believed_lost_is_no_news_once_nobody_lingers_at_it():
    schedule = a_schedule()
    trusted(schedule)
    for number in range(3):
        ended(schedule, 0, Outcome.TIMEOUT, SECOND + number * CONFIRM_GAP_NS)
    told = schedule.unusual
    ended(schedule, 0, Outcome.TIMEOUT, 2 * SECOND)
    assert schedule.unusual == told + 1
    ended(schedule, 0, Outcome.TIMEOUT, 2 * SECOND + LINGER_NS)
    assert schedule.unusual == told + 1
    ended(schedule, 0, Outcome.OK, 3 * SECOND + LINGER_NS)
    assert schedule.unusual == told + 2


def a_nation_in_doubt(count, *, canaries):
    """All are up; then half of the targets are overdue at once, and everything else is due."""
    codes = [f"t{n}" for n in range(count + canaries)]
    schedule = a_schedule(*codes)
    slots = np.arange(len(codes))
    schedule.finished(slots, np.full(len(codes), Outcome.OK, np.uint8), 0)
    schedule.suspect(slots[: count // 2], SECOND)
    schedule.hasten(slots[count // 2 :], SECOND)
    return schedule, slots[count:]


def test_a_canary_is_asked_however_many_are_in_doubt():
    schedule, canaries = a_nation_in_doubt(1000, canaries=3)
    due = schedule.due(SECOND, at_most=100, first=canaries)
    assert set(canaries.tolist()) <= set(due.regular.tolist())
    schedule.suspect(canaries, SECOND + 1)
    again = schedule.due(SECOND + CONFIRM_GAP_NS, at_most=100, first=canaries)
    assert set(canaries.tolist()) <= set(again.confirm.tolist())


def test_half_of_what_may_be_sent_is_the_regular_looks_while_a_nation_is_in_doubt():
    schedule, _ = a_nation_in_doubt(1000, canaries=0)
    due = schedule.due(SECOND, at_most=100)
    assert (len(due.confirm), len(due.regular)) == (50, 50)


def test_what_was_begun_is_decided_before_others_are_asked():
    schedule, _ = a_nation_in_doubt(1000, canaries=0)
    first = schedule.due(SECOND, at_most=100).confirm
    again = schedule.due(SECOND + CONFIRM_GAP_NS, at_most=100).confirm
    assert set(first.tolist()) <= set(range(50))
    assert set(again.tolist()) == set(first.tolist())

"""The ladder: whom to call next, from a frozen policy and a live roster."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerting.escalation import Run, climb, ladder, officers, steps_from, steps_to
from inventory.models import Duty, EscalationStep, Phase, Severity, StepAudience
from tests.support.acting import (
    MINUTE,
    NOON,
    PEOPLE,
    SHIFTS,
    a_ladder,
    a_person,
    a_policy,
    a_shift,
    an_inventory,
    by_code,
)

REPEAT = timedelta(minutes=5)


def a_run(**changes):
    return replace(Run(1, 1, a_ladder(), REPEAT, NOON), **changes)


def take(run, at=NOON, *, inventory=None, owner="VNPT"):
    return climb(run, inventory=inventory or an_inventory(), owner=owner, department="STTTT", at=at)


def called(taken):
    return [(call.person.code, call.step, call.loop) for call in taken.calls]


def test_steps_are_taken_one_by_one_at_their_time_from_the_start_of_the_run():
    first = take(a_run())
    assert called(first) == [("vnpt-1", 0, 0)]
    assert first.run.next_at == NOON + 3 * MINUTE
    second = take(first.run, NOON + 3 * MINUTE)
    assert called(second) == [("vnpt-2", 1, 0)]
    third = take(second.run, NOON + 5 * MINUTE)
    assert called(third) == [("stttt-1", 2, 0)]
    assert third.run.next_at == NOON + 8 * MINUTE


def test_the_last_step_repeats_until_somebody_answers():
    run = a_run(step=3, next_at=NOON + 8 * MINUTE)
    for loop in range(4):
        at = NOON + 8 * MINUTE + loop * REPEAT
        taken = take(run, at)
        assert called(taken) == [("stttt-2", 3, loop)]
        assert taken.run.next_at == at + REPEAT
        run = taken.run


def test_a_ladder_may_leave_the_owner_time_to_see_for_themselves_first():
    steps = (EscalationStep(10 * MINUTE, StepAudience.OWNER, Duty.OPERATIONS),)
    taken = take(a_run(steps=steps))
    assert (taken.calls, taken.run.next_at) == ((), NOON + 10 * MINUTE)
    assert called(take(taken.run, NOON + 10 * MINUTE)) == [("vnpt-1", 0, 0)]


def test_nothing_is_taken_before_its_time():
    taken = take(a_run(step=1, next_at=NOON + MINUTE))
    assert (taken.calls, taken.gaps) == ((), ())
    assert taken.run.next_at == NOON + MINUTE


def test_after_a_standstill_every_step_that_fell_due_is_taken_at_once():
    taken = take(a_run(step=1, next_at=NOON + 3 * MINUTE), NOON + 30 * MINUTE)
    assert called(taken) == [("vnpt-2", 1, 0), ("stttt-1", 2, 0), ("stttt-2", 3, 0)]
    assert taken.run.next_at == NOON + 30 * MINUTE + REPEAT


def test_an_empty_step_is_skipped_at_once_and_told():
    inventory = an_inventory(shifts=tuple(s for s in SHIFTS if s.party != "VNPT"))
    taken = take(a_run(), inventory=inventory)
    assert called(taken) == [("stttt-1", 2, 0)]
    assert [(gap.party, gap.duty, gap.step, gap.person) for gap in taken.gaps] == [
        ("VNPT", Duty.OPERATIONS, 0, ""),
        ("VNPT", Duty.OPERATIONS, 1, ""),
    ]
    assert taken.run.next_at == NOON + 8 * MINUTE


def test_somebody_on_duty_who_cannot_be_reached_is_a_gap_too():
    people = by_code([*PEOPLE, a_person("vnpt-1", "VNPT", "Trực ca VNPT 1")])
    taken = take(a_run(), inventory=an_inventory(people=people))
    assert called(taken) == [("vnpt-2", 1, 0)]
    assert [gap.person for gap in taken.gaps] == ["vnpt-1"]


def test_a_carrier_whose_person_changes_between_steps_has_the_incoming_one_called():
    shifts = (
        a_shift("VNPT", Duty.OPERATIONS, "vnpt-1", hours=6),
        a_shift("VNPT", Duty.OPERATIONS, "vnpt-2", start=NOON, hours=6),
    )
    steps = (EscalationStep(timedelta(0), StepAudience.OWNER, Duty.OPERATIONS),)
    before = NOON - MINUTE
    first = take(a_run(steps=steps, started_at=before), before, inventory=an_inventory(shifts=shifts))
    assert called(first) == [("vnpt-1", 0, 0)]
    assert called(take(first.run, NOON + 4 * MINUTE, inventory=an_inventory(shifts=shifts))) == [
        ("vnpt-2", 0, 1)
    ]


def test_a_ladder_does_not_end_in_air_when_the_departments_roster_is_empty():
    taken = take(a_run(step=3, next_at=NOON), inventory=an_inventory(shifts=()))
    assert called(taken) == [("stttt-1", 3, 0), ("stttt-2", 3, 0)]
    assert len(taken.gaps) == 1


def test_with_nobody_at_all_the_ladder_waits_and_asks_again():
    taken = take(a_run(), inventory=an_inventory(shifts=(), people=by_code([])))
    assert taken.calls == ()
    assert [gap.step for gap in taken.gaps] == [0, 1, 2, 3]
    assert taken.run.next_at == NOON + REPEAT


def test_a_repetition_of_no_length_does_not_page_without_a_pause():
    taken = take(a_run(repeat=timedelta(0), step=3, next_at=NOON))
    assert taken.run.next_at == NOON + timedelta(seconds=10)


@pytest.mark.parametrize(
    ("given", "severity", "expected"),
    [
        ({Severity.P1: a_ladder()}, Severity.P1, a_ladder()),
        ({Severity.P1: a_ladder()}, Severity.P4, a_ladder()),
        ({Severity.P2: a_ladder()[:1], Severity.P1: a_ladder()}, Severity.P3, a_ladder()[:1]),
    ],
)
def test_a_severity_that_the_policy_left_out_climbs_the_next_graver_ladder(given, severity, expected):
    assert ladder(a_policy(escalation=given), severity, Phase.POLL) == expected


def test_a_policy_without_any_ladder_still_calls_the_owner_and_then_the_department():
    steps = ladder(a_policy(escalation={}), Severity.P1, Phase.POLL)
    assert [step.audience for step in steps] == [StepAudience.OWNER, StepAudience.DEPARTMENT]


def test_a_frozen_policy_is_read_back_as_it_was():
    assert steps_from(steps_to(a_run())) == (a_ladder(), REPEAT)


def test_the_officer_on_operations_is_told_and_any_other_duty_in_their_absence():
    assert [p.code for p in officers(an_inventory(), "STTTT", NOON)] == ["stttt-1"]
    leaders = tuple(s for s in SHIFTS if s.duty is Duty.LEADERSHIP)
    assert [p.code for p in officers(an_inventory(shifts=leaders), "STTTT", NOON)] == ["stttt-2"]

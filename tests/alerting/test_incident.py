"""The incident machine as a table: what may happen, what may not, and what it does by itself."""

from datetime import timedelta
from itertools import product

import pytest

import alerting
from alerting.errors import IllegalTransitionError
from alerting.incident import CLOSE_WITHIN, TRANSITIONS, allowed, apply, deadline_of, diagram, find
from alerting.models import LIVE, IncidentEvent, IncidentState
from tests.support.acting import MINUTE, NOON, SECOND, a_policy, an_incident

S, E = IncidentState, IncidentEvent
OWED = a_policy().default_deadlines


def in_state(state, **changes):
    deadline = NOON + MINUTE if state in LIVE else None
    return an_incident(**{"state": state, "deadline_at": deadline, **changes})


def test_the_table_knows_every_state_and_every_event():
    assert {row.source for row in TRANSITIONS} | {row.target for row in TRANSITIONS} == {None, *S}
    assert {row.event for row in TRANSITIONS} == set(E)


def test_an_event_in_a_state_has_one_answer():
    for state, event, held in product([None, *S], E, (True, False)):
        rows = [
            row
            for row in TRANSITIONS
            if (row.source, row.event) == (state, event) and row.acknowledged in {None, held}
        ]
        assert len(rows) <= 1


def test_every_live_state_leads_to_closed():
    reaching = {S.CLOSED}
    while True:
        more = {row.source for row in TRANSITIONS if row.target in reaching} - reaching
        if not more:
            break
        reaching |= more
    assert reaching >= LIVE


def test_nothing_happens_to_what_is_over_but_words_unless_it_turns_out_not_to_be_over():
    further = {
        S.CANCELLED: set(),
        S.CLOSED: {E.REOPENED},
        S.MERGED: {E.GREW, E.MEASURED, E.UNMERGED},
    }
    assert {state: allowed(state) - {E.NOTE, E.EVIDENCE} for state in set(S) - LIVE} == further


def test_the_diagram_in_the_package_docstring_is_drawn_from_the_table():
    drawn = "\n".join(f"    {line}" for line in diagram().splitlines())
    assert drawn in alerting.__doc__


def test_an_event_that_is_not_allowed_says_what_is_and_changes_nothing():
    incident = in_state(S.OPEN)
    with pytest.raises(IllegalTransitionError) as refused:
        apply(incident, E.CLOSED, NOON)
    assert refused.value.allowed == (
        "acknowledged", "cancelled", "countersigned", "decided", "disputed", "escalated", "evidence", "grew", "merged",
        "mitigated", "note", "reassigned", "regraded", "restored", "roster_gap",
    )  # fmt: skip
    assert str(refused.value).startswith("an incident that is open cannot be closed; allowed instead: ack")
    assert incident == in_state(S.OPEN)


@pytest.mark.parametrize(("state", "event"), [(r.source, r.event) for r in TRANSITIONS if r.source])
def test_whatever_happens_a_live_incident_has_a_deadline_and_a_finished_one_has_none(state, event):
    for held in (None, NOON):
        incident = in_state(state, acknowledged_at=held)
        try:
            row = find(state, event, acknowledged=held is not None)
        except IllegalTransitionError:
            continue
        changes = {"deadline_at": NOON + 2 * MINUTE} if row.target in LIVE else {}
        after = apply(incident, event, NOON, **changes)
        assert (after.deadline_at is not None) == (after.state in LIVE)


@pytest.mark.parametrize(
    "row", [r for r in TRANSITIONS if r.source and r.target in LIVE - {r.source}], ids=str
)
def test_a_newly_entered_live_state_may_not_inherit_the_deadline_of_the_one_before(row):
    incident = in_state(row.source, acknowledged_at=NOON if row.acknowledged else None)
    with pytest.raises(ValueError, match="without a deadline of its own"):
        apply(incident, row.event, NOON)


def test_a_new_generation_begins_wherever_paging_begins_anew():
    for row in TRANSITIONS:
        if row.source is None or row.target not in LIVE:
            continue
        incident = in_state(row.source, generation=4, acknowledged_at=NOON if row.acknowledged else None)
        after = apply(incident, row.event, NOON, deadline_at=NOON + MINUTE)
        assert after.generation == (5 if row.pages else 4)


def test_reopening_forgets_who_held_it_and_when_it_ended():
    resolved = in_state(
        S.RESOLVED, acknowledged_at=NOON, acknowledged_by="A", ended_at=NOON, resolved_at=NOON
    )
    again = apply(resolved, E.RECURRED, NOON, deadline_at=NOON + MINUTE)
    assert (again.acknowledged_at, again.acknowledged_by, again.ended_at, again.resolved_at) == (
        None,
        "",
        None,
        None,
    )


def test_a_restoration_that_fails_goes_back_to_whoever_holds_it_or_to_nobody():
    held = in_state(S.RESTORED, acknowledged_at=NOON, acknowledged_by="A", ended_at=NOON)
    free = in_state(S.RESTORED, ended_at=NOON)
    later = NOON + MINUTE
    back = apply(held, E.VERIFY_FAILED, NOON, deadline_at=later)
    assert (back.state, back.acknowledged_by, back.ended_at) == (S.IN_PROGRESS, "A", None)
    assert apply(free, E.VERIFY_FAILED, NOON, deadline_at=later).state is S.OPEN


@pytest.mark.parametrize(
    ("state", "span"),
    [
        (S.SUSPECTED, 30 * SECOND),
        (S.OPEN, timedelta(minutes=10)),
        (S.ACKNOWLEDGED, timedelta(minutes=30)),
        (S.IN_PROGRESS, timedelta(minutes=30)),
        (S.PENDING, timedelta(minutes=30)),
        (S.MITIGATED, timedelta(hours=2)),
        (S.RESTORED, 30 * SECOND),
        (S.RESOLVED, CLOSE_WITHIN),
    ],
)
def test_the_next_word_is_due_by_what_the_state_owes(state, span):
    assert deadline_of(state, NOON, deadlines=OWED, verify=30 * SECOND) == NOON + span


def test_what_is_over_owes_nothing():
    assert deadline_of(S.CLOSED, NOON, deadlines=OWED, verify=SECOND) is None


def test_a_promise_shortens_the_wait_and_never_lengthens_it():
    def due(eta):
        return deadline_of(S.IN_PROGRESS, NOON, deadlines=OWED, verify=SECOND, eta=eta)

    assert due(NOON + 10 * MINUTE) == NOON + 10 * MINUTE
    assert due(NOON + 600 * MINUTE) == NOON + 30 * MINUTE

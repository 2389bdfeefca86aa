"""The incident machine: everything that decides how an incident's state may change lives in this file.

One table, :data:`TRANSITIONS`. A row says what an event makes of a state; ``acknowledged`` is a guard where
the answer depends on whether a person holds the incident, and ``pages`` marks the rows that begin a new
generation of pages (so that whatever was decided for the old one becomes harmless). An event that has no row
raises and changes nothing.

Two rules are kept by :func:`apply` for every caller: an incident that lives has a deadline, one that does not
has none; and a state that was newly entered has a deadline of its own, never the one of the state before.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerting.errors import IllegalTransitionError
from alerting.models import LIVE, Incident, IncidentEvent, IncidentState
from inventory.models import Deadlines

__all__ = ["CLOSE_WITHIN", "TRANSITIONS", "Transition", "allowed", "apply", "deadline_of", "diagram", "find"]

CLOSE_WITHIN = timedelta(hours=24)
"""How long the department has to name the cause and close what was resolved, before it is reminded."""

_S = IncidentState
_E = IncidentEvent


@dataclass(frozen=True, slots=True)
class Transition:
    """``event`` turns ``source`` (None: no incident yet) into ``target``."""

    source: IncidentState | None
    event: IncidentEvent
    target: IncidentState
    acknowledged: bool | None = None
    """Holds only if somebody has (True) or nobody has (False) acknowledged; None: either."""
    pages: bool = False
    """Begins a new generation of pages."""


def _each(states: Iterable[IncidentState], event: IncidentEvent, target: IncidentState) -> list[Transition]:
    return [Transition(state, event, target) for state in states]


def _kept(states: Iterable[IncidentState], event: IncidentEvent) -> list[Transition]:
    return [Transition(state, event, state) for state in states]


_HELD = (_S.ACKNOWLEDGED, _S.IN_PROGRESS, _S.PENDING, _S.MITIGATED)
_UNDECIDED = (_S.SUSPECTED, _S.OPEN, *_HELD)
_LIVE = (*_UNDECIDED, _S.RESTORED, _S.RESOLVED)


def _again(states: Iterable[IncidentState], event: IncidentEvent) -> list[Transition]:
    return [Transition(state, event, _S.OPEN, pages=True) for state in states]


TRANSITIONS: tuple[Transition, ...] = (
    Transition(None, _E.OPENED, _S.OPEN, pages=True),
    Transition(None, _E.SUSPECTED, _S.SUSPECTED),
    *_again((_S.SUSPECTED,), _E.CONFIRMED),
    *_each((_S.SUSPECTED, _S.OPEN), _E.ACKNOWLEDGED, _S.ACKNOWLEDGED),
    *_again(_HELD, _E.ACK_EXPIRED),
    *_each((_S.ACKNOWLEDGED, _S.PENDING), _E.STARTED, _S.IN_PROGRESS),
    *_each(_HELD, _E.PROGRESS, _S.IN_PROGRESS),
    *_each((_S.ACKNOWLEDGED, _S.IN_PROGRESS, _S.PENDING), _E.PAUSED, _S.PENDING),
    Transition(_S.PENDING, _E.RESUMED, _S.IN_PROGRESS),
    *_each((_S.OPEN, *_HELD), _E.MITIGATED, _S.MITIGATED),
    *_again((_S.MITIGATED,), _E.MITIGATION_LOST),
    *_each((*_UNDECIDED, _S.RESTORED), _E.RESTORED, _S.RESTORED),
    Transition(_S.RESTORED, _E.VERIFIED, _S.RESOLVED),
    Transition(_S.RESTORED, _E.VERIFY_FAILED, _S.IN_PROGRESS, acknowledged=True),
    Transition(_S.RESTORED, _E.VERIFY_FAILED, _S.OPEN, acknowledged=False, pages=True),
    *_again((_S.RESOLVED,), _E.RECURRED),
    *_again((_S.RESOLVED, _S.CLOSED), _E.REOPENED),
    Transition(_S.RESOLVED, _E.CLOSED, _S.CLOSED),
    *_each((_S.SUSPECTED, _S.OPEN, _S.ACKNOWLEDGED), _E.CANCELLED, _S.CANCELLED),
    *_again((_S.OPEN, *_HELD), _E.REASSIGNED),
    *_kept((_S.SUSPECTED, _S.RESTORED, _S.RESOLVED), _E.REASSIGNED),
    *_each(_LIVE, _E.MERGED, _S.MERGED),
    *_again((_S.MERGED,), _E.UNMERGED),
    *_kept((*_UNDECIDED, _S.MERGED), _E.GREW),
    *_kept(_LIVE, _E.REGRADED),
    *_kept((_S.SUSPECTED, _S.OPEN, _S.RESTORED, _S.RESOLVED), _E.ESCALATED),
    *_again(_HELD, _E.ESCALATED),
    *_kept(_LIVE, _E.COUNTERSIGNED),
    *_kept(_LIVE, _E.ROSTER_GAP),
    *_kept(_LIVE, _E.DISPUTED),
    *_kept(_LIVE, _E.DECIDED),
    *_kept((_S.MERGED,), _E.MEASURED),
    *_kept(_S, _E.EVIDENCE),
    *_kept(_S, _E.NOTE),
)
"""The whole machine. PEERS-INCIDENTS.md, section 12; a matter that got graver is escalated out of the hands
that hold it, because what they acknowledged was something smaller."""

_BY_STATE: dict[tuple[IncidentState | None, IncidentEvent, bool], Transition] = {
    (row.source, row.event, held): row
    for row in TRANSITIONS
    for held in ((True, False) if row.acknowledged is None else (row.acknowledged,))
}


def allowed(state: IncidentState | None) -> frozenset[IncidentEvent]:
    """Answer which events can happen in ``state``."""
    return frozenset(row.event for row in TRANSITIONS if row.source is state)


def find(state: IncidentState | None, event: IncidentEvent, *, acknowledged: bool = False) -> Transition:
    """Answer the row for ``event`` in ``state``; raises :class:`IllegalTransitionError` when there is none."""
    row = _BY_STATE.get((state, event, acknowledged))
    if row is None:
        raise IllegalTransitionError(state or "new", event, allowed(state))
    return row


def apply(incident: Incident, event: IncidentEvent, at: datetime, **changes: Any) -> Incident:
    """Return ``incident`` after ``event``; raises :class:`IllegalTransitionError` and changes nothing else.

    ``changes`` are further fields; a live state that is newly entered needs ``deadline_at`` among them.
    """
    row = find(incident.state, event, acknowledged=incident.acknowledged_at is not None)
    after = replace(incident, **{**_effects(incident, row, at), **changes, "state": row.target})
    if row.target in LIVE and row.target is not row.source and "deadline_at" not in changes:
        raise ValueError(f"{row.target} was entered without a deadline of its own")
    if (after.deadline_at is None) is (row.target in LIVE):
        raise ValueError(f"{row.target} and deadline {after.deadline_at} do not go together")
    return after


def _effects(incident: Incident, row: Transition, at: datetime) -> dict[str, Any]:
    """Answer what an event does to the fields by itself, whoever calls it."""
    effects: dict[str, Any] = {}
    if row.pages:
        effects |= {"generation": incident.generation + 1, "acknowledged_at": None, "acknowledged_by": ""}
    if row.event in {_E.VERIFY_FAILED, _E.RECURRED, _E.REOPENED}:
        effects |= {"ended_at": None, "resolved_at": None, "closed_at": None}
    if row.event is _E.UNMERGED:
        effects |= {"parent": None, "closed_at": None}
    if row.event is _E.ACKNOWLEDGED:
        effects |= {"acknowledged_at": at}
    if row.event is _E.VERIFIED:
        effects |= {"resolved_at": at}
    if row.target not in LIVE:
        effects |= {"closed_at": incident.closed_at or at, "deadline_at": None}
    return effects


def deadline_of(
    state: IncidentState,
    at: datetime,
    *,
    deadlines: Deadlines,
    verify: timedelta,
    eta: datetime | None = None,
) -> datetime | None:
    """Answer when the next word is due from whoever holds an incident that enters ``state`` at ``at``.

    A promised ``eta`` shortens the wait and never lengthens it: silence is what the deadline guards against.
    """
    spans = {
        _S.SUSPECTED: verify,
        _S.OPEN: deadlines.acknowledge,
        _S.ACKNOWLEDGED: deadlines.temporary,
        _S.IN_PROGRESS: deadlines.temporary,
        _S.PENDING: deadlines.temporary,
        _S.MITIGATED: deadlines.restore,
        _S.RESTORED: verify,
        _S.RESOLVED: CLOSE_WITHIN,
    }
    span = spans.get(state)
    if span is None:
        return None
    due = at + span
    return min(due, eta) if eta is not None and eta > at else due


def diagram() -> str:
    """Draw :data:`TRANSITIONS` as text: moves one a line, then the events that leave a state as it is."""
    moves = [row for row in TRANSITIONS if row.source is not row.target]
    lines = [f"{row.source or '(new)':<13} {row.event + _guard(row):<31} {row.target}" for row in moves]
    kept: dict[IncidentEvent, list[str]] = {}
    for row in TRANSITIONS:
        if row.source is row.target:
            kept.setdefault(row.event, []).append(str(row.target))
    for event, states in kept.items():
        shown = "every state" if len(states) == len(IncidentState) else " ".join(states)
        lines.append(f"{'=':<13} {event:<31} {shown}")
    return "\n".join(lines)


def _guard(row: Transition) -> str:
    held = {True: " (held)", False: " (not held)", None: ""}[row.acknowledged]
    return held + (" *" if row.pages else "")

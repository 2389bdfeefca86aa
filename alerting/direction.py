"""What the department directs: whose matter it is, how grave it is, and that what was over is not over.

Each function holds one case of one transaction, like those of :mod:`alerting.actions`.
"""

from datetime import UTC, datetime, timedelta

from alerting.actions import noted, require, unpaused
from alerting.case import Case
from alerting.errors import ImpossibleDeedError, UnknownPartyError
from alerting.incident import find
from alerting.models import IncidentEvent, IncidentState
from alerting.paging import begin, inform, stop
from alerting.province import Province
from alerting.store import latest_of_condition
from inventory.models import Severity

__all__ = ["REOPEN_CLOSED_WITHIN", "escalate", "hand_over", "reassign", "regrade", "reopen", "require_free"]

REOPEN_CLOSED_WITHIN = timedelta(hours=24)
"""What was closed longer ago than this stays closed; what happens then is a new matter."""

_UNPAGED = frozenset({IncidentState.SUSPECTED, IncidentState.RESTORED, IncidentState.RESOLVED})


async def reassign(
    case: Case, province: Province, at: datetime, *, actor: str, owner: str, note: str
) -> None:
    """Make another party accountable: it is paged anew, and its own clocks run from now."""
    require(note, IncidentEvent.REASSIGNED)
    if owner not in province.inventory.parties:
        raise UnknownPartyError("party", owner)
    if owner == case.incident.owner:
        raise ImpossibleDeedError(f"{owner} is accountable already")
    await hand_over(case, province, at, actor=actor, owner=owner, note=note)


async def hand_over(
    case: Case, province: Province, at: datetime, *, actor: str, owner: str, note: str
) -> None:
    """Change the accountable party, whoever decided it; an incident that was restored keeps its state."""
    held = case.incident
    find(held.state, IncidentEvent.REASSIGNED)
    owed = province.deadlines(held.phase, str(held.facts.get("priority", "")))
    facts = {
        **unpaused(case, at),
        "acknowledge_by": (at + owed.acknowledge).astimezone(UTC).isoformat(),
        "restore_by": (at + owed.restore).astimezone(UTC).isoformat(),
    }
    if held.state in _UNPAGED:
        await case.record(
            IncidentEvent.REASSIGNED, at=at, actor=actor, details=noted(note), owner=owner, facts=facts
        )
        await inform(case, "reassigned", province, at)
        return
    await stop(case, at)
    await case.record(
        IncidentEvent.REASSIGNED,
        at=at,
        actor=actor,
        details=noted(note),
        owner=owner,
        assignee="",
        facts=facts,
        deadline_at=province.deadline(held, IncidentState.OPEN, at),
    )
    await begin(case, province, at)


async def regrade(
    case: Case, province: Province, at: datetime, *, actor: str, severity: Severity, note: str
) -> None:
    """Set the severity by hand. Graver pages anew; lesser holds until the computation finds worse than it had found."""
    require(note, IncidentEvent.REGRADED)
    before = case.incident.severity
    if severity is before:
        raise ImpossibleDeedError(f"its severity is {severity} already")
    grades = list(Severity)
    raised = grades.index(severity) < grades.index(before)
    computed = case.incident.facts.get("computed", before.value)
    await case.record(
        IncidentEvent.REGRADED,
        at=at,
        actor=actor,
        details={**noted(note), "severity": [before.value, severity.value]},
        severity=severity,
        facts={"lowered_from": None if raised else computed},
    )
    if raised and case.incident.state not in _UNPAGED:
        await escalate(case, before, province, at)


async def escalate(case: Case, before: Severity, province: Province, at: datetime) -> None:
    """Page anew for a matter that got graver than what was paged or acknowledged."""
    await case.record(
        IncidentEvent.ESCALATED,
        at=at,
        details={"severity": [before.value, case.incident.severity.value]},
        generation=case.incident.generation + 1,
        deadline_at=province.deadline(case.incident, IncidentState.OPEN, at),
    )
    await begin(case, province, at)


async def reopen(case: Case, province: Province, at: datetime, *, actor: str, note: str) -> None:
    """Say that what was resolved or closed is not over; within a day of closing."""
    require(note, IncidentEvent.REOPENED)
    held = case.incident
    find(held.state, IncidentEvent.REOPENED)
    if held.closed_at is not None and at - held.closed_at > REOPEN_CLOSED_WITHIN:
        raise ImpossibleDeedError("it was closed more than 24 hours ago; open a new incident")
    await require_free(case)
    await case.record(
        IncidentEvent.REOPENED,
        at=at,
        actor=actor,
        details=noted(note),
        facts={"claimed_at": None},
        deadline_at=province.deadline(held, IncidentState.OPEN, at),
    )
    await begin(case, province, at)


async def require_free(case: Case) -> None:
    """Raise unless no other live incident stands for the same cause meanwhile."""
    last = await latest_of_condition(case.connection, case.incident.condition)
    over = {
        IncidentState.RESOLVED,
        IncidentState.CLOSED,
        IncidentState.CANCELLED,
        IncidentState.MERGED,
    }
    if last is not None and last.id != case.incident.id and last.state not in over:
        raise ImpossibleDeedError(f"{last.number} stands for the same cause already")

"""What people do to an incident. Each function holds one case of one transaction; the service opens and commits it.

All take (case, province, at) and say by keyword who acts; together with its keywords a function is a deed that
:meth:`alerting.service.AlertingService.act` does.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from alerting.case import Case
from alerting.errors import ImpossibleTimeError, MissingReasonError
from alerting.escalation import leads
from alerting.incident import find
from alerting.models import (
    ACKNOWLEDGEABLE,
    LIVE,
    CauseClass,
    IncidentEvent,
    IncidentState,
    PendingReason,
)
from alerting.paging import inform, stop
from alerting.province import Province
from alerting.roster_store import living
from alerting.timers import COUNTERSIGN, running, stopped

__all__ = [
    "LONGEST_WAIT",
    "acknowledge",
    "annotate",
    "cancel",
    "close",
    "countersign",
    "mitigate",
    "noted",
    "pause",
    "progress",
    "report_restored",
    "require",
    "start",
    "unpaused",
]

LONGEST_WAIT = timedelta(days=3)
"""Nothing may wait, and no temporary service may last, for longer than this without a further word."""


async def acknowledge(
    case: Case, province: Province, at: datetime, *, actor: str, person: str = "", note: str = ""
) -> bool:
    """Take the incident into ``actor``'s hands. The first wins; answers whether this was the first.

    Once somebody holds it, a further acknowledgement by another is noted, once, and changes nothing else. Where a
    leader's own word is waited for, the acknowledgement of the leader on duty is that word too.
    """
    held = case.incident
    first = held.state in ACKNOWLEDGEABLE
    if first:
        await stop(case, at)
        await case.record(
            IncidentEvent.ACKNOWLEDGED,
            at=at,
            actor=actor,
            details=noted(note),
            acknowledged_by=actor,
            assignee=person or held.assignee,
            deadline_at=province.deadline(held, IncidentState.ACKNOWLEDGED, at),
        )
        await inform(case, "acknowledged", province, at, told=person)
    elif held.acknowledged_at is None or held.state not in LIVE:
        find(held.state, IncidentEvent.ACKNOWLEDGED)
    inventory = await living(case.connection, province.inventory, at)
    if COUNTERSIGN in running(case.incident) and leads(inventory, province.department, person, at):
        await countersign(case, province, at, actor=actor, note=note)
    elif not first:
        await _also_acknowledged(case, at, actor=actor, note=note)
    return first


async def _also_acknowledged(case: Case, at: datetime, *, actor: str, note: str) -> None:
    also = case.incident.facts.get("also_acknowledged_by", [])
    if actor != case.incident.acknowledged_by and actor not in also:
        facts = {"also_acknowledged_by": [*also, actor]}
        await case.record(IncidentEvent.NOTE, at=at, actor=actor, details=noted(note), facts=facts)


async def countersign(case: Case, _province: Province, at: datetime, *, actor: str, note: str = "") -> None:
    """Give the leader's own word on one of the gravest incidents; again harmless."""
    if COUNTERSIGN not in running(case.incident) and case.incident.facts.get("countersigned_by"):
        return
    await case.record(
        IncidentEvent.COUNTERSIGNED,
        at=at,
        actor=actor,
        details=noted(note),
        facts={"countersigned_by": actor, **stopped(case.incident, COUNTERSIGN)},
    )


async def start(case: Case, province: Province, at: datetime, *, actor: str, note: str = "") -> None:
    """Say that work has begun, without more words; the next word is due anew."""
    if case.incident.state is IncidentState.IN_PROGRESS:
        return
    await case.record(
        IncidentEvent.STARTED,
        at=at,
        actor=actor,
        details=noted(note),
        facts=unpaused(case, at),
        deadline_at=province.deadline(case.incident, IncidentState.IN_PROGRESS, at),
    )


async def progress(
    case: Case, province: Province, at: datetime, *, actor: str, note: str, eta: datetime | None = None
) -> None:
    """Tell what is being done, and optionally when it should be over; the next word is due anew."""
    require(note, IncidentEvent.PROGRESS)
    eta = eta.astimezone(UTC) if eta is not None else None
    if eta is not None and eta <= at:
        raise ImpossibleTimeError(eta, at)
    await case.record(
        IncidentEvent.PROGRESS,
        at=at,
        actor=actor,
        details=noted(note),
        facts={"eta": eta.isoformat() if eta else None, "progress": note, **unpaused(case, at)},
        deadline_at=province.deadline(case.incident, IncidentState.IN_PROGRESS, at, eta=eta),
    )


async def pause(
    case: Case,
    _province: Province,
    at: datetime,
    *,
    actor: str,
    reason: PendingReason,
    until: datetime,
    note: str,
) -> None:
    """Let work wait for ``reason``, at most until ``until``; then whoever holds it owes a word or is taken for gone.

    What the owner cannot do anything about stops the owner's clock: the time to restore grows by the wait.
    """
    require(note, IncidentEvent.PAUSED)
    until = _within(until, at)
    facts = {
        **unpaused(case, at),
        "pending": reason.value,
        "clock_stopped_at": at.astimezone(UTC).isoformat() if reason.stops_clock else None,
    }
    await case.record(
        IncidentEvent.PAUSED,
        at=at,
        actor=actor,
        details={**noted(note), "reason": reason.value, "clock": not reason.stops_clock},
        facts=facts,
        deadline_at=until,
    )


def unpaused(case: Case, at: datetime) -> dict[str, Any]:
    """Answer what changes in the facts when a wait is over: the time to restore moves by as long as the clock stood."""
    facts = case.incident.facts
    if case.incident.state is not IncidentState.PENDING:
        return {}
    changed: dict[str, Any] = {"pending": None, "clock_stopped_at": None}
    if stopped_at := facts.get("clock_stopped_at"):
        stood = at - datetime.fromisoformat(stopped_at)
        if due := facts.get("restore_by"):
            changed["restore_by"] = (datetime.fromisoformat(due) + stood).isoformat()
    return changed


async def mitigate(
    case: Case,
    province: Province,
    at: datetime,
    *,
    actor: str,
    note: str,
    until: datetime | None = None,
) -> None:
    """Say that service flows another way, verified by whom ``note`` names; it holds until ``until`` at the latest."""
    require(note, IncidentEvent.MITIGATED)
    owed = province.deadline(case.incident, IncidentState.MITIGATED, at)
    due = owed if until is None else _within(until, at)
    find(case.incident.state, IncidentEvent.MITIGATED)
    await stop(case, at)
    since = case.incident.facts.get("mitigated_at") or at.astimezone(UTC).isoformat()
    await case.record(
        IncidentEvent.MITIGATED,
        at=at,
        actor=actor,
        details=noted(note),
        facts={"mitigated_at": since, **unpaused(case, at)},
        deadline_at=due,
    )
    await inform(case, "mitigated", province, at)


async def report_restored(
    case: Case, province: Province, at: datetime, *, actor: str, note: str = ""
) -> None:
    """Claim that service is back. The end of the fault stays what the probes say; they verify the claim."""
    if case.incident.state is IncidentState.RESTORED:
        return
    await stop(case, at)
    await case.record(
        IncidentEvent.RESTORED,
        at=at,
        actor=actor,
        details=noted(note),
        facts={"claimed_at": at.astimezone(UTC).isoformat(), **unpaused(case, at)},
        deadline_at=province.deadline(case.incident, IncidentState.RESTORED, at),
    )
    await inform(case, "claimed", province, at)


async def close(
    case: Case, _province: Province, at: datetime, *, actor: str, cause: CauseClass, note: str
) -> None:
    """Sign off what was resolved, with its cause and the words that a report will quote."""
    require(note, IncidentEvent.CLOSED)
    await case.record(
        IncidentEvent.CLOSED,
        at=at,
        actor=actor,
        details=noted(note),
        cause=cause,
        facts={"closing_note": note},
    )


async def cancel(case: Case, _province: Province, at: datetime, *, actor: str, note: str) -> None:
    """Take back what was no incident."""
    require(note, IncidentEvent.CANCELLED)
    find(case.incident.state, IncidentEvent.CANCELLED)
    await stop(case, at)
    await case.record(IncidentEvent.CANCELLED, at=at, actor=actor, details=noted(note))


async def annotate(case: Case, _province: Province, at: datetime, *, actor: str, note: str) -> None:
    """Write something down."""
    require(note, IncidentEvent.NOTE)
    await case.record(IncidentEvent.NOTE, at=at, actor=actor, details=noted(note))


def noted(note: str) -> dict[str, str]:
    """Answer the details that carry ``note``, if it says anything."""
    return {"note": note.strip()} if note.strip() else {}


def require(note: str, event: IncidentEvent) -> None:
    """Raise :class:`MissingReasonError` unless ``note`` says something."""
    if not note.strip():
        raise MissingReasonError(event, "a note")


def _within(until: datetime, at: datetime) -> datetime:
    until = until.astimezone(UTC)
    if until <= at:
        raise ImpossibleTimeError(until, at)
    return min(until, at + LONGEST_WAIT)

"""What people do to an incident. Each function holds one case of one transaction; the service opens and commits it."""

from datetime import UTC, datetime

from alerting.case import Case
from alerting.errors import ImpossibleTimeError, MissingReasonError
from alerting.incident import find
from alerting.models import ACKNOWLEDGEABLE, LIVE, CauseClass, IncidentEvent, IncidentState
from alerting.paging import inform, stop
from alerting.province import Province

__all__ = ["acknowledge", "annotate", "cancel", "close", "progress", "report_restored"]


async def acknowledge(
    case: Case, province: Province, at: datetime, *, actor: str, person: str = "", note: str = ""
) -> bool:
    """Take the incident into ``actor``'s hands. The first wins; answers whether this was the first.

    Once somebody holds it, a further acknowledgement by another is noted, once, and changes nothing else.
    """
    held = case.incident
    if held.state in ACKNOWLEDGEABLE:
        await stop(case, at)
        await case.record(
            IncidentEvent.ACKNOWLEDGED,
            at=at,
            actor=actor,
            details=_noted(note),
            acknowledged_by=actor,
            assignee=person or held.assignee,
            deadline_at=province.deadline(held, IncidentState.ACKNOWLEDGED, at),
        )
        await inform(case, "acknowledged", province, at, told=person)
        return True
    if held.acknowledged_at is None or held.state not in LIVE:
        find(held.state, IncidentEvent.ACKNOWLEDGED)
    also = held.facts.get("also_acknowledged_by", [])
    if actor != held.acknowledged_by and actor not in also:
        facts = {"also_acknowledged_by": [*also, actor]}
        await case.record(IncidentEvent.NOTE, at=at, actor=actor, details=_noted(note), facts=facts)
    return False


async def progress(
    case: Case, province: Province, at: datetime, *, actor: str, note: str, eta: datetime | None = None
) -> None:
    """Tell what is being done, and optionally when it should be over; the next word is due anew."""
    _require(note, IncidentEvent.PROGRESS)
    eta = eta.astimezone(UTC) if eta is not None else None
    if eta is not None and eta <= at:
        raise ImpossibleTimeError(eta, at)
    await case.record(
        IncidentEvent.PROGRESS,
        at=at,
        actor=actor,
        details=_noted(note),
        facts={"eta": eta.isoformat() if eta else None, "progress": note},
        deadline_at=province.deadline(case.incident, IncidentState.IN_PROGRESS, at, eta=eta),
    )


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
        details=_noted(note),
        deadline_at=province.deadline(case.incident, IncidentState.RESTORED, at),
    )
    await inform(case, "claimed", province, at)


async def close(case: Case, at: datetime, *, actor: str, cause: CauseClass, note: str) -> None:
    """Sign off what was resolved, with its cause and the words that a report will quote."""
    _require(note, IncidentEvent.CLOSED)
    await case.record(
        IncidentEvent.CLOSED,
        at=at,
        actor=actor,
        details=_noted(note),
        cause=cause,
        facts={"closing_note": note},
    )


async def cancel(case: Case, at: datetime, *, actor: str, note: str) -> None:
    """Take back what was no incident."""
    _require(note, IncidentEvent.CANCELLED)
    find(case.incident.state, IncidentEvent.CANCELLED)
    await stop(case, at)
    await case.record(IncidentEvent.CANCELLED, at=at, actor=actor, details=_noted(note))


async def annotate(case: Case, at: datetime, *, actor: str, note: str) -> None:
    """Write something down."""
    _require(note, IncidentEvent.NOTE)
    await case.record(IncidentEvent.NOTE, at=at, actor=actor, details=_noted(note))


def _noted(note: str) -> dict[str, str]:
    return {"note": note.strip()} if note.strip() else {}


def _require(note: str, event: IncidentEvent) -> None:
    if not note.strip():
        raise MissingReasonError(event, "a note")

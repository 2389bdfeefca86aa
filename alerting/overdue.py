"""What happens when a deadline passes: silence is an event like any other."""

from datetime import datetime
from typing import Any

from alerting.case import Case
from alerting.models import IncidentEvent, IncidentState
from alerting.paging import advance, begin, inform, resume
from alerting.province import Province
from alerting.run_store import active_run

__all__ = ["meet"]


async def meet(case: Case, province: Province, at: datetime) -> bool:
    """Do what is due on ``case`` at ``at``: take escalation steps, and let its deadline pass. True if anything was."""
    before = case.sequence
    await _climbed(case, province, at)
    due = case.incident.deadline_at
    if due is not None and due <= at:
        await _expired(case, province, at)
    return case.sequence != before


async def _climbed(case: Case, province: Province, at: datetime) -> None:
    run = await active_run(case.connection, case.incident.id)
    if run is None or run.next_at is None or run.next_at > at:
        return
    if run.generation == case.incident.generation and case.incident.state is IncidentState.OPEN:
        await advance(case, run, province, at)


async def _expired(case: Case, province: Province, at: datetime) -> None:
    match case.incident.state:
        case IncidentState.RESTORED:
            await _verified(case, province, at)
        case IncidentState.RESOLVED:
            await _record(case, IncidentEvent.ESCALATED, IncidentState.RESOLVED, province, at)
            await inform(case, "close_overdue", province, at)
        case IncidentState.SUSPECTED:
            await _record(case, IncidentEvent.CONFIRMED, IncidentState.OPEN, province, at)
            await begin(case, province, at)
        case IncidentState.OPEN:
            # No step is due, or it would have moved the deadline: whatever stopped the run must not stop the paging.
            await begin(case, province, at)
        case _:
            silent = case.incident.acknowledged_by
            await _record(
                case, IncidentEvent.ACK_EXPIRED, IncidentState.OPEN, province, at, details={"silent": silent}
            )
            await begin(case, province, at)


async def _verified(case: Case, province: Province, at: datetime) -> None:
    """Believe a restoration that held, whoever claimed it; take back one that the probes never saw."""
    if not case.incident.facts.get("down", False):
        await _record(case, IncidentEvent.VERIFIED, IncidentState.RESOLVED, province, at)
        await inform(case, "resolved", province, at)
        return
    held = case.incident.acknowledged_at is not None
    entered = IncidentState.IN_PROGRESS if held else IncidentState.OPEN
    failures = case.incident.facts.get("false_restorations", 0) + 1
    await _record(
        case,
        IncidentEvent.VERIFY_FAILED,
        entered,
        province,
        at,
        facts={"false_restorations": failures},
    )
    await inform(case, "verify_failed", province, at)
    if not held:
        await resume(case, province, at)


async def _record(
    case: Case,
    event: IncidentEvent,
    entered: IncidentState,
    province: Province,
    at: datetime,
    **more: Any,
) -> None:
    await case.record(event, at=at, deadline_at=province.deadline(case.incident, entered, at), **more)

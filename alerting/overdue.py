"""What happens when a deadline passes: silence is an event like any other."""

from datetime import datetime
from typing import Any

from alerting.case import Case
from alerting.disputes import open_dispute
from alerting.handover_overdue import is_still_late
from alerting.models import LIVE, IncidentEvent, IncidentState
from alerting.paging import advance, begin, call_leader, inform, stop
from alerting.province import Province
from alerting.roster_gaps import is_filled, is_gap, is_passing
from alerting.roster_store import living
from alerting.run_store import active_run
from alerting.timers import COUNTERSIGN, DECIDE, due, started, stopped
from alerting.verification import meet_verification

__all__ = ["meet", "set_going"]


async def meet(case: Case, province: Province, at: datetime) -> bool:
    """Do what is due on ``case`` at ``at``: escalation steps, its timers, its deadline. True if anything was."""
    before = case.sequence
    if is_gap(case.incident.condition) or is_passing(case.incident.condition):
        await _held(case, province, at)
    await _climbed(case, province, at)
    for timer in due(case.incident, at):
        await _called(case, timer, province, at)
    owed = case.incident.deadline_at
    if owed is not None and owed <= at:
        await _expired(case, province, at)
    return case.sequence != before


async def set_going(case: Case, province: Province, at: datetime) -> None:
    """Mend a case that stands still: page for it anew where somebody must answer, else let its clock run again."""
    if case.incident.state is IncidentState.OPEN:
        await begin(case, province, at)
    elif case.incident.deadline_at is None:
        due = province.deadline(case.incident, case.incident.state, at)
        await case.record(IncidentEvent.NOTE, at=at, details={"note": "clock set going"}, deadline_at=due)


async def _held(case: Case, province: Province, at: datetime) -> None:
    """End the incident of a duty once somebody who can be reached holds it, or its handover waits no longer."""
    if case.incident.state not in LIVE or not case.incident.facts.get("down", False):
        return
    if not await _is_over(case, province, at):
        return
    await stop(case, at)
    if case.incident.state in {IncidentState.RESTORED, IncidentState.RESOLVED}:
        await case.record(IncidentEvent.NOTE, at=at, ended_at=at, facts={"down": False})
        return
    due_at = province.deadline(case.incident, IncidentState.RESTORED, at)
    await case.record(IncidentEvent.RESTORED, at=at, ended_at=at, facts={"down": False}, deadline_at=due_at)


async def _is_over(case: Case, province: Province, at: datetime) -> bool:
    if is_passing(case.incident.condition):
        return not await is_still_late(case.connection, case.incident.condition, at)
    inventory = await living(case.connection, province.inventory, at)
    return is_filled(case.incident.condition, inventory, at)


async def _climbed(case: Case, province: Province, at: datetime) -> None:
    run = await active_run(case.connection, case.incident.id)
    if run is None or run.next_at is None or run.next_at > at:
        return
    if run.generation == case.incident.generation and case.incident.state is IncidentState.OPEN:
        await advance(case, run, province, at)


async def _called(case: Case, timer: str, province: Province, at: datetime) -> None:
    """Page the leader for the word that a timer waits for, and wait again; a word that nobody needs is not waited for."""
    needed = {
        DECIDE: open_dispute(case.incident.facts) is not None,
        COUNTERSIGN: case.incident.severity in province.inventory.policy.countersign,
    }
    if not needed.get(timer, False):
        await case.record(IncidentEvent.NOTE, at=at, facts=stopped(case.incident, timer))
        return
    again = at + province.inventory.policy.escalation_repeat
    await case.record(
        IncidentEvent.NOTE, at=at, details={"called": timer}, facts=started(case.incident, timer, again)
    )
    await call_leader(case, timer, province, at)


async def _expired(case: Case, province: Province, at: datetime) -> None:
    match case.incident.state:
        case IncidentState.RESTORED:
            await meet_verification(case, province, at)
        case IncidentState.RESOLVED:
            await _record(case, IncidentEvent.ESCALATED, IncidentState.RESOLVED, province, at)
            await inform(case, "close_overdue", province, at)
        case IncidentState.SUSPECTED:
            await _record(case, IncidentEvent.CONFIRMED, IncidentState.OPEN, province, at)
            await begin(case, province, at)
        case IncidentState.OPEN:
            # No step is due, or it would have moved the deadline: whatever stopped the run must not stop the paging.
            await begin(case, province, at)
        case IncidentState.MITIGATED:
            await _record(case, IncidentEvent.MITIGATION_LOST, IncidentState.OPEN, province, at, expired=True)
            await begin(case, province, at)
        case _:
            silent = case.incident.acknowledged_by
            await _record(case, IncidentEvent.ACK_EXPIRED, IncidentState.OPEN, province, at, silent=silent)
            await begin(case, province, at)


async def _record(
    case: Case,
    event: IncidentEvent,
    entered: IncidentState,
    province: Province,
    at: datetime,
    **details: Any,
) -> None:
    due_at = province.deadline(case.incident, entered, at)
    await case.record(event, at=at, details=details, deadline_at=due_at)

"""What becomes of a handover that nobody accepted in time: an incident of the department, and word to all concerned.

The deadline is met by the same loop as every other (:meth:`alerting.service.AlertingService.tick`). The mark on the
handover, the incident and its notices commit together, so that it is told once whatever dies on the way. The incident
is over when the handover is accepted or taken back, or when the turn itself has ended.
"""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.case import Case
from alerting.escalation import leader_on_duty, officers
from alerting.handover import Handover, HandoverState
from alerting.models import LIVE, IncidentState
from alerting.paging import begin, tell
from alerting.province import Province
from alerting.roster_gaps import PASSING, passing_condition, passing_incident
from alerting.roster_schema import handovers
from alerting.roster_store import handovers_of, living, note_change
from alerting.store import latest_of_condition
from inventory.models import Inventory, Person

__all__ = ["is_still_late", "overdue_handovers", "soonest_overdue", "tell_overdue"]

_WHAT = "handover_overdue"


async def _untold(connection: AsyncConnection, at: datetime) -> list[Handover]:
    waiting = await handovers_of(connection, states=(HandoverState.OFFERED,))
    return [one for one in waiting if one.is_open(at) and one.escalated_at is None]


async def overdue_handovers(connection: AsyncConnection, at: datetime) -> tuple[Handover, ...]:
    """Read the handovers that should have been accepted by ``at`` and of which nobody was told."""
    return tuple(one for one in await _untold(connection, at) if one.is_overdue(at))


async def soonest_overdue(connection: AsyncConnection, at: datetime) -> datetime | None:
    """Answer when the next handover will be overdue."""
    return min((one.due_at for one in await _untold(connection, at)), default=None)


async def is_still_late(connection: AsyncConnection, condition: str, at: datetime) -> bool:
    """Answer whether a handover that the incident of ``condition`` stands for still waits past its time."""
    party, _, duty = condition.removeprefix(PASSING).rpartition(".")
    waiting = await handovers_of(connection, states=(HandoverState.OFFERED,), party=party)
    return any(one.duty.value == duty and one.is_overdue(at) for one in waiting)


async def tell_overdue(
    connection: AsyncConnection, late: Handover, province: Province, at: datetime
) -> int | None:
    """Mark ``late`` as told and tell of it; answers the incident, or None when that was done or settled meanwhile."""
    mine = (handovers.c.id == late.id) & (handovers.c.state == HandoverState.OFFERED.value)
    marked = await connection.execute(
        update(handovers).where(mine, handovers.c.escalated_at.is_(None)).values(escalated_at=at)
    )
    if not marked.rowcount:
        return None
    await note_change(connection, (late.party, late.duty), actor="", at=at, act=_WHAT)
    case = await _case(connection, late, province, at)
    inventory = await living(connection, province.inventory, at)
    about = {
        "outgoing_name": _name(inventory, late.outgoing),
        "incoming_name": _name(inventory, late.incoming),
    }
    readers = _concerned(late, inventory, province, at)
    await tell(case, _WHAT, readers, province, at, about=about, mark=str(late.id))
    return case.incident.id


async def _case(connection: AsyncConnection, late: Handover, province: Province, at: datetime) -> Case:
    last = await latest_of_condition(connection, passing_condition(late.party, late.duty))
    if last is not None and last.state in LIVE - {IncidentState.RESOLVED}:
        return await Case.load(connection, last.id)
    local = at.astimezone(province.inventory.election.zone)
    incident = passing_incident(
        late,
        province,
        at,
        identifier=await province.numbers.identifier(connection),
        number=await province.numbers.number(connection, local),
    )
    case = await Case.open(connection, incident, {"handover": late.id})
    await begin(case, province, at)
    return case


def _concerned(late: Handover, inventory: Inventory, province: Province, at: datetime) -> tuple[Person, ...]:
    """Answer who is told: who should take over, who still holds, the department's officer and leader; each once."""
    leader = leader_on_duty(inventory, province.department, at)
    codes = dict.fromkeys(
        [
            late.incoming,
            late.outgoing,
            *(person.code for person in officers(inventory, province.department, at)),
            *([leader.code] if leader else []),
        ]
    )
    return tuple(inventory.people[code] for code in codes if code in inventory.people)


def _name(inventory: Inventory, code: str) -> str:
    person = inventory.people.get(code)
    return person.name if person else code

"""Several incidents of one cause: children are merged into a parent, keep their ledgers, and come back when they must.

A merged incident is not paged and has no deadline of its own; what is measured of it goes on being written into its
ledger. When the parent is resolved while a child is still down, the child stands alone again at once.
"""

from datetime import datetime

from alerting.actions import noted, require
from alerting.case import Case
from alerting.direction import require_free
from alerting.errors import ImpossibleDeedError
from alerting.models import LIVE, IncidentEvent, IncidentState
from alerting.paging import begin, stop
from alerting.province import Province
from alerting.store import children_of

__all__ = ["merge", "release_those_still_down", "unmerge"]


async def merge(child: Case, parent: Case, at: datetime, *, actor: str, note: str) -> None:
    """Lay ``child`` to the cause of ``parent``; what was merged into the child goes with it."""
    require(note, IncidentEvent.MERGED)
    if child.incident.id == parent.incident.id:
        raise ImpossibleDeedError("an incident cannot be merged into itself")
    if parent.incident.state not in LIVE:
        raise ImpossibleDeedError(
            f"{parent.incident.number} is {parent.incident.state}; nothing is merged into it"
        )
    if parent.incident.restricted is not child.incident.restricted:
        raise ImpossibleDeedError("a restricted incident and an open one are not merged")
    if parent.incident.owner != child.incident.owner:
        # A party would learn of another's incident, and the child would lose its accountable owner.
        raise ImpossibleDeedError("they have different owners; reassign one of them first")
    for grandchild in await children_of(child.connection, child.incident.id):
        case = await Case.load(child.connection, grandchild)
        await case.record(IncidentEvent.NOTE, at=at, actor=actor, parent=parent.incident.id)
    await stop(child, at)
    await child.record(
        IncidentEvent.MERGED,
        at=at,
        actor=actor,
        details={**noted(note), "into": parent.incident.number},
        parent=parent.incident.id,
        facts={"timers": {}},
    )
    await parent.record(IncidentEvent.NOTE, at=at, actor=actor, details={"joined": child.incident.number})


async def unmerge(child: Case, province: Province, at: datetime, *, actor: str, note: str) -> None:
    """Let a merged incident stand alone again, paged anew."""
    require(note, IncidentEvent.UNMERGED)
    parent = child.incident.parent
    left = await Case.load(child.connection, parent) if parent is not None else None
    await _stand_alone(child, left, province, at, actor=actor, note=note)


async def _stand_alone(
    child: Case, parent: Case | None, province: Province, at: datetime, *, actor: str, note: str
) -> None:
    if child.incident.state is IncidentState.MERGED:
        await require_free(child)
    await child.record(
        IncidentEvent.UNMERGED,
        at=at,
        actor=actor,
        details=noted(note),
        deadline_at=province.deadline(child.incident, IncidentState.OPEN, at),
    )
    if parent is not None:
        await parent.record(IncidentEvent.NOTE, at=at, actor=actor, details={"left": child.incident.number})
    await begin(child, province, at)


async def release_those_still_down(
    parent: Case, province: Province, at: datetime, *, actor: str
) -> tuple[int, ...]:
    """Let every child of a resolved parent that is still down stand alone; answers which."""
    released = []
    for identifier in await children_of(parent.connection, parent.incident.id):
        child = await Case.load(parent.connection, identifier)
        if child.incident.facts.get("down", False):
            await _stand_alone(child, parent, province, at, actor=actor, note="")
            released.append(identifier)
    return tuple(released)

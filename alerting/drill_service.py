"""Planning drills, ending them, and what came of them; transactions around :mod:`alerting.drills`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from alerting import drill_store as store
from alerting.actions import noted, require
from alerting.case import Case
from alerting.direction import escalate
from alerting.drills import LONGEST_DRILL, Drill, unmarked
from alerting.errors import ImpossibleDeedError
from alerting.field_errors import FieldRefusedError, UnknownFieldWorkError
from alerting.models import LIVE, Incident, IncidentEvent
from alerting.province import Province
from alerting.scoped import incident_for, scope_of
from alerting.store import incidents_of_drill
from inventory.database import reading, transaction
from inventory.drawn import Draw
from inventory.models import Inventory
from inventory.reasons import Reason

__all__ = ["DrillService", "make_real"]


class DrillService:
    """Drills and their incidents. ``scope`` is the only party that the caller may see (None: all).

    A party sees that it takes part itself, and not who else does: that is for the department to tell.
    """

    def __init__(
        self,
        *,
        database: AsyncEngine,
        inventory: Callable[[], Inventory],
        clock: Callable[[], datetime],
        draw: Draw | None = None,
    ) -> None:
        self._database = database
        self._draw = draw
        self._inventory = inventory
        self._clock = clock

    async def plan(
        self,
        name: str,
        *,
        scenario: str,
        parties: Sequence[str],
        starts_at: datetime,
        ends_at: datetime,
        actor: str,
    ) -> Drill:
        """Plan a drill; refused where its window or its parties cannot be."""
        async with transaction(self._database) as connection:
            now = self._clock()
            self._check(name, parties, starts_at, ends_at, now)
            identifier = await store.add(
                connection,
                {
                    "name": name.strip()[:120],
                    "scenario": scenario.strip()[:4000],
                    "parties": sorted(set(parties)),
                    "starts_at": starts_at,
                    "ends_at": ends_at,
                    "made_at": now,
                    "made_by": actor[:120],
                },
                draw=self._draw,
            )
            found = await store.drill(connection, identifier)
        if found is None:
            raise UnknownFieldWorkError
        return found

    def _check(
        self, name: str, parties: Sequence[str], starts_at: datetime, ends_at: datetime, now: datetime
    ) -> None:
        known = self._inventory().parties
        wrong = [
            (not name.strip(), Reason("chưa đặt tên buổi diễn tập", "the drill has no name")),
            (
                not parties or not set(parties) <= set(known),
                Reason("chọn ít nhất một đơn vị tham gia", "choose at least one party that takes part"),
            ),
            (
                ends_at <= starts_at,
                Reason("lúc kết thúc phải sau lúc bắt đầu", "the end must be after the start"),
            ),
            (ends_at <= now, Reason("buổi diễn tập đã qua", "the drill would be over already")),
            (
                ends_at - starts_at > LONGEST_DRILL,
                Reason("một buổi diễn tập không dài quá 3 ngày", "a drill is not longer than 3 days"),
            ),
        ]
        for holds, reason in wrong:
            if holds:
                raise FieldRefusedError(reason)

    async def end(self, identifier: int, *, actor: str) -> None:
        """End a drill now, or take back one that has not begun."""
        async with transaction(self._database) as connection:
            if not await store.cancel(connection, identifier, by=actor, at=self._clock()):
                raise UnknownFieldWorkError

    async def drills(self, *, scope: str | None) -> tuple[Drill, ...]:
        """Read drills, the latest first; with ``scope`` those that this party takes part in."""
        async with reading(self._database) as connection:
            found = await store.drills(connection, party=scope)
        return tuple(shown for one in found if (shown := _for(one, scope)) is not None)

    async def one(
        self, identifier: int, *, scope: str | None, restricted: bool = False
    ) -> tuple[Drill, tuple[Incident, ...]]:
        """Read a drill and its incidents, of ``scope`` alone; restricted ones only where they may be seen."""
        async with reading(self._database) as connection:
            found = await store.drill(connection, identifier)
            shown = _for(found, scope) if found is not None else None
            if shown is None:
                raise UnknownFieldWorkError
            incidents = await incidents_of_drill(
                connection, shown.id, since=shown.starts_at, until=shown.ends_at, owner=scope
            )
        seen = scope_of(scope, self._inventory())
        return shown, tuple(incident_for(one, seen) for one in incidents if restricted or not one.restricted)


def _for(drill: Drill, scope: str | None) -> Drill | None:
    """Answer a drill as ``scope`` may see it; None: not at all."""
    if scope is None:
        return drill
    return replace(drill, parties=(scope,)) if scope in drill.parties else None


async def make_real(case: Case, province: Province, at: datetime, *, actor: str, note: str) -> None:
    """Say that an incident is no part of the drill: it loses the mark and is paged anew as what it is."""
    require(note, IncidentEvent.NOTE)
    held = case.incident
    if not held.facts.get("drill"):
        raise ImpossibleDeedError("the incident is not part of a drill")
    titles = unmarked({"title": held.title, "title_en": held.title_en})
    await case.record(
        IncidentEvent.NOTE, at=at, actor=actor, details=noted(note), facts={"drill": None}, **titles
    )
    if held.state in LIVE:
        await escalate(case, held.severity, province, at)

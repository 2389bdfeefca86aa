"""Planned work at work: entered, imported and cancelled in one transaction each; belief hears of it afterwards."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from inventory.database import reading, transaction
from inventory.drawn import Draw
from inventory.faults import Fault, Faults
from inventory.models import Inventory
from monitor.planned import PlannedWork
from monitor.planned_calendar import Import, read_calendar
from monitor.planned_entry import WorkEntry, read_entry
from monitor.planned_store import add_work, cancel_work, work_by_id, work_by_uid, works_between

__all__ = ["ENDLESS", "Imported", "PlannedService"]

log = structlog.get_logger()

ENDLESS = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do in a dry run; nothing was done if there is any fault."""

    entered: tuple[PlannedWork, ...] = ()
    unchanged: int = 0
    cancelled: int = 0
    faults: tuple[Fault, ...] = ()


async def _nobody() -> None:
    return None


class PlannedService:
    """The register of planned work. ``inventory`` answers the one in force; ``on_change`` is awaited after a commit."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        inventory: Callable[[], Inventory],
        clock: Callable[[], datetime],
        on_change: Callable[[], Awaitable[None]] = _nobody,
        draw: Draw | None = None,
    ) -> None:
        self._database = database
        self._inventory = inventory
        self._clock = clock
        self._on_change = on_change
        self._draw = draw

    async def works(self, since: datetime, until: datetime) -> list[PlannedWork]:
        """Answer the works that touch the time from ``since`` to ``until``, cancelled ones too, by start."""
        async with reading(self._database) as connection:
            return await works_between(connection, since, until)

    async def known(self) -> list[PlannedWork]:
        """Answer what belief must know: everything that ended less than two days ago, runs or comes."""
        now = self._clock()
        return await self.works(now - timedelta(days=2), now + ENDLESS)

    async def enter(self, entry: WorkEntry, *, actor: str) -> tuple[PlannedWork | None, tuple[Fault, ...]]:
        """Enter one work; answers it, or every fault."""
        faults = Faults()
        work = read_entry(entry, self._inventory(), faults)
        if work is None:
            return None, faults.all()
        async with transaction(self._database) as connection:
            work = await self._add(connection, work, actor)
        await self._told("planned work entered", work.id, actor)
        return work, ()

    async def cancel(self, identifier: int, *, actor: str, owner: str | None = None) -> PlannedWork | None:
        """Cancel one work from now on; ``None`` if there is none (``owner``: of that party) or it was before."""
        async with transaction(self._database) as connection:
            work = await work_by_id(connection, identifier)
            if work is None or (owner is not None and work.owner != owner):
                return None
            if not await cancel_work(connection, identifier, at=self._clock(), by=actor):
                return None
            work = await work_by_id(connection, identifier)
        await self._told("planned work cancelled", identifier, actor)
        return work

    async def take_calendar(self, body: bytes, file: str, *, actor: str, is_dry: bool = False) -> Imported:
        """Import a calendar whole or not at all; importing it again changes nothing."""
        found = read_calendar(body, file, self._inventory())
        if found.faults:
            return Imported(faults=found.faults)
        if is_dry:
            return Imported(entered=found.works, cancelled=len(found.cancelled))
        async with transaction(self._database) as connection:
            done = await self._import(connection, found, actor)
        await self._told("planned work imported", len(done.entered), actor)
        return done

    async def _import(self, connection: AsyncConnection, found: Import, actor: str) -> Imported:
        entered: list[PlannedWork] = []
        unchanged = cancelled = 0
        for work in found.works:
            before = await work_by_uid(connection, work.uid) if work.uid else None
            if before is not None and _is_same(before, work):
                unchanged += 1
                continue
            if before is not None:
                await cancel_work(connection, before.id, at=self._clock(), by=actor)
            entered.append(await self._add(connection, work, actor))
        stays = {work.uid for work in found.works}
        for known in await works_between(connection, self._clock(), self._clock() + ENDLESS):
            if known.cancelled_at is None and known.uid not in stays and _is_off(known, found):
                cancelled += await cancel_work(connection, known.id, at=self._clock(), by=actor)
        return Imported(tuple(entered), unchanged, cancelled)

    async def _add(self, connection: AsyncConnection, work: PlannedWork, actor: str) -> PlannedWork:
        work = replace(work, entered_at=self._clock(), entered_by=actor[:120])
        return replace(work, id=await add_work(connection, work, draw=self._draw))

    async def _told(self, event: str, what: int, actor: str) -> None:
        log.info(event, work=what, actor=actor)
        await self._on_change()


def _is_off(known: PlannedWork, found: Import) -> bool:
    """Whether a calendar takes back what an earlier one announced: all of its UID, or one repetition of it."""
    if any(known.uid.startswith(f"{uid}#") for uid in (*found.cancelled, *found.renewed)):
        return True
    return any(known.uid.startswith(f"{uid}#") and known.starts_at == turn for uid, turn in found.moved)


def _is_same(before: PlannedWork, work: PlannedWork) -> bool:
    """Whether an import says nothing new of a work."""
    told: Sequence[str] = ("kind", "subject", "starts_at", "ends_at", "owner", "reference", "note")
    return all(getattr(before, name) == getattr(work, name) for name in told)

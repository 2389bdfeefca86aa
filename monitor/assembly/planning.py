"""Planned work: the register, and the loop that tells belief of it, also of what another process entered."""

import asyncio
from contextlib import suppress

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from monitor.assembly.clocks import Loops, chance, now
from monitor.planned import PlannedWork
from monitor.planned_service import PlannedService
from monitor.service import MonitorService

__all__ = ["Planning"]

log = structlog.get_logger()

_AGAIN_SECONDS = 10.0
"""How soon belief knows of what ``thongsuot import`` or another process entered."""


class Planning:
    """What was announced, kept in step with belief."""

    def __init__(self, *, database: AsyncEngine, monitor: MonitorService) -> None:
        self._monitor = monitor
        self._known: tuple[PlannedWork, ...] = ()
        self.service = PlannedService(
            database=database,
            inventory=lambda: monitor.inventory,
            clock=now,
            on_change=self.refresh,
            draw=chance,
        )

    async def refresh(self) -> None:
        """Tell belief of every work that is stored, if anything changed."""
        works = tuple(await self.service.known())
        if works != self._known:
            await self._monitor.plan(works)
            self._known = works

    def loops(self) -> Loops:
        """Answer the loop that looks for new works."""
        return {"planning": self._run}

    async def _run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.refresh()
            except Exception:
                # The edge of the loop: what could not be read now is read again soon.
                log.exception("planned work not read")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _AGAIN_SECONDS)

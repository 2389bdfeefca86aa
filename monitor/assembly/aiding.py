"""Mutual aid: the service and the loop that meets its deadlines."""

import asyncio
from contextlib import suppress

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.aid_service import AidService
from alerting.service import AlertingService
from monitor.assembly.clocks import Loops, chance, now
from monitor.service import MonitorService

__all__ = ["Aiding"]

log = structlog.get_logger()

_AGAIN_SECONDS = 1.0


class Aiding:
    """Who helps whom, and whether they keep their word in time."""

    def __init__(self, *, database: AsyncEngine, alerting: AlertingService, monitor: MonitorService) -> None:
        self.service = AidService(
            database=database, alerting=alerting, clock=now, verdicts=monitor.verdicts, draw=chance
        )

    def loops(self) -> Loops:
        """Answer the loop that meets deadlines."""
        return {"aid": self._run}

    async def _run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.service.tick()
            except Exception:
                # The edge of the loop: a deadline that could not be met now is due again in a second.
                log.exception("aid's deadlines not met")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _AGAIN_SECONDS)

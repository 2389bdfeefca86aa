"""Belief that writes its own record: every call at a time of its own, noted before it is carried out.

While a call lasts its clock stands, so that a replay, whose clock stands too, decides at the very same nanosecond.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from inventory.database import reading
from inventory.models import Inventory
from monitor.flapping import WINDOW_NS
from monitor.keyframe import keyframe_of
from monitor.metrics import ServiceMetrics
from monitor.moments import nanoseconds
from monitor.planned import PlannedWork
from monitor.recording import Recorder
from monitor.service import MonitorService
from probes.models import SampleBatch

__all__ = ["RecordedMonitor"]

_TURNS = timedelta(microseconds=WINDOW_NS // 1000)


class RecordedMonitor(MonitorService):
    """A :class:`MonitorService` with a :class:`~monitor.recording.Recorder`."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        inventory: Inventory,
        clock: Callable[[], datetime],
        metrics: ServiceMetrics,
        recorder: Recorder,
    ) -> None:
        self._recorder = recorder
        self._real_clock = clock
        self._standing: datetime | None = None
        self._order = asyncio.Lock()
        self._planned: tuple[PlannedWork, ...] = ()
        super().__init__(database=database, inventory=inventory, clock=self._time, metrics=metrics)

    @override
    async def start(self) -> None:
        async with self._one_at_a_time() as at_ns:
            self._recorder.started(at_ns, await self._keyframe(), self.inventory.digest, self.topology.codes)
            await super().start()

    @override
    async def take(self, batch: SampleBatch) -> None:
        async with self._one_at_a_time() as at_ns:
            self._recorder.took(at_ns, batch)
            await super().take(batch)

    @override
    async def tick(self, *, is_behind: bool = False) -> None:
        async with self._one_at_a_time() as at_ns:
            if self._recorder.wants_keyframe:
                self._recorder.keyframe(
                    at_ns, await self._keyframe(), self.inventory.digest, self.topology.codes
                )
                self._recorder.planned(at_ns, self._planned)
            self._recorder.ticked(at_ns, is_behind=is_behind)
            await super().tick(is_behind=is_behind)

    @override
    async def plan(self, works: Iterable[PlannedWork]) -> None:
        async with self._one_at_a_time() as at_ns:
            self._planned = tuple(works)
            self._recorder.planned(at_ns, self._planned)
            await super().plan(self._planned)

    @override
    async def swap(self, inventory: Inventory) -> None:
        async with self._one_at_a_time() as at_ns:
            await super().swap(inventory)
            self._recorder.swapped(at_ns, inventory.digest, self.topology.codes)

    @override
    async def stop(self) -> None:
        async with self._one_at_a_time() as at_ns:
            await super().stop()
            self._recorder.stopped(at_ns)
            self._recorder.close()

    async def _keyframe(self) -> dict[str, Any]:
        async with reading(self.database) as connection:
            return await keyframe_of(connection, self._time(), turns=_TURNS)

    @asynccontextmanager
    async def _one_at_a_time(self) -> AsyncIterator[int]:
        async with self._order:
            self._standing = self._real_clock()
            try:
                yield nanoseconds(self._standing)
            finally:
                self._standing = None

    def _time(self) -> datetime:
        return self._standing or self._real_clock()

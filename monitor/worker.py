"""The loop of belief: takes batches as they come, ticks exactly when a hold ends, and keeps house beside it.

Two loops that share nothing but the service: one takes and ticks, the other writes closed minutes, so that writing
history never delays a decision. A batch that cannot be taken is logged with its name and counted, never lost in
silence; the loop goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Protocol

import structlog

from monitor.metrics import ServiceMetrics
from monitor.service import MonitorService
from probes.models import SampleBatch

__all__ = ["BatchSource", "MonitorWorker"]

log = structlog.get_logger()

TICK_SECONDS = 1.0
FLUSH_SECONDS = 60.0
LONG_TURN_SECONDS = 0.02
LONGEST_REST_SECONDS = 0.15
"""After a long turn belief rests as long as it took: the vantage may share this interpreter, and a storm of changes
must not make it late; a look that is late for our sake proves nothing."""


class BatchSource(Protocol):
    """The end of the bus that belief holds."""

    async def next(self) -> SampleBatch:
        """Wait for the next batch."""

    def __len__(self) -> int:
        """How many batches wait."""


class MonitorWorker:
    """Drives one :class:`MonitorService` until told to stop; ``tidy`` is called on a thread of its own after each flush."""

    def __init__(
        self,
        *,
        service: MonitorService,
        bus: BatchSource,
        clock: Callable[[], datetime],
        metrics: ServiceMetrics,
        flush_seconds: float = FLUSH_SECONDS,
        tidy: Callable[[], None] = lambda: None,
    ) -> None:
        self._service = service
        self._bus = bus
        self._clock = clock
        self._metrics = metrics
        self._flush_seconds = flush_seconds
        self._tidy = tidy
        self.taken = 0
        self.failed = 0
        self.last_success: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Take batches until ``stop``; what was published before it may be taken or not."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take_batches(stop))
            tasks.create_task(self._keep_house(stop))

    async def _take_batches(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        stopping = asyncio.create_task(stop.wait())
        coming = asyncio.create_task(self._bus.next())
        ticked = loop.time()
        try:
            while not stop.is_set():
                wait = self._until_tick(ticked + TICK_SECONDS - loop.time())
                await asyncio.wait({coming, stopping}, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    batch, coming = coming.result(), asyncio.create_task(self._bus.next())
                    await self._take(batch)
                if self._until_tick(ticked + TICK_SECONDS - loop.time()) <= 0:
                    ticked = loop.time()
                    await self._guarded("tick", self._tick)
        finally:
            for task in (coming, stopping):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _tick(self) -> None:
        # Answers that wait on the bus are not silence: nothing grows stale while we are behind.
        await self._service.tick(is_behind=len(self._bus) > 0)

    async def _take(self, batch: SampleBatch) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        name = {"vantage": batch.vantage, "epoch": batch.epoch, "sequence": batch.sequence}
        self.taken += await self._guarded("take", lambda: self._service.take(batch), **name)
        took = loop.time() - began
        self._metrics.turn.observe(took)
        if took > LONG_TURN_SECONDS:
            await asyncio.sleep(min(took, LONGEST_REST_SECONDS))

    async def _keep_house(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._flush_seconds)
            await self._guarded("flush", self._flush)

    async def _flush(self) -> None:
        await self._service.flush()
        await asyncio.to_thread(self._tidy)

    async def _guarded(self, turn: str, act: Callable[[], Awaitable[None]], **name: object) -> bool:
        """Do one turn; a failure is logged with its traceback and counted, and the loop goes on."""
        try:
            await act()
        except Exception:
            self.failed += 1
            self._metrics.errors.labels(f"monitor_{turn}").inc()
            log.exception("turn failed", turn=turn, **name)
            return False
        self.last_success = self._clock()
        self._metrics.success.labels(f"monitor_{turn}").set(self.last_success.timestamp())
        return True

    def _until_tick(self, regular: float) -> float:
        """Answer the seconds until the next tick: a hold's end, or the regular one."""
        deadline = self._service.next_deadline()
        if deadline is None:
            return max(0.0, regular)
        return max(0.0, min(regular, (deadline - self._clock()).total_seconds()))

"""How long the record is kept: old rows go in small batches, each in a transaction of its own.

What is open never goes: an outage that has not ended, a change that alerting has not taken. A batch holds the
writer for milliseconds, so that deleting a year of history delays no decision.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from inventory.database import transaction
from monitor.metrics import ServiceMetrics
from monitor.schema import congestions, history_chunks, link_hours, outages, state_changes, unobserved

__all__ = ["Retention", "Trimmed", "trim"]

log = structlog.get_logger()

EVERY_SECONDS = 3600.0
ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Trimmed:
    """How many rows went."""

    history: int
    changes: int
    outages: int
    unobserved: int
    loads: int


async def trim(
    database: AsyncEngine,
    *,
    history_before: datetime,
    changes_before: datetime,
    rows_at_once: int = ROWS_AT_ONCE,
) -> Trimmed:
    """Delete history and loads that began, and changes, outages and unobserved time that ended, before those times."""
    chunk, change, outage, gap = history_chunks.c, state_changes.c, outages.c, unobserved.c

    async def gone(table: Table, condition: ColumnElement[bool]) -> int:
        return await _delete(database, table, condition, rows_at_once)

    return Trimmed(
        history=await gone(history_chunks, chunk.start < history_before),
        changes=await gone(state_changes, change.processed_at.is_not(None) & (change.at < changes_before)),
        outages=await gone(outages, outage.ended_at < changes_before),
        unobserved=await gone(unobserved, gap.ended_at < changes_before),
        loads=await gone(link_hours, link_hours.c.hour < history_before)
        + await gone(congestions, congestions.c.ended_at < changes_before),
    )


class Retention:
    """The loop that trims the record once an hour."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        clock: Callable[[], datetime],
        metrics: ServiceMetrics,
        history_days: int,
        changes_days: int,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._history = timedelta(days=history_days)
        self._changes = timedelta(days=changes_days)
        self._every_seconds = every_seconds
        self.last_success: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Trim until told to stop; a turn that fails is logged and counted, and the next one comes in an hour."""
        while not stop.is_set():
            try:
                await self.turn()
            except Exception:
                self._metrics.errors.labels("retention").inc()
                log.exception("turn failed", turn="retention")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every_seconds)

    async def turn(self) -> Trimmed:
        """Trim once."""
        now = self._clock()
        trimmed = await trim(
            self._database, history_before=now - self._history, changes_before=now - self._changes
        )
        self.last_success = now
        self._metrics.success.labels("retention").set(now.timestamp())
        if any(astuple(trimmed)):
            log.info("record trimmed", **asdict(trimmed))
        return trimmed


async def _delete(database: AsyncEngine, table: Table, condition: ColumnElement[bool], at_once: int) -> int:
    total = 0
    while True:
        async with transaction(database) as connection:
            count = await _delete_some(connection, table, condition, at_once)
        total += count
        if count < at_once:
            return total
        await asyncio.sleep(0)  # let whoever waits for the writer have it


async def _delete_some(
    connection: AsyncConnection, table: Table, condition: ColumnElement[bool], at_once: int
) -> int:
    keys = list(table.primary_key.columns)
    rows = (await connection.execute(select(*keys).where(condition).limit(at_once))).all()
    for row in rows:
        matching = [column == value for column, value in zip(keys, row, strict=True)]
        await connection.execute(delete(table).where(*matching))
    return len(rows)

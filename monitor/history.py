"""The history of every target: what memory holds of the open chunk and what the database holds of the rest.

Counting is :mod:`monitor.minutes`; this module moves chunks to and from the database. Packing runs in a thread and
rows are written in short transactions, so that neither the loop nor the one writer waits for it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from inventory.database import reading, transaction
from monitor.ingest import Rows
from monitor.minutes import (
    CHUNK_MINUTES,
    MINUTE_NS,
    HistorySlice,
    MinuteTable,
    Sealed,
    joined,
    sliced,
    thinned,
    unpacked,
)
from monitor.moments import moment, nanoseconds
from monitor.schema import history_chunks
from monitor.store import upsert

__all__ = ["History", "HistorySlice"]

_ROWS_AT_ONCE = 500


class History:
    """Minutes of the whole fleet from all vantages. Not thread-safe: one loop owns it."""

    def __init__(self, database: AsyncEngine, codes: Sequence[str], vantages: Sequence[str]) -> None:
        self._database = database
        self._codes = tuple(codes)
        self._index = {code: place for place, code in enumerate(codes)}
        self._tables = {vantage: MinuteTable(len(codes)) for vantage in vantages}
        self._sealed: list[tuple[str, tuple[str, ...], Sealed]] = []
        self._flushing = asyncio.Lock()

    @property
    def lost(self) -> int:
        """Looks that came too late for the chunk that they belong to."""
        return sum(table.lost for table in self._tables.values())

    def add(self, vantage: str, rows: Rows) -> None:
        """Count looks of one vantage."""
        sealed = self._tables[vantage].add(rows)
        self._sealed.extend((vantage, self._codes, each) for each in sealed)

    async def resume(self, now: datetime) -> None:
        """Take over the open chunk from the database, so that writing it again loses nothing."""
        minute = nanoseconds(now) // MINUTE_NS
        chunk = minute - minute % CHUNK_MINUTES
        async with reading(self._database) as connection:
            query = select(history_chunks).where(history_chunks.c.start == moment(chunk * MINUTE_NS))
            for row in await connection.execute(query):
                if row.vantage in self._tables and row.target in self._index:
                    self._tables[row.vantage].load(self._index[row.target], chunk, row.minutes)

    async def flush(self, now: datetime, *, with_open: bool = False) -> int:
        """Write what has closed before the minute of ``now``; answers how many rows were written.

        ``with_open`` writes the open minute too: looking has ended.
        """
        async with self._flushing:
            minute = nanoseconds(now) // MINUTE_NS
            for vantage, table in self._tables.items():
                # A look is dated by its start: the minute before may still end.
                table.close_before(minute - 1)
                if table.is_dirty or with_open:
                    self._sealed.append((vantage, self._codes, table.snapshot(with_open=with_open)))
            written = 0
            while self._sealed:
                vantage, codes, sealed = self._sealed[0]
                written += await self._write(vantage, codes, sealed)
                self._sealed.pop(0)
            return written

    async def read(
        self, target: str, since: datetime, until: datetime, *, points: int | None = None
    ) -> HistorySlice:
        """Answer the minutes of ``target`` from ``since`` to before ``until``, from all vantages together.

        With ``points``, neighbouring minutes are added up so that no more rows than that come back.
        """
        first, last = nanoseconds(since) // MINUTE_NS, -(-nanoseconds(until) // MINUTE_NS)
        parts = (
            [table.read(self._index[target]) for table in self._tables.values()]
            if target in self._index
            else []
        )
        in_memory = {vantage: table.chunk for vantage, table in self._tables.items()}
        async with reading(self._database) as connection:
            parts.extend(await self._stored(connection, target, (first, last), in_memory))
        whole = joined(parts).between(first, last)
        return whole if points is None else thinned(whole, points)

    def rearranged(self, codes: Sequence[str], vantages: Sequence[str], kept: Mapping[str, str]) -> "History":
        """Answer the history for another fleet; targets in ``kept`` go on where they were."""
        new = History(self._database, codes, vantages)
        new._sealed = [*self._sealed]
        new_index = new._index
        mine: npt.NDArray[np.intp] = np.fromiter((new_index[code] for code in kept), np.intp, len(kept))
        theirs: npt.NDArray[np.intp] = np.fromiter((self._index[code] for code in kept), np.intp, len(kept))
        for vantage, table in self._tables.items():
            new._sealed.append((vantage, self._codes, table.snapshot()))
            if vantage in new._tables:
                new._tables[vantage] = table.rearranged(mine, theirs, len(codes))
        return new

    async def _write(self, vantage: str, codes: Sequence[str], sealed: Sealed) -> int:
        if sealed.chunk < 0:
            return 0
        start = moment(sealed.chunk * MINUTE_NS)
        packed = await asyncio.to_thread(lambda: list(sealed.packed()))
        rows: list[dict[str, Any]] = [
            {"target": codes[n], "vantage": vantage, "start": start, "minutes": minutes, "loss": loss}
            for n, minutes, loss in packed
        ]
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            async with transaction(self._database) as connection:
                await upsert(connection, history_chunks, rows[first : first + _ROWS_AT_ONCE])
        return len(rows)

    async def _stored(
        self,
        connection: AsyncConnection,
        target: str,
        span: tuple[int, int],
        in_memory: Mapping[str, int],
    ) -> list[HistorySlice]:
        chunk = history_chunks.c
        query = select(chunk.vantage, chunk.start, chunk.minutes).where(
            chunk.target == target,
            chunk.start > moment((span[0] - CHUNK_MINUTES) * MINUTE_NS),
            chunk.start < moment(span[1] * MINUTE_NS),
        )
        parts = []
        for row in await connection.execute(query):
            start = nanoseconds(row.start) // MINUTE_NS
            if in_memory.get(row.vantage) != start:
                parts.append(sliced(start, *unpacked(row.minutes)))
        return parts

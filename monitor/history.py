"""The history of every target: what memory holds of the newest minutes and what the database holds of the rest.

Counting is :mod:`monitor.minutes`, packing :mod:`monitor.minute_codec`, SQL :mod:`monitor.spans`; this module moves
minutes to and from the database. Packing runs in a thread and rows are written in short transactions, so that neither
the loop nor the one writer waits for it. Folding spans into chunks is spread: so many blocks a flush.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from inventory.codes import CodeIndex
from inventory.database import reading, transaction
from monitor import spans
from monitor.ingest import Rows
from monitor.minutes import (
    CHUNK_MINUTES,
    MINUTE_NS,
    SPAN_MINUTES,
    HistorySlice,
    MinuteTable,
    Span,
    joined,
    sliced,
    thinned,
)
from monitor.moments import moment, nanoseconds

__all__ = ["History", "HistorySlice"]

_FOLDED_AT_ONCE = 64
_FOLDED_AT_START = 1_000_000


@dataclass(frozen=True, slots=True)
class _Unwritten:
    vantage: str
    fleet: str
    span: Span


class History:
    """Minutes of the whole fleet from all vantages. Not thread-safe: one loop owns it.

    ``fleet`` names the order of the codes (the inventory's digest).
    """

    def __init__(
        self, database: AsyncEngine, index: CodeIndex, vantages: Sequence[str], *, fleet: str
    ) -> None:
        self._database = database
        self._fleet = fleet
        self._fleets: dict[str, CodeIndex] = {fleet: index}
        """Ours, and those before it whose spans are not folded yet."""
        self._codes: dict[str, list[bytes]] = {}
        self._tables = {vantage: MinuteTable(len(index)) for vantage in vantages}
        self._unwritten: list[_Unwritten] = []
        self._flushing = asyncio.Lock()

    @property
    def lost(self) -> int:
        """Looks that came too late to be counted."""
        return sum(table.lost for table in self._tables.values())

    def add(self, vantage: str, rows: Rows) -> None:
        """Count looks of one vantage."""
        for span in self._tables[vantage].add(rows):
            self._unwritten.append(_Unwritten(vantage, self._fleet, span))

    async def resume(self, now: datetime) -> None:
        """Go on with the open span where it was left; fold what another fleet left, whose order nobody knows now."""
        minute = nanoseconds(now) // MINUTE_NS
        start, size = minute - minute % SPAN_MINUTES, len(self._fleets[self._fleet])
        async with reading(self._database) as connection:
            for vantage, table in self._tables.items():
                span = await spans.read_span(connection, (vantage, self._fleet), start, size)
                if span is not None:
                    table.load(span)
        await self._fold(0, at_most=_FOLDED_AT_START)

    async def flush(self, now: datetime, *, with_open: bool = False) -> int:
        """Write what has closed before the minute of ``now``; answers how many rows were written.

        ``with_open`` writes the open minute too: looking has ended.
        """
        async with self._flushing:
            minute = nanoseconds(now) // MINUTE_NS
            for vantage, table in self._tables.items():
                # A look is dated by its start: the minute before may still end.
                dirty = [*table.close_before(minute - 1), *table.dirty(with_open=with_open)]
                self._unwritten.extend(_Unwritten(vantage, self._fleet, span) for span in dirty)
            written = 0
            while self._unwritten:
                written += await self._write(self._unwritten[0])
                self._unwritten.pop(0)
            # What memory still holds must not be in a chunk as well: it would be counted twice.
            oldest = min((table.oldest(minute) for table in self._tables.values()), default=minute)
            await self._fold(min(oldest, minute), at_most=_FOLDED_AT_ONCE)
            return written

    async def read(
        self, target: str, since: datetime, until: datetime, *, points: int | None = None
    ) -> HistorySlice:
        """Answer the minutes of ``target`` from ``since`` to before ``until``, from all vantages together.

        With ``points``, neighbouring minutes are added up so that no more rows than that come back.
        """
        first, last = nanoseconds(since) // MINUTE_NS, -(-nanoseconds(until) // MINUTE_NS)
        parts, held = self._in_memory(target)
        async with reading(self._database) as connection:
            parts.extend(await self._young(connection, target, (first, last), held))
            parts.extend(await spans.chunk_slices(connection, target, (first, last)))
        whole = joined(parts).between(first, last)
        return whole if points is None else thinned(whole, points)

    def moved(self, index: CodeIndex, vantages: Sequence[str], *, fleet: str) -> "History":
        """Answer the history for another fleet; what was counted until now is written under the one before."""
        new = History(self._database, index, vantages, fleet=fleet)
        new._fleets = {**self._fleets, fleet: index}
        new._unwritten = [*self._unwritten]
        for vantage, table in self._tables.items():
            new._unwritten.extend(
                _Unwritten(vantage, self._fleet, span) for span in table.dirty(with_open=True)
            )
        return new

    def _in_memory(self, target: str) -> tuple[list[HistorySlice], set[tuple[str, str, int]]]:
        """Answer what memory has of a target, and which spans (vantage, fleet, start) it has all of."""
        parts: list[HistorySlice] = []
        held: set[tuple[str, str, int]] = set()
        for vantage, table in self._tables.items():
            place = self._fleets[self._fleet].get(target)
            if place is not None:
                parts.append(table.read(place))
            held |= {(vantage, self._fleet, start) for start in table.holds()}
        for each in self._unwritten[::-1]:
            key = (each.vantage, each.fleet, each.span.start)
            place = self._fleets[each.fleet].get(target)
            if place is None or key in held:
                continue
            held |= {key} if each.span.is_whole else set()
            parts.append(sliced(each.span.start, each.span.counts[:, place], each.span.rtts[:, place]))
        return parts, held

    async def _young(
        self,
        connection: AsyncConnection,
        target: str,
        between: tuple[int, int],
        held: set[tuple[str, str, int]],
    ) -> list[HistorySlice]:
        parts: list[HistorySlice] = []
        for fleet, index in self._fleets.items():
            place = index.get(target)
            for vantage in self._tables if place is not None else ():
                whose = (vantage, fleet)
                known = {start for *who, start in held if tuple(who) == whose}
                parts.extend(
                    await spans.span_slices(
                        connection, whose, (place or 0, len(index)), between=between, without=known
                    )
                )
        return parts

    async def _write(self, unwritten: _Unwritten) -> int:
        fleet, span = unwritten.fleet, unwritten.span
        if fleet not in self._codes:
            self._codes[fleet] = spans.packed_codes(self._fleets[fleet].codes)
        blocks = await asyncio.to_thread(spans.packed_span, span)
        async with transaction(self._database) as connection:
            await spans.write_span(
                connection, (unwritten.vantage, fleet), span, codes=self._codes[fleet], blocks=blocks
            )
        return len(blocks)

    async def _fold(self, before: int, *, at_most: int) -> None:
        async with reading(self._database) as connection:
            due = await spans.foldable(
                connection,
                before=moment((before - before % CHUNK_MINUTES) * MINUTE_NS),
                fleet=self._fleet,
                at_most=at_most,
            )
        for each in due:
            async with reading(self._database) as connection:
                found = await spans.gathered(connection, each)
            made = await asyncio.to_thread(spans.chunks, found)
            async with transaction(self._database) as connection:
                await spans.settle(connection, each, made)
        if len(due) < at_most:
            ours: Mapping[str, CodeIndex] = {self._fleet: self._fleets[self._fleet]}
            self._fleets = {**ours}
            self._codes = {fleet: codes for fleet, codes in self._codes.items() if fleet in ours}

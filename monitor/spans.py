"""SQL of history: spans of blocks while they are young, chunks of targets for ever.

A span of the whole fleet is written in blocks of :data:`BLOCK` targets: a minute of a nation is five hundred small
rows instead of one for each target, and one target's share of a span is read without unpacking the others. When a
chunk's time is over, each block's spans become a chunk a target and go. Adding up is what makes this safe to repeat
in any order: what a row holds of a minute is added to what another holds of it.
"""

import zlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.minute_codec import Counts, Rtts, block_column, block_packed, block_unpacked, packed, unpacked
from monitor.minutes import CHUNK_MINUTES, MINUTE_NS, SPAN_MINUTES, HistorySlice, Span, added, sliced
from monitor.moments import moment, nanoseconds
from monitor.schema import history_chunks, history_spans
from monitor.store import upsert

__all__ = [
    "BLOCK",
    "Chunk",
    "Folded",
    "Gathered",
    "chunk_slices",
    "chunks",
    "foldable",
    "gathered",
    "packed_codes",
    "packed_span",
    "read_span",
    "settle",
    "span_slices",
    "write_span",
]

BLOCK = 256


@dataclass(frozen=True, slots=True)
class Folded:
    """The spans of one block that belong to one chunk: to be folded into chunks of targets."""

    vantage: str
    fleet: str
    block: int
    chunk: int
    """First minute of the chunk."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a block's chunks are made of: its targets, spans by their first minute in the chunk, chunks there are."""

    codes: Sequence[str]
    spans: Sequence[tuple[int, bytes]]
    known: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Chunk:
    """One target's packed minutes, and its share of failures."""

    target: str
    minutes: bytes
    loss: float


def packed_span(span: Span) -> list[bytes]:
    """Pack a span block by block; takes a while for a nation, so call it in a thread."""
    blocks = range(0, span.counts.shape[1], BLOCK)
    return [
        block_packed(span.counts[:, first : first + BLOCK], span.rtts[:, first : first + BLOCK])
        for first in blocks
    ]


def packed_codes(codes: Sequence[str]) -> list[bytes]:
    """Pack the codes of a fleet block by block."""
    blocks = range(0, len(codes), BLOCK)
    return [zlib.compress("\n".join(codes[first : first + BLOCK]).encode(), 1) for first in blocks]


async def write_span(
    connection: AsyncConnection,
    whose: tuple[str, str],
    span: Span,
    *,
    codes: list[bytes],
    blocks: list[bytes],
) -> None:
    """Write a span of ``whose`` (vantage, fleet); what is there of one that is not whole is added to."""
    vantage, fleet = whose
    start = moment(span.start * MINUTE_NS)
    if not span.is_whole:
        blocks = await _with_written(connection, whose, span, blocks)
    named = {"vantage": vantage, "fleet": fleet, "start": start}
    rows = [
        {**named, "block": number, "codes": codes[number], "minutes": minutes}
        for number, minutes in enumerate(blocks)
    ]
    await upsert(connection, history_spans, rows)


async def read_span(
    connection: AsyncConnection, whose: tuple[str, str], start: int, size: int
) -> Span | None:
    """Answer a span as it was written, if it was."""
    span = history_spans.c
    query = select(span.block, span.minutes).where(
        span.vantage == whose[0], span.fleet == whose[1], span.start == moment(start * MINUTE_NS)
    )
    found = Span.empty(start, size, is_whole=True)
    rows = (await connection.execute(query)).all()
    for row in rows:
        first = row.block * BLOCK
        counts, rtts = block_unpacked(row.minutes, min(BLOCK, size - first))
        found.counts[:, first : first + BLOCK], found.rtts[:, first : first + BLOCK] = counts, rtts
    return found if rows else None


async def span_slices(
    connection: AsyncConnection,
    whose: tuple[str, str],
    where: tuple[int, int],
    *,
    between: tuple[int, int],
    without: Container[int],
) -> list[HistorySlice]:
    """Answer what spans hold of one target from minute to before minute, but for those that start ``without``.

    ``where`` is its place in the fleet and the fleet's size.
    """
    place, size = where
    span = history_spans.c
    query = select(span.start, span.minutes).where(
        span.vantage == whose[0],
        span.fleet == whose[1],
        span.block == place // BLOCK,
        span.start > moment((between[0] - SPAN_MINUTES) * MINUTE_NS),
        span.start < moment(between[1] * MINUTE_NS),
    )
    targets = min(BLOCK, size - place // BLOCK * BLOCK)
    return [
        sliced(nanoseconds(row.start) // MINUTE_NS, *block_column(row.minutes, targets, place % BLOCK))
        for row in await connection.execute(query)
        if nanoseconds(row.start) // MINUTE_NS not in without
    ]


async def chunk_slices(
    connection: AsyncConnection, target: str, between: tuple[int, int]
) -> list[HistorySlice]:
    """Answer what chunks hold of a target, from all vantages, from minute to before minute."""
    chunk = history_chunks.c
    query = select(chunk.start, chunk.minutes).where(
        chunk.target == target,
        chunk.start > moment((between[0] - CHUNK_MINUTES) * MINUTE_NS),
        chunk.start < moment(between[1] * MINUTE_NS),
    )
    return [
        sliced(nanoseconds(row.start) // MINUTE_NS, *unpacked(row.minutes))
        for row in await connection.execute(query)
    ]


async def foldable(
    connection: AsyncConnection, *, before: datetime, fleet: str, at_most: int
) -> list[Folded]:
    """Answer blocks whose chunk is over, or whose fleet is not ``fleet``."""
    span = history_spans.c
    over = or_(span.start < before, span.fleet != fleet)
    # A block has at most a chunk's spans in a chunk, so that many rows hold enough blocks.
    most = at_most * (CHUNK_MINUTES // SPAN_MINUTES)
    query = select(span.vantage, span.fleet, span.block, span.start).where(over).limit(most)
    found: dict[Folded, None] = {}
    for row in await connection.execute(query):
        minute = nanoseconds(row.start) // MINUTE_NS
        found[Folded(row.vantage, row.fleet, row.block, minute - minute % CHUNK_MINUTES)] = None
    return list(found)[:at_most]


async def gathered(connection: AsyncConnection, folded: Folded) -> Gathered:
    """Answer the spans of a block, and what chunks of its targets hold already."""
    span, chunk = history_spans.c, history_chunks.c
    query = select(span.start, span.codes, span.minutes).where(_of(folded))
    rows = (await connection.execute(query)).all()
    codes = zlib.decompress(rows[0].codes).decode().split("\n") if rows else []
    theirs = select(chunk.target, chunk.minutes).where(
        chunk.vantage == folded.vantage,
        chunk.start == moment(folded.chunk * MINUTE_NS),
        chunk.target.in_(codes),
    )
    known = {row.target: row.minutes for row in await connection.execute(theirs)}
    return Gathered(
        codes, [(nanoseconds(row.start) // MINUTE_NS - folded.chunk, row.minutes) for row in rows], known
    )


def chunks(found: Gathered) -> list[Chunk]:
    """Make the chunk of every target that was looked at; takes a while, so call it in a thread."""
    size = len(found.codes)
    counts = np.zeros((2, size, CHUNK_MINUTES), np.uint8)
    rtts = np.full((3, size, CHUNK_MINUTES), np.nan, np.float16)
    for at, minutes in found.spans:
        here = slice(at, at + SPAN_MINUTES)
        counts[:, :, here], rtts[:, :, here] = block_unpacked(minutes, size)
    answer = []
    for place in np.flatnonzero(counts[0].any(axis=1)).tolist():
        target, mine, times = found.codes[place], counts[:, place], rtts[:, place]
        if target in found.known:
            mine, times = _added_to(unpacked(found.known[target]), mine, times)
        used = int(np.flatnonzero(mine[0]).max()) + 1
        looks, failures = mine.sum(axis=1, dtype=np.int64).tolist()
        answer.append(Chunk(target, packed(mine[:, :used], times[:, :used]), failures / looks))
    return answer


async def settle(connection: AsyncConnection, folded: Folded, made: Sequence[Chunk]) -> None:
    """Write the chunks of a block in place of its spans."""
    named = {"vantage": folded.vantage, "start": moment(folded.chunk * MINUTE_NS)}
    rows = [{**named, "target": c.target, "minutes": c.minutes, "loss": c.loss} for c in made]
    await upsert(connection, history_chunks, rows)
    await connection.execute(delete(history_spans).where(_of(folded)))


def _of(folded: Folded) -> ColumnElement[bool]:
    span = history_spans.c
    return (
        (span.vantage == folded.vantage)
        & (span.fleet == folded.fleet)
        & (span.block == folded.block)
        & (span.start >= moment(folded.chunk * MINUTE_NS))
        & (span.start < moment((folded.chunk + CHUNK_MINUTES) * MINUTE_NS))
    )


def _added_to(old: tuple[Counts, Rtts], counts: Counts, rtts: Rtts) -> tuple[Counts, Rtts]:
    width = old[0].shape[1]
    old_counts, old_rtts = np.zeros_like(counts), np.full_like(rtts, np.nan)
    old_counts[:, :width], old_rtts[:, :width] = old
    return added(old_counts, old_rtts, counts, rtts)


async def _with_written(
    connection: AsyncConnection, whose: tuple[str, str], span: Span, blocks: list[bytes]
) -> list[bytes]:
    """Answer the blocks with what was written of the span before added to them."""
    before = await read_span(connection, whose, span.start, span.counts.shape[1])
    if before is None:
        return blocks
    counts, rtts = added(before.counts, before.rtts, span.counts, span.rtts)
    return packed_span(Span(span.start, counts, rtts, is_whole=True))

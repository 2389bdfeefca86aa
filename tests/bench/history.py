"""Bytes that the history of a province costs, and how long ninety days of one target take to read.

2,200 targets looked at every 10 s, filled through :class:`monitor.history.History` itself (counted by the minute,
packed by the chunk, written to a real SQLite file) for :data:`DAYS` days of synthetic looks: round trips of a line
with its own mean and some jitter, one look in two hundred lost, one target in fifty lossy. The growth of the file is
extrapolated to ninety days; a target with ninety days of its own is then read whole and thinned to what a chart shows.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncEngine

from inventory.codes import CodeIndex
from inventory.database import metadata, open_engine
from monitor.history import History
from monitor.ingest import Rows
from monitor.minute_codec import packed
from monitor.minutes import CHUNK_MINUTES
from monitor.moments import SECOND, moment, nanoseconds
from monitor.schema import history_chunks, history_spans
from monitor.store import upsert
from probes.models import Outcome

__all__ = ["run"]

TARGETS = 2_200
CADENCE_SECONDS = 10
DAYS = 3.0
KEPT_DAYS = 90
READS = 5
LIMIT_BYTES = 1e9
LIMIT_SECONDS = 0.1

_START = datetime(2021, 5, 1, tzinfo=UTC)


def run() -> dict[str, Any]:
    """Fill, measure, read; answers bytes of ninety days against a gigabyte."""
    with TemporaryDirectory() as folder:
        return asyncio.run(_measured(Path(folder)))


async def _measured(folder: Path) -> dict[str, Any]:
    began = time.perf_counter()
    first = await _grown(folder / "day.db", targets=TARGETS, days=1.0)
    whole = await _grown(folder / "fleet.db", targets=TARGETS, days=DAYS)
    filled = time.perf_counter() - began
    # The first day holds the pages of the open chunk too, which the next days use again.
    each_day = (whole - first) / TARGETS / (DAYS - 1)
    slowest, spent = await _read(folder / "one.db")
    ninety = first + each_day * TARGETS * (KEPT_DAYS - 1)
    return {
        "name": "history",
        "ours": round(ninety / 1e6),
        "peer": None,
        "limit": LIMIT_BYTES / 1e6,
        "unit": "MB for 2,200 targets at 10 s over 90 days",
        "ratio": round(ninety / LIMIT_BYTES, 3),
        "bytes_a_target_day": round(each_day),
        "read_90_days_seconds": round(slowest, 4),
        "read_cpu_seconds": round(spent, 4),
        "read_limit_seconds": LIMIT_SECONDS,
        "filled_days": DAYS,
        "fill_seconds": round(filled, 1),
    }


async def _grown(file: Path, *, targets: int, days: float) -> int:
    """Answer the bytes of the file once it is closed: then the write-ahead log is part of it."""
    async with _history(file, targets) as (_, history):
        await _fill(history, targets, days)
    return file.stat().st_size


async def _read(file: Path) -> tuple[float, float]:
    """Answer the slowest of some reads of ninety days, and the processor time of one, in seconds."""
    async with _history(file, 1) as (engine, history):
        await _keep(engine, KEPT_DAYS)
        slowest, spent = 0.0, time.process_time()
        for _ in range(READS):
            began = time.perf_counter()
            read = await history.read("T-0", _START, _START + timedelta(days=KEPT_DAYS), points=1_000)
            slowest = max(slowest, time.perf_counter() - began)
        if not 0 < len(read) <= 1_000 or int(read.looks.sum()) != KEPT_DAYS * 86_400 // CADENCE_SECONDS:
            raise AssertionError(f"read {int(read.looks.sum())} looks in {len(read)} rows")
    return slowest, (time.process_time() - spent) / READS


async def _fill(history: History, targets: int, days: float) -> None:
    """Count looks of every cadence, and flush as the service does: when a chunk is full (here, once an hour)."""
    rng = np.random.default_rng(1)
    mean = rng.uniform(0.002, 0.060, targets).astype(np.float32)
    lossy = np.where(rng.random(targets) < 0.02, 0.05, 0.005)
    each = np.arange(targets)
    start_ns = nanoseconds(_START)
    for number, at_ns in enumerate(_starts(start_ns, days)):
        is_lost = rng.random(targets) < lossy
        rtt = mean * rng.lognormal(0, 0.1, targets).astype(np.float32)
        rows = Rows(
            each,
            np.full(targets, at_ns, np.int64),
            np.where(is_lost, Outcome.TIMEOUT, Outcome.OK).astype(np.uint8),
            np.where(is_lost, np.nan, rtt).astype(np.float32),
            np.ones(targets, np.uint8),
        )
        history.add("V", rows)
        if number % 360 == 359:
            await history.flush(moment(at_ns))
    await history.flush(moment(start_ns + round(days * 86_400) * SECOND), with_open=True)


async def _keep(engine: AsyncEngine, days: int) -> None:
    """Put whole chunks of one target on file, six looks a minute, as if days had gone by."""
    rng = np.random.default_rng(2)
    counts = np.stack([np.full(CHUNK_MINUTES, 60 // CADENCE_SECONDS), np.zeros(CHUNK_MINUTES)]).astype(
        np.uint8
    )
    chunks = []
    for number in range(days * 1_440 // CHUNK_MINUTES):
        rtts = np.sort(rng.lognormal(3, 0.1, (3, CHUNK_MINUTES)), axis=0).astype(np.float16)
        start = _START + timedelta(minutes=number * CHUNK_MINUTES)
        row = {"target": "T-0", "vantage": "V", "start": start, "minutes": packed(counts, rtts), "loss": 0.0}
        chunks.append(row)
    async with engine.begin() as connection:
        await upsert(connection, history_chunks, chunks)


def _starts(start_ns: int, days: float) -> Iterator[int]:
    for second in range(0, round(days * 86_400), CADENCE_SECONDS):
        yield start_ns + second * SECOND


@asynccontextmanager
async def _history(file: Path, targets: int) -> AsyncIterator[tuple[AsyncEngine, History]]:
    engine = open_engine(f"sqlite+aiosqlite:///{file}")
    try:
        async with engine.begin() as connection:
            await connection.run_sync(
                lambda plain: metadata.create_all(
                    plain,
                    tables=[history_chunks, history_spans],
                )
            )
        yield (
            engine,
            History(engine, CodeIndex([f"T-{number}" for number in range(targets)]), ["V"], fleet="F"),
        )
    finally:
        await engine.dispose()

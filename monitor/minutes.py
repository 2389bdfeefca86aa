"""Minutes of every target, as seen from every vantage: how many looks, how many failed, how long they took.

Samples themselves are not kept: a minute of a target is eight bytes. The open minute and the one before it are
counted exactly, in columns by fleet index; a closed minute is packed and appended to the open *chunk* of six hours,
and the chunk is written as one row a target whenever a minute has closed. A kill loses at most the open minute.

A row's ``minutes`` are five columns one after the other, deflated: looks (u8), failures (u8), and shortest, mean and
longest round trip (f2, milliseconds, NaN where none was measured). Column ``n`` of a chunk is minute ``n`` from its
start. Counts stop at 255 a minute. Written round trips are within one part in 64 of what was counted, which is what a
chart can show: the half floats keep five bits of their fraction, because the noise below does not deflate (it made
ninety days of a province 1.7 GB instead of less than one; ``thongsuot bench history``).
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.ingest import Rows, rounds
from monitor.moments import SECOND
from probes.models import Outcome

__all__ = [
    "CHUNK_MINUTES",
    "MINUTE_NS",
    "HistorySlice",
    "MinuteTable",
    "Sealed",
    "joined",
    "merged",
    "packed",
    "sliced",
    "thinned",
    "unpacked",
]

MINUTE_NS = 60 * SECOND
CHUNK_MINUTES = 360

_ONE = np.uint16(1)
_HALF_STEP = np.uint16(1 << 4)
"""Half of the last place that is kept of a half float: the lowest five of its ten bits of fraction go."""

_Any = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class HistorySlice:
    """Minutes in order: ``minute`` is UTC minutes since 1970; round trips in seconds, NaN where none was measured.

    Only minutes with a look are there. After thinning, a row stands for several minutes from its own on.
    """

    minute: npt.NDArray[np.int64]
    looks: npt.NDArray[np.int64]
    failures: npt.NDArray[np.int64]
    rtt_min: npt.NDArray[np.float64]
    rtt_mean: npt.NDArray[np.float64]
    rtt_max: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.minute)

    def between(self, since: int, until: int) -> "HistorySlice":
        """Answer the minutes from ``since`` to before ``until``."""
        chosen = (self.minute >= since) & (self.minute < until)
        return HistorySlice(*(column[chosen] for column in _columns(self)))

    @classmethod
    def empty(cls) -> "HistorySlice":
        """Answer no minute at all."""
        none: tuple[_Any, ...] = (np.zeros(0, np.int64),) * 3 + (np.zeros(0, np.float64),) * 3
        return cls(*none)


@dataclass(slots=True)
class _Minute:
    """One minute being counted, by fleet index; round trips in seconds."""

    number: int
    looks: npt.NDArray[np.uint16]
    failures: npt.NDArray[np.uint16]
    measured: npt.NDArray[np.uint16]
    shortest: npt.NDArray[np.float32]
    total: npt.NDArray[np.float32]
    longest: npt.NDArray[np.float32]

    @classmethod
    def open(cls, number: int, size: int) -> "_Minute":
        return cls(
            number,
            looks=np.zeros(size, np.uint16),
            failures=np.zeros(size, np.uint16),
            measured=np.zeros(size, np.uint16),
            shortest=np.full(size, np.inf, np.float32),
            total=np.zeros(size, np.float32),
            longest=np.zeros(size, np.float32),
        )

    def add(self, rows: Rows) -> None:
        target = rows.target
        is_ok = rows.outcome == Outcome.OK
        self.looks[target] += 1
        self.failures[target] += ~is_ok
        timed = is_ok & ~np.isnan(rows.rtt)
        which, rtt = target[timed], rows.rtt[timed]
        self.measured[which] += 1
        self.shortest[which] = np.minimum(self.shortest[which], rtt)
        self.total[which] += rtt
        self.longest[which] = np.maximum(self.longest[which], rtt)


class MinuteTable:
    """The open minutes and the open chunk of one vantage."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._minutes: dict[int, _Minute] = {}
        self.chunk = -1
        """First minute of the open chunk; -1 before the first look."""
        self._counts = np.zeros((2, size, 0), np.uint8)
        self._rtts = np.zeros((3, size, 0), np.float16)
        self._is_dirty = False
        self.lost = 0
        """Looks too old for the open chunk."""

    def add(self, rows: Rows) -> list["Sealed"]:
        """Count looks; answers chunks that are complete because a newer one began."""
        rows = rows[rows.outcome != Outcome.ERROR]
        minutes = rows.at_ns // MINUTE_NS
        sealed: list[Sealed] = []
        for number in np.unique(minutes).tolist():
            sealed.extend(self._add_minute(int(number), rows[minutes == number]))
        return sealed

    def close_before(self, number: int) -> None:
        """Close the minutes before ``number``: nothing more is expected of them."""
        for past in sorted(minute for minute in self._minutes if minute < number):
            self._close(self._minutes.pop(past))

    @property
    def is_dirty(self) -> bool:
        """Whether a minute has closed since the chunk was last written."""
        return self._is_dirty

    def snapshot(self, *, with_open: bool = False) -> "Sealed":
        """Answer the open chunk as it stands (no copy: only appended to), and count it as written."""
        if with_open:
            self.close_before(max(self._minutes, default=-1) + 1)
        self._is_dirty = False
        return Sealed(self.chunk, self._counts, self._rtts)

    def load(self, target: int, chunk: int, minutes: bytes) -> None:
        """Take over what was written of the chunk that is open now (after a restart)."""
        if self.chunk != chunk:
            self._begin(chunk)
        counts, rtts = unpacked(minutes)
        self._grow(counts.shape[1])
        self._counts[:, target, : counts.shape[1]] = counts
        self._rtts[:, target, : rtts.shape[1]] = rtts

    def read(self, target: int) -> HistorySlice:
        """Answer what memory holds of one target: the open chunk and the open minutes."""
        parts = []
        if self.chunk >= 0:
            parts.append(sliced(self.chunk, self._counts[:, target], self._rtts[:, target]))
        for number, minute in sorted(self._minutes.items()):
            parts.append(sliced(number, *_column(minute, target)))
        return joined(parts)

    def rearranged(
        self, mine: npt.NDArray[np.intp], theirs: npt.NDArray[np.intp], size: int
    ) -> "MinuteTable":
        """Answer the same minutes for another fleet: target ``mine[n]`` there is ``theirs[n]`` here."""
        new = MinuteTable(size)
        self.close_before(max(self._minutes, default=-1) + 1)
        if self.chunk >= 0:
            new._begin(self.chunk)
            new._grow(self._counts.shape[2])
            new._counts[:, mine] = self._counts[:, theirs]
            new._rtts[:, mine] = self._rtts[:, theirs]
            new._is_dirty = True
        return new

    def _add_minute(self, number: int, rows: Rows) -> list["Sealed"]:
        sealed: list[Sealed] = []
        chunk = number - number % CHUNK_MINUTES
        if chunk > self.chunk:
            self.close_before(number)
            if self.chunk >= 0:
                sealed.append(self.snapshot())
            self._begin(chunk)
        elif chunk < self.chunk:
            self.lost += len(rows)
            return []
        minute = self._minutes.get(number)
        if minute is None:
            minute = self._minutes[number] = _Minute.open(number, self._size)
            self.close_before(number - 1)
        for part in rounds(rows):
            minute.add(part)
        return sealed

    def _begin(self, chunk: int) -> None:
        self.chunk = chunk
        self._counts = np.zeros((2, self._size, 0), np.uint8)
        self._rtts = np.full((3, self._size, 0), np.nan, np.float16)
        self._is_dirty = False

    def _close(self, minute: _Minute) -> None:
        place = minute.number - self.chunk
        if not 0 <= place < CHUNK_MINUTES:
            return
        self._grow(place + 1)
        counts, rtts = _packed_minute(minute)
        if self._counts[0, :, place].any():  # a late look reopened a minute that was closed before
            counts, rtts = _added(self._counts[:, :, place], self._rtts[:, :, place], counts, rtts)
        self._counts[:, :, place] = counts
        self._rtts[:, :, place] = rtts
        self._is_dirty = True

    def _grow(self, minutes: int) -> None:
        have = self._counts.shape[2]
        if minutes <= have:
            return
        room = min(CHUNK_MINUTES, max(minutes, have + 30))
        counts = np.zeros((2, self._size, room), np.uint8)
        rtts = np.full((3, self._size, room), np.nan, np.float16)
        counts[:, :, :have], rtts[:, :, :have] = self._counts, self._rtts
        self._counts, self._rtts = counts, rtts


@dataclass(frozen=True, slots=True)
class Sealed:
    """A chunk to be written: its first minute and its columns, by fleet index and minute."""

    chunk: int
    counts: npt.NDArray[np.uint8]
    rtts: npt.NDArray[np.float16]

    def packed(self) -> Iterator[tuple[int, bytes, float]]:
        """Answer every target with a look: its index, its packed minutes and its share of failures."""
        looks = self.counts[0].sum(axis=1, dtype=np.int64)
        failures = self.counts[1].sum(axis=1, dtype=np.int64)
        used = int(np.flatnonzero(self.counts[0].any(axis=0)).max(initial=-1)) + 1
        for target in np.flatnonzero(looks).tolist():
            minutes = packed(self.counts[:, target, :used], self.rtts[:, target, :used])
            yield target, minutes, float(failures[target] / looks[target])


def packed(counts: npt.NDArray[np.uint8], rtts: npt.NDArray[np.float16]) -> bytes:
    """Pack the columns of one target; round trips are rounded to one part in 64 (NaN stays what it is)."""
    coarse = (np.ascontiguousarray(rtts).view(np.uint16) + _HALF_STEP) & ~(2 * _HALF_STEP - _ONE)
    raw = np.ascontiguousarray(counts).tobytes() + coarse.tobytes()
    return zlib.compress(raw, 1)


def unpacked(minutes: bytes) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float16]]:
    """Undo :func:`packed`."""
    raw = zlib.decompress(minutes)
    width = len(raw) // 8
    counts = np.frombuffer(raw[: 2 * width], np.uint8).reshape(2, width)
    return counts, np.frombuffer(raw[2 * width :], np.float16).reshape(3, width)


def sliced(start: int, counts: npt.NDArray[np.uint8], rtts: npt.NDArray[np.float16]) -> HistorySlice:
    """Answer the minutes with a look of one target's columns, the first of which is minute ``start``."""
    places = np.flatnonzero(counts[0])
    timed = rtts[:, places].astype(np.float64) / 1000
    return HistorySlice(
        places.astype(np.int64) + start,
        counts[0, places].astype(np.int64),
        counts[1, places].astype(np.int64),
        timed[0],
        timed[1],
        timed[2],
    )


def joined(parts: Sequence[HistorySlice]) -> HistorySlice:
    """Put slices together; a minute that several of them know is added up."""
    whole = [part for part in parts if len(part)]
    if not whole:
        return HistorySlice.empty()
    minute = np.concatenate([part.minute for part in whole])
    columns = [np.concatenate(c) for c in zip(*(_columns(part)[1:] for part in whole), strict=True)]
    return merged(minute, columns)


def merged(minute: npt.NDArray[np.int64], columns: Sequence[_Any]) -> HistorySlice:
    """Add up the rows of each minute; means are weighed by the good looks that they stand for."""
    looks, failures, low, mean, high = (column.astype(np.float64) for column in columns)
    keys, place = np.unique(minute, return_inverse=True)

    def summed(values: npt.NDArray[np.float64]) -> _Any:
        return np.bincount(place, weights=values, minlength=len(keys))

    timed = ~np.isnan(mean)
    good = np.where(timed, looks - failures, 0)
    weight = summed(good)
    shortest, longest = np.full(len(keys), np.inf), np.full(len(keys), -np.inf)
    np.minimum.at(shortest, place[timed], low[timed])
    np.maximum.at(longest, place[timed], high[timed])
    total = summed(np.where(timed, mean, 0) * good)
    return HistorySlice(
        keys,
        summed(looks).astype(np.int64),
        summed(failures).astype(np.int64),
        np.where(np.isinf(shortest), np.nan, shortest),
        np.divide(total, weight, out=np.full(len(keys), np.nan), where=weight > 0),
        np.where(np.isinf(longest), np.nan, longest),
    )


def thinned(whole: HistorySlice, points: int) -> HistorySlice:
    """Answer at most ``points`` rows over the same time: neighbouring minutes are added up, none is left out."""
    if len(whole) <= points:
        return whole
    first, last = int(whole.minute[0]), int(whole.minute[-1])
    step = -(-(last - first + 1) // points)
    return merged(first + (whole.minute - first) // step * step, _columns(whole)[1:])


def _columns(part: HistorySlice) -> tuple[_Any, ...]:
    return (part.minute, part.looks, part.failures, part.rtt_min, part.rtt_mean, part.rtt_max)


def _packed_minute(minute: _Minute) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float16]]:
    counts = np.minimum(np.stack([minute.looks, minute.failures]), 255).astype(np.uint8)
    timed = minute.measured > 0
    mean = np.divide(minute.total, minute.measured, out=np.zeros_like(minute.total), where=timed)
    rtts = np.where(timed, np.stack([minute.shortest, mean, minute.longest]) * 1000, np.nan)
    return counts, np.clip(rtts, 0, 65_000).astype(np.float16)


def _column(minute: _Minute, target: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float16]]:
    counts, rtts = _packed_minute(minute)
    return counts[:, [target]], rtts[:, [target]]


def _added(
    old_counts: npt.NDArray[np.uint8],
    old_rtts: npt.NDArray[np.float16],
    counts: npt.NDArray[np.uint8],
    rtts: npt.NDArray[np.float16],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float16]]:
    total = np.minimum(old_counts.astype(np.uint16) + counts, 255).astype(np.uint8)
    good = [
        np.where(np.isnan(r[1]), 0, c[0].astype(np.float32) - c[1])
        for c, r in ((old_counts, old_rtts), (counts, rtts))
    ]
    weight = good[0] + good[1]
    mean = np.nan_to_num(old_rtts[1]) * good[0] + np.nan_to_num(rtts[1]) * good[1]
    mean = np.divide(mean, weight, out=np.full_like(weight, np.nan), where=weight > 0)
    return total, np.stack([np.fmin(old_rtts[0], rtts[0]), mean, np.fmax(old_rtts[2], rtts[2])]).astype(
        np.float16
    )

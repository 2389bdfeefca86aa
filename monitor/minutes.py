"""Minutes of every target, as seen from every vantage: how many looks, how many failed, how long they took.

Samples themselves are not kept: a minute of a target is two bytes and a bit. The open minute and the one before it
are counted exactly, in columns by fleet index; a closed minute goes into the *span* of ten minutes that it lies in,
and the dirty spans are written whenever a minute has closed, so that a kill loses at most the open minute. Only the
newest spans stay in memory: a nation's day would not fit.

A look that comes late reopens its span, empty; what is written of it is added to what is there (``is_whole`` tells).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.ingest import Rows, rounds
from monitor.minute_codec import Counts, Rtts
from monitor.moments import SECOND
from probes.models import Outcome

__all__ = [
    "CHUNK_MINUTES",
    "MINUTE_NS",
    "SPAN_MINUTES",
    "HistorySlice",
    "MinuteTable",
    "Span",
    "added",
    "joined",
    "merged",
    "sliced",
    "thinned",
]

MINUTE_NS = 60 * SECOND
CHUNK_MINUTES = 720
SPAN_MINUTES = 10

_SPANS_KEPT = 6
_STILL_CLOSING_MINUTES = 2
_LATE_MINUTES = CHUNK_MINUTES
"""A look that is older than the newest by more than this is lost."""

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


@dataclass(slots=True, eq=False)
class Span:
    """Ten minutes of the fleet: its first minute, its columns by fleet index and minute, whether it is all there is."""

    start: int
    counts: Counts
    rtts: Rtts
    is_whole: bool
    is_dirty: bool = False

    @classmethod
    def empty(cls, start: int, size: int, *, is_whole: bool) -> "Span":
        """Answer a span without a look."""
        counts = np.zeros((2, size, SPAN_MINUTES), np.uint8)
        return cls(start, counts, np.full((3, size, SPAN_MINUTES), np.nan, np.float16), is_whole)

    def take(self, minute: _Minute) -> None:
        """Take over a minute that has closed; one that was closed before is added to."""
        place = minute.number - self.start
        counts, rtts = _packed_minute(minute)
        if self.counts[0, :, place].any():
            counts, rtts = added(self.counts[:, :, place], self.rtts[:, :, place], counts, rtts)
        self.counts[:, :, place], self.rtts[:, :, place] = counts, rtts
        self.is_dirty = True


class MinuteTable:
    """The open minutes and the newest spans of one vantage."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._minutes: dict[int, _Minute] = {}
        self._spans: dict[int, Span] = {}
        self._known = -1
        """Spans that begin after this minute are whole: we were there from their beginning, and none was let go."""
        self.lost = 0
        """Looks that came too late."""

    def add(self, rows: Rows) -> list[Span]:
        """Count looks; answers spans that have to be written now because newer ones need their place."""
        rows = rows[rows.outcome != Outcome.ERROR]
        if not len(rows):
            return []
        minutes = rows.at_ns // MINUTE_NS
        first, last = int(minutes.min()), int(minutes.max())
        if first == last:
            return self._add_minute(first, rows)
        sealed: list[Span] = []
        for number in np.unique(minutes).tolist():
            sealed.extend(self._add_minute(int(number), rows[minutes == number]))
        return sealed

    def close_before(self, number: int) -> list[Span]:
        """Close the minutes before ``number``: nothing more is expected of them; answers spans that must go."""
        sealed: list[Span] = []
        for past in sorted(minute for minute in self._minutes if minute < number):
            closed = self._minutes.pop(past)
            start = past - past % SPAN_MINUTES
            if start not in self._spans:
                self._spans[start] = Span.empty(start, self._size, is_whole=start > self._known)
            self._spans[start].take(closed)
            while len(self._spans) > _SPANS_KEPT:
                sealed.extend(self._sealed(min(self._spans)))
        return sealed

    def dirty(self, *, with_open: bool = False) -> list[Span]:
        """Answer the spans to be written, and count them as written.

        Only what is whole and whose minutes may still close stays in memory, to be written again as it grows.
        """
        sealed = self.close_before(max(self._minutes, default=-1) + 1) if with_open else []
        newest = max((*self._spans, *self._minutes), default=0)
        for start in sorted(self._spans):
            span = self._spans[start]
            if span.is_whole and start + SPAN_MINUTES + _STILL_CLOSING_MINUTES > newest:
                sealed.extend([span] if span.is_dirty else [])
                span.is_dirty = False
            else:
                sealed.extend(self._sealed(start))
        return sealed

    def load(self, span: Span) -> None:
        """Go on with a span that was written before a restart."""
        self._spans[span.start] = span

    def holds(self) -> frozenset[int]:
        """Answer the starts of the spans of which memory knows all."""
        return frozenset(start for start, span in self._spans.items() if span.is_whole)

    def oldest(self, default: int) -> int:
        """Answer the first minute of the oldest span in memory, or ``default``."""
        return min(self._spans, default=default)

    def read(self, target: int) -> HistorySlice:
        """Answer what memory holds of one target: the newest spans and the open minutes."""
        spans = sorted(self._spans.items())
        parts = [sliced(start, span.counts[:, target], span.rtts[:, target]) for start, span in spans]
        for number, minute in sorted(self._minutes.items()):
            parts.append(sliced(number, *_column(minute, target)))
        return joined(parts)

    def _add_minute(self, number: int, rows: Rows) -> list[Span]:
        self._known = number if self._known < 0 else self._known
        newest = max(self._minutes, default=number)
        if number < newest - _LATE_MINUTES:
            self.lost += len(rows)
            return []
        minute = self._minutes.get(number)
        sealed: list[Span] = []
        if minute is None:
            sealed = self.close_before(max(number, newest) - 1)
            minute = self._minutes[number] = _Minute.open(number, self._size)
        for part in rounds(rows):
            minute.add(part)
        return sealed

    def _sealed(self, start: int) -> list[Span]:
        span = self._spans.pop(start)
        self._known = max(self._known, start)
        return [span] if span.is_dirty else []


def sliced(start: int, counts: Counts, rtts: Rtts) -> HistorySlice:
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
    whole.sort(key=lambda part: int(part.minute[0]))
    minute, *columns = (np.concatenate(c) for c in zip(*(_columns(part) for part in whole), strict=True))
    if (minute[1:] > minute[:-1]).all():
        return HistorySlice(minute, *columns)
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


def _packed_minute(minute: _Minute) -> tuple[Counts, Rtts]:
    counts = np.minimum(np.stack([minute.looks, minute.failures]), 255).astype(np.uint8)
    timed = minute.measured > 0
    mean = np.divide(minute.total, minute.measured, out=np.zeros_like(minute.total), where=timed)
    rtts = np.where(timed, np.stack([minute.shortest, mean, minute.longest]) * 1000, np.nan)
    return counts, np.clip(rtts, 0, 65_000).astype(np.float16)


def _column(minute: _Minute, target: int) -> tuple[Counts, Rtts]:
    counts, rtts = _packed_minute(minute)
    return counts[:, [target]], rtts[:, [target]]


def added(old_counts: Counts, old_rtts: Rtts, counts: Counts, rtts: Rtts) -> tuple[Counts, Rtts]:
    """Add up the same minutes of the same targets; means are weighed by the good looks that they stand for."""
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

"""Drawings as numbers: what is where on a bar of time. Pure; templates turn it into SVG.

An outage bar tells four things apart: up, down, not observed (we could not look: nobody's fault and nobody's
credit), and no record yet. A short outage still gets a pixel: what happened must be seen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from monitor.availability import Interval, clipped, without
from monitor.moments import moment, nanoseconds

__all__ = ["Bar", "Kind", "Segment", "Tick", "bar", "common", "ticks"]

BAR_WIDTH = 1000.0
_THINNEST = 2.0
_STEPS_MINUTES = (5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440)


class Kind(StrEnum):
    """What was the matter during a piece of a bar."""

    UP = "up"
    DOWN = "down"
    UNOBSERVED = "unobserved"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a bar; ``x`` and ``width`` in thousandths of the whole."""

    kind: Kind
    x: float
    width: float
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis of time."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A whole bar: its pieces in order of drawing, and the share of observed time that was up."""

    segments: tuple[Segment, ...]
    ratio: float | None
    down: timedelta
    outages: int


def common(intervals: Sequence[Sequence[Interval]], window: Interval) -> list[Interval]:
    """Answer when all of several things were so at once: a path is down when every target of it is."""
    if not intervals:
        return []
    shared = clipped(intervals[0], window)
    for other in intervals[1:]:
        shared = without(shared, without([window], clipped(other, window)))
    return shared


def bar(
    *,
    since: datetime,
    until: datetime,
    down: Iterable[Interval],
    unobserved: Iterable[Interval],
    recorded_from: datetime | None,
) -> Bar:
    """Lay out a bar from ``since`` to ``until``. Before ``recorded_from`` there is no record; None: none at all."""
    window = (nanoseconds(since), nanoseconds(until))
    begun = max(window[0], nanoseconds(recorded_from)) if recorded_from is not None else window[1]
    blank = [(window[0], begun)] if begun > window[0] else []
    seen = (begun, window[1])
    blind = clipped(unobserved, seen)
    lost = without(clipped(down, seen), blind)
    fine = without(without([seen] if seen[1] > seen[0] else [], blind), lost)
    pieces = [(Kind.NONE, blank), (Kind.UP, fine), (Kind.UNOBSERVED, blind), (Kind.DOWN, lost)]
    up_ns, down_ns = (sum(end - start for start, end in part) for part in (fine, lost))
    return Bar(
        segments=tuple(_segment(kind, piece, window) for kind, part in pieces for piece in part),
        ratio=up_ns / (up_ns + down_ns) if up_ns + down_ns else None,
        down=timedelta(microseconds=down_ns // 1000),
        outages=len(lost),
    )


def _segment(kind: Kind, piece: Interval, window: Interval) -> Segment:
    scale = BAR_WIDTH / (window[1] - window[0])
    x, width = (piece[0] - window[0]) * scale, (piece[1] - piece[0]) * scale
    if kind is Kind.DOWN:
        width = max(width, _THINNEST)
        x = min(x, BAR_WIDTH - width)
    return Segment(kind, round(x, 2), round(width, 2), moment(piece[0]), moment(piece[1]))


def ticks(since: datetime, until: datetime, zone: ZoneInfo, *, most: int = 8) -> tuple[Tick, ...]:
    """Mark whole local hours (or round minutes), at most ``most`` of them."""
    length = until - since
    minutes = next((step for step in _STEPS_MINUTES if length / timedelta(minutes=step) <= most), 1440)
    step = timedelta(minutes=minutes)
    midnight = since.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + step * ((since - midnight) // step + 1)
    found = []
    while at < until:
        local = at.astimezone(zone)
        label = (
            f"{local:%d/%m}" if minutes >= 1440 or (local.hour, local.minute) == (0, 0) else f"{local:%H:%M}"
        )
        found.append(Tick(round((at - since) / length * BAR_WIDTH, 2), label))
        at += step
    return tuple(found)

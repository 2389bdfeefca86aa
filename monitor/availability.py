"""How long something was up, down and unobserved: interval arithmetic over the record, never over counters.

Pure, in whole nanoseconds, so that the parts always sum to the window exactly. Unobserved time is neither up nor
down: where an outage and an unobserved interval overlap, we did not see it, and it is not held against anybody.
Down time inside planned work stands apart: it happened and is shown, but nobody is in arrears for it, so it is left out
of the figure on both sides. Availability is up over up and down; where there was neither there is no figure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from monitor.models import Outage, Unobserved
from monitor.moments import nanoseconds

__all__ = ["Availability", "Interval", "availability", "availability_of", "clipped", "length", "without"]

Interval = tuple[int, int]
"""Half open, in nanoseconds; empty if the end is not after the start."""


@dataclass(frozen=True, slots=True)
class Availability:
    """Parts of a window in nanoseconds; their sum is the window."""

    up_ns: int
    down_ns: int
    unobserved_ns: int
    planned_ns: int = 0
    """Down, seen to be so, and announced."""

    @property
    def ratio(self) -> float | None:
        """Up over observed, less what was planned; ``None`` where nothing is left."""
        observed = self.up_ns + self.down_ns
        return self.up_ns / observed if observed else None

    @property
    def down(self) -> timedelta:
        """Time down and seen to be so."""
        return timedelta(microseconds=self.down_ns // 1000)


def clipped(intervals: Iterable[Interval], window: Interval) -> list[Interval]:
    """Cut to the window, sort, and join what touches or overlaps."""
    low, high = window
    joined: list[Interval] = []
    for start, end in sorted((max(start, low), min(end, high)) for start, end in intervals):
        if end <= start:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def without(intervals: Iterable[Interval], holes: Iterable[Interval]) -> list[Interval]:
    """Take the holes out; both must be sorted and disjoint, as :func:`clipped` answers them."""
    left: list[Interval] = []
    cuts = list(holes)
    first = 0
    for start, end in intervals:
        at = start
        while first < len(cuts) and cuts[first][1] <= start:
            first += 1
        for low, high in islice(cuts, first, None):
            if low >= end:
                break
            if low > at:
                left.append((at, low))
            at = max(at, high)
        if at < end:
            left.append((at, end))
    return left


def length(intervals: Iterable[Interval]) -> int:
    """Sum of the lengths of disjoint intervals."""
    return sum(end - start for start, end in intervals)


def availability(
    *,
    window: Interval,
    down: Iterable[Interval],
    unobserved: Iterable[Interval],
    planned: Iterable[Interval] = (),
) -> Availability:
    """Split a window; overlapping intervals count once, unobserved time wins over down, and planned over unplanned."""
    blind = clipped(unobserved, window)
    lost = without(clipped(down, window), blind)
    arrears = without(lost, clipped(planned, window))
    whole = max(0, window[1] - window[0])
    return Availability(
        up_ns=whole - length(blind) - length(lost),
        down_ns=length(arrears),
        unobserved_ns=length(blind),
        planned_ns=length(lost) - length(arrears),
    )


def availability_of(
    outages: Iterable[Outage], unobserved: Iterable[Unobserved], *, since: datetime, until: datetime
) -> Availability:
    """Split the time from ``since`` to ``until`` by stored rows; what is still open lasts until the end."""
    end = nanoseconds(until)

    def interval(row: Outage | Unobserved) -> Interval:
        return nanoseconds(row.started_at), end if row.ended_at is None else nanoseconds(row.ended_at)

    return availability(
        window=(nanoseconds(since), end),
        down=[interval(row) for row in outages],
        unobserved=[interval(row) for row in unobserved],
    )

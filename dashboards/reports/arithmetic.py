"""The small arithmetic of reports, pure and in whole seconds: intervals cut into classes, spreads, shares.

An interval on record is widened to whole seconds (begin rounded down, end rounded up), so that every printed time is
exact, parts sum to wholes as printed, and no outage is rounded away. A union is the same whatever pieces it came in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from monitor.availability import Interval, without

__all__ = [
    "NO_SPREAD",
    "Share",
    "Spread",
    "Times",
    "common",
    "elapsed",
    "share",
    "split",
    "spread",
    "widened",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def widened(start: datetime, end: datetime) -> Interval:
    """Answer an interval in whole seconds since 1970 that covers the one given."""
    return (start - _EPOCH) // _SECOND, -((_EPOCH - end) // _SECOND)


def elapsed(start: datetime, end: datetime) -> int:
    """Answer the whole seconds from one moment to another; none where the order is the other way round."""
    return max(0, (end - start) // _SECOND)


def common(intervals: Sequence[Interval], others: Sequence[Interval]) -> list[Interval]:
    """Answer what two sorted, disjoint lists have in common."""
    found = []
    place = 0
    for start, end in intervals:
        while place < len(others) and others[place][1] <= start:
            place += 1
        at = place
        while at < len(others) and others[at][0] < end:
            found.append((max(start, others[at][0]), min(end, others[at][1])))
            at += 1
    return found


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of one or more objects in a window, by class; the classes sum to the window times the objects."""

    up: int = 0
    down: int = 0
    """Down, owed: neither announced, nor contested, nor bridged."""
    mitigated: int = 0
    disputed: int = 0
    planned: int = 0
    unobserved: int = 0

    @property
    def whole(self) -> int:
        """Window times objects."""
        return self.observed + self.planned + self.unobserved

    @property
    def lost(self) -> int:
        """Down and not announced, whoever answers for it."""
        return self.down + self.mitigated + self.disputed

    @property
    def observed(self) -> int:
        """What availability is measured over: seen, and not announced work."""
        return self.up + self.lost

    @property
    def ratio(self) -> float | None:
        """Availability: up over observed. None where nothing was observed."""
        return self.up / self.observed if self.observed else None

    @property
    def undisputed_ratio(self) -> float | None:
        """The same with what is contested left out on both sides."""
        over = self.observed - self.disputed
        return self.up / over if over else None

    def __add__(self, other: "Times") -> "Times":
        return Times(
            self.up + other.up,
            self.down + other.down,
            self.mitigated + other.mitigated,
            self.disputed + other.disputed,
            self.planned + other.planned,
            self.unobserved + other.unobserved,
        )


@dataclass(frozen=True, slots=True)
class Spread:
    """A set of durations in seconds: means alone mislead with ten values, so none is given."""

    n: int = 0
    median: int | None = None
    p90: int | None = None
    worst: int | None = None
    worst_of: str = ""
    total: int = 0
    sources: tuple[str, ...] = ()


NO_SPREAD = Spread()


def spread(values: Iterable[tuple[int, str]]) -> Spread:
    """Fold durations with the identifiers that they came from.

    The median of an even count is the lower whole second of the two middle ones' mean; p90 is by nearest rank.
    """
    ordered = sorted(values)
    if not ordered:
        return NO_SPREAD
    count = len(ordered)
    middle = ordered[(count - 1) // 2][0] + ordered[count // 2][0]
    longest = ordered[-1][0]
    return Spread(
        n=count,
        median=middle // 2,
        p90=ordered[ceil(0.9 * count) - 1][0],
        worst=longest,
        worst_of=min(name for value, name in ordered if value == longest),
        total=sum(value for value, _ in ordered),
        sources=tuple(sorted({name for _, name in ordered})),
    )


@dataclass(frozen=True, slots=True)
class Share:
    """How many kept a deadline, of those whose deadline has come or was kept."""

    met: int = 0
    of: int = 0
    late: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Kept over all; None where there was none."""
        return self.met / self.of if self.of else None


def share(entries: Iterable[tuple[str, datetime | None, datetime | None]], *, at: datetime) -> Share:
    """Fold (identifier, done, due): one that is neither done nor due yet, or owed nothing, does not count."""
    met, late = [], []
    for name, done, due in entries:
        if due is None:
            continue
        if done is not None and done <= due:
            met.append(name)
        elif (done or at) > due:
            late.append(name)
    return Share(len(met), len(met) + len(late), tuple(sorted(late)), tuple(sorted(met + late)))


def split(
    seen: Sequence[Interval],
    *,
    planned: Sequence[Interval],
    disputed: Sequence[Interval],
    mitigated: Sequence[Interval],
) -> tuple[list[Interval], list[Interval], list[Interval], list[Interval]]:
    """Cut seen down time into owed, mitigated, disputed and planned; all arguments sorted and disjoint."""
    announced = common(seen, planned)
    rest = without(seen, announced)
    contested = common(rest, disputed)
    rest = without(rest, contested)
    bridged = common(rest, mitigated)
    return without(rest, bridged), bridged, contested, announced

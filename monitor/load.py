"""What links carry: shares of capacity that looks measured, folded into slots of five minutes.

Five minutes is the field's interval for load: short enough to see an evening's peak, long enough that one burst is no
congestion. A slot's load is the mean of what was measured in it. A slot in which nothing was measured does not exist;
it is never zero. Where several interfaces speak for one link (both of its ends), the busiest counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from monitor.moments import NEVER, SECOND

__all__ = ["SLOT_NS", "Direction", "LoadMeter", "Reading", "Slot"]

SLOT_NS = 300 * SECOND
GRACE_NS = 60 * SECOND
"""How long after its end a slot still takes what was measured in it: batches of remote vantages come late."""


class Direction(StrEnum):
    """Which way a link is used, as its interface tells it."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """Five minutes of one direction of a link; ``load`` is a share of its capacity, which a meter may tell above 1."""

    start_ns: int
    link: str
    direction: Direction
    load: float

    @property
    def end_ns(self) -> int:
        """When it ends."""
        return self.start_ns + SLOT_NS


@dataclass(frozen=True, slots=True)
class Reading:
    """The last that was measured of one direction of a link."""

    at_ns: int
    load: float


class LoadMeter:
    """Slots that are being filled. Bounded: by the interfaces that are looked at, and the slots that may still grow."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, str, Direction], dict[str, list[float]]] = {}
        self._ended_ns = NEVER
        self.newest: dict[tuple[str, Direction], Reading] = {}
        self.late = 0

    def take(self, link: str, target: str, direction: Direction, *, at_ns: int, load: float) -> None:
        """Note what ``target`` measured of a link; what belongs to a slot that was handed out is counted as late."""
        seen = self.newest.get((link, direction))
        if seen is None or at_ns >= seen.at_ns:
            self.newest[link, direction] = Reading(at_ns, load)
        start_ns = at_ns - at_ns % SLOT_NS
        if start_ns < self._ended_ns:
            self.late += 1
            return
        self._open.setdefault((start_ns, link, direction), {}).setdefault(target, []).append(load)

    def ended(self, now_ns: int) -> Sequence[Slot]:
        """Hand out, once, the slots that ended so long ago that nothing more is to come, oldest first."""
        until_ns = now_ns - GRACE_NS
        until_ns -= until_ns % SLOT_NS
        # A clock that was set back opens no slot twice.
        self._ended_ns = max(self._ended_ns, until_ns)
        over = [key for key in self._open if key[0] < self._ended_ns]
        return sorted(Slot(*key, load=max(map(fmean, self._open.pop(key).values()))) for key in over)

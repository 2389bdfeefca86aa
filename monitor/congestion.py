"""Whether a link is congested: busier than the norm for so long that people feel it. Pure.

The norm is a share of the capacity: 80 % in QCVN 34:2019 (band use of a provider's links inside the country), which a
department may set otherwise. A link is congested from the start of the first of ``after`` slots in a row at or over the
norm, and no longer from the start of the first slot that is clearly under it, so that a load at the norm itself does
not come and go. Slots that nobody measured neither begin nor end anything; after half an hour of them a congestion is
taken to have ended with the last slot that showed it, because more than that nobody knows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from monitor.load import SLOT_NS, Direction, Slot
from monitor.moments import SECOND

__all__ = ["Congestion", "Line", "Norm", "Watch", "silenced", "slots_in", "watched"]

_EASE = 0.05
"""How far under the norm a slot must be to end a congestion, as a share of the capacity."""
_SILENCE_NS = 1800 * SECOND

Line = tuple[str, Direction]
"""One direction of a link."""


@dataclass(frozen=True, slots=True)
class Norm:
    """``share`` of the capacity from which a slot is busy; ``after`` so many in a row it is a congestion."""

    share: float
    after: int


@dataclass(frozen=True, slots=True)
class Congestion:
    """One interval of one direction of a link; ``until_ns`` is the end of the last busy slot seen so far.

    ``ended_ns`` is None while it lasts. ``peak`` is the highest load of a slot.
    """

    link: str
    direction: Direction
    started_ns: int
    until_ns: int
    peak: float
    ended_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """What is known of one direction: the busy slots in a row that have not decided anything, and what lasts."""

    run: tuple[Slot, ...] = ()
    lasting: Congestion | None = None
    over: tuple[Congestion, ...] = field(default=())
    """What ended with the slots just taken."""


def watched(watches: Mapping[Line, Watch], slots: Iterable[Slot], norm: Norm) -> dict[Line, Watch]:
    """Answer the watches that ``slots``, oldest first, change."""
    changed: dict[Line, Watch] = {}
    for slot in slots:
        line = slot.link, slot.direction
        before = changed.get(line) or replace(watches.get(line, Watch()), over=())
        changed[line] = _after(before, slot, norm)
    return changed


def silenced(watches: Mapping[Line, Watch], now_ns: int) -> dict[Line, Watch]:
    """Answer the watches whose congestion nobody has measured for too long: it ended when it was last seen."""
    return {
        line: Watch(over=(replace(watch.lasting, ended_ns=watch.lasting.until_ns),))
        for line, watch in watches.items()
        if watch.lasting is not None and now_ns - watch.lasting.until_ns > _SILENCE_NS
    }


def _after(watch: Watch, slot: Slot, norm: Norm) -> Watch:
    if watch.lasting is not None:
        return _lasting(watch, watch.lasting, slot, norm)
    if slot.load < norm.share:
        return replace(watch, run=())
    follows = not watch.run or watch.run[-1].end_ns == slot.start_ns
    run = (*watch.run, slot) if follows else (slot,)
    if len(run) < norm.after:
        return replace(watch, run=run)
    peak = max(each.load for each in run)
    begun = Congestion(slot.link, slot.direction, run[0].start_ns, slot.end_ns, peak)
    return replace(watch, run=(), lasting=begun)


def _lasting(watch: Watch, lasting: Congestion, slot: Slot, norm: Norm) -> Watch:
    if slot.load < norm.share - _EASE:
        # Slots between that nobody measured belong to neither: they are not counted as congested.
        ended = replace(lasting, ended_ns=lasting.until_ns)
        return replace(watch, lasting=None, over=(*watch.over, ended))
    gone_on = replace(lasting, until_ns=slot.end_ns, peak=max(lasting.peak, slot.load))
    return replace(watch, lasting=gone_on)


def slots_in(seconds: float) -> int:
    """Answer how many slots fill so many seconds; at least one."""
    return max(1, -(-int(seconds * SECOND) // SLOT_NS))

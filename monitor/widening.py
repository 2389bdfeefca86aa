"""Whether a wider group explains what was opened as several causes: a core that dies ring by ring is one matter.

Pure. When the first ring falls, the ring is the honest answer: everything else behind the core still answers. Seconds
later nothing behind the core answers any more, and then the core is. So whenever a cause opens or grows, every group
above it is asked again, in the light of what was seen since the **newest** failure under it:

* nothing under the group has answered since, nothing is suspected only, nothing is still to be looked at (of a group
  that stands as a cause already only the first is asked: whatever else falls under it is laid to it unasked as well);
* two live causes of the group's own owner lie under it (or one, and the group is a cause itself): another owner's
  cause, a feeder's, stays that owner's;
* its failures followed each other: none began more than half a minute after the one before it. What was down an hour
  before the rest of the group fell is an incident of its own.

Of several such groups the one that takes over most is meant; of those that take over the same, the lowest.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from inventory.models import Inventory
from inventory.topology import Topology
from monitor.causes import Cause
from monitor.correlation import RELATED_NS, Failure, Witness
from monitor.moments import SECOND

__all__ = ["SPREADING_MOST_NS", "SPREADING_NS", "Widening", "spreading", "wider"]


SPREADING_NS = 5 * SECOND
"""A group that lost nothing more for this long has stopped falling."""

SPREADING_MOST_NS = 15 * SECOND
"""The longest that a part of a falling group waits for the whole of it."""

_PARTS = 2


@dataclass(frozen=True, slots=True)
class Widening:
    """A group that takes over ``children``; ``risk`` is empty if none does.

    ``is_open`` says that a group may yet: something under it is still suspected or was not looked at since.
    """

    risk: str = ""
    children: tuple[Cause, ...] = ()
    is_open: bool = False


def wider(
    causes: Collection[Cause],
    waiting: Sequence[Failure],
    *,
    inventory: Inventory,
    topology: Topology,
    witness: Witness,
) -> Widening:
    """Find the group that explains most of the live causes by itself."""
    live = {cause.subject: cause for cause in causes}
    below: dict[str, list[Cause]] = defaultdict(list)
    for cause in causes:
        for risk in _above(cause.subject, inventory, topology):
            if inventory.risks[risk].owner == cause.owner:
                below[risk].append(cause)
    parts = {
        risk: [*children, live[f"risk:{risk}"]] if f"risk:{risk}" in live else children
        for risk, children in below.items()
    }
    covers = {risk: sum(len(cause.down) for cause in each) for risk, each in parts.items()}
    able = [risk for risk, each in parts.items() if len(each) >= _PARTS]
    is_open = False
    for risk in sorted(able, key=lambda r: (-covers[r], *_height(r, inventory, topology))):
        children = below[risk]
        starts = sorted(_starts(risk, parts[risk], waiting, topology))
        if not starts or any(later - sooner > RELATED_NS for sooner, later in pairwise(starts)):
            continue
        census = witness.census(risk, starts[-1])
        if census.good:
            continue
        if census.is_decided or f"risk:{risk}" in live:
            return Widening(risk, tuple(children))
        is_open = True
    return Widening(is_open=is_open)


def spreading(
    subjects: Collection[str],
    causes: Collection[Cause],
    waiting: Sequence[Failure],
    *,
    inventory: Inventory,
    topology: Topology,
    witness: Witness,
    now_ns: int,
) -> set[str]:
    """Answer which ``subjects`` are one more part of a group that goes on losing parts, whose owner knows of two.

    Its own page would say what the owner knows; the wider cause will say it better. It waits while the group lost
    something within :data:`SPREADING_NS`, at most :data:`SPREADING_MOST_NS`. A group falls by whole parts: a line
    whose own ring answers beside it is a matter of its own, and waits for nobody.
    """
    told: Counter[str] = Counter()
    for cause in causes:
        if now_ns - cause.noticed_ns < RELATED_NS:
            above = _above(cause.subject, inventory, topology)
            told.update(risk for risk in above if inventory.risks[risk].owner == cause.owner)
    falling = {risk for risk, parts in told.items() if parts >= _PARTS}
    if not falling:
        return set()
    fallen: dict[str, list[Failure]] = defaultdict(list)
    for failure in waiting:
        for subject in (failure.of, *(f"risk:{risk}" for risk in topology.risks_of_target(failure.target))):
            fallen[subject].append(failure)

    def waits(subject: str) -> bool:
        onset_ns = min((f.began_ns for f in fallen[subject]), default=now_ns)
        for risk in _above(subject, inventory, topology):
            if risk in falling:
                newest_ns = max((f.noticed_ns for f in fallen[f"risk:{risk}"]), default=now_ns)
                oldest_ns = min((f.noticed_ns for f in fallen[subject]), default=now_ns - SPREADING_MOST_NS)
                return now_ns - newest_ns < SPREADING_NS and now_ns - oldest_ns < SPREADING_MOST_NS
            if witness.census(risk, onset_ns).good:
                return False
        return False

    return {subject for subject in subjects if waits(subject)}


def _above(subject: str, inventory: Inventory, topology: Topology) -> Iterator[str]:
    kind, _, code = subject.partition(":")
    if kind == "path" and code in inventory.paths:
        yield from topology.risks_of_path(code)
    elif kind == "risk" and code in inventory.risks:
        seen = {code}
        parent = inventory.risks[code].parent
        while parent is not None and parent in inventory.risks and parent not in seen:
            yield parent
            seen.add(parent)
            parent = inventory.risks[parent].parent


def _height(risk: str, inventory: Inventory, topology: Topology) -> tuple[int, int, str]:
    """Order groups from the lowest: the fewest targets under it, then the most groups above it."""
    above = sum(1 for _ in _above(f"risk:{risk}", inventory, topology))
    return (len(topology.targets_of_risk(risk)), -above, risk)


def _starts(
    risk: str, causes: Sequence[Cause], waiting: Sequence[Failure], topology: Topology
) -> Iterator[int]:
    for cause in causes:
        yield from (cause.targets[target] for target in cause.down)
    yield from (f.began_ns for f in waiting if risk in topology.risks_of_target(f.target))

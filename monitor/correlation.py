"""One cause, one incident: new failures are explained by the fewest risk groups that cover them.

Pure. A target that turns down waits in a short *hold* for its siblings. When it is ripe, the groups that could have
failed it are asked in the light of what was seen **since**:

* The *onset* of a group is the first failed sample among its failures. A sibling that answered a look started after
  the onset (plus a quarter of a second, because a ring does not fall in one instant and vantages' looks cross it)
  **refutes** the group for good. One that is suspected, or was not looked at since, neither supports nor refutes.
* A group **explains** if it is not refuted and at least two different paths (or other things with an address of
  their own) under it are down, or if its own address is. Failures that another cause explains already count as
  support if they began within half a minute.
* The group that covers most wins (what supports it is covered too); among those that cover the same, the lowest
  one (the fewest targets under it, then the nearest). So a parent wins over its children only by covering more.
  Repeat until nothing is covered; what is left is explained by its own path, once that path is down (a path with another target that still
  answers is not down, and is nobody's incident).

A failure is **ripe**

* at once, if nothing that is still open could change the answer: every group above it is refuted, or all their
  targets have been seen since and none is suspected;
* at once, if the widest group that is open already has three paths down that no lower group covers and nothing under
  it is suspected any more: what is still unseen under it can only join it (what is suspected is decided within a
  second, and the first page should say how many are hit and how grave that is);
* after the hold, unless a target is suspected under an open group that is wider than what would explain it now;
* after twice the hold, whatever is still undecided;
* never while its newest look was good: the next look decides whether it recovers or fails on.

What one target alone speaks for must besides have lasted for ``hold_lone`` (twice as long on a line that loses a sixth
of its looks anyway): a burst of loss on one line is over by then. Targets that fail together vouch for each other, those
under one group and those of one site: of two each must have lasted half as long, of four a quarter.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from inventory.topology import Topology
from monitor.moments import SECOND

__all__ = [
    "RELATED_NS",
    "SIMULTANEOUS_NS",
    "Census",
    "Failure",
    "Proposal",
    "Resolution",
    "Witness",
    "resolve",
]

RELATED_NS = 30 * SECOND
"""Failures that began further apart than this are not explained together."""

SIMULTANEOUS_NS = SECOND // 4
"""A good look that started this soon after an onset refutes nothing."""

_SPREAD = 3


@dataclass(frozen=True, slots=True)
class Failure:
    """A target that turned down and is not explained yet. ``of`` is what it gives evidence for, as a subject."""

    target: str
    of: str
    began_ns: int
    noticed_ns: int
    is_answering: bool = False
    lasted_ns: int = 0
    """From its first failed look since an answer to its newest."""
    lone_ns: int = 0
    """How long it must have lasted before its owner is told, if no other failure stands beside it."""
    place: str = ""
    """The site that it concerns; empty for a risk group or a link."""


@dataclass(frozen=True, slots=True)
class Census:
    """The targets of a risk group since an onset: down, suspected, answered since, and not looked at since."""

    down: int
    suspect: int
    good: int
    unseen: int

    @property
    def is_decided(self) -> bool:
        """Whether nothing under the group can change the answer any more."""
        return not (self.suspect or self.unseen)


class Witness(Protocol):
    """Who can say what was seen."""

    def census(self, risk: str, onset_ns: int) -> Census:
        """Count the targets under ``risk`` by what was seen of them since ``onset_ns``."""

    def is_lost(self, subject: str) -> bool:
        """Whether what the target speaks for is down as a whole (a path is the best of its targets)."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A cause to open: ``subject`` is ``risk:CODE``, ``path:CODE`` or ``link:CODE``."""

    subject: str
    targets: tuple[str, ...]
    began_ns: int


@dataclass(frozen=True, slots=True)
class Resolution:
    """What is explained now, and when to ask again at the latest (``None``: when something changes)."""

    proposals: tuple[Proposal, ...]
    next_ns: int | None


@dataclass(slots=True)
class _Group:
    risk: str
    size: int
    members: dict[str, Failure] = field(default_factory=dict)
    subjects: set[str] = field(default_factory=set)
    support: int = 0
    distance: int = 0
    onset_ns: int = 0
    census: Census = Census(0, 0, 0, 0)

    @property
    def covers(self) -> int:
        """How many failures it would explain, with those that support it."""
        return len(self.members) + self.support

    def rank(self) -> tuple[int, int, int, str]:
        """Order of preference: covers most, then the lowest."""
        return (-self.covers, self.size, self.distance, self.risk)

    def is_spread(self, others: Sequence["_Group"]) -> bool:
        """Whether it fails as a whole: three paths, and more than any other group alone would explain."""
        return len(self.subjects) >= _SPREAD and all(
            other is self or other.covers < self.covers for other in others
        )


def resolve(
    failures: Sequence[Failure],
    *,
    others: Mapping[str, tuple[str, int]],
    topology: Topology,
    witness: Witness,
    now_ns: int,
    hold_ns: int,
) -> Resolution:
    """Explain what is ripe among ``failures``; ``others`` are explained already: target to (subject, began)."""
    groups = _groups(failures, others, topology, witness)
    above = {f.target: [groups[risk] for risk in topology.risks_of_target(f.target)] for f in failures}
    left = {f.target: f for f in sorted(failures, key=lambda f: (f.began_ns, f.target))}
    ripe = {f.target for f in failures if _is_ripe(f, above[f.target], now_ns, hold_ns)}
    beside = Counter(f.place for f in failures if f.place)
    proposals: list[Proposal] = []
    while (best := _best(groups, left, ripe, beside)) is not None:
        covered = [left.pop(target) for target in best.members if target in left]
        proposals.append(_proposal(f"risk:{best.risk}", covered))
    own: dict[str, list[Failure]] = defaultdict(list)
    for failure in left.values():
        if failure.target in ripe and witness.is_lost(failure.of):
            own[failure.of].append(failure)
    proposals.extend(
        _proposal(subject, covered)
        for subject, covered in own.items()
        if _has_lasted(covered, beside[covered[0].place])
    )
    waits = [
        _asks_again(f, now_ns, hold_ns) for f in left.values() if f.target not in ripe and not f.is_answering
    ]
    return Resolution(tuple(proposals), min(waits, default=None))


def _groups(
    failures: Sequence[Failure],
    others: Mapping[str, tuple[str, int]],
    topology: Topology,
    witness: Witness,
) -> dict[str, _Group]:
    groups: dict[str, _Group] = {}
    for failure in failures:
        for distance, risk in enumerate(topology.risks_of_target(failure.target)):
            group = groups.get(risk)
            if group is None:
                group = groups[risk] = _Group(
                    risk, len(topology.targets_of_risk(risk)), onset_ns=failure.began_ns
                )
            group.members[failure.target] = failure
            group.distance = max(group.distance, distance)
            group.subjects.add(failure.of)
            group.onset_ns = min(group.onset_ns, failure.began_ns)
    earliest = min((f.began_ns for f in failures), default=0) - RELATED_NS
    for target, (subject, began_ns) in others.items():
        if began_ns < earliest:
            continue
        for risk in topology.risks_of_target(target):
            group = groups.get(risk)
            if group is not None and abs(began_ns - group.onset_ns) <= RELATED_NS:
                group.subjects.add(subject)
                group.support += 1
    for group in groups.values():
        group.census = witness.census(group.risk, group.onset_ns)
    return groups


def _is_ripe(failure: Failure, above: Sequence[_Group], now_ns: int, hold_ns: int) -> bool:
    if failure.is_answering:
        return False
    opened = [group for group in above if not group.census.good]
    if all(group.census.is_decided for group in opened):
        return True
    best = min((group for group in opened if _explains(group)), key=_Group.rank, default=None)
    wider = [group for group in opened if best is None or group.size > best.size]
    if best is not None and not wider and best.is_spread(opened) and not best.census.suspect:
        return True
    waited = now_ns - failure.noticed_ns
    if waited < hold_ns:
        return False
    return waited >= 2 * hold_ns or not any(group.census.suspect for group in wider)


def _asks_again(failure: Failure, now_ns: int, hold_ns: int) -> int:
    first = failure.noticed_ns + hold_ns
    return first if now_ns < first else failure.noticed_ns + 2 * hold_ns


def _best(
    groups: Mapping[str, _Group],
    left: Mapping[str, Failure],
    ripe: set[str],
    beside: Mapping[str, int],
) -> _Group | None:
    """Find the group that explains most of what is left; ``beside`` counts the failures of each site."""
    best: _Group | None = None
    rank: tuple[int, int, int, str] | None = None
    for group in groups.values():
        covered = [target for target in group.members if target in left]
        if not _explains(group) or not any(target in ripe for target in covered):
            continue
        members = [left[target] for target in covered]
        if not _has_lasted(members, max(group.covers, *(beside[each.place] for each in members[:_SPREAD]))):
            continue
        this = (-len(covered) - group.support, group.size, group.distance, group.risk)
        if rank is None or this < rank:
            best, rank = group, this
    return best


def _has_lasted(failures: Sequence[Failure], together: int) -> bool:
    """Whether two of the failures (or the only one) lasted as long as so many together must."""
    lasted = sum(each.lasted_ns * max(1, together) >= each.lone_ns for each in failures)
    return lasted >= min(2, len(failures))


def _explains(group: _Group) -> bool:
    if group.census.good:
        return False
    return len(group.subjects) >= 2 or f"risk:{group.risk}" in group.subjects


def _proposal(subject: str, covered: Sequence[Failure]) -> Proposal:
    return Proposal(
        subject,
        tuple(sorted(failure.target for failure in covered)),
        min(failure.began_ns for failure in covered),
    )

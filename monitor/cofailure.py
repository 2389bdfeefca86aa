"""What falls together though nobody said that it stands together: risk groups to propose, with their evidence. Pure.

Two paths *fall together* when their outages begin within :data:`TOGETHER` of each other and end within
:data:`BACK_TOGETHER`. A pair is proposed only where all of this holds:

* no known risk group explains it already;
* it fell together at least :data:`LEAST_JOINT` times, and that is at least :data:`LEAST_SHARE` of the falls of the one
  that fell more often;
* chance does not explain it: if the other's falls came at random at the rate that it has (Poisson), the probability of
  as many coincidences (binomial tail), times the number of pairs that could have been looked at (Bonferroni), is at
  most :data:`MOST_CHANCE`.

Moments in which a crowd fell (more than :data:`CROWD` of all paths, at least ten) are left out of everything: a storm
or a core shows nothing about two paths. A group is a set in which every pair holds, found greedily from the strongest
pair on. It is a proposal and no more: the inventory is owned by people, in git, and the lines to add are for them.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from inventory.models import Inventory, PartyKind, RiskKind
from inventory.topology import Topology
from monitor.models import Outage

__all__ = [
    "BACK_TOGETHER",
    "CROWD",
    "LEAST_JOINT",
    "LEAST_SHARE",
    "MOST_CHANCE",
    "TOGETHER",
    "GroupProposal",
    "lines_to_add",
    "proposals",
]

TOGETHER = timedelta(seconds=10)
BACK_TOGETHER = timedelta(seconds=60)
LEAST_JOINT = 3
LEAST_SHARE = 0.7
MOST_CHANCE = 0.001
CROWD = 0.25
_FEWEST_IN_A_CROWD = 10


@dataclass(frozen=True, slots=True)
class GroupProposal:
    """Paths that fall together. ``moments`` are when all of them did; ``falls`` how often each fell at all.

    ``share`` is that of the weakest pair, ``chance`` the largest probability, corrected, that a pair is a coincidence.
    """

    code: str
    paths: tuple[str, ...]
    moments: tuple[datetime, ...]
    falls: tuple[int, ...]
    share: float
    chance: float
    kind: RiskKind
    owner: str


@dataclass(frozen=True, slots=True)
class _Fall:
    path: str
    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class _Pair:
    joint: int
    share: float
    chance: float


def proposals(
    outages: Iterable[Outage],
    inventory: Inventory,
    topology: Topology,
    *,
    since: datetime,
    until: datetime,
) -> tuple[GroupProposal, ...]:
    """Answer the groups that the outages from ``since`` to ``until`` speak for, the strongest first."""
    falls = _without_crowds(_falls(outages, inventory, topology), len(inventory.paths))
    counts = Counter(fall.path for fall in falls)
    span = (until - since).total_seconds()
    pairs = _pairs(falls, counts, topology, span=span, paths=len(inventory.paths))
    groups = _groups(pairs)
    found = [_proposal(group, falls, counts, pairs, inventory) for group in groups]
    return tuple(sorted(found, key=lambda each: (-len(each.moments) * len(each.paths), each.code)))


def lines_to_add(proposal: GroupProposal, inventory: Inventory) -> tuple[str, tuple[str, ...]]:
    """Answer the line for ``risks.csv`` and the lines that replace those of the paths in ``paths.csv``."""
    sites = [inventory.sites[inventory.paths[path].site] for path in proposal.paths]
    areas = {site.area for site in sites}
    area = areas.pop() if len(areas) == 1 else ""
    name = f"Cùng hỏng: {', '.join(proposal.paths[:3])}{'…' if len(proposal.paths) > 3 else ''}"
    risk = _csv((proposal.code, proposal.kind.value, name, proposal.owner, area, ""))
    paths = []
    for code in proposal.paths:
        path = inventory.paths[code]
        test_line = "yes" if path.test_line else ""
        risks = " ".join((*path.risks, proposal.code))
        paths.append(_csv((code, path.site, path.medium.value, path.carrier, path.number, test_line, risks)))
    return risk, tuple(paths)


def _csv(cells: Sequence[str]) -> str:
    return ",".join(
        f'"{cell.replace(chr(34), chr(34) * 2)}"' if set(cell) & {",", '"'} else cell for cell in cells
    )


def _falls(outages: Iterable[Outage], inventory: Inventory, topology: Topology) -> list[_Fall]:
    """Answer the falls of paths by their beginning; several addresses of one path that fall together are one fall."""
    found: list[_Fall] = []
    newest: dict[str, _Fall] = {}
    for outage in sorted(outages, key=lambda each: (each.started_at, each.target)):
        path = topology.path_of(outage.target) if outage.target in inventory.targets else None
        if path is None or outage.ended_at is None:
            continue
        before = newest.get(path)
        if before is not None and outage.started_at <= before.ended + TOGETHER:
            continue
        newest[path] = _Fall(path, outage.started_at, outage.ended_at)
        found.append(newest[path])
    return found


def _without_crowds(falls: Sequence[_Fall], paths: int) -> list[_Fall]:
    most = max(_FEWEST_IN_A_CROWD, CROWD * paths)
    answer: list[_Fall] = []
    first = last = 0
    for fall in falls:
        while falls[first].began < fall.began - TOGETHER:
            first += 1
        while last < len(falls) and falls[last].began <= fall.began + TOGETHER:
            last += 1
        if last - first <= most:
            answer.append(fall)
    return answer


def _pairs(
    falls: Sequence[_Fall], counts: Counter[str], topology: Topology, *, span: float, paths: int
) -> dict[tuple[str, str], _Pair]:
    joint = _joint(falls)
    compared = max(1, paths * (paths - 1) // 2)
    answer = {}
    for (one, other), times in joint.items():
        share = times / max(counts[one], counts[other])
        if times < LEAST_JOINT or share < LEAST_SHARE or _is_known(one, other, topology):
            continue
        fewer, more = sorted((counts[one], counts[other]))
        hit = 1 - math.exp(-more * 2 * TOGETHER.total_seconds() / span)
        chance = min(1.0, compared * _tail(times, fewer, hit))
        if chance <= MOST_CHANCE:
            answer[one, other] = _Pair(times, share, chance)
    return answer


def _joint(falls: Sequence[_Fall]) -> Counter[tuple[str, str]]:
    """Count how often each pair fell together; a fall counts once a pair, whatever else fell near it."""
    joint: Counter[tuple[str, str]] = Counter()
    first = 0
    for number, fall in enumerate(falls):
        while falls[first].began < fall.began - TOGETHER:
            first += 1
        near = {
            other.path
            for other in falls[first:number]
            if other.path != fall.path and abs(other.ended - fall.ended) <= BACK_TOGETHER
        }
        joint.update((min(fall.path, path), max(fall.path, path)) for path in near)
    return joint


def _is_known(one: str, other: str, topology: Topology) -> bool:
    return bool(set(topology.risks_of_path(one)) & set(topology.risks_of_path(other)))


def _tail(times: int, tries: int, hit: float) -> float:
    """Answer the probability of at least ``times`` hits among ``tries``."""
    return math.fsum(math.comb(tries, n) * hit**n * (1 - hit) ** (tries - n) for n in range(times, tries + 1))


def _groups(pairs: dict[tuple[str, str], _Pair]) -> list[frozenset[str]]:
    """Answer disjoint sets in which every pair holds, grown from the strongest pair on."""
    group_of: dict[str, set[str]] = {}
    for (one, other), _ in sorted(pairs.items(), key=lambda each: (-each[1].joint, each[1].chance, each[0])):
        left, right = group_of.get(one, {one}), group_of.get(other, {other})
        if left is right or any((min(a, b), max(a, b)) not in pairs for a in left for b in right):
            continue
        merged = left | right
        group_of.update(dict.fromkeys(merged, merged))
    return sorted({frozenset(group) for group in group_of.values()}, key=sorted)


def _proposal(
    group: frozenset[str],
    falls: Sequence[_Fall],
    counts: Counter[str],
    pairs: dict[tuple[str, str], _Pair],
    inventory: Inventory,
) -> GroupProposal:
    paths = tuple(sorted(group))
    inside = [pair for names, pair in pairs.items() if group.issuperset(names)]
    carriers = {inventory.paths[path].carrier for path in paths}
    is_one = len(carriers) == 1
    mark = hashlib.sha256(" ".join(paths).encode()).hexdigest()[:6].upper()
    return GroupProposal(
        code=f"LEARNED-{mark}",
        paths=paths,
        moments=_moments(group, falls),
        falls=tuple(counts[path] for path in paths),
        share=min(pair.share for pair in inside),
        chance=max(pair.chance for pair in inside),
        # Of several carriers, what falls together is power or a duct before it is a network.
        kind=RiskKind.CABLE if is_one else RiskKind.FEEDER,
        owner=next(iter(carriers)) if is_one else _ground_owner(inventory),
    )


def _ground_owner(inventory: Inventory) -> str:
    wanted = (PartyKind.POWER, PartyKind.DEPARTMENT)
    found = {kind: p.code for kind in wanted for p in inventory.parties.values() if p.kind is kind}
    return next((found[kind] for kind in wanted if kind in found), "")


def _moments(group: frozenset[str], falls: Sequence[_Fall]) -> tuple[datetime, ...]:
    """Answer when all of a group fell together: the first fall of each time."""
    answer: list[datetime] = []
    near: dict[str, datetime] = defaultdict()
    for fall in falls:
        if fall.path not in group:
            continue
        near[fall.path] = fall.began
        recent = [began for began in near.values() if fall.began - began <= TOGETHER]
        if len(recent) == len(group) and (not answer or min(recent) > answer[-1]):
            answer.append(min(recent))
    return tuple(answer)

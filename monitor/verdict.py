"""Whether a site can report results now, and what an area's tile shows: decided over independent paths.

Pure. Two paths are **independent** if nothing below a carrier's core fails them together: they share no risk group
(of any depth) other than a CORE, and, if they are of the same carrier, both are known to hang on something (a path
with no risk group declared cannot be shown to be independent of another of the same carrier). Three paths behind
one OLT are one path. What counts is the largest set of paths in which every two are independent.

======== =========================================================================================================
verdict  rule, first that holds (``up`` = independent paths that carry, ``declared`` = independent paths declared)
======== =========================================================================================================
untested no path ever had a result
ready    up >= 2, or up = declared = 1, and nothing lost and nothing degraded
degraded up >= 2, or up = declared = 1, and something lost or degraded
at_risk  up = 1 of several, and another one is known to be lost, or nothing can look at it
unknown  up = 1 of several, and of the others nothing is known now
down     no path carries and at least one is known to be lost
unknown  nothing is known now
======== =========================================================================================================

A site that declares a single independent path is ``ready`` while that path is up; ``declared`` says that it has no
spare, and the lint of the inventory has said so before. A path whose state is partial or degraded still carries.

A path is the best of its targets: one that carries proves the path. Missing evidence never counts as up.

An area shows the worst verdict of its own: a commune that of its commune committee's office (if it has one), any
other area that of its sites of priority A and B (of all its sites if it has none of those), sites of the areas
below it included. Worst first: down, at_risk, unknown, degraded, untested, ready. No site: untested.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from inventory.models import Area, Path, Priority, Risk, RiskKind, Site, SiteKind
from monitor.models import State, Verdict

__all__ = [
    "WORST_FIRST",
    "Conflicts",
    "PathBelief",
    "SiteVerdict",
    "area_verdict",
    "conflicts",
    "counting",
    "independent",
    "path_state",
    "verdict",
]

Conflicts = frozenset[tuple[int, int]]
"""Pairs of positions (lower first) of a site's paths that are not independent of each other."""

_CARRIES = frozenset({State.UP, State.DEGRADED, State.PARTIAL})
_BEST_FIRST = (State.UP, State.DEGRADED, State.PARTIAL, State.DOWN, State.UNKNOWN)
WORST_FIRST = (
    Verdict.DOWN,
    Verdict.AT_RISK,
    Verdict.UNKNOWN,
    Verdict.DEGRADED,
    Verdict.UNTESTED,
    Verdict.READY,
)
"""What an area shows of several: the first that any of its sites has."""
_PROTECTED = frozenset({Priority.A, Priority.B})


@dataclass(frozen=True, slots=True)
class PathBelief:
    """What a verdict needs of one path: its state, whether anything can look at it, whether a look ever ended."""

    state: State
    is_watched: bool
    is_tested: bool


@dataclass(frozen=True, slots=True)
class SiteVerdict:
    """A verdict with the two counts that it rests on: independent paths that carry, and those declared."""

    verdict: Verdict
    up: int
    declared: int


def path_state(targets: Iterable[State]) -> State:
    """Answer the state of a path: the best of its targets; unknown if it has none."""
    return min(targets, key=_BEST_FIRST.index, default=State.UNKNOWN)


def conflicts(paths: Sequence[Path], risks: Sequence[Sequence[Risk]]) -> Conflicts:
    """Find the pairs of a site's paths that can fail together; ``risks`` holds each path's groups, all depths."""
    below_core = [{risk.code for risk in each if risk.kind is not RiskKind.CORE} for each in risks]
    return frozenset(
        (one, other)
        for one, other in combinations(range(len(paths)), 2)
        if below_core[one] & below_core[other]
        or (paths[one].carrier == paths[other].carrier and not (below_core[one] and below_core[other]))
    )


def independent(chosen: Sequence[int], among: Conflicts) -> int:
    """Count the largest set of the ``chosen`` paths in which every two are independent."""
    if not among or len(chosen) < 2:
        return len(chosen)
    first, *rest = chosen
    free = [other for other in rest if (min(first, other), max(first, other)) not in among]
    if len(free) == len(rest):
        return 1 + independent(rest, among)
    return max(1 + independent(free, among), independent(rest, among))


def verdict(paths: Sequence[PathBelief], among: Conflicts) -> SiteVerdict:
    """Answer whether a site with these paths can report now."""
    declared = independent(range(len(paths)), among)
    up = independent([n for n, path in enumerate(paths) if path.state in _CARRIES], among)
    return SiteVerdict(_judged(paths, up, declared), up, declared)


def _judged(paths: Sequence[PathBelief], up: int, declared: int) -> Verdict:
    if not any(path.is_tested for path in paths):
        return Verdict.UNTESTED
    is_lost = any(path.state is State.DOWN for path in paths)
    if up >= 2 or up == declared == 1:
        is_weak = any(path.state in {State.DEGRADED, State.PARTIAL} for path in paths)
        return Verdict.DEGRADED if is_lost or is_weak else Verdict.READY
    if up == 1:
        is_unwatched = any(not path.is_watched for path in paths)
        return Verdict.AT_RISK if is_lost or is_unwatched else Verdict.UNKNOWN
    return Verdict.DOWN if is_lost else Verdict.UNKNOWN


def counting(area: Area, sites: Sequence[Site]) -> list[int]:
    """Answer the places of those ``sites``, its own and of the areas below it, that the tile of ``area`` speaks of."""
    if area.kind.is_commune_level:
        heads = [place for place, site in enumerate(sites) if site.kind is SiteKind.COMMUNE_COMMITTEE]
        if heads:
            return heads
    protected = [place for place, site in enumerate(sites) if site.priority in _PROTECTED]
    return protected or list(range(len(sites)))


def area_verdict(area: Area, sites: Sequence[tuple[Site, Verdict]]) -> Verdict:
    """Answer what the tile of ``area`` shows; ``sites`` are its own and those of the areas below it."""
    meant = [sites[place][1] for place in counting(area, [site for site, _ in sites])]
    return min(meant, key=WORST_FIRST.index, default=Verdict.UNTESTED)

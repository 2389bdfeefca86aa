"""How grave: a matrix of impact and phase, raised one level when many are hit together.

The matrix is that of PEERS-INCIDENTS.md, section 12. What it was computed from is a value (:class:`Weight`)
that is stored with the incident, so that a page can say why and anybody can compute it again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from inventory.models import Inventory, Phase, Severity, SiteKind
from inventory.topology import Topology

__all__ = [
    "MANY_COMMUNES",
    "MANY_VOTERS",
    "MATRIX",
    "Impact",
    "Period",
    "Weight",
    "graver",
    "severity_of",
    "weigh",
]

MANY_COMMUNES = 10
"""From this many communes hit together the severity is raised by one level."""
MANY_VOTERS = 50_000
"""From this many voters at the sites hit together the severity is raised by one level."""
_WHOLE_FROM = 3
"""A carrier with fewer sites than this in a district is not "the whole carrier" when they are all lost."""


class Impact(StrEnum):
    """What was lost, gravest first."""

    TALLY_OR_WHOLE_CARRIER = "tally_or_whole_carrier"
    ISOLATED = "isolated"
    LAST_PATH = "last_path"
    REDUNDANT_PATH = "redundant_path"
    DEGRADED = "degraded"


class Period(StrEnum):
    """Phases as the matrix groups them."""

    PREPARATION = "preparation"
    VOTING = "voting"
    COUNTING = "counting"
    AFTER = "after"


_PERIOD: Mapping[Phase, Period] = {
    Phase.POLL: Period.VOTING,
    Phase.RERUN: Period.VOTING,
    Phase.TALLY: Period.COUNTING,
    Phase.POST: Period.AFTER,
    Phase.CLOSE: Period.AFTER,
}

_P1, _P2, _P3, _P4 = Severity

MATRIX: Mapping[tuple[Impact, Period], Severity] = {
    (impact, period): severity
    for impact, row in {
        Impact.TALLY_OR_WHOLE_CARRIER: (_P2, _P1, _P1, _P3),
        Impact.ISOLATED: (_P3, _P1, _P1, _P3),
        Impact.LAST_PATH: (_P4, _P2, _P2, _P4),
        Impact.REDUNDANT_PATH: (_P4, _P3, _P3, _P4),
        Impact.DEGRADED: (_P4, _P3, _P2, _P4),
    }.items()
    for period, severity in zip(Period, row, strict=True)
}


@dataclass(frozen=True, slots=True)
class Weight:
    """Everything that a severity is computed from. Counts are of places hit by the one cause."""

    impact: Impact
    phase: Phase
    sites: int
    communes: int
    voters: int
    isolated: int
    last_path: int
    whole_districts: tuple[str, ...] = ()
    tally_sites: tuple[str, ...] = ()

    @property
    def many(self) -> bool:
        """Whether so many are hit together that the severity is raised."""
        return self.communes >= MANY_COMMUNES or self.voters >= MANY_VOTERS

    def as_facts(self) -> dict[str, Any]:
        """Answer the inputs as JSON values, with whether they raised the severity."""
        return {
            "impact": self.impact.value,
            "phase": self.phase.value,
            "sites": self.sites,
            "communes": self.communes,
            "voters": self.voters,
            "isolated": self.isolated,
            "last_path": self.last_path,
            "whole_districts": list(self.whole_districts),
            "tally_sites": list(self.tally_sites),
            "raised": self.many,
        }


def severity_of(weight: Weight) -> Severity:
    """Look ``weight`` up in :data:`MATRIX`, and raise it by a level when many are hit together."""
    base = MATRIX[weight.impact, _PERIOD.get(weight.phase, Period.PREPARATION)]
    grades = list(Severity)
    return grades[max(0, grades.index(base) - 1)] if weight.many else base


def graver(left: Severity, right: Severity) -> Severity:
    """Answer the graver of two: only the department may lower a severity, never a computation."""
    return min(left, right, key=list(Severity).index)


def weigh(evidence: Mapping[str, Any], *, phase: Phase, inventory: Inventory, topology: Topology) -> Weight:
    """Count what one cause hits. ``evidence`` is that of a CAUSE row; codes that no longer exist are passed over."""
    sites = [code for code in evidence.get("sites", ()) if code in inventory.sites]
    isolated = [code for code in evidence.get("isolated", ()) if code in inventory.sites]
    last_path = [code for code in evidence.get("last_path", ()) if code in inventory.sites]
    tally = tuple(code for code in isolated if inventory.sites[code].kind is SiteKind.TALLY_SERVER)
    whole = _whole_districts(evidence, sites, inventory, topology)
    return Weight(
        impact=Impact.DEGRADED if evidence.get("degraded") else _impact(whole or tally, isolated, last_path),
        phase=phase,
        sites=len(sites),
        communes=len({topology.commune_of(code) for code in sites} - {None}),
        voters=sum(inventory.sites[code].voters or 0 for code in sites),
        isolated=len(isolated),
        last_path=len(last_path),
        whole_districts=whole,
        tally_sites=tally,
    )


def _impact(gravest: Iterable[str], isolated: Iterable[str], last_path: Iterable[str]) -> Impact:
    if any(gravest):
        return Impact.TALLY_OR_WHOLE_CARRIER
    if any(isolated):
        return Impact.ISOLATED
    return Impact.LAST_PATH if any(last_path) else Impact.REDUNDANT_PATH


def _whole_districts(
    evidence: Mapping[str, Any], sites: Iterable[str], inventory: Inventory, topology: Topology
) -> tuple[str, ...]:
    """Answer the districts in which the owner has lost every one of its paths."""
    carrier = evidence.get("owner", "")
    lost = set(evidence.get("paths", ()))
    districts = {topology.district_of(inventory.sites[code].area) for code in sites} - {None}
    found = []
    for district in sorted(code for code in districts if code):
        served = {
            path: site
            for site in topology.sites_of_area(district)
            for path in topology.paths_of_site(site)
            if inventory.paths[path].carrier == carrier
        }
        if len(set(served.values())) >= _WHOLE_FROM and served.keys() <= lost:
            found.append(district)
    return tuple(found)

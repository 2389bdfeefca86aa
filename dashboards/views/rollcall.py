"""The roll call as an officer runs through it: whom to call next, at what number, what was heard last."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from alerting.models import Incident
from alerting.rollcall import Number, RollCall, numbers_of
from inventory.models import Inventory, Site
from inventory.topology import Topology
from monitor.models import Verdict
from monitor.snapshot import Snapshot

__all__ = ["RollLine", "Which", "behind_incidents", "roll_lines", "with_numbers"]

_UNKNOWN = frozenset({Verdict.UNKNOWN, Verdict.UNTESTED})


class Which(StrEnum):
    """Which sites are listed."""

    UNHEARD = "unheard"
    ALL = "all"
    UNKNOWN = "unknown"
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True)
class RollLine:
    """One site to call. ``last`` is its newest answer in the time looked back on."""

    site: Site
    place: str
    verdict: Verdict
    is_behind_incident: bool
    last: RollCall | None
    numbers: tuple[Number, ...] = ()

    @property
    def urgency(self) -> int:
        """Who is called first: sites behind an incident, then those of which nothing is known, then the others."""
        if self.is_behind_incident:
            return 0
        return 1 if self.verdict in _UNKNOWN else 2


def behind_incidents(live: Iterable[Incident]) -> frozenset[str]:
    """Answer the sites that live incidents hit."""
    return frozenset(
        site for incident in live for site in incident.facts.get("evidence", {}).get("sites", ())
    )


def roll_lines(
    sites: Iterable[str],
    *,
    inventory: Inventory,
    snapshot: Snapshot,
    behind: Collection[str],
    newest: Mapping[str, RollCall],
    since: datetime,
    which: Which,
) -> list[RollLine]:
    """Answer the chosen sites in the order in which to call them; within one urgency as the inventory has them."""
    lines = [_line(inventory.sites[code], inventory, snapshot, behind, newest.get(code)) for code in sites]
    chosen = [line for line in lines if _is_chosen(line, which, since)]
    return sorted(chosen, key=lambda line: line.urgency)


def with_numbers(lines: Iterable[RollLine], inventory: Inventory, topology: Topology) -> list[RollLine]:
    """Answer the lines that are shown, with whom to call: a nation's thousands of others need none."""
    return [replace(line, numbers=numbers_of(inventory, topology, line.site.code)) for line in lines]


def _is_chosen(line: RollLine, which: Which, since: datetime) -> bool:
    match which:
        case Which.UNHEARD:
            return line.last is None or line.last.at < since
        case Which.UNKNOWN:
            return line.verdict in _UNKNOWN
        case Which.INCIDENT:
            return line.is_behind_incident
        case Which.ALL:
            return True


def _line(
    site: Site,
    inventory: Inventory,
    snapshot: Snapshot,
    behind: Collection[str],
    last: RollCall | None,
) -> RollLine:
    view, area = snapshot.sites.get(site.code), inventory.areas.get(site.area)
    return RollLine(
        site=site,
        place=area.name if area else site.area,
        verdict=view.verdict if view else Verdict.UNTESTED,
        is_behind_incident=site.code in behind,
        last=last,
    )

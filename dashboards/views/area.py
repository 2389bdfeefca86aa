"""An area and what lies in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from inventory.models import Area, Inventory, Site
from inventory.topology import Topology
from monitor.models import State, Verdict
from monitor.snapshot import Snapshot

__all__ = ["ChildLine", "SiteLine", "ancestors", "children", "site_lines"]


@dataclass(frozen=True, slots=True)
class SiteLine:
    """A site in a list: its verdict, since when, and how many of its paths work."""

    site: Site
    area_name: str
    verdict: Verdict
    since: datetime | None
    paths: int
    paths_up: int


@dataclass(frozen=True, slots=True)
class ChildLine:
    """An area below, with its verdict."""

    area: Area
    verdict: Verdict


def ancestors(area: Area, inventory: Inventory) -> tuple[Area, ...]:
    """Answer the areas that ``area`` lies in, the largest first."""
    found: list[Area] = []
    above = inventory.areas.get(area.parent or "")
    while above is not None and above not in found:
        found.append(above)
        above = inventory.areas.get(above.parent or "")
    return tuple(reversed(found))


def children(area: Area, inventory: Inventory, snapshot: Snapshot) -> tuple[ChildLine, ...]:
    """Answer the areas directly below ``area``."""
    return tuple(
        ChildLine(each, snapshot.areas.get(each.code, Verdict.UNTESTED))
        for each in inventory.areas.values()
        if each.parent == area.code
    )


def site_lines(
    codes: Iterable[str], snapshot: Snapshot, inventory: Inventory, topology: Topology
) -> tuple[SiteLine, ...]:
    """Answer sites with their verdicts, the worst off first, then in the inventory's order."""
    order = (
        Verdict.DOWN,
        Verdict.AT_RISK,
        Verdict.DEGRADED,
        Verdict.UNKNOWN,
        Verdict.UNTESTED,
        Verdict.READY,
    )
    lines = [_line(inventory.sites[code], snapshot, inventory, topology) for code in codes]
    return tuple(sorted(lines, key=lambda line: order.index(line.verdict)))


def _line(site: Site, snapshot: Snapshot, inventory: Inventory, topology: Topology) -> SiteLine:
    view = snapshot.sites.get(site.code)
    area = inventory.areas.get(topology.commune_of(site.code) or site.area)
    return SiteLine(
        site=site,
        area_name=area.name if area else "",
        verdict=view.verdict if view else Verdict.UNTESTED,
        since=view.since if view else None,
        paths=len(topology.paths_of_site(site.code)),
        paths_up=sum(path.state in {State.UP, State.DEGRADED, State.PARTIAL} for path in view.paths)
        if view
        else 0,
    )

"""What a peer is given to watch: the sample province's committees and their paths, with one ring of a carrier cut.

The peers know no risk groups, so what is one cause with us is a service down for every path behind the ring with them.
"""

from dataclasses import dataclass

from inventory.generate.units import plain
from tests.support.duty_room import sample_of

__all__ = ["RING", "Path", "Site", "Watched", "watched"]

RING = "VNPT-RING-947"


@dataclass(frozen=True)
class Site:
    """``plain`` is the name without diacritics and with the code, as a search over bare names needs it."""

    code: str
    name: str
    plain: str
    area: str


@dataclass(frozen=True)
class Path:
    code: str
    name: str
    site: Site
    carrier: str
    is_down: bool


@dataclass(frozen=True)
class Watched:
    areas: dict[str, str]
    carriers: dict[str, str]
    sites: tuple[Site, ...]
    paths: tuple[Path, ...]


def watched(sites=None):
    """At most that many sites, those behind the ring first."""
    inventory = sample_of("soc-trang-2021")
    behind = {path.code for path in inventory.paths.values() if RING in _risks_above(inventory, path.risks)}
    chosen = sorted(
        inventory.sites.values(),
        key=lambda site: (
            not any(path.site == site.code and path.code in behind for path in inventory.paths.values())
        ),
    )[:sites]
    areas = {site.area: inventory.areas[site.area].parent or site.area for site in chosen}
    sites = {
        site.code: Site(site.code, site.name, f"{plain(site.name)} {site.code}", areas[site.area])
        for site in chosen
    }
    paths = tuple(
        Path(path.code, f"{path.medium} {path.carrier}", sites[path.site], path.carrier, path.code in behind)
        for path in inventory.paths.values()
        if path.site in sites
    )
    return Watched(
        areas={code: inventory.areas[code].name for code in sorted(set(areas.values()))},
        carriers={code: inventory.parties[code].name for code in sorted({path.carrier for path in paths})},
        sites=tuple(sites.values()),
        paths=paths,
    )


def _risks_above(inventory, codes):
    found, left = set(), list(codes)
    while left:
        code = left.pop()
        if code not in found:
            found.add(code)
            left += [parent for parent in [inventory.risks[code].parent] if parent]
    return found

"""Narrowing the board to a carrier, an area or a verdict: by which words each commune and incident is found.

The page carries these words beside each tile and row (``data-by``, ``data-in``), so that a browser narrows an open
board without asking anybody and keeps it narrow while it changes; without script the same form asks this module.
What is left out is dimmed on the map and missing from the list; the counts always speak of the whole province.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dashboards.i18n import Words
from dashboards.views.tilemap import communes_of
from inventory.models import Inventory
from inventory.topology import Topology
from monitor.models import Verdict

__all__ = ["Ground", "Meshes", "Sieve", "grounds_of", "meshes_of", "within"]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a commune is found by: codes of the areas that it lies in, and of the carriers that its sites report over."""

    within: tuple[str, ...] = ()
    carriers: tuple[str, ...] = ()


_NOWHERE = Ground()


@dataclass(frozen=True, slots=True)
class Meshes:
    """What can be chosen: code and name of each carrier and of each area above the communes."""

    carriers: tuple[tuple[str, str], ...]
    areas: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sieve:
    """What was chosen; an empty word lets everything through."""

    carrier: str = ""
    area: str = ""
    verdict: str = ""

    @classmethod
    def of(cls, asked: Mapping[str, str], meshes: Meshes) -> "Sieve":
        """Read a query; what cannot be chosen is as good as empty."""
        carrier, area, verdict = (asked.get(key, "") for key in ("carrier", "area", "verdict"))
        return cls(
            carrier=carrier if carrier in dict(meshes.carriers) else "",
            area=area if area in dict(meshes.areas) else "",
            verdict=verdict if verdict in set(Verdict) else "",
        )

    @property
    def narrows(self) -> bool:
        """Whether anything was chosen."""
        return bool(self.carrier or self.area or self.verdict)

    def keeps_tile(self, ground: Ground, verdict: Verdict) -> bool:
        """Answer whether a commune is among what was chosen."""
        return (
            (not self.carrier or self.carrier in ground.carriers)
            and (not self.area or self.area in ground.within)
            and (not self.verdict or self.verdict == verdict.value)
        )

    def keeps_row(self, party: str, areas: Iterable[str]) -> bool:
        """Answer whether an incident is: a verdict belongs to communes and leaves no incident out."""
        return (not self.carrier or self.carrier == party) and (not self.area or self.area in areas)


def grounds_of(inventory: Inventory, topology: Topology) -> Mapping[str, Ground]:
    """Answer what each commune is found by; one without a path has no carrier."""
    carriers: dict[str, set[str]] = defaultdict(set)
    for path in inventory.paths.values():
        if commune := topology.commune_of(path.site):
            carriers[commune].add(path.carrier)
    return {
        area.code: Ground(_above(inventory, area.code), tuple(sorted(carriers.get(area.code, ()))))
        for area in communes_of(inventory)
    }


def _above(inventory: Inventory, code: str) -> tuple[str, ...]:
    """Answer an area's own code where it is above the communes, and those above it, nearest first."""
    found: list[str] = []
    area = inventory.areas.get(code)
    while area is not None and area.code not in found:
        if not area.kind.is_commune_level:
            found.append(area.code)
        area = inventory.areas.get(area.parent or "")
    return tuple(found)


def within(sites: Iterable[str], inventory: Inventory) -> tuple[str, ...]:
    """Answer the areas above the communes in which any of ``sites`` lies."""
    areas = {inventory.sites[site].area for site in sites if site in inventory.sites}
    return tuple(sorted({above for area in areas for above in _above(inventory, area)}))


def meshes_of(inventory: Inventory, grounds: Mapping[str, Ground], words: Words) -> Meshes:
    """Answer what can be chosen; an area that holds every commune narrows nothing and is not offered."""
    held: dict[str, int] = defaultdict(int)
    carriers: set[str] = set()
    for ground in grounds.values():
        carriers.update(ground.carriers)
        for code in ground.within:
            held[code] += 1
    areas = [inventory.areas[code] for code, count in held.items() if count < len(grounds)]
    parties = [inventory.parties[code] for code in carriers if code in inventory.parties]
    named = sorted((words.pick(party.name, party.name_en), party.code) for party in parties)
    return Meshes(
        carriers=tuple((code, name) for name, code in named),
        areas=tuple((area.code, words.pick(area.name, area.name_en)) for area in areas),
    )

"""What stands on what: every question about the inventory's graph, answered from tables built once.

Never changes after construction, so one value serves every thread; a reload builds another. Building walks
every target, path and site once (140,000 targets in well under a second). What falls with a risk group is
gathered when first asked for, in the time that the answer's length takes, and kept.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import ClassVar
from weakref import WeakValueDictionary

from inventory.codes import CodeIndex
from inventory.models import AreaKind, Inventory, Priority

__all__ = ["Topology"]

_Codes = tuple[str, ...]


class Topology:
    """The graph of one inventory. All codes; a tuple of codes keeps the order of the files."""

    _known: ClassVar["WeakValueDictionary[int, Topology]"] = WeakValueDictionary()

    @classmethod
    def of(cls, inventory: Inventory) -> "Topology":
        """Answer the one graph of this very inventory: looking, belief and alerting in one process share it.

        A graph keeps its inventory alive, so an identity in the table is never that of another inventory.
        """
        known = cls._known.get(id(inventory))
        if known is None:
            known = cls._known[id(inventory)] = cls(inventory)
        return known

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self.codes: _Codes = tuple(inventory.targets)
        """The fleet: a batch's ``target`` column indexes it."""
        self.index = CodeIndex(self.codes)
        self._targets_of = _grouped((target.of, code) for code, target in inventory.targets.items())
        self._paths_of_site = _grouped((path.site, code) for code, path in inventory.paths.items())
        self._grounds = _Grounds(inventory)
        self._targets_of_risk: dict[str, _Codes] = {}
        self._risks_of_target: dict[str, _Codes] = {}
        self._areas = _Areas(inventory)

    def path_of(self, target: str) -> str | None:
        """Answer the path that a target gives evidence for; ``None`` if it speaks for a link or a risk group."""
        of = self._inventory.targets[target].of
        return of if of in self._inventory.paths else None

    def site_of(self, target: str) -> str | None:
        """Answer the site whose path a target gives evidence for."""
        path = self._inventory.paths.get(self._inventory.targets[target].of)
        return path.site if path else None

    def owner_of(self, target: str) -> str:
        """Answer the party that answers for a target: the carrier of its path or link, the owner of its risk."""
        of = self._inventory.targets[target].of
        if of in self._inventory.paths:
            return self._inventory.paths[of].carrier
        if of in self._inventory.risks:
            return self._inventory.risks[of].owner
        return self._inventory.links[of].carrier

    def priority_of(self, target: str) -> Priority:
        """Answer the priority of a target's site; of a risk group or link, that of the gravest site on it."""
        of = self._inventory.targets[target].of
        path = self._inventory.paths.get(of)
        return self._inventory.sites[path.site].priority if path else self._grounds.priority(of)

    def targets_of_path(self, path: str) -> _Codes:
        """Answer the targets that give evidence for a path."""
        return self._targets_of.get(path, ())

    def targets_of_site(self, site: str) -> _Codes:
        """Answer the targets of all paths of a site."""
        return tuple(code for path in self.paths_of_site(site) for code in self.targets_of_path(path))

    def paths_of_site(self, site: str) -> _Codes:
        """Answer the paths of a site."""
        return self._paths_of_site.get(site, ())

    def risks_of_path(self, path: str) -> _Codes:
        """Answer the risk groups that a path stands on, with all their ancestors, nearest first."""
        return self._grounds.above(self._inventory.paths[path].risks)

    def risks_of_target(self, target: str) -> _Codes:
        """Answer the risk groups that a target stands on, nearest first; one of a risk group stands on itself."""
        known = self._risks_of_target.get(target)
        if known is None:
            known = self._risks_of_target[target] = self._risks_of(self._inventory.targets[target].of)
        return known

    def _risks_of(self, of: str) -> _Codes:
        if of in self._inventory.paths:
            return self.risks_of_path(of)
        if of in self._inventory.risks:
            return self._grounds.above((of,))
        return self._grounds.above(self._inventory.links[of].risks)

    def targets_of_risk(self, risk: str) -> _Codes:
        """Answer every target that fails with a risk group: its own, and those of all that stands on it."""
        known = self._targets_of_risk.get(risk)
        if known is None:
            fallen = self._grounds.fallen(risk)
            known = tuple([code for of in fallen for code in self._targets_of.get(of, ())])
            self._targets_of_risk[risk] = known
        return known

    def paths_of_risk(self, risk: str) -> _Codes:
        """Answer every path that fails with a risk group."""
        return self._grounds.paths(risk)

    def sites_of_area(self, area: str) -> _Codes:
        """Answer the sites in an area and in all areas below it."""
        return self._areas.sites.get(area, ())

    @cached_property
    def sites_above_communes(self) -> _Codes:
        """The sites of districts and of the province itself."""
        return tuple(code for code in self._inventory.sites if self.commune_of(code) is None)

    def commune_of(self, site: str) -> str | None:
        """Answer the commune, ward or township that a site lies in; ``None`` for one of a higher level."""
        return self._areas.commune.get(self._inventory.sites[site].area)

    def district_of(self, area: str) -> str | None:
        """Answer the district that an area is or lies in; ``None`` where there is none."""
        return self._areas.district.get(area)

    def areas_below(self, area: str) -> _Codes:
        """Answer every area below an area, at any depth, without itself."""
        return self._areas.below.get(area, ())


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, _Codes]:
    """Group codes by key, in their order. Most groups hold one code, so lists are made for the others only."""
    groups: dict[str, _Codes] = {}
    longer: dict[str, list[str]] = {}
    for key, code in pairs:
        if key not in groups:
            groups[key] = (code,)
        elif key in longer:
            longer[key].append(code)
        else:
            longer[key] = [*groups[key], code]
    groups.update((key, tuple(codes)) for key, codes in longer.items())
    return groups


class _Grounds:
    """What paths and links stand on, upwards and downwards; answers are kept by what they start from."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._children = _grouped(
            (risk.parent, code) for code, risk in inventory.risks.items() if risk.parent is not None
        )
        self._paths_on = _grouped(
            (risk, code) for code, path in inventory.paths.items() for risk in path.risks
        )
        self._links_on = _grouped(
            (risk, code) for code, link in inventory.links.items() for risk in link.risks
        )
        self._above: dict[_Codes, _Codes] = {}
        self._paths: dict[str, _Codes] = {}
        self._priorities: dict[str, Priority] = {}

    def above(self, risks: _Codes) -> _Codes:
        """Answer ``risks`` and all their ancestors: first all of one step's distance, then all of the next."""
        known = self._above.get(risks)
        if known is None:
            known = self._above[risks] = self._climbed(risks)
        return known

    def _climbed(self, risks: _Codes) -> _Codes:
        found: dict[str, None] = {}
        level: list[str] = list(risks)
        while level:
            found.update(dict.fromkeys(level))
            parents = (self._inventory.risks[risk].parent for risk in level)
            level = [parent for parent in dict.fromkeys(parents) if parent and parent not in found]
        return tuple(found)

    def paths(self, risk: str) -> _Codes:
        """Answer the paths that stand on a risk group or on one below it."""
        known = self._paths.get(risk)
        if known is None:
            below = self._below(risk)
            known = tuple(dict.fromkeys(code for ground in below for code in self._paths_on.get(ground, ())))
            self._paths[risk] = known
        return known

    def fallen(self, risk: str) -> Iterator[str]:
        """Answer all that falls with a risk group: the groups, links and paths at and below it, each once."""
        below = self._below(risk)
        yield from below
        yield from dict.fromkeys(code for ground in below for code in self._links_on.get(ground, ()))
        yield from self.paths(risk)

    def priority(self, of: str) -> Priority:
        """Answer the gravest priority of the sites that stand on a risk group, or on those of a link."""
        known = self._priorities.get(of)
        if known is None:
            link = self._inventory.links.get(of)
            paths = (path for risk in (link.risks if link else (of,)) for path in self.paths(risk))
            sites = self._inventory.sites
            found = {sites[self._inventory.paths[path].site].priority for path in paths}
            known = self._priorities[of] = min(found, default=Priority.C)
        return known

    def _below(self, risk: str) -> list[str]:
        found = [risk]
        for ground in found:
            found += self._children.get(ground, ())
        return found


class _Areas:
    """The administrative tree of any depth: two levels since July 2025, three before."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        ways = {code: self._way(code) for code in inventory.areas}
        self.commune = {code: self._first(way, level="commune") for code, way in ways.items()}
        self.district = {code: self._first(way, level="district") for code, way in ways.items()}
        self.below = _grouped((above, code) for code, way in ways.items() for above in way[1:])
        self.sites = _grouped(
            (above, code) for code, site in inventory.sites.items() for above in ways[site.area]
        )

    def _way(self, area: str) -> _Codes:
        """Answer an area and those above it, upwards."""
        way = []
        at: str | None = area
        while at is not None:
            way.append(at)
            at = self._inventory.areas[at].parent
        return tuple(way)

    def _first(self, way: _Codes, *, level: str) -> str | None:
        return next((code for code in way if _level(self._inventory.areas[code].kind) == level), None)


def _level(kind: AreaKind) -> str:
    if kind.is_commune_level:
        return "commune"
    return "province" if kind.is_province_level else "district"

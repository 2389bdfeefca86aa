"""What in a sound inventory endangers the election: each finding with its rule and the subject to look at.

A fault stops a load; a finding is a decision that somebody has to take (a second carrier, a person for the
night, a contact over another network). One rule, one function; roster rules are in
:mod:`inventory.lint_roster`. Pure: same inventory, same findings, in the order of the rules and of the files.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator

from inventory.findings import Finding
from inventory.lint_roster import ROSTER_RULES
from inventory.models import Inventory, Priority, RiskKind, SiteKind
from inventory.topology import Topology

__all__ = ["RULES", "Finding", "lint"]


def lint(inventory: Inventory) -> tuple[Finding, ...]:
    """Answer everything that should be mended before the election although the inventory can be used."""
    topology = Topology(inventory)
    return tuple(finding for rule in RULES for finding in rule(inventory, topology))


def _commune_coverage(inventory: Inventory, topology: Topology) -> Iterator[Finding]:
    """Ask that every commune can report, and by more than one carrier."""
    carriers: dict[str, set[str]] = {
        code: set() for code, area in inventory.areas.items() if area.kind.is_commune_level
    }
    for path in inventory.paths.values():
        commune = topology.commune_of(path.site)
        if commune:
            carriers[commune].add(path.carrier)
    for code, found in carriers.items():
        name = inventory.areas[code].name
        if not found:
            yield Finding(
                "commune-without-path",
                code,
                f"{name} chưa có hướng liên lạc nào",
                f"{name} has no path to report by",
            )
        elif len(found) == 1:
            only = next(iter(found))
            yield Finding(
                "commune-one-carrier",
                code,
                f"{name} chỉ dựa vào một doanh nghiệp ({only}); cần hướng dự phòng của doanh nghiệp khác",
                f"{name} rests on one carrier ({only}); it needs a path of another",
            )


def _site_paths(inventory: Inventory, topology: Topology) -> Iterator[Finding]:
    """Ask two paths of a site that matters, and that its paths do not all fail together."""
    for code, site in inventory.sites.items():
        paths = topology.paths_of_site(code)
        if not paths:
            yield Finding(
                "site-without-path", code, f"{site.name} chưa có hướng liên lạc", f"{site.name} has no path"
            )
        elif len(paths) == 1:
            if site.priority is not Priority.C:
                yield Finding(
                    "site-one-path",
                    code,
                    f"{site.name} (ưu tiên {site.priority}) chỉ có một hướng liên lạc",
                    f"{site.name} (priority {site.priority}) has a single path",
                )
        else:
            yield from _shared_risks(inventory, topology, code)


def _shared_risks(inventory: Inventory, topology: Topology, site: str) -> Iterator[Finding]:
    """Tell paths that are one path: all of a site's on one risk group, or two carriers' that look independent."""
    standing: defaultdict[str, list[str]] = defaultdict(list)
    paths = topology.paths_of_site(site)
    for path in paths:
        for risk in topology.risks_of_path(path):
            standing[risk].append(path)
    name = inventory.sites[site].name
    told: set[tuple[str, ...]] = set()
    for risk, on_it in standing.items():
        if len(on_it) < 2 or tuple(on_it) in told:
            continue
        carriers = {inventory.paths[path].carrier for path in on_it}
        is_everything = len(on_it) == len(paths)
        # Power is shared by every line into an office; what it needs is a path off the mains, not another line.
        if is_everything or (len(carriers) > 1 and inventory.risks[risk].kind is not RiskKind.FEEDER):
            told.add(tuple(on_it))
            listed = ", ".join(on_it)
            group = inventory.risks[risk].name
            yield Finding(
                "paths-share-risk",
                site,
                f"{name}: {listed} cùng nằm trên {group} ({risk}), hỏng là mất cùng lúc",
                f"{name}: {listed} all stand on {group} ({risk}) and fail together",
            )


def _tally_servers(inventory: Inventory, topology: Topology) -> Iterator[Finding]:
    """Ask two carriers of a tally server."""
    for code, site in inventory.sites.items():
        carriers = {inventory.paths[path].carrier for path in topology.paths_of_site(code)}
        if site.kind is SiteKind.TALLY_SERVER and len(carriers) < 2:
            yield Finding(
                "tally-one-carrier",
                code,
                f"{site.name} phải có đường truyền của ít nhất hai doanh nghiệp",
                f"{site.name} must be reached over two carriers at least",
            )


def _evidence(inventory: Inventory, topology: Topology) -> Iterator[Finding]:
    """Ask that every path is looked at, and that every look says something about a site."""
    for code in inventory.paths:
        if not topology.targets_of_path(code):
            yield Finding(
                "path-without-target",
                code,
                f"hướng {code} không có mục tiêu nào để kiểm tra; trạng thái sẽ mãi là chưa kiểm tra",
                f"path {code} has no target; it will stay untested",
            )
    used = {risk for code in inventory.paths for risk in topology.risks_of_path(code)}
    for code, target in inventory.targets.items():
        risks = set(topology.risks_of_target(code))
        if topology.path_of(code) is None and not risks & used:
            yield Finding(
                "target-without-path",
                code,
                f"mục tiêu {code} nói về {target.of}, mà không hướng liên lạc nào dựa vào đó",
                f"target {code} speaks for {target.of}, which no path stands on",
            )


def _addresses(inventory: Inventory, _topology: Topology) -> Iterator[Finding]:
    """Ask that one address speaks for one thing, and is not looked at twice in the same way."""
    first: dict[str, str] = {}
    seen: set[tuple[object, ...]] = set()
    for code, target in inventory.targets.items():
        if not target.address:
            continue
        other = first.setdefault(target.address, code)
        options = tuple(sorted(target.options.items()))
        look = (target.kind, target.address, target.port, options, target.vantages)
        if look in seen or inventory.targets[other].of != target.of:
            yield Finding(
                "duplicate-address",
                code,
                f"địa chỉ {target.address} của {code} đã dùng cho {other}; một trong hai không được kiểm tra thật",
                f"address {target.address} of {code} is that of {other}; one of them is not really looked at",
            )
        seen.add(look)


def _numbers(inventory: Inventory, _topology: Topology) -> Iterator[Finding]:
    """Ask that one telephone number belongs to one path."""
    first: dict[str, str] = {}
    for code, path in inventory.paths.items():
        other = first.setdefault(path.number, code)
        if path.number and other != code:
            yield Finding(
                "duplicate-number",
                code,
                f"số {path.number} của {code} cũng là số của {other}",
                f"number {path.number} of {code} is also that of {other}",
            )


def _tiles(inventory: Inventory, _topology: Topology) -> Iterator[Finding]:
    """Ask a tile of its own for every commune, unless one ended before the other began."""
    at: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for code, area in inventory.areas.items():
        if area.col is None or area.row is None:
            continue
        place = (area.col, area.row)
        for other in at[place]:
            if _coexist(inventory, code, other):
                yield Finding(
                    "tile-collision",
                    code,
                    f"{area.name} và {inventory.areas[other].name} cùng ô ({area.col}, {area.row}) trên bản đồ",
                    f"{area.name} and {inventory.areas[other].name} lie on one tile ({area.col}, {area.row})",
                )
        at[place].append(code)


def _coexist(inventory: Inventory, one: str, other: str) -> bool:
    pair = (inventory.areas[one], inventory.areas[other])
    ends = [area.valid_to for area in pair if area.valid_to]
    begins = [area.valid_from for area in pair if area.valid_from]
    return not ends or not begins or max(begins) <= min(ends)


_Rule = Callable[[Inventory, Topology], Iterator[Finding]]
RULES: tuple[_Rule, ...] = (
    _commune_coverage,
    _site_paths,
    _tally_servers,
    _evidence,
    _addresses,
    _numbers,
    _tiles,
    *ROSTER_RULES,
)
"""Every rule, in the order in which findings are told."""

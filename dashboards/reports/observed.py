"""From rows of targets and vantages to what a report counts: paths, and sets of vantages. Pure.

A path is as good as the best of its targets (monitor.verdict), so it was down where all of its targets were; and its
time was unseen where every vantage that looks at it was blind.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dashboards.reports.record import ReportedPath, SiteLoss, Unseen
from inventory.models import Inventory
from inventory.topology import Topology

__all__ = [
    "Piece",
    "Silence",
    "beginnings",
    "losses",
    "path_pieces",
    "reported_paths",
    "shared",
    "silent_since",
    "unseen",
]


_SILENT_AFTER = timedelta(seconds=15)
"""As long as a vantage may be silent before its silence is unobserved (monitor.intake)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Time with the rows that it stands for; without an end it lasts."""

    start: datetime
    end: datetime | None
    sources: tuple[str, ...]


def shared(lists: Sequence[Sequence[Piece]]) -> list[Piece]:
    """Answer the time that all lists have in common, with the rows of each."""
    if not lists:
        return []
    found = list(lists[0])
    for other in lists[1:]:
        found = [piece for one in found for two in other if (piece := _both(one, two)) is not None]
    return found


def _both(one: Piece, two: Piece) -> Piece | None:
    start = max(one.start, two.start)
    ends = [end for end in (one.end, two.end) if end is not None]
    end = min(ends, default=None)
    return None if end is not None and end <= start else Piece(start, end, (*one.sources, *two.sources))


def reported_paths(inventory: Inventory, topology: Topology) -> tuple[ReportedPath, ...]:
    """Answer the paths that somebody looks at, each with its district (or commune) and its watch."""
    every = ",".join(sorted(inventory.vantages))
    found = []
    for path in inventory.paths.values():
        targets = topology.targets_of_path(path.code)
        if not targets:
            continue
        site = inventory.sites[path.site]
        watch = {
            ",".join(sorted(inventory.targets[code].vantages)) if inventory.targets[code].vantages else every
            for code in targets
        }
        commune = topology.commune_of(site.code) or ""
        found.append(
            ReportedPath(
                code=path.code,
                site=site.code,
                site_name=site.name,
                carrier=path.carrier,
                medium=path.medium,
                priority=site.priority,
                area=topology.district_of(site.area) or commune or site.area,
                commune=commune,
                watch=",".join(sorted({name for each in watch for name in each.split(",")})),
            )
        )
    return tuple(found)


def path_pieces(
    rows: Mapping[str, Sequence[Piece]], inventory: Inventory, topology: Topology
) -> dict[str, list[Piece]]:
    """Answer when each path was down, from its targets' outages by target."""
    hit = {of for code in rows if code in inventory.targets and (of := inventory.targets[code].of)}
    found = {}
    for path in sorted(hit & inventory.paths.keys()):
        pieces = shared([rows.get(code, ()) for code in topology.targets_of_path(path)])
        if pieces:
            found[path] = pieces
    return found


def beginnings(
    paths: Sequence[ReportedPath],
    armed: Mapping[str, datetime],
    topology: Topology,
    *,
    since: datetime,
    until: datetime,
) -> tuple[tuple[ReportedPath, ...], dict[str, datetime]]:
    """Part watches by since when their paths were seen at all: before that nobody knows how they were.

    Answers the paths with their parted watches, and for each such watch the moment before which it was unseen.
    """
    found, first = [], {}
    for path in paths:
        known = [armed[code] for code in topology.targets_of_path(path.code) if code in armed]
        begun = min(known, default=until)
        if begun <= since:
            found.append(path)
            continue
        watch = f"{path.watch}@{begun.isoformat()}"
        first[watch] = begun
        found.append(replace(path, watch=watch))
    return tuple(found), first


def unseen(
    rows: Mapping[str, Sequence[Piece]],
    watches: Iterable[str],
    reasons: Mapping[str, str],
    *,
    first: Mapping[str, datetime],
    since: datetime,
) -> tuple[Unseen, ...]:
    """Answer when all vantages of each watch were blind, and the time before its paths were first seen."""
    found = []
    for watch in sorted(set(watches)):
        if watch in first:
            found.append(Unseen(f"armed:{first[watch].isoformat()}", watch, since, first[watch], "not_armed"))
        vantages = [name for name in watch.partition("@")[0].split(",") if name]
        for piece in shared([rows.get(name, ()) for name in vantages]):
            reason = ", ".join(sorted({reasons[each] for each in piece.sources if each in reasons}))
            found.append(Unseen("+".join(piece.sources), watch, piece.start, piece.end, reason))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Silence:
    """Time since which a vantage has not been heard."""

    vantage: str
    piece: Piece


def silent_since(
    heard: Mapping[str, datetime], vantages: Iterable[str], *, since: datetime, until: datetime
) -> tuple[Silence, ...]:
    """Answer the vantages that were silent at the end of the window, and since when.

    What belief writes down of a silence it writes when the vantage is heard again. Until then (the service is off, or
    a line to a vantage is) nothing stands in the record, and what nobody looked at would be told as up.
    """
    last = {code: max(heard.get(code, since), since) for code in sorted(vantages)}
    return tuple(
        Silence(code, Piece(at, None, (f"silent:{code}:{at.isoformat()}",)))
        for code, at in last.items()
        if at + _SILENT_AFTER < until
    )


def losses(
    changes: Sequence[tuple[int, str, str, datetime]], inventory: Inventory, topology: Topology
) -> tuple[SiteLoss, ...]:
    """Answer when sites had no path left, from their changes (id, site, new verdict, at), oldest first."""
    open_since: dict[str, tuple[int, datetime]] = {}
    found = []
    order: defaultdict[str, list[tuple[int, str, datetime]]] = defaultdict(list)
    for identifier, site, new, at in changes:
        order[site].append((identifier, new, at))
    for site, rows in order.items():
        for identifier, new, at in sorted(rows, key=lambda row: (row[2], row[0])):
            if new == "down":
                open_since.setdefault(site, (identifier, at))
            elif site in open_since:
                began = open_since.pop(site)
                found.append(_loss(site, began, at, inventory, topology))
        if site in open_since:
            found.append(_loss(site, open_since[site], None, inventory, topology))
    return tuple(each for each in found if each is not None)


def _loss(
    code: str, began: tuple[int, datetime], end: datetime | None, inventory: Inventory, topology: Topology
) -> SiteLoss | None:
    site = inventory.sites.get(code)
    if site is None:
        return None
    commune = topology.commune_of(code) or site.area
    return SiteLoss(f"change:{began[0]}", code, site.name, commune, began[1], end)

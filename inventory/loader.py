"""A folder becomes an inventory: read all, check all, and only then let anybody have it.

Nothing here asks a resolver: a name that does not resolve must never stop a start. Nothing here keeps state: a
reload is another call, and the caller swaps the whole value.
"""

import gc
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TypedDict

from typing_extensions import override

from inventory.document import Entry, Node, read_document
from inventory.election import read_election
from inventory.faults import Fault, Faults, InventoryFaultsError
from inventory.means import MEANS_HEADER, read_means
from inventory.models import Area, Inventory, Link, Means, PartyKind, Path, Risk, Site, Target
from inventory.network import (
    LINK_HEADER,
    PATH_HEADER,
    RISK_HEADER,
    TARGET_HEADER,
    read_links,
    read_paths,
    read_risks,
    read_targets,
    report_shared_codes,
)
from inventory.parties import read_parties, read_vantages
from inventory.places import AREA_HEADER, SITE_HEADER, read_areas, read_sites
from inventory.policy import read_policy
from inventory.reasons import Reason, suggestion
from inventory.roster import PEOPLE_HEADER, SHIFT_HEADER, read_people, read_shifts
from inventory.spreadsheet import Sheet, read_sheet

__all__ = ["DOCUMENTS", "HEADERS", "Examination", "Fault", "InventoryFaultsError", "examine", "load"]

DOCUMENTS = ("election.yml", "parties.yml", "vantages.yml", "policy.yml")
HEADERS: Mapping[str, tuple[str, ...]] = {
    "areas.csv": AREA_HEADER,
    "sites.csv": SITE_HEADER,
    "paths.csv": PATH_HEADER,
    "risks.csv": RISK_HEADER,
    "links.csv": LINK_HEADER,
    "targets.csv": TARGET_HEADER,
    "people.csv": PEOPLE_HEADER,
}

MEANS = "means.csv"
"""The one list that an inventory may be without."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What a folder holds: an inventory, or the faults that keep it from being one."""

    inventory: Inventory | None
    faults: tuple[Fault, ...]


def load(directory: FilePath) -> Inventory:
    """Answer the inventory in ``directory``. Raises InventoryFaultsError with every fault."""
    examination = examine(directory)
    if examination.inventory is None:
        raise InventoryFaultsError(examination.faults)
    return examination.inventory


def examine(directory: FilePath) -> Examination:
    """Read the folder whole and answer the inventory, or every fault that it has."""
    faults = Faults()
    if not directory.is_dir():
        faults.add(Reason("không có thư mục này", "there is no such folder"), file=str(directory))
        return Examination(None, faults.all())
    with _uncollected():
        documents = {name: read_document(directory / name, name, faults=faults) for name in DOCUMENTS}
        sheets = {
            name: read_sheet(directory / name, name, header=header, faults=faults)
            for name, header in HEADERS.items()
        }
        if (directory / MEANS).exists():
            sheets[MEANS] = read_sheet(directory / MEANS, MEANS, header=MEANS_HEADER, faults=faults)
        rosters = _rosters(directory, faults)
        _report_strangers(directory, faults)
        inventory = _inventory(_Parts(documents, sheets, rosters))
    return Examination(None if len(faults) else inventory, faults.all())


class _Parts:
    """The files that were read, by name. What refers to one that could not be is taken at its word."""

    def __init__(
        self, documents: Mapping[str, Entry], sheets: Mapping[str, Sheet], rosters: Mapping[str, Sheet]
    ) -> None:
        self.documents = documents
        self.sheets = sheets
        self.rosters = rosters

    def known(self, codes: Collection[str], *files: str) -> Collection[str]:
        """Answer ``codes`` for checking references, or anything at all if one of ``files`` is not sound."""
        read: dict[str, Entry | Sheet] = {**self.documents, **self.sheets}
        return codes if all(read[file].is_sound for file in files) else _Anything()


def _inventory(parts: _Parts) -> Inventory:
    documents = parts.documents
    election = read_election(documents["election.yml"])
    parties = read_parties(documents["parties.yml"])
    owners = parts.known(parties, "parties.yml")
    carriers = parts.known(
        {code for code, party in parties.items() if party.kind is PartyKind.CARRIER}, "parties.yml"
    )
    vantages = read_vantages(documents["vantages.yml"], carriers=carriers)
    people = read_people(parts.sheets["people.csv"], parties=owners, carriers=carriers)
    known_people = parts.known(people, "people.csv")
    shifts = (
        shift
        for sheet in parts.rosters.values()
        for shift in read_shifts(sheet, parties=owners, people=known_people, zone=election.zone)
    )
    graph = _graph(parts, owners=owners, carriers=carriers, vantages=parts.known(vantages, "vantages.yml"))
    return Inventory(
        election=election,
        policy=read_policy(documents["policy.yml"], vantages=len(vantages)),
        parties=parties,
        vantages=vantages,
        **graph,
        people=people,
        shifts=tuple(shifts),
        means=_means(parts, graph["areas"], owners),
        digest=_digest(documents, {**parts.sheets, **parts.rosters}),
    )


def _means(parts: _Parts, areas: Collection[str], owners: Collection[str]) -> dict[str, Means]:
    sheet = parts.sheets.get(MEANS)
    if sheet is None:
        return {}
    return read_means(sheet, parties=owners, areas=parts.known(areas, "areas.csv"))


class _Graph(TypedDict):
    """Areas down to targets: the part of an inventory whose lists refer to one another."""

    areas: dict[str, Area]
    sites: dict[str, Site]
    paths: dict[str, Path]
    risks: dict[str, Risk]
    links: dict[str, Link]
    targets: dict[str, Target]


def _graph(
    parts: _Parts, *, owners: Collection[str], carriers: Collection[str], vantages: Collection[str]
) -> _Graph:
    sheets, known = parts.sheets, parts.known
    areas = read_areas(sheets["areas.csv"])
    known_areas = known(areas, "areas.csv")
    sites = read_sites(sheets["sites.csv"], areas=known_areas)
    risks = read_risks(sheets["risks.csv"], parties=owners, areas=known_areas)
    known_risks = known(risks, "risks.csv")
    known_sites = known(sites, "sites.csv")
    paths = read_paths(sheets["paths.csv"], sites=known_sites, carriers=carriers, risks=known_risks)
    places = known({*areas, *sites, *risks}, "areas.csv", "sites.csv", "risks.csv")
    links = read_links(sheets["links.csv"], carriers=carriers, places=places, risks=known_risks)
    grounds = ("paths.csv", "links.csv", "risks.csv")
    report_shared_codes([sheets[name] for name in grounds])
    evidence = known({*paths, *links, *risks}, *grounds)
    targets = read_targets(sheets["targets.csv"], evidence=evidence, vantages=vantages)
    return _Graph(areas=areas, sites=sites, paths=paths, risks=risks, links=links, targets=targets)


class _Anything(Collection[str]):
    """Stands for the codes of a list that could not be read: one fault is enough, not one a reference."""

    @override
    def __contains__(self, code: object) -> bool:
        return True

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(())

    @override
    def __len__(self) -> int:
        return 0


def _rosters(directory: FilePath, faults: Faults) -> dict[str, Sheet]:
    names = sorted(
        path.name for path in (directory / "shifts").glob("*.csv") if not path.name.startswith(".")
    )
    if not names:
        faults.add(
            Reason("phải có ít nhất một tệp lịch trực *.csv", "there must be at least one roster *.csv"),
            file="shifts",
        )
    return {
        f"shifts/{name}": read_sheet(
            directory / "shifts" / name, f"shifts/{name}", header=SHIFT_HEADER, faults=faults
        )
        for name in names
    }


def _report_strangers(directory: FilePath, faults: Faults) -> None:
    """Report a file that looks like a part of the inventory and is none: a mistyped name loses a whole list."""
    known = [*DOCUMENTS, *HEADERS, MEANS]
    for path in sorted(directory.iterdir()):
        if (
            path.suffix in {".csv", ".yml", ".yaml"}
            and path.name not in known
            and not path.name.startswith(".")
        ):
            hint = suggestion(path.name, known)
            reason = Reason(
                f"tệp không thuộc bộ dữ liệu; hãy đổi tên hoặc bỏ đi{hint.vi}",
                f"not a file of an inventory; rename it or take it out{hint.en}",
            )
            faults.add(reason, file=path.name)


def _digest(documents: Mapping[str, Entry], sheets: Mapping[str, Sheet]) -> str:
    """Name the content: the same after a change of line ends, byte order mark, white space or key order."""
    digest = hashlib.sha256()
    for name, entry in documents.items():
        digest.update(f"{name}\n".encode())
        digest.update(json.dumps(_plain(entry.node), ensure_ascii=False, sort_keys=True).encode())
    for name, sheet in sheets.items():
        digest.update(f"\n{name}\n".encode())
        for column in sheet.columns.values():
            digest.update("\x1f".join(column).encode())
            digest.update(b"\x1e")
    return digest.hexdigest()


def _plain(node: Node) -> object:
    content = node.content
    if isinstance(content, dict):
        return {key: _plain(inner) for key, inner in content.items()}
    if isinstance(content, list):
        return [_plain(inner) for inner in content]
    return content


@contextmanager
def _uncollected() -> Iterator[None]:
    """Hold the cycle collector back: a million new records hold no cycles, and looking for some takes seconds."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()

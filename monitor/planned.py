"""Planned work: who announced that what will be down when, and which outages that explains. Pure.

Rules, which a replay repeats exactly because every one of them is decided by stored times:

* A work covers the targets of its subject while its window is open: half open, UTC. It counts from when it was
  **entered**: what is announced after the lights went out is an excuse and no plan.
* An outage is planned if it began inside the window and the window is still open. One that began before the
  window, or lasts longer, is an outage like any other; windows that touch are one window.
* Nothing is dropped. A change carries a mark (:func:`marks`) that names the works, says whether the *whole* of what
  is down lies inside them, and until when. Alerting tells instead of paging only where the whole does.
* A work that is cancelled covers nothing from then on, and stays on record.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from inventory.models import Inventory
from inventory.topology import Topology
from monitor.availability import Interval, clipped
from monitor.models import State, StateChange, SubjectKind, Verdict
from monitor.moments import moment, nanoseconds

__all__ = [
    "MARK",
    "NOTHING_PLANNED",
    "PlannedBook",
    "PlannedWork",
    "WorkKind",
    "marked",
    "name_of",
    "targets_of",
]

MARK = "planned"
"""Key of the mark in the evidence of a change."""

_LOST = frozenset({State.DOWN.value, State.PARTIAL.value, Verdict.AT_RISK.value, Verdict.DEGRADED.value})


class WorkKind(StrEnum):
    """What planned work can be announced for."""

    CARRIER = "carrier"
    RISK = "risk"
    LINK = "link"
    PATH = "path"
    SITE = "site"
    AREA = "area"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class PlannedWork:
    """One announcement. ``reference`` is the owner's own number for it; ``uid`` names the calendar entry."""

    id: int
    kind: WorkKind
    subject: str
    starts_at: datetime
    ends_at: datetime
    owner: str
    reference: str
    note: str = ""
    uid: str = ""
    entered_at: datetime | None = None
    entered_by: str = ""
    cancelled_at: datetime | None = None
    cancelled_by: str = ""

    @property
    def window(self) -> Interval:
        """When it counts, in nanoseconds: from when it was entered, until it ended or was cancelled."""
        start = max(self.starts_at, self.entered_at or self.starts_at)
        end = min(self.ends_at, self.cancelled_at or self.ends_at)
        return nanoseconds(start), max(nanoseconds(start), nanoseconds(end))

    def is_running(self, at: datetime) -> bool:
        """Whether the window is open."""
        low, high = self.window
        return low <= nanoseconds(at) < high


def targets_of(work: PlannedWork, inventory: Inventory, topology: Topology) -> frozenset[str]:
    """Answer the targets that a work covers; of a subject that left the inventory, none."""
    subject, kind = work.subject, work.kind
    if kind is WorkKind.CARRIER:
        return frozenset(t for t in topology.codes if topology.owner_of(t) == subject)
    if kind is WorkKind.LINK:
        return frozenset(t for t, target in inventory.targets.items() if target.of == subject)
    if kind is WorkKind.TARGET:
        return frozenset({subject} & inventory.targets.keys())
    if kind is WorkKind.AREA:
        sites = topology.sites_of_area(subject)
        return frozenset(target for site in sites for target in topology.targets_of_site(site))
    ways = {
        WorkKind.RISK: topology.targets_of_risk if subject in inventory.risks else lambda _code: (),
        WorkKind.PATH: topology.targets_of_path,
        WorkKind.SITE: topology.targets_of_site,
    }
    return frozenset(ways[kind](subject))


def name_of(kind: WorkKind, code: str, inventory: Inventory) -> str:
    """Answer what a subject is called, or its code where it has no name."""
    named: Mapping[WorkKind, Mapping[str, Any]] = {
        WorkKind.CARRIER: inventory.parties,
        WorkKind.RISK: inventory.risks,
        WorkKind.LINK: inventory.links,
        WorkKind.SITE: inventory.sites,
        WorkKind.AREA: inventory.areas,
    }
    found = named.get(kind, {}).get(code)
    return str(getattr(found, "name", "") or code)


class PlannedBook:
    """The works that are known, by the targets that they cover. Never changes: another announcement, another book."""

    def __init__(self, works: Iterable[PlannedWork], inventory: Inventory, topology: Topology) -> None:
        self.works = tuple(sorted(works, key=lambda work: (work.starts_at, work.id)))
        self._topology = topology
        self._by_target: dict[str, list[PlannedWork]] = {}
        for work in self.works:
            if work.cancelled_at is not None and work.cancelled_at <= work.starts_at:
                continue
            for target in targets_of(work, inventory, topology):
                self._by_target.setdefault(target, []).append(work)

    def __bool__(self) -> bool:
        """Whether any target is covered by anything at any time."""
        return bool(self._by_target)

    def windows(self, target: str, span: Interval) -> list[Interval]:
        """Answer when work on a target was announced, cut to ``span``, sorted and disjoint."""
        return clipped((work.window for work in self._by_target.get(target, ())), span)

    def covering(self, target: str, began_ns: int, now_ns: int) -> tuple[tuple[PlannedWork, ...], int] | None:
        """Answer the works that explain an outage and when the last of them ends; ``None`` if it is not planned."""
        works = self._by_target.get(target)
        if not works:
            return None
        for low, high in clipped(
            (work.window for work in works), (began_ns, max(w.window[1] for w in works))
        ):
            if low == began_ns and now_ns < high:
                return tuple(
                    work for work in works if work.window[0] < high and work.window[1] > began_ns
                ), high
        return None

    def mark(self, down: Mapping[str, int], now_ns: int) -> dict[str, Any] | None:
        """Answer the mark of what is down (target to the start of its outage), or ``None`` if none of it is planned."""
        found = {target: self.covering(target, began_ns, now_ns) for target, began_ns in down.items()}
        covered = [each for each in found.values() if each is not None]
        if not covered:
            return None
        works = {work.id: work for each, _ in covered for work in each}
        is_whole = len(covered) == len(down)
        return {
            "works": [
                {"id": work.id, "owner": work.owner, "reference": work.reference}
                for _, work in sorted(works.items())
            ],
            "whole": is_whole,
            "until": moment(min(end_ns for _, end_ns in covered)).isoformat(),
        }

    def down_of(self, change: StateChange, outages: Mapping[str, int]) -> dict[str, int]:
        """Answer the open outages that a change speaks of, with their start."""
        spoken: Collection[str] = ()
        match change.kind:
            case SubjectKind.TARGET:
                spoken = (change.subject,)
            case SubjectKind.PATH:
                spoken = self._topology.targets_of_path(change.subject)
            case SubjectKind.SITE:
                spoken = self._topology.targets_of_site(change.subject)
            case SubjectKind.CAUSE:
                spoken = change.evidence.get("targets", ())
            case SubjectKind.VANTAGE:
                pass
        return {target: outages[target] for target in spoken if target in outages}


NOTHING_PLANNED: tuple[PlannedWork, ...] = ()


def marked(
    changes: Iterable[StateChange], book: PlannedBook, outages: Mapping[str, int], now_ns: int
) -> list[StateChange]:
    """Answer the changes, those towards worse inside planned work with their mark."""
    return [_marked(change, book, outages, now_ns) for change in changes]


def _marked(change: StateChange, book: PlannedBook, outages: Mapping[str, int], now_ns: int) -> StateChange:
    if change.new not in _LOST:
        return change
    mark = book.mark(book.down_of(change, outages), now_ns)
    return change if mark is None else replace(change, evidence={**change.evidence, MARK: mark})

"""What a report is folded from, as plain values: whoever reads a database, a file or makes one up fills these.

Times carry a zone; an interval is half open and one without an end is still open. ``identifier`` names the row that a
value came from (``outage:12``, ``change:7``, an incident's number), so that every figure leads back to its rows.
Nothing here knows of SQL.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from alerting.models import CauseClass, IncidentState
from inventory.models import Duty, Election, Medium, Phase, Priority, Severity
from monitor.load import Direction

__all__ = [
    "AidGiven",
    "Called",
    "Congested",
    "Heard",
    "Inspection",
    "LedgerLine",
    "MessageLine",
    "PathOutage",
    "Record",
    "ReportedIncident",
    "ReportedPath",
    "RosterGap",
    "SiteLoss",
    "Spell",
    "SpellKind",
    "Tile",
    "Turn",
    "Unseen",
]


class Heard(StrEnum):
    """What a call of the roll brought: a site's answer (``alerting.rollcall``), or what a carrier is told of its own line."""

    CLEAR = "clear"
    PARTIAL = "partial"
    LOST = "lost"
    NO_CONTACT = "no_contact"
    CONFIRMED = "confirmed"
    """Somebody answered over the carrier's own line, whatever they said of others'."""
    UNCONFIRMED = "unconfirmed"
    """The carrier's own line was called, and nobody confirmed it."""


class SpellKind(StrEnum):
    """Why down time of a path stands apart. An instant that has several is counted under the first."""

    PLANNED = "planned"
    """Announced work: shown, owed by nobody."""
    DISPUTED = "disputed"
    """The carrier contests that the path was down, or that it answers for it; not settled yet."""
    MITIGATED = "mitigated"
    """The path was down, but the site had temporary service."""


@dataclass(frozen=True, slots=True)
class ReportedPath:
    """One protected object: a path of a site. ``watch`` names the set of vantages that look at it."""

    code: str
    site: str
    site_name: str
    carrier: str
    medium: Medium
    priority: Priority
    area: str
    """District, or commune where there are no districts."""
    commune: str = ""
    watch: str = ""


@dataclass(frozen=True, slots=True)
class PathOutage:
    """A path seen down by one of its targets; several rows may overlap, the fold joins them."""

    identifier: str
    path: str
    started_at: datetime
    ended_at: datetime | None
    cause: CauseClass = CauseClass.UNKNOWN
    incident: str = ""


@dataclass(frozen=True, slots=True)
class Unseen:
    """Time in which nobody could look at the paths of a watch."""

    identifier: str
    watch: str
    started_at: datetime
    ended_at: datetime | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Spell:
    """Time that sets the down time of ``paths`` apart."""

    kind: SpellKind
    identifier: str
    started_at: datetime
    ended_at: datetime | None
    paths: frozenset[str]


@dataclass(frozen=True, slots=True)
class SiteLoss:
    """Time in which a site had no path at all left."""

    identifier: str
    site: str
    name: str
    commune: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One entry of an incident's ledger, as the dossier prints it."""

    sequence: int
    at: datetime
    event: str
    actor: str
    old: str
    new: str
    note: str
    hash: str


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One message that was sent about an incident."""

    at: datetime
    kind: str
    person: str
    channel: str
    state: str
    rides_on: str = ""


@dataclass(frozen=True, slots=True)
class ReportedIncident:
    """An incident with the moments that its figures are made of; a moment that did not come is None."""

    number: str
    owner: str
    title: str
    title_en: str
    severity: Severity
    phase: Phase
    priority: Priority
    state: IncidentState
    began_at: datetime
    opened_at: datetime
    first_page_at: datetime | None = None
    first_healthy_page_at: datetime | None = None
    """First page that rode on another network than the owner's."""
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    mitigated_at: datetime | None = None
    restored_at: datetime | None = None
    """End of the fault, verified by measurement."""
    closed_at: datetime | None = None
    acknowledge_by: datetime | None = None
    temporary_by: datetime | None = None
    restore_by: datetime | None = None
    deadline_at: datetime | None = None
    cause: CauseClass = CauseClass.UNKNOWN
    condition: str = ""
    false_restorations: int = 0
    recurrences: int = 0
    escalations: int = 0
    silences: int = 0
    """How often an acknowledgement expired without a word of progress."""
    areas: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    isolated: tuple[str, ...] = ()
    communes: int = 0
    measures: str = ""
    is_drill: bool = False
    is_disputed: bool = False
    parent: str = ""
    """The incident that this one was merged into or is a consequence of; such a one is counted with it."""
    ledger: tuple[LedgerLine, ...] = ()
    messages: tuple[MessageLine, ...] = ()
    chain_broken_at: int | None = None
    """First ledger entry whose hash does not hold; None when the chain is whole."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody's turn of duty."""

    party: str
    duty: Duty
    person: str
    start: datetime
    end: datetime
    substitute: str = ""
    handed_over_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RosterGap:
    """Time in which nobody held a duty that a party must keep filled."""

    identifier: str
    party: str
    duty: Duty
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Congested:
    """Time in which one direction of a link was too busy. Loads are shares of its capacity.

    ``ended_at`` is where it was last seen, for one that lasts; ``identifier`` counts nobody else's.
    """

    identifier: str
    link: str
    name: str
    carrier: str
    direction: Direction
    started_at: datetime
    ended_at: datetime
    is_open: bool
    peak: float
    norm: float


@dataclass(frozen=True, slots=True)
class AidGiven:
    """One party's help for another's incident; lead time runs from the request to the activation."""

    identifier: str
    kind: str
    giver: str
    receiver: str
    state: str
    requested_at: datetime
    accepted_at: datetime | None = None
    activated_at: datetime | None = None
    ended_at: datetime | None = None
    incident: str = ""
    is_drill: bool = False


@dataclass(frozen=True, slots=True)
class Inspection:
    """A visit with its checklist. ``answers`` are item, result (``ok``, ``fault``, ````), remark."""

    identifier: str
    area: str
    at: datetime
    inspectors: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    answers: tuple[tuple[str, str, str], ...] = ()
    findings: tuple[tuple[str, str, str], ...] = ()
    """What was found, who mends it, by when (as printed)."""
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Called:
    """One call of the roll. ``carrier`` is whose number was called, ``network`` the one called over; may be empty."""

    identifier: str
    site: str
    site_name: str
    commune: str
    at: datetime
    answer: Heard
    path: str = ""
    carrier: str = ""
    network: str = ""
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """A commune's place on the province's map."""

    code: str
    name: str
    district: str
    col: int
    row: int


@dataclass(frozen=True, slots=True)
class Record:
    """Everything on record that touches ``since`` to ``until``, as it stood at ``taken_at``."""

    since: datetime
    until: datetime
    taken_at: datetime
    election: Election
    paths: tuple[ReportedPath, ...] = ()
    outages: tuple[PathOutage, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    spells: tuple[Spell, ...] = ()
    losses: tuple[SiteLoss, ...] = ()
    incidents: tuple[ReportedIncident, ...] = ()
    turns: tuple[Turn, ...] = ()
    gaps: tuple[RosterGap, ...] = ()
    congestions: tuple[Congested, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    """Carrier of each link, by code."""
    links_measured: frozenset[str] = frozenset()
    """Those of which anything was measured in the window."""
    aid: tuple[AidGiven, ...] = ()
    inspections: tuple[Inspection, ...] = ()
    calls: tuple[Called, ...] = ()
    roll: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The sites that the roll is called over, each with the carriers whose lines reach it."""
    tiles: tuple[Tile, ...] = ()
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Vietnamese and English names of parties, areas and sites by code."""
    people: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Name and position by code."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further counts that only one section prints, such as sites by kind."""

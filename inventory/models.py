"""What exists: areas, parties, sites, paths, risk groups, links, targets, people and their shifts.

Every record is a frozen value keyed by its ``code``; references between records are codes, so that an
inventory can be built, compared, sent and swapped whole. The words are those of DESIGN.md, section 3.
Nothing here reads a file, a clock or a database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from inventory.kinds import (
    AreaKind,
    ContactChannel,
    Duty,
    MeansKind,
    Medium,
    PartyKind,
    Phase,
    Priority,
    ProbeKind,
    RiskKind,
    Severity,
    SiteKind,
    StepAudience,
)

__all__ = [
    "Agency",
    "Area",
    "AreaKind",
    "Canary",
    "Contact",
    "ContactChannel",
    "Deadlines",
    "Duty",
    "Election",
    "EscalationStep",
    "Inventory",
    "Link",
    "LookPolicy",
    "Means",
    "MeansKind",
    "Medium",
    "Party",
    "PartyKind",
    "Path",
    "Person",
    "Phase",
    "PhaseSpan",
    "Policy",
    "Priority",
    "ProbeKind",
    "Risk",
    "RiskKind",
    "Severity",
    "Shift",
    "Site",
    "SiteKind",
    "StepAudience",
    "Target",
    "Vantage",
]


@dataclass(frozen=True, slots=True)
class Area:
    """An administrative unit. ``col`` and ``row`` place its tile (row 0 in the north); dates are inclusive."""

    code: str
    parent: str | None
    kind: AreaKind
    name: str
    name_en: str = ""
    col: int | None = None
    row: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation that can own something, with the duties that it must keep filled."""

    code: str
    kind: PartyKind
    name: str
    name_en: str = ""
    duties: tuple[Duty, ...] = ()
    hotline: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """A protected object in an area. ``voters`` is a count for weighing, never a list."""

    code: str
    area: str
    kind: SiteKind
    name: str
    priority: Priority
    voters: int | None = None
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """One way a site can report results. ``number`` is E.164 where the path is a telephone."""

    code: str
    site: str
    medium: Medium
    carrier: str
    number: str = ""
    test_line: bool = False
    risks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Risk:
    """What fails together; ``parent`` is the risk group that this one fails with."""

    code: str
    kind: RiskKind
    name: str
    owner: str
    area: str | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A transmission line between two places, with a capacity in Mbit/s."""

    code: str
    name: str
    carrier: str
    from_: str
    to: str
    capacity_mbps: float | None = None
    risks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """One probed address that gives evidence for a path, link or risk group (``of``)."""

    code: str
    of: str
    kind: ProbeKind
    address: str
    port: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    vantages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contact:
    """A way to reach a person. ``rides_on`` is the carrier whose network it needs; empty means not known."""

    channel: ContactChannel
    address: str
    rides_on: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be on duty."""

    code: str
    party: str
    name: str
    position: str = ""
    contacts: tuple[Contact, ...] = ()


@dataclass(frozen=True, slots=True)
class Shift:
    """A dated turn of duty, half open: ``start`` included, ``end`` not. Times are UTC."""

    party: str
    duty: Duty
    person: str
    start: datetime
    end: datetime
    substitute: str = ""


@dataclass(frozen=True, slots=True)
class Means:
    """What a party could lend; ``area`` is where it stands, ``count`` how many, ``rehearsed`` when it was last tried."""

    code: str
    party: str
    kind: MeansKind
    name: str
    area: str | None = None
    count: int | None = None
    capacity: str = ""
    contact: str = ""
    rehearsed: date | None = None


@dataclass(frozen=True, slots=True)
class Canary:
    """An address that answers whenever the vantage itself can see; ``group`` names what it is independent by."""

    address: str
    group: str


@dataclass(frozen=True, slots=True)
class Vantage:
    """The place that we look from. ``upstreams`` are the carriers it reaches the world through."""

    code: str
    name: str
    name_en: str = ""
    upstreams: tuple[str, ...] = ()
    canaries: tuple[Canary, ...] = ()


@dataclass(frozen=True, slots=True)
class Agency:
    """The department's identity as printed: it changed name in 2008, 2016 and 2025."""

    name: str
    name_en: str
    symbol: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """When a phase holds, in UTC, half open."""

    phase: Phase
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Election:
    """An election by its day D; every other date is an offset from it."""

    code: str
    name: str
    name_en: str
    day: date
    zone: ZoneInfo
    agency: Agency
    spans: tuple[PhaseSpan, ...]
    report_slots: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class LookPolicy:
    """How often to look and when to believe; seconds. ``retry`` is the cadence while not yet decided.

    Down is believed after ``down_after`` failures in a row, or when ``down_m`` of the last ``down_n`` looks failed
    (0: that rule is off). It is degraded when, over its last ``degraded_after`` looks, more than ``degraded_loss``
    of them failed, or the median round trip or the jitter is over ``degraded_rtt`` or ``degraded_jitter`` (0: never).

    A line that loses packets anyway needs more failures in a row than one that does not: the more it lost lately,
    the more, up to ``down_after_lossy`` (0: always ``down_after``).
    """

    cadence: float = 10.0
    timeout: float = 1.0
    retry: float = 1.0
    down_after: int = 3
    up_after: int = 2
    stale_after: float = 30.0
    down_m: int = 0
    down_n: int = 0
    down_after_lossy: int = 0
    degraded_loss: float = 0.0
    degraded_rtt: float = 0.0
    degraded_jitter: float = 0.0
    degraded_after: int = 20


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long an owner has to acknowledge, to give temporary service and to restore."""

    acknowledge: timedelta
    temporary: timedelta
    restore: timedelta


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """After ``after`` without acknowledgement, call the person on ``duty`` (or the substitute) of ``audience``."""

    after: timedelta
    audience: StepAudience
    duty: Duty
    substitute: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """Every number that a department may set. Keys that are absent fall back to the default given beside them."""

    looks: Mapping[tuple[Phase, Priority], LookPolicy]
    default_look: LookPolicy
    deadlines: Mapping[tuple[Phase, Priority], Deadlines]
    default_deadlines: Deadlines
    escalation: Mapping[Severity, tuple[EscalationStep, ...]]
    escalation_repeat: timedelta
    hold_seconds: float = 1.0
    verify_seconds: float = 30.0
    quorum: int = 1
    arm_seconds: float = 0.0
    """How long a target must first have answered on end before its silence means anything."""
    lone_seconds: float = 0.0
    """How long the only target that speaks for a path must be silent before its owner is told; 0: told at once."""
    escalation_in: Mapping[tuple[Phase, Severity], tuple[EscalationStep, ...]] = field(default_factory=dict)
    """Ladders of one phase, before those of every phase."""
    countersign: frozenset[Severity] = frozenset()
    """Severities on which the department's leader on duty must give a word too, besides whoever acknowledges."""
    countersign_within: timedelta = timedelta(minutes=5)
    """After this, and again and again, the leader is paged for that word."""
    congestion_norm: float = 0.8
    """Share of its capacity from which a link is too busy; the default is that of QCVN 34:2019."""
    congestion_after: timedelta = timedelta(minutes=15)
    """How long it must be so busy on end to be congested."""

    def look(self, phase: Phase, priority: Priority) -> LookPolicy:
        """Answer how a target of ``priority`` is looked at in ``phase``."""
        return self.looks.get((phase, priority), self.default_look)

    def deadline(self, phase: Phase, priority: Priority) -> Deadlines:
        """Answer what an owner owes for a site of ``priority`` in ``phase``."""
        return self.deadlines.get((phase, priority), self.default_deadlines)


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything that exists, loaded whole and swapped whole. ``digest`` names this exact content."""

    election: Election
    policy: Policy
    parties: Mapping[str, Party]
    vantages: Mapping[str, Vantage]
    areas: Mapping[str, Area]
    sites: Mapping[str, Site]
    paths: Mapping[str, Path]
    risks: Mapping[str, Risk]
    links: Mapping[str, Link]
    targets: Mapping[str, Target]
    people: Mapping[str, Person]
    shifts: tuple[Shift, ...]
    digest: str = ""
    means: Mapping[str, Means] = field(default_factory=dict)

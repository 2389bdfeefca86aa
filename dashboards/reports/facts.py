"""The numbers of every report, as values: each carries the identifiers of the rows that it came from.

Times are whole seconds (:mod:`dashboards.reports.arithmetic`), moments are seconds since 1970. Drills are folded apart
and enter no figure of the live ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerting.models import CauseClass
from dashboards.reports.arithmetic import NO_SPREAD, Share, Spread, Times
from dashboards.reports.record import Congested, Heard
from inventory.models import Duty, Medium, Phase, Priority

__all__ = [
    "AidFacts",
    "CalledHour",
    "CalledSite",
    "Control",
    "Counted",
    "Facts",
    "FoldedOutage",
    "GapFacts",
    "Line",
    "Lost",
    "Owed",
    "ResponseFacts",
    "RollFacts",
]


@dataclass(frozen=True, slots=True)
class FoldedOutage:
    """One union of overlapping or touching outages of one path, cut to the window."""

    path: str
    site_name: str
    carrier: str
    area: str
    commune: str
    medium: Medium
    priority: Priority
    start: int
    end: int
    is_open: bool
    """Whether it had not ended when the window did."""
    times: Times
    """Its classes; ``up`` is always 0."""
    cause: CauseClass
    sources: tuple[str, ...]
    incidents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a breakdown: objects, their time by class, and their outages."""

    key: str
    objects: int
    times: Times
    outages: int = 0
    planned_only: int = 0
    """Outages that lie wholly in announced work or in unobserved time; not among ``outages``."""
    longest: int = 0
    longest_of: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """How many incidents, by one quality of theirs."""

    key: str
    n: int
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResponseFacts:
    """How fast people and measurement were, over a set of incidents."""

    key: str = ""
    incidents: int = 0
    detect: Spread = NO_SPREAD
    """MTTD: from the beginning of the fault to the opening of the incident."""
    acknowledge: Spread = NO_SPREAD
    """MTTA from opening to acknowledgement."""
    acknowledge_from_page: Spread = NO_SPREAD
    """MTTA from the first page on a healthy path, over those that had one."""
    temporary: Spread = NO_SPREAD
    """From opening to temporary service, over those that had it."""
    restore: Spread = NO_SPREAD
    """MTTR: from the beginning of the fault to its verified end."""
    false_restorations: Counted = Counted("", 0, ())
    recurrences: Counted = Counted("", 0, ())
    escalations: Counted = Counted("", 0, ())
    silences: Counted = Counted("", 0, ())
    unacknowledged: Counted = Counted("", 0, ())
    """Never acknowledged, though they lasted past the time for it or ended without it."""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Owed:
    """Deadlines kept by incidents of one priority in one phase."""

    priority: Priority
    phase: Phase
    incidents: int
    acknowledge: Share
    temporary: Share
    restore: Share


@dataclass(frozen=True, slots=True)
class Lost:
    """A site that had no path left, as the union of such times; ``end`` is that of the window while it lasts."""

    site: str
    name: str
    commune: str
    start: int
    end: int
    is_open: bool
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GapFacts:
    """Time in which nobody held a duty of a party."""

    party: str
    duty: Duty
    seconds: int
    gaps: int
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AidFacts:
    """Mutual aid of one kind from one party to another."""

    kind: str
    giver: str
    receiver: str
    asked: int
    activated: int
    lead: Spread
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CalledHour:
    """One local hour in which somebody called; ``answers`` counts each site's newest answer of the hour."""

    start: int
    calls: int
    called: int
    """Sites, each once."""
    answered: int
    """Sites that were reached."""
    answers: Mapping[Heard, int]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CalledSite:
    """A site that was called, with its newest answer."""

    site: str
    name: str
    commune: str
    calls: int
    at: int
    answer: Heard
    carrier: str
    """Whose number was called; empty: another's than a carrier's."""
    by: str
    note: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RollFacts:
    """How the roll was answered in a phase (``key``), or in all: of ``sites``, how many were called and reached."""

    key: str = ""
    sites: int = 0
    calls: int = 0
    answered: int = 0
    """Sites whose newest answer came from somebody."""
    answers: Mapping[Heard, int] = field(default_factory=dict)
    """Newest answers of the sites called."""
    troubled: Counted = Counted("", 0, ())
    """Sites that once said that something or everything was lost there, with the calls that said so."""
    hours: tuple[CalledHour, ...] = ()
    by_site: tuple[CalledSite, ...] = ()
    """By commune, then name."""

    @property
    def called(self) -> int:
        """Sites that were called, reached or not."""
        return len(self.by_site)


@dataclass(frozen=True, slots=True)
class Control:
    """Parts that must sum to a whole; ``holds`` is checked when the facts are folded and printed under the table."""

    name: str
    parts: int
    whole: int

    @property
    def holds(self) -> bool:
        """Whether they do."""
        return self.parts == self.whole


@dataclass(frozen=True, slots=True)
class Facts:
    """Every figure of a window. ``since``, ``until`` and ``taken_at`` are seconds since 1970."""

    since: int
    until: int
    taken_at: int
    whole: Line
    by_carrier: tuple[Line, ...] = ()
    by_area: tuple[Line, ...] = ()
    by_medium: tuple[Line, ...] = ()
    by_priority: tuple[Line, ...] = ()
    by_phase: tuple[Line, ...] = ()
    by_cause: tuple[Line, ...] = ()
    """Lost time by cause; ``up``, planned and unobserved time have none."""
    outages: tuple[FoldedOutage, ...] = ()
    """By start, then path."""
    lengths: Spread = NO_SPREAD
    """Lost time of each outage that lost any."""
    losses: tuple[Lost, ...] = ()
    loss_lengths: Spread = NO_SPREAD
    incidents: int = 0
    open_incidents: Counted = Counted("", 0, ())
    incidents_by_owner: tuple[Counted, ...] = ()
    incidents_by_severity: tuple[Counted, ...] = ()
    incidents_by_cause: tuple[Counted, ...] = ()
    incidents_by_phase: tuple[Counted, ...] = ()
    incidents_by_state: tuple[Counted, ...] = ()
    disputed: Counted = Counted("", 0, ())
    response: ResponseFacts = ResponseFacts()
    response_by_owner: tuple[ResponseFacts, ...] = ()
    owed: tuple[Owed, ...] = ()
    roster_gaps: tuple[GapFacts, ...] = ()
    roster_gap_seconds: int = 0
    congestions: tuple[Congested, ...] = ()
    """By start, then link."""
    links: int = 0
    links_measured: int = 0
    """Links of which anything was measured: of the others nobody knows whether they were congested."""
    aid: tuple[AidFacts, ...] = ()
    roll: RollFacts = RollFacts()
    roll_by_phase: tuple[RollFacts, ...] = ()
    drills: ResponseFacts = ResponseFacts()
    unobserved_sources: tuple[str, ...] = ()
    controls: tuple[Control, ...] = ()
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def reconciles(self) -> bool:
        """Whether every table's parts sum to its whole."""
        return all(control.holds for control in self.controls)

    @property
    def window(self) -> int:
        """Seconds of the window."""
        return self.until - self.since

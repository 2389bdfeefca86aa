"""The board: what phase it is, whether anything is wrong, where, who has it and until when, what just happened."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerting.models import ACKNOWLEDGEABLE, Incident, IncidentState
from dashboards.i18n import N_, Words
from dashboards.moments import Moments
from dashboards.views.impact import Impact, impact_of
from dashboards.views.planned import planned_of
from dashboards.views.sieve import within
from dashboards.views.tilemap import communes_of
from dashboards.wording import STAGES
from inventory.models import Inventory, Phase, Priority, Severity
from inventory.phases import phase_at, span_of
from inventory.topology import Topology
from monitor.models import Verdict
from monitor.snapshot import Snapshot

__all__ = [
    "DEADLINES",
    "IncidentRow",
    "Place",
    "Places",
    "Pulse",
    "Stage",
    "counts_of",
    "incident_row",
    "incident_rows",
    "places_of",
    "pulse_of",
    "stages",
    "verdicts_of",
]

DEADLINES: Mapping[IncidentState, str] = {
    IncidentState.SUSPECTED: N_("Confirm within"),
    IncidentState.OPEN: N_("Acknowledge within"),
    IncidentState.ACKNOWLEDGED: N_("Progress report within"),
    IncidentState.IN_PROGRESS: N_("Progress report within"),
    IncidentState.PENDING: N_("Waiting until"),
    IncidentState.MITIGATED: N_("Temporary service until"),
    IncidentState.RESTORED: N_("Verified in"),
    IncidentState.RESOLVED: N_("Cause due in"),
}
"""What the running deadline asks for, by state."""

_URGENT = timedelta(minutes=3)
_SETTLED = {IncidentState.RESOLVED, IncidentState.RESTORED}


@dataclass(frozen=True, slots=True)
class Stage:
    """One field of the phase bar. ``phase`` and ``ends_at`` are set on the field that holds now."""

    key: str
    name: str
    is_past: bool
    phase: Phase | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One incident as a list shows it."""

    id: int
    number: str
    severity: Severity
    state: IncidentState
    title: str
    owner: str
    assignee: str
    impact: Impact
    began_at: datetime
    ended_at: datetime | None
    deadline_at: datetime | None
    deadline_name: str
    is_awaiting: bool
    is_planned: bool = False
    party: str = ""
    within: tuple[str, ...] = ()
    """The owner's code, and the areas above the communes in which it hits something: what a list is narrowed by."""

    @property
    def is_owed(self) -> bool:
        """Whether the deadline waits for a person to act, so that missing it is bad."""
        return self.state not in _SETTLED

    def is_urgent(self, now: datetime) -> bool:
        """Whether somebody has to act within minutes, or should have."""
        return self.is_owed and self.deadline_at is not None and self.deadline_at - now <= _URGENT


@dataclass(frozen=True, slots=True)
class Place:
    """A site above the communes that is not ready."""

    code: str
    name: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Places:
    """Sites above the communes, which have no tile: how many there are, and those that are not ready."""

    total: int
    troubled: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Pulse:
    """How fresh the picture is and what it rests on. Time passing is no change: ``data_at`` does not compare."""

    data_at: datetime | None = field(compare=False)
    vantages: int
    vantages_isolated: int
    paths: int
    cadence_seconds: float

    def cadence(self, moments: Moments) -> str:
        """Answer how often each path is looked at, in words."""
        return moments.span(timedelta(seconds=self.cadence_seconds))


def stages(inventory: Inventory, now: datetime, words: Words) -> tuple[Stage, ...]:
    """Answer the phase bar at ``now``."""
    current = phase_at(inventory.election, now)
    keys = list(STAGES)
    active = next(key for key, (_, phases) in STAGES.items() if current in phases)
    span = span_of(inventory.election, current)
    ends_at = span.end if span is not None and span.start <= now < span.end else None
    return tuple(
        Stage(key, words.gettext(name), is_past=False, phase=current, ends_at=ends_at)
        if key == active
        else Stage(key, words.gettext(name), is_past=keys.index(key) < keys.index(active))
        for key, (name, _) in STAGES.items()
    )


def verdicts_of(snapshot: Snapshot, inventory: Inventory) -> dict[str, Verdict]:
    """Answer the verdict of every commune; one that nobody speaks of is untested."""
    return {area.code: snapshot.areas.get(area.code, Verdict.UNTESTED) for area in communes_of(inventory)}


def counts_of(verdicts: Mapping[str, Verdict]) -> tuple[tuple[Verdict, int], ...]:
    """Count communes by verdict, in the order of the legend. Untested shows only where there is any."""
    found = Counter(verdicts.values())
    return tuple((v, found[v]) for v in Verdict if v is not Verdict.UNTESTED or found[v])


def places_of(snapshot: Snapshot, inventory: Inventory, topology: Topology) -> Places:
    """Answer the sites of districts and of the province itself, the worst off first."""
    order = (Verdict.DOWN, Verdict.AT_RISK, Verdict.DEGRADED, Verdict.UNKNOWN)
    found = topology.sites_above_communes
    troubled = [
        Place(code, inventory.sites[code].name, view.verdict)
        for code in found
        if (view := snapshot.sites.get(code)) is not None and view.verdict in order
    ]
    troubled.sort(key=lambda place: (order.index(place.verdict), place.name))
    return Places(len(found), tuple(troubled))


def incident_row(
    incident: Incident, *, inventory: Inventory, topology: Topology, words: Words
) -> IncidentRow:
    """Answer one incident as a list shows it."""
    party = inventory.parties.get(incident.owner)
    person = inventory.people.get(incident.assignee)
    mark, impact = planned_of(incident), impact_of(incident, inventory, topology)
    return IncidentRow(
        id=incident.id,
        number=incident.number,
        severity=incident.severity,
        state=incident.state,
        title=words.pick(incident.title, incident.title_en),
        owner=party.name if party else incident.owner,
        assignee=person.name if person else incident.assignee,
        impact=impact,
        began_at=incident.began_at,
        ended_at=incident.ended_at,
        deadline_at=incident.deadline_at,
        deadline_name=words.gettext(DEADLINES[incident.state]) if incident.state in DEADLINES else "",
        is_awaiting=incident.state in ACKNOWLEDGEABLE,
        is_planned=bool(mark and mark.whole),
        party=incident.owner,
        within=within(impact.sites, inventory),
    )


def incident_rows(
    incidents: Iterable[Incident], *, inventory: Inventory, topology: Topology, words: Words
) -> tuple[IncidentRow, ...]:
    """Answer rows in order of reading: what still burns before what is settled, gravest, unanswered, due soonest."""
    rows = (incident_row(each, inventory=inventory, topology=topology, words=words) for each in incidents)
    return tuple(sorted(rows, key=_weight))


def _weight(row: IncidentRow) -> tuple[bool, str, bool, float]:
    due = row.deadline_at.timestamp() if row.deadline_at else float("inf")
    return row.state in _SETTLED, row.severity.value, not row.is_awaiting, due


def pulse_of(snapshot: Snapshot, inventory: Inventory, now: datetime) -> Pulse:
    """Answer how fresh ``snapshot`` is, and how often a commune is looked at in the phase that holds ``now``."""
    look = inventory.policy.look(phase_at(inventory.election, now), Priority.B)
    return Pulse(
        data_at=snapshot.last_result_at,
        vantages=len(snapshot.vantages),
        vantages_isolated=sum(vantage.is_isolated for vantage in snapshot.vantages.values()),
        paths=len(inventory.paths),
        cadence_seconds=look.cadence,
    )

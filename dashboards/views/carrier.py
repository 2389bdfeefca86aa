"""A carrier as the department sees it: how its paths are and where, what it owes, what it could lend. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerting.models import ACKNOWLEDGEABLE, Incident
from dashboards.reports.record import ReportedIncident
from dashboards.views.duty import Watch, watches
from dashboards.views.score import Score, score_of
from inventory.models import Deadlines, Inventory, Medium, Party, PartyKind, Phase, Priority
from inventory.phases import phase_at
from inventory.topology import Topology
from monitor.models import State
from monitor.snapshot import Snapshot

__all__ = [
    "CarrierLine",
    "Owing",
    "Standing",
    "Trouble",
    "agreed",
    "carrier_lines",
    "owing_of",
    "standing_of",
    "standings_by_area",
    "troubles",
]

_TROUBLED = (State.DOWN, State.PARTIAL, State.DEGRADED)
_MOST = 60


@dataclass(frozen=True, slots=True)
class Standing:
    """How many paths there are, and how they are now; ``code`` is the area that they lie in, or empty."""

    code: str
    name: str
    paths: int
    sites: int
    down: int
    degraded: int
    unknown: int

    @property
    def up(self) -> int:
        """Paths that answer as they should."""
        return self.paths - self.down - self.degraded - self.unknown


@dataclass(frozen=True, slots=True)
class Owing:
    """Open incidents of a party: how many, how many nobody took on, how many are past their deadline."""

    open: int = 0
    waiting: int = 0
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class CarrierLine:
    """A party among the others."""

    party: Party
    owing: Owing
    standing: Standing
    score: Score
    shift: Watch | None

    @property
    def weight(self) -> tuple[bool, int, int, int]:
        """Order of reading: carriers first, then who owes most."""
        is_other = self.party.kind is not PartyKind.CARRIER
        return is_other, -self.owing.waiting, -self.owing.open, -self.standing.down


@dataclass(frozen=True, slots=True)
class Trouble:
    """Paths of the carrier to one site that are in one state, and not up."""

    site: str
    name: str
    area: str
    media: tuple[Medium, ...]
    state: State
    since: datetime | None


class _Fields:
    """Counts path by path."""

    def __init__(self) -> None:
        self.states: Counter[State] = Counter()
        self.sites: set[str] = set()

    def standing(self, code: str, name: str) -> Standing:
        found = self.states
        return Standing(
            code=code,
            name=name,
            paths=found.total(),
            sites=len(self.sites),
            down=found[State.DOWN],
            degraded=found[State.DEGRADED] + found[State.PARTIAL],
            unknown=found[State.UNKNOWN],
        )


def _states(snapshot: Snapshot) -> dict[str, tuple[State, datetime | None]]:
    return {path.code: (path.state, path.since) for site in snapshot.sites.values() for path in site.paths}


def _counted(
    inventory: Inventory, snapshot: Snapshot, group: Mapping[str, str] | None = None
) -> dict[str, _Fields]:
    """Count paths by carrier, or by what ``group`` says of a path, leaving out those that it does not name."""
    states = _states(snapshot)
    found: defaultdict[str, _Fields] = defaultdict(_Fields)
    for code, path in inventory.paths.items():
        key = path.carrier if group is None else group.get(code)
        if key is not None:
            found[key].states[states[code][0] if code in states else State.UNKNOWN] += 1
            found[key].sites.add(path.site)
    return found


def carrier_lines(
    inventory: Inventory,
    snapshot: Snapshot,
    live: Sequence[Incident],
    conducted: Sequence[ReportedIncident],
    *,
    since: datetime,
    now: datetime,
) -> tuple[CarrierLine, ...]:
    """Answer every party but the department, who owes most first."""
    by_carrier, shifts = _counted(inventory, snapshot), watches(inventory, now)
    lines = []
    for party in inventory.parties.values():
        if party.kind is PartyKind.DEPARTMENT:
            continue
        own = [each for each in conducted if each.owner == party.code]
        lines.append(
            CarrierLine(
                party=party,
                owing=owing_of([each for each in live if each.owner == party.code], now),
                standing=by_carrier.get(party.code, _Fields()).standing("", ""),
                score=score_of(own, since=since, at=now),
                shift=next((watch for watch in shifts if watch.party == party.code), None),
            )
        )
    return tuple(sorted(lines, key=lambda line: line.weight))


def owing_of(live: Iterable[Incident], now: datetime) -> Owing:
    """Count what a party owes."""
    own = list(live)
    return Owing(
        open=len(own),
        waiting=sum(each.state in ACKNOWLEDGEABLE for each in own),
        overdue=sum(each.deadline_at is not None and each.deadline_at < now for each in own),
    )


def standing_of(party: str, inventory: Inventory, snapshot: Snapshot) -> Standing:
    """Answer how all paths of a carrier are."""
    return _counted(inventory, snapshot).get(party, _Fields()).standing("", "")


def standings_by_area(
    party: str, inventory: Inventory, topology: Topology, snapshot: Snapshot
) -> tuple[Standing, ...]:
    """Answer how a carrier's paths are by district (by commune where there are none), the worst off first."""
    group = {
        code: topology.district_of(inventory.sites[path.site].area) or inventory.sites[path.site].area
        for code, path in inventory.paths.items()
        if path.carrier == party
    }
    found = _counted(inventory, snapshot, group)
    lines = [
        fields.standing(code, inventory.areas[code].name if code in inventory.areas else code)
        for code, fields in found.items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.down, -line.degraded, -line.unknown, line.code)))


def troubles(
    party: str, inventory: Inventory, topology: Topology, snapshot: Snapshot
) -> tuple[tuple[Trouble, ...], int]:
    """Answer where a carrier's paths are down or poor, the longest down first, and how many more places there are."""
    states = _states(snapshot)
    hit: defaultdict[tuple[str, State], list[tuple[Medium, datetime | None]]] = defaultdict(list)
    for code, path in inventory.paths.items():
        state, since = states.get(code, (State.UNKNOWN, None))
        if path.carrier == party and state in _TROUBLED:
            hit[path.site, state].append((path.medium, since))
    found = [_trouble(site, state, paths, inventory, topology) for (site, state), paths in hit.items()]
    found.sort(key=_gravity)
    return tuple(found[:_MOST]), max(0, len(found) - _MOST)


def _trouble(
    code: str,
    state: State,
    paths: Sequence[tuple[Medium, datetime | None]],
    inventory: Inventory,
    topology: Topology,
) -> Trouble:
    site = inventory.sites[code]
    area = inventory.areas.get(topology.commune_of(code) or site.area)
    begun = [since for _, since in paths if since is not None]
    return Trouble(
        site=code,
        name=site.name,
        area=area.name if area else "",
        media=tuple(medium for medium, _ in paths),
        state=state,
        since=min(begun, default=None),
    )


def _gravity(trouble: Trouble) -> tuple[int, float, str]:
    since = trouble.since.timestamp() if trouble.since else float("inf")
    return _TROUBLED.index(trouble.state), since, trouble.site


def agreed(inventory: Inventory, now: datetime) -> tuple[Phase, tuple[tuple[Priority, Deadlines], ...]]:
    """Answer the phase that holds and what is owed in it, by priority."""
    phase = phase_at(inventory.election, now)
    return phase, tuple((priority, inventory.policy.deadline(phase, priority)) for priority in Priority)

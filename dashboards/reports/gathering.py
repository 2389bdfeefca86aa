"""From the database and the inventory to a record: one consistent snapshot, then pure assembling."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.aid import Aid
from alerting.aid_store import aids_of
from alerting.inspection_store import inspections_of
from alerting.inspections import Inspection as Visited
from alerting.models import CauseClass, Incident, LedgerEntry
from alerting.oncall import gaps
from alerting.rollcall import RollCall
from alerting.rollcall_store import between as calls_between
from alerting.roster_store import living
from alerting.scoped import Scope, incident_for, ledger_for
from dashboards.reports import record_store
from dashboards.reports.called import called, roll_of
from dashboards.reports.inspected import inspected
from dashboards.reports.loads import congested
from dashboards.reports.observed import (
    Piece,
    beginnings,
    losses,
    path_pieces,
    reported_paths,
    silent_since,
    unseen,
)
from dashboards.reports.record import (
    AidGiven,
    PathOutage,
    Record,
    ReportedIncident,
    RosterGap,
    Spell,
    SpellKind,
    Tile,
    Turn,
)
from dashboards.reports.told import Page, incident_spells, reported_incident
from dashboards.views.tilemap import tile_map
from inventory.database import reading
from inventory.models import Inventory, Person, Shift
from inventory.phases import DUTY_PHASES
from inventory.topology import Topology
from monitor.load_store import CongestionRow, congestions_between, measured_links
from monitor.moments import moment
from monitor.planned import PlannedWork, targets_of
from monitor.planned_store import works_between

__all__ = ["Rows", "assembled", "gather"]

_MOST_AIDS = 10_000


@dataclass(frozen=True, slots=True)
class Rows:
    """Everything read for a window, before anything is made of it."""

    outages: Sequence[RowMapping]
    unobserved: Sequence[RowMapping]
    sites: Sequence[RowMapping]
    works: Sequence[PlannedWork]
    incidents: Sequence[Incident]
    ledgers: Sequence[LedgerEntry]
    pages: Sequence[RowMapping]
    targets: Sequence[RowMapping]
    aids: Sequence[Aid]
    armed: Sequence[RowMapping]
    shifts: Sequence[Shift]
    people: Mapping[str, Person]
    heard: Mapping[str, datetime]
    inspections: Sequence[Visited] = ()
    congestions: Sequence[CongestionRow] = ()
    measured_links: frozenset[str] = frozenset()
    calls: Sequence[RollCall] = ()


async def gather(
    database: AsyncEngine, inventory: Inventory, since: datetime, until: datetime, *, incident: str = ""
) -> Rows:
    """Read a window in one snapshot; with ``incident`` only that one, whenever it was.

    Shifts and people are those of the live roster, which lies over the inventory's files.
    """
    async with reading(database) as connection:
        roster = await living(connection, inventory, until)
        found = await record_store.incidents_between(connection, since, until, number=incident)
        keys = [each.id for each in found]
        return Rows(
            outages=await record_store.outage_rows(connection, since, until),
            unobserved=await record_store.unobserved_rows(connection, since, until),
            sites=await record_store.site_rows(connection, since, until),
            works=await works_between(connection, since, until),
            incidents=found,
            ledgers=await record_store.ledgers_of(connection, keys),
            pages=await record_store.page_rows(connection, keys),
            targets=await record_store.incident_targets(connection, keys),
            aids=await aids_of(connection, limit=_MOST_AIDS),
            armed=await record_store.armed_rows(connection),
            shifts=roster.shifts,
            people=roster.people,
            heard=await record_store.vantage_rows(connection),
            inspections=await inspections_of(connection, since=since, until=until),
            congestions=await congestions_between(connection, since, until),
            measured_links=await measured_links(connection, since, until),
            calls=await calls_between(connection, *_called_in(found, since, until, of_one=bool(incident))),
        )


def assembled(
    rows: Rows,
    inventory: Inventory,
    topology: Topology,
    *,
    since: datetime,
    until: datetime,
    taken_at: datetime,
    scope: Scope | None = None,
) -> Record:
    """Make the record of a window that ends at ``taken_at`` at the latest: what is to come is not on record.

    With ``scope`` its incidents, their ledgers and their messages are those that the party may see.
    """
    until = min(until, max(taken_at, since))
    on_duty = replace(inventory, shifts=tuple(rows.shifts), people=rows.people)
    return _Assembly(rows, on_duty, topology, scope).record(since, until, taken_at)


class _Assembly:
    def __init__(
        self, rows: Rows, inventory: Inventory, topology: Topology, scope: Scope | None = None
    ) -> None:
        self._rows = rows
        self._scope = scope
        self._inventory = inventory
        self._topology = topology
        self._numbers = {each.id: each.number for each in rows.incidents}
        self._entries: defaultdict[int, list[LedgerEntry]] = defaultdict(list)
        for entry in rows.ledgers:
            self._entries[entry.incident].append(entry)

    def record(self, since: datetime, until: datetime, taken_at: datetime) -> Record:
        inventory, rows = self._inventory, self._rows
        armed = {row["target"]: row["armed_at"] for row in rows.armed if row["armed_at"] is not None}
        paths, first = beginnings(
            reported_paths(inventory, self._topology), armed, self._topology, since=since, until=until
        )
        blind, reasons = _blind(rows.unobserved)
        for silence in silent_since(rows.heard, inventory.vantages, since=since, until=until):
            blind.setdefault(silence.vantage, []).append(silence.piece)
            reasons[silence.piece.sources[0]] = "silent"
        return Record(
            since=since,
            until=until,
            taken_at=taken_at,
            election=inventory.election,
            paths=paths,
            outages=tuple(self._outages()),
            unseen=unseen(blind, {path.watch for path in paths}, reasons, first=first, since=since),
            spells=tuple(self._spells()),
            losses=losses(
                [(row["id"], row["subject"], row["new"], row["at"]) for row in rows.sites],
                inventory,
                self._topology,
            ),
            incidents=tuple(self._incidents()),
            turns=tuple(
                Turn(each.party, each.duty, each.person, each.start, each.end, each.substitute)
                for each in inventory.shifts
                if each.start <= until and each.end > since
            ),
            gaps=tuple(self._gaps(since, until)),
            inspections=inspected(rows.inspections, inventory),
            congestions=congested(rows.congestions, inventory, since=since, until=until),
            links={code: link.carrier for code, link in inventory.links.items()},
            links_measured=rows.measured_links & inventory.links.keys(),
            calls=called(rows.calls, inventory, self._topology),
            roll=roll_of(inventory, self._topology),
            aid=tuple(self._aid(since, until)),
            tiles=_tiles(inventory),
            names=_names(inventory),
            people={code: (person.name, person.position) for code, person in inventory.people.items()},
        )

    def _outages(self) -> list[PathOutage]:
        by_target: defaultdict[str, list[Piece]] = defaultdict(list)
        for row in self._rows.outages:
            by_target[row["target"]].append(Piece(row["started_at"], row["ended_at"], (str(row["id"]),)))
        counted = {
            (row["target"], row["started_at"]): row["incident"]
            for row in self._rows.targets
            if row["incident"] in self._numbers
        }
        of_row = {
            str(row["id"]): counted.get((row["target"], row["started_at"])) for row in self._rows.outages
        }
        causes = {each.id: each.cause for each in self._rows.incidents}
        found = []
        for path, pieces in path_pieces(by_target, self._inventory, self._topology).items():
            for piece in pieces:
                incident = next((of_row[row] for row in piece.sources if of_row[row] is not None), None)
                found.append(
                    PathOutage(
                        identifier=f"outage:{'+'.join(piece.sources)}",
                        path=path,
                        started_at=piece.start,
                        ended_at=piece.end,
                        cause=(causes[incident] if incident else None) or CauseClass.UNKNOWN,
                        incident=self._numbers[incident] if incident else "",
                    )
                )
        return found

    def _spells(self) -> list[Spell]:
        inventory, topology = self._inventory, self._topology
        found = []
        for work in self._rows.works:
            start, end = (moment(each) for each in work.window)
            paths = self._paths_of(targets_of(work, inventory, topology))
            if end > start and paths:
                found.append(Spell(SpellKind.PLANNED, f"planned:{work.id}", start, end, paths))
        hit: defaultdict[int, set[str]] = defaultdict(set)
        for row in self._rows.targets:
            hit[row["incident"]].add(row["target"])
        for incident in self._rows.incidents:
            paths = self._paths_of(frozenset(hit[incident.id]))
            if paths:
                found += incident_spells(incident, self._seen_of(incident.id), paths)
        return found

    def _paths_of(self, targets: frozenset[str]) -> frozenset[str]:
        known = self._inventory.targets
        return frozenset(
            path for code in targets if code in known and (path := self._topology.path_of(code)) is not None
        )

    def _incidents(self) -> list[ReportedIncident]:
        pages: defaultdict[int, list[Page]] = defaultdict(list)
        for row in self._rows.pages:
            if not self._sees_page(row["person"]):
                continue
            names = ("kind", "person", "channel", "address", "state", "created_at", "sent_at")
            pages[row["incident"]].append(Page(**{name: row[name] for name in names}))
        return [
            reported_incident(
                incident_for(each, self._scope),
                self._seen_of(each.id),
                pages[each.id],
                self._inventory,
                self._numbers.get(each.parent or 0, ""),
                chain=self._entries[each.id],
            )
            for each in self._rows.incidents
        ]

    def _seen_of(self, incident: int) -> list[LedgerEntry]:
        return ledger_for(self._entries[incident], self._scope)

    def _sees_page(self, person: str) -> bool:
        known = self._inventory.people.get(person)
        return self._scope is None or (known is not None and known.party == self._scope.party)

    def _aid(self, since: datetime, until: datetime) -> list[AidGiven]:
        """Answer the aid that was asked for in the window, or ran in it; lead time ends when it is verified to flow."""
        drilled = {each.id for each in self._rows.incidents if each.facts.get("drill")}
        return [
            AidGiven(
                identifier=each.number,
                kind=each.kind.value,
                giver=each.helper,
                receiver=each.requester,
                state=each.state.value,
                requested_at=each.requested_at,
                accepted_at=each.accepted_at,
                activated_at=each.active_at,
                ended_at=each.ended_at,
                incident=self._numbers.get(each.incident, ""),
                is_drill=each.incident in drilled,
            )
            for each in self._rows.aids
            if each.requested_at is not None
            and each.requested_at < until
            and (each.ended_at is None or each.ended_at > since)
        ]

    def _gaps(self, since: datetime, until: datetime) -> list[RosterGap]:
        """Answer the gaps of every duty in the phases that keep duty round the clock."""
        inventory = self._inventory
        spans = [span for span in inventory.election.spans if span.phase in DUTY_PHASES]
        windows = [(max(since, span.start), min(until, span.end)) for span in spans]
        return [
            RosterGap(
                f"gap:{party.code}:{duty.value}:{gap.start.isoformat()}", party.code, duty, gap.start, gap.end
            )
            for party in inventory.parties.values()
            for duty in party.duties
            for start, end in windows
            if start < end
            for gap in gaps(inventory.shifts, party=party.code, duty=duty, since=start, until=end)
        ]


def _called_in(
    found: Sequence[Incident], since: datetime, until: datetime, *, of_one: bool
) -> tuple[datetime, datetime]:
    """Answer the time whose calls are read: the window, or of one incident all the time that it was open."""
    if not of_one or not found:
        return since, until
    [incident, *_] = found
    return incident.began_at, incident.closed_at or max(until, incident.opened_at)


def _blind(rows: Sequence[RowMapping]) -> tuple[dict[str, list[Piece]], dict[str, str]]:
    """Answer each vantage's blind times, and the reason of each row."""
    found: defaultdict[str, list[Piece]] = defaultdict(list)
    reasons = {}
    for row in rows:
        name = f"unobserved:{row['id']}"
        found[row["vantage"]].append(Piece(row["started_at"], row["ended_at"], (name,)))
        reasons[name] = row["reason"]
    return found, reasons


def _tiles(inventory: Inventory) -> tuple[Tile, ...]:
    return tuple(
        Tile(tile.code, tile.name, tile.district, tile.col, tile.row) for tile in tile_map(inventory).tiles
    )


def _names(inventory: Inventory) -> Mapping[str, tuple[str, str]]:
    parties = {code: (party.name, party.name_en) for code, party in inventory.parties.items()}
    return parties | {code: (area.name, area.name_en) for code, area in inventory.areas.items()}

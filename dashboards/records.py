"""Reading what is stored, for pages: scope is applied here, in the query, and nowhere else."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting import roster_store
from alerting import store as alerting_store
from alerting.contact_store import faults_of_contacts
from alerting.errors import UnknownIncidentError
from alerting.models import LIVE, Incident, IncidentEvent, IncidentState, LedgerEntry, Message
from alerting.schema import incidents, ledger, outbox
from alerting.scoped import incident_for, ledger_for, scope_of
from dashboards.deps import Monitoring, TitledIncident
from dashboards.reports.record import ReportedIncident
from dashboards.reports.record_store import ledgers_of
from dashboards.reports.told import reported_incident
from dashboards.series import Series
from inventory.database import reading
from inventory.models import ContactChannel, Inventory, Severity
from monitor import store as monitor_store
from monitor.minutes import HistorySlice
from monitor.models import Outage, StateChange, SubjectKind, Unobserved
from monitor.moments import moment

__all__ = ["StoredRecords"]

_MOST_LIVE = 500
_MOST_CONDUCTED = 2000
_MOST_TITLES = 5000
_POINTS = 480
_MINUTE_NS = 60_000_000_000
_ENDED = tuple(state for state in IncidentState if state not in LIVE)
_TOLD = (SubjectKind.SITE, SubjectKind.CAUSE, SubjectKind.VANTAGE)


class StoredRecords:
    """The database behind the pages (dashboards.deps.Records)."""

    def __init__(self, database: AsyncEngine, monitor: Monitoring) -> None:
        self._database = database
        self._monitor = monitor

    async def live(self, *, owner: str | None, restricted: bool = False) -> tuple[Incident, ...]:
        """Read every incident in which somebody still owes something."""
        async with reading(self._database) as connection:
            found = await alerting_store.incidents(
                connection, states=LIVE, owner=owner, limit=_MOST_LIVE, restricted=restricted
            )
        return self._shown(found, owner)

    async def ended(
        self, *, owner: str | None, limit: int, offset: int, restricted: bool = False
    ) -> tuple[Incident, ...]:
        """Read incidents that are over, newest first."""
        async with reading(self._database) as connection:
            found = await alerting_store.incidents(
                connection, states=_ENDED, owner=owner, limit=limit, offset=offset, restricted=restricted
            )
        return self._shown(found, owner)

    def _shown(self, found: Sequence[Incident], owner: str | None) -> tuple[Incident, ...]:
        """Leave out what would tell a party of others."""
        scope = scope_of(owner, self._monitor.inventory)
        return tuple(incident_for(one, scope) for one in found)

    async def incident(self, number: int, *, owner: str | None, restricted: bool = False) -> Incident | None:
        """Read one incident, if it is in scope."""
        async with reading(self._database) as connection:
            try:
                found = await alerting_store.incident(connection, number, owner=owner, restricted=restricted)
            except UnknownIncidentError:
                return None
        return self._shown([found], owner)[0]

    async def conducted(self, *, owner: str | None, since: datetime) -> tuple[ReportedIncident, ...]:
        """Read incidents opened since then as reports tell them, without their messages; restricted ones never."""
        async with reading(self._database) as connection:
            newest = await alerting_store.incidents(connection, owner=owner, limit=_MOST_CONDUCTED)
            found = [each for each in newest if each.opened_at >= since]
            entries = await ledgers_of(connection, [each.id for each in found])
        return await asyncio.to_thread(_told, found, entries, self._monitor.inventory)

    async def titles(self, *, owner: str | None, restricted: bool = False) -> tuple[TitledIncident, ...]:
        """Read what incidents are called, the newest first."""
        c = incidents.c
        query = select(c.id, c.number, c.title, c.title_en, c.state, c.severity)
        query = query.order_by(c.opened_at.desc(), c.id.desc()).limit(_MOST_TITLES)
        if owner is not None:
            query = query.where(c.owner == owner)
        if not restricted:
            query = query.where(c.restricted.is_(False))
        async with reading(self._database) as connection:
            rows = (await connection.execute(query)).all()
        return tuple(
            TitledIncident(
                row.id, row.number, row.title, row.title_en, IncidentState(row.state), Severity(row.severity)
            )
            for row in rows
        )

    async def refused_contacts(self) -> Mapping[tuple[ContactChannel, str], str]:
        """Read which contacts a gateway refused for good, and what it said."""
        async with reading(self._database) as connection:
            found = await faults_of_contacts(connection)
        return {(each.channel, each.address): each.reason for each in found}

    async def ledger(self, incident: int, *, owner: str | None = None) -> tuple[LedgerEntry, ...]:
        """Read an incident's timeline, oldest first; with ``owner``, of the times in which it was accountable."""
        async with reading(self._database) as connection:
            entries = await alerting_store.ledger_of(connection, incident)
        return tuple(ledger_for(entries, scope_of(owner, self._monitor.inventory)))

    async def messages(self, incident: int, *, owner: str | None = None) -> tuple[Message, ...]:
        """Read what was sent about an incident, oldest first; with ``owner``, to that party's own people."""
        async with reading(self._database) as connection:
            found = await alerting_store.messages_of(connection, incident)
            people = await roster_store.people_of(connection, self._monitor.inventory)
        mine = {code for code, person in people.items() if owner in {None, person.party}}
        return tuple(one for one in found if owner is None or one.person in mine)

    async def carriers_of(self, messages: Sequence[Message], *, owner: str | None) -> Mapping[int, str]:
        """Read the numbers of the incidents, in scope, whose messages carried some of ``messages`` with them."""
        wanted = {each.carried_by for each in messages if each.carried_by is not None}
        query = select(outbox.c.id, incidents.c.number).join(incidents, incidents.c.id == outbox.c.incident)
        query = query.where(outbox.c.id.in_(wanted), incidents.c.restricted.is_(False))
        if owner is not None:
            query = query.where(incidents.c.owner == owner)
        if not wanted:
            return {}
        async with reading(self._database) as connection:
            rows = (await connection.execute(query)).all()
        return {row.id: row.number for row in rows}

    async def recent(self, *, limit: int) -> tuple[StateChange, ...]:
        """Read the newest changes of sites, causes and vantages, newest first."""
        async with reading(self._database) as connection:
            return tuple(await monitor_store.recent_changes(connection, limit=limit, kinds=_TOLD))

    async def recent_acts(self, *, owner: str | None, limit: int) -> tuple[tuple[Incident, LedgerEntry], ...]:
        """Read the newest ledger entries of what is not restricted with their incidents, newest first."""
        query = select(ledger).join(incidents, incidents.c.id == ledger.c.incident)
        if owner is not None:
            query = query.where(incidents.c.owner == owner)
        query = query.where(incidents.c.restricted.is_(False))
        query = query.order_by(ledger.c.at.desc(), ledger.c.sequence.desc()).limit(limit)
        async with reading(self._database) as connection:
            rows = (await connection.execute(query)).mappings().all()
            entries = [LedgerEntry(**{**row, "event": IncidentEvent(row["event"])}) for row in rows]
            meant = {
                number: await alerting_store.incident(connection, number, owner=owner)
                for number in {entry.incident for entry in entries}
            }
        return tuple((meant[entry.incident], entry) for entry in entries)

    async def outages(self, targets: Sequence[str], since: datetime, until: datetime) -> tuple[Outage, ...]:
        """Read outages of targets that touch the interval."""
        async with reading(self._database) as connection:
            return tuple(await monitor_store.outages_of(connection, targets, since, until))

    async def unobserved(self, since: datetime, until: datetime) -> tuple[Unobserved, ...]:
        """Read when a vantage could not look, where that touches the interval."""
        async with reading(self._database) as connection:
            return tuple(await monitor_store.unobserved_between(connection, since, until))

    async def series(self, targets: Sequence[str], since: datetime, until: datetime) -> Mapping[str, Series]:
        """Read looks by minute for each target."""
        history = self._monitor.history
        return {code: _series(await history.read(code, since, until, points=_POINTS)) for code in targets}


def _told(
    found: Sequence[Incident], entries: Sequence[LedgerEntry], inventory: Inventory
) -> tuple[ReportedIncident, ...]:
    of: defaultdict[int, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        of[entry.incident].append(entry)
    numbers = {each.id: each.number for each in found}
    return tuple(
        reported_incident(each, of[each.id], (), inventory, numbers.get(each.parent or 0, ""))
        for each in found
    )


def _series(found: HistorySlice) -> Series:
    return Series(
        minutes=tuple(moment(int(minute) * _MINUTE_NS) for minute in found.minute),
        looks=tuple(found.looks.tolist()),
        failures=tuple(found.failures.tolist()),
        rtt_mean=_measured(found.rtt_mean),
        rtt_max=_measured(found.rtt_max),
    )


def _measured(column: npt.NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(None if math.isnan(value) else value for value in column.tolist())

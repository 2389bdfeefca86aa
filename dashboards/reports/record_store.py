"""SQL behind a report: everything that touches a window. Takes a connection, never commits, never asks for the time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import RowMapping, Select, Table, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.models import Incident, IncidentEvent, LedgerEntry, MessageKind
from alerting.schema import incident_outages, incidents, ledger, outbox
from alerting.store import incident as read_incident
from monitor.models import SubjectKind
from monitor.schema import outages, state_changes, target_states, unobserved, vantages

__all__ = [
    "armed_rows",
    "incident_targets",
    "incidents_between",
    "ledgers_of",
    "outage_rows",
    "page_rows",
    "record_began",
    "site_rows",
    "unobserved_rows",
    "vantage_rows",
]

_AT_ONCE = 500


async def outage_rows(connection: AsyncConnection, since: datetime, until: datetime) -> Sequence[RowMapping]:
    """Read every outage that touches the window."""
    return await _touching(connection, outages, since, until)


async def unobserved_rows(
    connection: AsyncConnection, since: datetime, until: datetime
) -> Sequence[RowMapping]:
    """Read every time in which a vantage could not look, with its id."""
    return await _touching(connection, unobserved, since, until)


async def _touching(
    connection: AsyncConnection, table: Table, since: datetime, until: datetime
) -> Sequence[RowMapping]:
    query = (
        select(table)
        .where(table.c.started_at < until, or_(table.c.ended_at.is_(None), table.c.ended_at > since))
        .order_by(table.c.started_at, table.c.id)
    )
    return (await connection.execute(query)).mappings().all()


async def armed_rows(connection: AsyncConnection) -> Sequence[RowMapping]:
    """Read since when each target counts, from its vantages; none where it never answered."""
    table = target_states.c
    query = select(table.target, func.min(table.armed_at).label("armed_at")).group_by(table.target)
    return (await connection.execute(query)).mappings().all()


async def record_began(connection: AsyncConnection) -> datetime | None:
    """Read when the first belief was written that is still kept; None where nothing was ever believed."""
    table = state_changes.c
    return await connection.scalar(select(table.noticed_at).order_by(table.id).limit(1))


async def vantage_rows(connection: AsyncConnection) -> Mapping[str, datetime]:
    """Read when each vantage was last heard; one that never was is not there."""
    rows = (await connection.execute(select(vantages.c.code, vantages.c.seen_at))).all()
    return {row.code: row.seen_at for row in rows}


async def site_rows(connection: AsyncConnection, since: datetime, until: datetime) -> Sequence[RowMapping]:
    """Read the changes of sites in the window, and before them each site's last change before it."""
    table = state_changes.c
    columns = (table.id, table.subject, table.old, table.new, table.at)
    is_site = table.kind == SubjectKind.SITE
    latest = (
        select(func.max(table.id).label("id"))
        .where(is_site, table.at < since)
        .group_by(table.subject)
        .subquery()
    )
    before = select(*columns).join(latest, latest.c.id == table.id).where(table.new == "down")
    inside = select(*columns).where(is_site, table.at >= since, table.at < until)
    found: list[RowMapping] = []
    for query in (before, inside):
        found += (await connection.execute(query.order_by(table.at, table.id))).mappings().all()
    return found


async def incidents_between(
    connection: AsyncConnection, since: datetime, until: datetime, *, number: str = ""
) -> list[Incident]:
    """Read the incidents that touch the window, or the one with ``number``; restricted ones are never reported."""
    table = incidents.c
    query: Select[Any] = select(table.id).where(table.restricted.is_(False)).order_by(table.id)
    if number:
        query = query.where(table.number == number)
    else:
        ended = or_(table.ended_at.is_(None), table.ended_at > since, table.opened_at >= since)
        closed = or_(table.closed_at.is_(None), table.closed_at > since)
        query = query.where(and_(table.began_at < until, ended, closed))
    keys = (await connection.execute(query)).scalars().all()
    return [await read_incident(connection, key) for key in keys]


async def ledgers_of(connection: AsyncConnection, keys: Iterable[int]) -> list[LedgerEntry]:
    """Read the ledgers of incidents, each in order."""
    rows = await _of(connection, select(ledger), ledger.c.incident, keys)
    found = [LedgerEntry(**{**row, "event": IncidentEvent(row["event"])}) for row in rows]
    return sorted(found, key=lambda entry: (entry.incident, entry.sequence))


async def page_rows(connection: AsyncConnection, keys: Iterable[int]) -> Sequence[RowMapping]:
    """Read the messages about incidents, in order of decision."""
    columns = ("id", "kind", "incident", "person", "channel", "address", "state", "created_at", "sent_at")
    # What a party's machine was told is no page, and calls nobody.
    query = select(*(outbox.c[name] for name in columns)).where(outbox.c.kind != MessageKind.EVENT.value)
    return sorted(await _of(connection, query, outbox.c.incident, keys), key=lambda row: int(row["id"]))


async def incident_targets(connection: AsyncConnection, keys: Iterable[int]) -> Sequence[RowMapping]:
    """Read which outages incidents count: target and start."""
    return await _of(connection, select(incident_outages), incident_outages.c.incident, keys)


async def _of(
    connection: AsyncConnection, query: Select[Any], column: Any, keys: Iterable[int]
) -> list[RowMapping]:
    found: list[RowMapping] = []
    left = iter(keys)
    while some := list(islice(left, _AT_ONCE)):
        found += (await connection.execute(query.where(column.in_(some)))).mappings().all()
    return found

"""SQL of incidents, their ledger, their outages and their escalation. Takes a connection, never commits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, RowMapping, and_, cast, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.errors import StaleIncidentError, UnknownIncidentError
from alerting.message_store import messages_of
from alerting.models import (
    LIVE,
    CauseClass,
    Incident,
    IncidentEvent,
    IncidentState,
    LedgerEntry,
)
from alerting.schema import incident_outages, ledger
from alerting.schema import incidents as table
from alerting.timers import soonest
from inventory.models import Phase, Severity

__all__ = [
    "AffectedTarget",
    "add_incident",
    "add_outages",
    "append_entry",
    "children_of",
    "due_incidents",
    "incident",
    "incidents",
    "incidents_of_drill",
    "is_taken",
    "last_entry",
    "latest_of_condition",
    "ledger_of",
    "messages_of",
    "next_number",
    "outages_of_incident",
    "save_incident",
    "soonest_deadline",
    "tally",
    "unresolved_of",
    "version_of",
    "with_condition",
]

_ALIVE = tuple(sorted(LIVE))
_FIELDS = tuple(column.name for column in table.columns if column.name not in {"id", "version", "timer_at"})


@dataclass(frozen=True, slots=True)
class AffectedTarget:
    """A target that an incident counts among its outages, since when, and the site it speaks for."""

    target: str
    site: str
    started_at: datetime


def _incident(row: RowMapping) -> Incident:
    return Incident(
        id=row["id"],
        **{name: row[name] for name in _FIELDS if name not in {"state", "severity", "phase", "cause"}},
        state=IncidentState(row["state"]),
        severity=Severity(row["severity"]),
        phase=Phase(row["phase"]),
        cause=CauseClass(row["cause"]) if row["cause"] else None,
    )


def _columns(value: Incident) -> dict[str, Any]:
    return {**{name: getattr(value, name) for name in _FIELDS}, "timer_at": soonest(value)}


async def incident(
    connection: AsyncConnection, identifier: int, *, owner: str | None = None, restricted: bool = True
) -> Incident:
    """Read one incident. With ``owner``, one of another party is as unknown as one that never was.

    ``restricted``: whether the asker may know of restricted ones. The default is for the service itself; whoever
    answers a person passes what that person may see.
    """
    query = select(table).where(table.c.id == identifier)
    if owner is not None:
        query = query.where(table.c.owner == owner)
    if not restricted:
        query = query.where(table.c.restricted.is_(False))
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise UnknownIncidentError(identifier)
    return _incident(row)


async def version_of(connection: AsyncConnection, identifier: int) -> int:
    """Read the version of an incident: the sequence of its last ledger entry; 0 when there is none."""
    found = (await connection.execute(select(table.c.version).where(table.c.id == identifier))).scalar()
    return found or 0


async def incidents(
    connection: AsyncConnection,
    *,
    states: Collection[IncidentState] | None = None,
    owner: str | None = None,
    limit: int = 100,
    offset: int = 0,
    after: tuple[datetime, int] | None = None,
    restricted: bool = False,
    waiting_for: Collection[str] | None = None,
    not_waiting_for: Collection[str] | None = None,
) -> list[Incident]:
    """Read incidents, the newest first, only those of ``owner`` when it is given, restricted ones only on demand.

    ``after`` is the time of opening and the id of an incident that the list goes on behind; ``waiting_for`` are the
    reasons to wait of which the incidents have one, ``not_waiting_for`` those of which they have none.
    """
    query = select(table).order_by(table.c.opened_at.desc(), table.c.id.desc()).limit(limit).offset(offset)
    if after is not None:
        opened_at, identifier = after
        earlier = and_(table.c.opened_at == opened_at, table.c.id < identifier)
        query = query.where(or_(table.c.opened_at < opened_at, earlier))
    if states is not None:
        query = query.where(table.c.state.in_(tuple(states)))
    if owner is not None:
        query = query.where(table.c.owner == owner)
    if not restricted:
        query = query.where(table.c.restricted.is_(False))
    reason = table.c.facts["pending"].as_string()
    if waiting_for is not None:
        query = query.where(reason.in_(tuple(waiting_for)))
    if not_waiting_for is not None:
        query = query.where(or_(reason.is_(None), reason.not_in(tuple(not_waiting_for))))
    return [_incident(row) for row in (await connection.execute(query)).mappings()]


async def latest_of_condition(connection: AsyncConnection, condition: str) -> Incident | None:
    """Read the incident that was opened last for ``condition``; an unresolved one before any other."""
    unresolved = table.c.state.in_([state for state in _ALIVE if state is not IncidentState.RESOLVED])
    # Not by id alone: in service ids are drawn by chance (:mod:`alerting.numbers`) and say nothing of what came last.
    query = (
        select(table)
        .where(table.c.condition == condition)
        .order_by(unresolved.desc(), table.c.opened_at.desc(), table.c.id.desc())
        .limit(1)
    )
    row = (await connection.execute(query)).mappings().first()
    return _incident(row) if row else None


async def unresolved_of(connection: AsyncConnection, prefix: str) -> list[int]:
    """Read the ids of incidents that are not resolved and whose condition begins with ``prefix``."""
    unresolved = table.c.state.not_in(["resolved", "closed", "cancelled", "merged"])
    query = select(table.c.id).where(unresolved, table.c.condition.startswith(prefix, autoescape=True))
    return list((await connection.execute(query)).scalars())


async def incidents_of_drill(
    connection: AsyncConnection, drill: int, *, since: datetime, until: datetime, owner: str | None
) -> list[Incident]:
    """Read the incidents that were opened in a drill, the newest first, only those of ``owner`` when it is given."""
    query = select(table).where(
        table.c.opened_at >= since,
        table.c.opened_at <= until,
        table.c.facts["drill"]["id"].as_integer() == drill,
    )
    if owner is not None:
        query = query.where(table.c.owner == owner)
    rows = (await connection.execute(query.order_by(table.c.opened_at.desc()))).mappings()
    return [_incident(row) for row in rows]


async def with_condition(connection: AsyncConnection, condition: str) -> Incident | None:
    """Read any incident that was opened for ``condition``, alive or not."""
    row = (await connection.execute(select(table).where(table.c.condition == condition))).mappings().first()
    return _incident(row) if row else None


async def children_of(connection: AsyncConnection, identifier: int) -> list[int]:
    """Answer the incidents that are merged into this one."""
    query = (
        select(table.c.id)
        .where(table.c.parent == identifier, table.c.state == IncidentState.MERGED.value)
        .order_by(table.c.opened_at, table.c.id)
    )
    return list((await connection.execute(query)).scalars())


async def next_number(connection: AsyncConnection, prefix: str) -> str:
    """Answer the number after the highest that begins with ``prefix``; unique by the column's constraint."""
    tail = cast(func.substr(table.c.number, len(prefix) + 1), Integer)
    query = select(func.max(tail)).where(table.c.number.startswith(prefix, autoescape=True))
    highest = (await connection.execute(query)).scalar()
    return f"{prefix}{(highest or 0) + 1:04d}"


async def is_taken(connection: AsyncConnection, *, identifier: int = 0, number: str = "") -> bool:
    """Answer whether an incident has this id or this number."""
    query = select(table.c.id).where(or_(table.c.id == identifier, table.c.number == number)).limit(1)
    return (await connection.execute(query)).first() is not None


async def add_incident(connection: AsyncConnection, value: Incident) -> Incident:
    """Insert ``value`` and answer it with its id (0: the database gives one). Its version is its ledger's length."""
    given = {"id": value.id} if value.id else {}
    result = await connection.execute(insert(table).values(**given, **_columns(value), version=1))
    key = result.inserted_primary_key
    return await incident(connection, int(key[0] if key else 0))


async def save_incident(connection: AsyncConnection, value: Incident, *, version: int) -> None:
    """Write ``value`` over version ``version``; raises :class:`StaleIncidentError` if somebody was faster."""
    changed = await connection.execute(
        update(table)
        .where(table.c.id == value.id, table.c.version == version)
        .values(**_columns(value), version=version + 1)
    )
    if changed.rowcount != 1:
        raise StaleIncidentError(value.id)


def _entry(row: RowMapping) -> LedgerEntry:
    return LedgerEntry(**{**row, "event": IncidentEvent(row["event"])})


async def ledger_of(connection: AsyncConnection, identifier: int) -> list[LedgerEntry]:
    """Read the whole ledger of an incident, in order."""
    query = select(ledger).where(ledger.c.incident == identifier).order_by(ledger.c.sequence)
    return [_entry(row) for row in (await connection.execute(query)).mappings()]


async def last_entry(connection: AsyncConnection, identifier: int) -> LedgerEntry | None:
    """Read the newest entry of an incident's ledger."""
    query = select(ledger).where(ledger.c.incident == identifier).order_by(ledger.c.sequence.desc()).limit(1)
    row = (await connection.execute(query)).mappings().first()
    return _entry(row) if row else None


async def append_entry(connection: AsyncConnection, entry: LedgerEntry) -> None:
    """Append ``entry``; its key refuses a second entry of the same sequence."""
    values = {column.name: getattr(entry, column.name) for column in ledger.columns}
    await connection.execute(insert(ledger).values(**values))


async def add_outages(
    connection: AsyncConnection,
    identifier: int,
    sites: Mapping[str, str],
    *,
    started_at: datetime,
    spell_at: datetime,
) -> None:
    """Note the targets (with their sites) that joined at ``started_at`` the spell that began at ``spell_at``.

    A target that is noted in this spell already keeps its start.
    """
    query = select(incident_outages.c.target).where(
        incident_outages.c.incident == identifier, incident_outages.c.started_at >= spell_at
    )
    known = set((await connection.execute(query)).scalars())
    rows = [
        {"incident": identifier, "target": target, "started_at": started_at, "site": site}
        for target, site in sites.items()
        if target not in known
    ]
    if rows:
        await connection.execute(insert(incident_outages), rows)


async def outages_of_incident(connection: AsyncConnection, identifier: int) -> list[AffectedTarget]:
    """Read the targets that an incident counts, by site and start."""
    query = (
        select(incident_outages.c.target, incident_outages.c.site, incident_outages.c.started_at)
        .where(incident_outages.c.incident == identifier)
        .order_by(incident_outages.c.site, incident_outages.c.started_at, incident_outages.c.target)
    )
    return [AffectedTarget(**row) for row in (await connection.execute(query)).mappings()]


async def due_incidents(connection: AsyncConnection, at: datetime) -> list[int]:
    """Answer the live incidents whose deadline has passed at ``at``, the longest overdue first."""
    query = (
        select(table.c.id)
        .where(table.c.state.in_(_ALIVE), or_(table.c.deadline_at <= at, table.c.timer_at <= at))
        .order_by(table.c.deadline_at)
    )
    return list((await connection.execute(query)).scalars())


async def soonest_deadline(connection: AsyncConnection) -> datetime | None:
    """Answer when the next deadline of a live incident passes."""
    query = select(func.min(table.c.deadline_at), func.min(table.c.timer_at)).where(table.c.state.in_(_ALIVE))
    found = (await connection.execute(query)).one()
    return min((moment for moment in found if moment is not None), default=None)


async def tally(connection: AsyncConnection) -> Sequence[tuple[str, str, str, int]]:
    """Count live incidents by state, severity and owner."""
    query = (
        select(table.c.state, table.c.severity, table.c.owner, func.count())
        .where(table.c.state.in_(_ALIVE))
        .group_by(table.c.state, table.c.severity, table.c.owner)
    )
    return [
        (state, severity, owner, count) for state, severity, owner, count in await connection.execute(query)
    ]

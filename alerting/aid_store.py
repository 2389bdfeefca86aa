"""SQL of mutual aid. Takes a connection inside a transaction; never commits, never asks for the time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.aid import Aid, AidEvent, AidKind, AidState
from alerting.aid_schema import aid_events, aids
from inventory.drawn import Draw, drawn_id

__all__ = [
    "AidEntry",
    "add_aid",
    "aid_by_id",
    "aids_of",
    "append_event",
    "due_aids",
    "events_of",
    "save_aid",
    "soonest_aid",
]

_c = aids.c
_FIELDS = tuple(column.name for column in aids.columns)


@dataclass(frozen=True, slots=True)
class AidEntry:
    """One thing that happened to an aid."""

    at: datetime
    event: AidEvent
    actor: str
    state: AidState
    details: Mapping[str, Any]


async def add_aid(connection: AsyncConnection, aid: Aid, *, draw: Draw | None = None) -> Aid:
    """Insert an aid (its id is ignored: ``draw`` gives one, else the database); answers it as it is stored."""
    given = await drawn_id(connection, _c.id, draw)
    result = await connection.execute(insert(aids).values(**given, **_values(aid)).returning(_c.id))
    return _read((await connection.execute(select(aids).where(_c.id == result.scalar_one()))).one())


async def save_aid(connection: AsyncConnection, aid: Aid, *, version: int) -> bool:
    """Write an aid over its ``version``; False when somebody else was faster."""
    changed = await connection.execute(
        update(aids).where(_c.id == aid.id, _c.version == version).values(**_values(aid))
    )
    return changed.rowcount == 1


async def append_event(connection: AsyncConnection, aid: Aid, entry: AidEntry) -> None:
    """Append to an aid's record; its version is the entry's place."""
    row = {
        "aid": aid.id,
        "version": aid.version,
        "at": entry.at,
        "event": entry.event.value,
        "actor": entry.actor[:120],
        "state": entry.state.value,
        "details": dict(entry.details),
    }
    await connection.execute(insert(aid_events).values(**row))


async def aid_by_id(connection: AsyncConnection, identifier: int, *, party: str | None = None) -> Aid | None:
    """Answer one aid, if ``party`` (None: anybody) asks for it or is asked by it; a draft is no helper's yet."""
    query = select(aids).where(_c.id == identifier, _scope(party))
    row = (await connection.execute(query)).first()
    return _read(row) if row is not None else None


async def aids_of(
    connection: AsyncConnection, *, incident: int | None = None, party: str | None = None, limit: int = 200
) -> list[Aid]:
    """Answer aids, what is live and due soonest first, then the newest."""
    query = select(aids).where(_scope(party))
    if incident is not None:
        query = query.where(_c.incident == incident)
    ordered = query.order_by(
        _c.deadline_at.is_(None), _c.deadline_at, _c.created_at.desc(), _c.id.desc()
    ).limit(limit)
    return [_read(row) for row in await connection.execute(ordered)]


async def due_aids(connection: AsyncConnection, at: datetime) -> Sequence[tuple[int, int]]:
    """Answer (aid, incident) of everything whose deadline has passed."""
    query = select(_c.id, _c.incident).where(_c.deadline_at <= at).order_by(_c.deadline_at)
    return [(row.id, row.incident) for row in await connection.execute(query)]


async def soonest_aid(connection: AsyncConnection) -> datetime | None:
    """Answer the next deadline of any aid."""
    found: datetime | None = (await connection.execute(select(func.min(_c.deadline_at)))).scalar()
    return found


async def events_of(connection: AsyncConnection, aid: int) -> list[AidEntry]:
    """Answer the record of an aid, oldest first."""
    query = select(aid_events).where(aid_events.c.aid == aid).order_by(aid_events.c.version)
    return [
        AidEntry(row.at, AidEvent(row.event), row.actor, AidState(row.state), row.details)
        for row in await connection.execute(query)
    ]


def _scope(party: str | None) -> Any:
    if party is None:
        return _c.id > 0
    return or_(_c.requester == party, (_c.helper == party) & (_c.requested_at.is_not(None)))


def _values(aid: Aid) -> dict[str, Any]:
    values = {name: getattr(aid, name) for name in _FIELDS if name != "id"}
    return {**values, "terms": dict(aid.terms), "actuals": dict(aid.actuals)}


def _read(row: Row[Any]) -> Aid:
    values = {name: getattr(row, name) for name in _FIELDS}
    number = f"UC-{values['created_at']:%y}-{values['id']:04d}"
    kinds = {"kind": AidKind(values["kind"]), "state": AidState(values["state"])}
    return Aid(**{**values, **kinds, "number": number})

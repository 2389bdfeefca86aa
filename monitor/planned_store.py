"""SQL of planned work. Takes a connection inside a transaction; never commits, never asks for the time."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from inventory.drawn import Draw, drawn_id
from monitor.planned import PlannedWork, WorkKind
from monitor.schema import planned_works

__all__ = ["add_work", "cancel_work", "work_by_id", "work_by_uid", "works_between"]

_c = planned_works.c


async def works_between(connection: AsyncConnection, since: datetime, until: datetime) -> list[PlannedWork]:
    """Answer every work, cancelled ones too, whose window touches the time from ``since`` to ``until``, by start."""
    query = (
        select(planned_works).where(_c.ends_at > since, _c.starts_at < until).order_by(_c.starts_at, _c.id)
    )
    return [_work(row) for row in await connection.execute(query)]


async def work_by_id(connection: AsyncConnection, identifier: int) -> PlannedWork | None:
    """Answer one work, or ``None``."""
    row = (await connection.execute(select(planned_works).where(_c.id == identifier))).first()
    return _work(row) if row is not None else None


async def work_by_uid(connection: AsyncConnection, uid: str) -> PlannedWork | None:
    """Answer the work that stands for a calendar entry, if it was imported before and is not cancelled."""
    query = select(planned_works).where(_c.uid == uid, _c.cancelled_at.is_(None))
    row = (await connection.execute(query)).first()
    return _work(row) if row is not None else None


async def add_work(connection: AsyncConnection, work: PlannedWork, *, draw: Draw | None = None) -> int:
    """Write a work down; answers its id (the one that it has is ignored: ``draw`` gives one, else the database)."""
    given = await drawn_id(connection, _c.id, draw)
    values = {
        column.name: getattr(work, column.name) for column in planned_works.columns if column.name != "id"
    }
    result = await connection.execute(insert(planned_works).values(**given, **values).returning(_c.id))
    identifier: int = result.scalar_one()
    return identifier


async def cancel_work(connection: AsyncConnection, identifier: int, *, at: datetime, by: str) -> bool:
    """Note that a work is cancelled; False if it was before, or is not known."""
    changed = await connection.execute(
        update(planned_works)
        .where(_c.id == identifier, _c.cancelled_at.is_(None))
        .values(cancelled_at=at, cancelled_by=by)
    )
    return changed.rowcount == 1


def _work(row: Row[tuple[object, ...]]) -> PlannedWork:
    found: Sequence[str] = [column.name for column in planned_works.columns]
    values = {name: getattr(row, name) for name in found}
    return PlannedWork(**{**values, "kind": WorkKind(values["kind"])})

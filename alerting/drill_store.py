"""SQL of drills. Takes a connection, never commits, never asks for the time."""

from datetime import datetime
from json import dumps
from typing import Any

from sqlalchemy import RowMapping, Text, cast, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.drills import Drill
from alerting.field_schema import drills as table
from inventory.drawn import Draw, drawn_id

__all__ = ["add", "cancel", "drill", "drills", "running_for"]


def _drill(row: RowMapping) -> Drill:
    return Drill(**{**row, "parties": tuple(row["parties"])})


async def running_for(connection: AsyncConnection, party: str, at: datetime) -> Drill | None:
    """Read the drill that ``party`` takes part in at ``at``; of several the one that began last."""
    open_ones = or_(table.c.cancelled_at.is_(None), table.c.cancelled_at > at)
    query = (
        select(table)
        .where(table.c.starts_at <= at, table.c.ends_at > at, open_ones)
        .order_by(table.c.starts_at.desc(), table.c.id.desc())
    )
    found = [_drill(row) for row in (await connection.execute(query)).mappings()]
    return next((one for one in found if party in one.parties), None)


async def drills(
    connection: AsyncConnection, *, party: str | None = None, limit: int = 200
) -> tuple[Drill, ...]:
    """Read drills, the latest first; with ``party`` those that it takes part in, however many others there are."""
    query = select(table).order_by(table.c.starts_at.desc(), table.c.id.desc()).limit(limit)
    if party is not None:
        listed = cast(table.c.parties, Text)
        # A code stands in the list as JSON writes it, in quotation marks; unlike LIKE, to replace minds upper and lower case.
        query = query.where(func.replace(listed, dumps(party), "") != listed)
    return tuple(_drill(row) for row in (await connection.execute(query)).mappings())


async def drill(connection: AsyncConnection, identifier: int) -> Drill | None:
    """Read one drill."""
    row = (await connection.execute(select(table).where(table.c.id == identifier))).mappings().first()
    return _drill(row) if row else None


async def add(connection: AsyncConnection, values: dict[str, Any], *, draw: Draw | None = None) -> int:
    """Insert a drill; answers its id, which ``draw`` draws (None: counts on)."""
    given = await drawn_id(connection, table.c.id, draw)
    made = await connection.execute(insert(table).values(**values, **given))
    return int(made.inserted_primary_key[0]) if made.inserted_primary_key else 0


async def cancel(connection: AsyncConnection, identifier: int, *, by: str, at: datetime) -> bool:
    """End a drill now, or before it begins; answers whether it had not ended before."""
    here = (table.c.id == identifier) & table.c.cancelled_at.is_(None) & (table.c.ends_at > at)
    done = await connection.execute(update(table).where(here).values(cancelled_at=at, cancelled_by=by[:120]))
    return done.rowcount == 1

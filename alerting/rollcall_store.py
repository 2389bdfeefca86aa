"""SQL of roll calls: append-only. Takes a connection, never commits, never asks for the time."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import RowMapping, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.field_schema import roll_calls as table
from alerting.rollcall import CONFIRMING, RollAnswer, RollCall

__all__ = ["add", "after", "between", "last_id", "newest_confirming", "newest_since", "of_site"]


def _call(row: RowMapping) -> RollCall:
    return RollCall(**{**row, "answer": RollAnswer(row["answer"])})


async def add(connection: AsyncConnection, call: RollCall) -> int:
    """Insert a call; answers the id that it gets."""
    values = {**asdict(call), "answer": call.answer.value}
    del values["id"]
    made = await connection.execute(insert(table).values(**values))
    return int(made.inserted_primary_key[0]) if made.inserted_primary_key else 0


async def newest_since(connection: AsyncConnection, since: datetime) -> dict[str, RollCall]:
    """Read the newest call of each site that was called since then."""
    newest = select(func.max(table.c.id)).where(table.c.at >= since).group_by(table.c.site)
    rows = (await connection.execute(select(table).where(table.c.id.in_(newest)))).mappings()
    return {row["site"]: _call(row) for row in rows}


async def newest_confirming(connection: AsyncConnection, since: datetime) -> list[RollCall]:
    """Read of the calls since then that confirmed something the newest of each kind, oldest first: what they prove together."""
    is_told = table.c.at >= since, table.c.answer.in_([answer.value for answer in CONFIRMING])
    newest = select(func.max(table.c.id)).where(*is_told).group_by(table.c.site, table.c.path, table.c.answer)
    query = select(table).where(table.c.id.in_(newest)).order_by(table.c.id)
    return [_call(row) for row in (await connection.execute(query)).mappings()]


async def of_site(connection: AsyncConnection, site: str, *, limit: int) -> tuple[RollCall, ...]:
    """Read the calls to one site, newest first."""
    query = select(table).where(table.c.site == site).order_by(table.c.id.desc()).limit(limit)
    return tuple(_call(row) for row in (await connection.execute(query)).mappings())


async def between(connection: AsyncConnection, since: datetime, until: datetime) -> list[RollCall]:
    """Read the calls made from ``since`` until before ``until``, oldest first."""
    query = select(table).where(table.c.at >= since, table.c.at < until).order_by(table.c.at, table.c.id)
    return [_call(row) for row in (await connection.execute(query)).mappings()]


async def last_id(connection: AsyncConnection) -> int:
    """Read the id of the newest call, zero if there is none."""
    return (await connection.execute(select(func.max(table.c.id)))).scalar_one() or 0


async def after(connection: AsyncConnection, identifier: int, *, limit: int) -> Sequence[RollCall]:
    """Read the calls written since the one of that id, oldest first."""
    query = select(table).where(table.c.id > identifier).order_by(table.c.id).limit(limit)
    return [_call(row) for row in (await connection.execute(query)).mappings()]

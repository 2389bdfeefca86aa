"""SQL of outages as they are written: begun, ended, explained, and set back with the clock.

Takes a connection inside a transaction that its service opened, as :mod:`monitor.store` does; commits nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.bulk import execute_rows
from monitor.decisions import ClosedOutage, OpenedOutage
from monitor.schema import outages, unobserved

__all__ = ["explain", "insert_rows", "set_back", "write_outages"]


async def set_back(connection: AsyncConnection, now: datetime, step: timedelta) -> None:
    """Date what is open and began after ``now`` by ``step`` earlier: the clock that dated it was ahead by that."""
    for table, columns in ((outages, ("started_at", "noticed_at")), (unobserved, ("started_at",))):
        is_ahead = table.c.ended_at.is_(None) & (table.c.started_at > now)
        for row in (await connection.execute(select(table).where(is_ahead))).all():
            dates = {name: min(now, getattr(row, name) - step) for name in columns}
            await connection.execute(update(table).where(table.c.id == row.id).values(dates))


async def write_outages(connection: AsyncConnection, events: Sequence[OpenedOutage | ClosedOutage]) -> None:
    """Write runs of one kind at once; a target that comes and goes within a batch breaks a run."""
    opened: list[dict[str, Any]] = []
    closed: list[dict[str, Any]] = []
    for event in events:
        if isinstance(event, ClosedOutage):
            await insert_rows(connection, outages, opened)
            opened = []
            closed.append({"which": event.target, "end": event.ended_at})
        else:
            await _close(connection, closed)
            closed = []
            opened.append(
                {"target": event.target, "started_at": event.started_at, "noticed_at": event.noticed_at}
            )
    await insert_rows(connection, outages, opened)
    await _close(connection, closed)


async def insert_rows(connection: AsyncConnection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, if there are any."""
    await execute_rows(connection, insert(table), table, rows)


async def _close(connection: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    if rows:
        ending = (
            update(outages)
            .where(outages.c.target == bindparam("which"), outages.c.ended_at.is_(None))
            .values(ended_at=bindparam("end"))
        )
        await connection.execute(ending, rows)


async def explain(connection: AsyncConnection, explained: Sequence[tuple[str, tuple[str, ...]]]) -> None:
    """Name the cause of the open outages of some targets."""
    rows = [{"which": target, "why": subject} for subject, targets in explained for target in targets]
    if rows:
        naming = (
            update(outages)
            .where(outages.c.target == bindparam("which"), outages.c.ended_at.is_(None))
            .values(cause=bindparam("why"))
        )
        await connection.execute(naming, rows)

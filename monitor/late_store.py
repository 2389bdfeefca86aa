"""SQL of outages that were over before we heard of them. Takes a connection inside a transaction; never commits."""

from collections.abc import Sequence

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.decisions import Decisions, LateOutage
from monitor.models import StateChange
from monitor.schema import outages
from monitor.store import apply, outages_of

__all__ = ["write"]


async def write(connection: AsyncConnection, decisions: Decisions) -> list[StateChange]:
    """Write what was decided, late outages among it; answers the changes with the ids that they got."""
    await _write_late(connection, decisions.late)
    return await apply(connection, decisions)


async def _write_late(connection: AsyncConnection, late: Sequence[LateOutage]) -> None:
    """Write outages that are over, unless the record knows of one of that target at that time."""
    for each in late:
        if await outages_of(connection, [each.target], each.started_at, each.ended_at):
            continue
        row = {
            "target": each.target,
            "started_at": each.started_at,
            "noticed_at": each.noticed_at,
            "ended_at": each.ended_at,
        }
        await connection.execute(insert(outages), [row])

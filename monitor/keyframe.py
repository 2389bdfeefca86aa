"""What a restart reads, taken out of one database and put into another: the first page of a replay."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from inventory.database import UtcDateTime
from monitor.models import SubjectKind
from monitor.schema import causes, outages, site_verdicts, state_changes, target_states, unobserved, vantages

__all__ = ["keyframe_of", "lay_keyframe"]

_TABLES = (target_states, site_verdicts, causes, vantages, outages, unobserved, state_changes)
_MOST_TURNS = 20_000


async def keyframe_of(connection: AsyncConnection, now: datetime, *, turns: timedelta) -> dict[str, Any]:
    """Read the rows that belief resumes from, by table; ``turns`` is how far back targets' turns matter."""
    wheres = {
        outages.name: outages.c.ended_at.is_(None),
        unobserved.name: unobserved.c.ended_at.is_(None),
        state_changes.name: (state_changes.c.kind == SubjectKind.TARGET)
        & (state_changes.c.at >= now - turns),
    }
    answer = {}
    for table in _TABLES:
        query = select(table).limit(_MOST_TURNS) if table is state_changes else select(table)
        if table.name in wheres:
            query = query.where(wheres[table.name])
        answer[table.name] = [dict(row) for row in (await connection.execute(query)).mappings()]
    return answer


async def lay_keyframe(connection: AsyncConnection, rows: Mapping[str, Any]) -> None:
    """Write the rows of a keyframe, read back from JSON, into empty tables."""
    for table in _TABLES:
        found = [_read(table, row) for row in rows.get(table.name, ())]
        if found:
            await connection.execute(insert(table), found)


def _read(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        column.name: datetime.fromisoformat(row[column.name])
        if isinstance(column.type, UtcDateTime) and row[column.name]
        else row[column.name]
        for column in table.columns
    }

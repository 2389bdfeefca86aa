"""Plays a record again over a database of its own and answers the state changes as lines, as they were stored."""

from sqlalchemy import select

from inventory.database import open_engine, reading
from monitor import schema as monitor_schema
from monitor.models import ChangeReason, StateChange, SubjectKind
from monitor.recording import read_record
from monitor.replaying import Replay, line_of
from tests.support import databases
from tests.support.tables import make_tables

__all__ = ["replayed", "stored_lines"]


async def stored_lines(database):
    """Every stored change, in order, as bytes."""
    async with reading(database) as connection:
        rows = await connection.execute(
            select(monitor_schema.state_changes).order_by(monitor_schema.state_changes.c.id)
        )
        return [line_of(_change(row)) for row in rows]


async def replayed(record, inventory, file, **more):
    """Replay ``record``; answers the replay and its stored changes."""
    database = open_engine(databases.at(file))
    await make_tables(database)
    try:
        replay = Replay(database, inventory, **more)
        await replay.run(read_record(record))
        return replay, await stored_lines(database)
    finally:
        await database.dispose()


def _change(row):
    return StateChange(
        SubjectKind(row.kind),
        row.subject,
        row.old,
        row.new,
        row.at,
        row.noticed_at,
        ChangeReason(row.reason),
        row.evidence,
    )

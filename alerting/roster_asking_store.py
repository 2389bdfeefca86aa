"""SQL of what people were asked about their shifts. Takes a connection, never commits, never asks for the time."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.roster import RosterShift
from alerting.roster_asking import Asked, Step, standing
from alerting.roster_schema import confirmation_requests as table
from inventory.models import Duty

__all__ = ["decline", "mark", "requests"]

_FIELDS = {Step.ASK: "asked_at", Step.REMIND: "reminded_at", Step.TELL: "told_at"}
_NAMES = ("party", "duty", "person", "start", "end")


async def requests(connection: AsyncConnection, *, party: str | None = None) -> dict[object, Asked]:
    """Read everything that was asked, by the shift as it stood."""
    query = select(table)
    if party is not None:
        query = query.where(table.c.party == party)
    rows = (await connection.execute(query)).mappings()
    found = (Asked(**{**row, "duty": Duty(row["duty"])}) for row in rows)
    return {standing(one): one for one in found}


async def mark(connection: AsyncConnection, shift: RosterShift, step: Step, *, at: datetime) -> Asked:
    """Note that a step was taken for ``shift``."""
    return await _note(connection, shift, {_FIELDS[step]: at})


async def decline(connection: AsyncConnection, shift: RosterShift, *, note: str, at: datetime) -> Asked:
    """Note that the person of ``shift`` cannot come; the first word stays."""
    known = (await requests(connection, party=shift.party)).get(standing(shift))
    if known is not None and known.declined_at is not None:
        return known
    return await _note(connection, shift, {"declined_at": at, "note": note[:500]})


async def _note(connection: AsyncConnection, shift: RosterShift, values: dict[str, Any]) -> Asked:
    key = dict(zip(_NAMES, standing(shift), strict=True))
    here = and_(*(table.c[name] == value for name, value in key.items()))
    done = await connection.execute(update(table).where(here).values(**values))
    if not done.rowcount:
        await connection.execute(insert(table).values(**key, **values))
    row = (await connection.execute(select(table).where(here))).mappings().one()
    return Asked(**{**row, "duty": Duty(row["duty"])})

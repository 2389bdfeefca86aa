"""SQL of what was sent of reports. Takes a connection, never commits, never asks for the time."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from dashboards.reports.models import BuildState
from dashboards.reports.schema import report_sendings, reports

__all__ = ["Sending", "add_sendings", "sendings_of", "unsent_slots"]

_c = report_sendings.c


@dataclass(frozen=True, slots=True)
class Sending:
    """One report to one person. ``key`` is the message's in the outbox; ``by`` is empty: the calendar."""

    key: str
    report: int
    person: str
    at: datetime
    by: str


async def sendings_of(connection: AsyncConnection, report: int) -> list[Sending]:
    """Read everything that was sent of a report, newest first."""
    query = select(report_sendings).where(_c.report == report).order_by(_c.at.desc(), _c.key)
    return [Sending(**row) for row in (await connection.execute(query)).mappings()]


async def add_sendings(connection: AsyncConnection, made: Sequence[Sending]) -> None:
    """Write sendings down, but for keys that are known."""
    rows = [asdict(each) for each in made]
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        await connection.execute(postgresql.insert(report_sendings).values(rows).on_conflict_do_nothing())
    elif connection.dialect.name == "sqlite":
        await connection.execute(sqlite.insert(report_sendings).values(rows).on_conflict_do_nothing())
    else:
        await connection.execute(insert(report_sendings).values(rows))


async def unsent_slots(connection: AsyncConnection, *, since: datetime) -> Sequence[int]:
    """Answer the reports that the calendar ordered, built since ``since``, of which nothing was sent."""
    sent = select(_c.key).where(_c.report == reports.c.id)
    query = (
        select(reports.c.id)
        .where(
            reports.c.slot.is_not(None),
            reports.c.state == BuildState.READY.value,
            reports.c.built_at >= since,
            ~sent.exists(),
        )
        .order_by(reports.c.id)
    )
    return (await connection.execute(query)).scalars().all()

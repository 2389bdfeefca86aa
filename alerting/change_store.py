"""SQL of the queue of beliefs: ``state_changes`` rows that nobody has acted on yet. Never commits."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import RowMapping, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.models import ChangeReason, StateChange, SubjectKind
from monitor.schema import state_changes

__all__ = ["mark", "mark_all", "unprocessed"]

_c = state_changes.c


def _change(row: RowMapping) -> StateChange:
    return StateChange(
        id=row["id"],
        kind=SubjectKind(row["kind"]),
        subject=row["subject"],
        old=row["old"],
        new=row["new"],
        at=row["at"],
        noticed_at=row["noticed_at"],
        reason=ChangeReason(row["reason"]),
        evidence=row["evidence"],
    )


async def unprocessed(
    connection: AsyncConnection, *, limit: int, skip: Collection[str] = ()
) -> tuple[Sequence[StateChange], Sequence[int]]:
    """Read the oldest unprocessed causes, and the ids of other unprocessed rows, which concern nobody here.

    Causes of the subjects ``skip`` are passed over.
    """
    waiting = _c.processed_at.is_(None)
    causes = (
        select(state_changes)
        .where(waiting, _c.kind == SubjectKind.CAUSE.value, _c.subject.not_in(skip))
        .order_by(_c.id)
        .limit(limit)
    )
    others = (
        select(_c.id).where(waiting, _c.kind != SubjectKind.CAUSE.value).order_by(_c.id).limit(10 * limit)
    )
    return (
        [_change(row) for row in (await connection.execute(causes)).mappings()],
        list((await connection.execute(others)).scalars()),
    )


async def mark(connection: AsyncConnection, change: int, at: datetime) -> bool:
    """Take one row off the queue; False when somebody else has taken it."""
    changed = await connection.execute(
        update(state_changes).where(_c.id == change, _c.processed_at.is_(None)).values(processed_at=at)
    )
    return changed.rowcount == 1


async def mark_all(connection: AsyncConnection, changes: Collection[int], at: datetime) -> int:
    """Take many rows off the queue; answer how many were still on it."""
    if not changes:
        return 0
    changed = await connection.execute(
        update(state_changes).where(_c.id.in_(changes), _c.processed_at.is_(None)).values(processed_at=at)
    )
    return changed.rowcount

"""SQL of escalation runs: where each ladder stands, and when its next step is due. Never commits."""

from datetime import datetime

from sqlalchemy import RowMapping, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.escalation import Run, steps_from, steps_to
from alerting.schema import escalation_runs

__all__ = ["active_run", "due_runs", "hasten_run", "latest_run", "save_run", "soonest_step"]


def _run(row: RowMapping) -> Run:
    steps, repeat = steps_from(row["steps"])
    return Run(
        incident=row["incident"],
        generation=row["generation"],
        steps=steps,
        repeat=repeat,
        started_at=row["started_at"],
        step=row["step"],
        loop=row["loop"],
        next_at=row["next_at"],
        ended_at=row["ended_at"],
    )


async def latest_run(connection: AsyncConnection, identifier: int) -> Run | None:
    """Read the run of the newest generation of an incident."""
    runs = escalation_runs.c
    query = (
        select(escalation_runs).where(runs.incident == identifier).order_by(runs.generation.desc()).limit(1)
    )
    row = (await connection.execute(query)).mappings().first()
    return _run(row) if row else None


async def active_run(connection: AsyncConnection, identifier: int) -> Run | None:
    """Read the run of an incident that still climbs; only the newest can."""
    run = await latest_run(connection, identifier)
    return run if run is not None and run.ended_at is None else None


async def save_run(connection: AsyncConnection, run: Run) -> None:
    """Insert ``run``, or write where it now stands over what is stored of it."""
    runs = escalation_runs.c
    values = {"step": run.step, "loop": run.loop, "next_at": run.next_at, "ended_at": run.ended_at}
    changed = await connection.execute(
        update(escalation_runs)
        .where(runs.incident == run.incident, runs.generation == run.generation)
        .values(**values)
    )
    if changed.rowcount == 0:
        await connection.execute(
            insert(escalation_runs).values(
                incident=run.incident,
                generation=run.generation,
                steps=steps_to(run),
                started_at=run.started_at,
                **values,
            )
        )


async def hasten_run(
    connection: AsyncConnection, identifier: int, generation: int, *, step: int, at: datetime
) -> bool:
    """Make the step after ``step`` due at ``at``; False when the run has moved on, or ``step`` was the last.

    The last step is never hastened: it repeats by itself, and hastening it would page without a pause.
    """
    run = await active_run(connection, identifier)
    if run is None or run.generation != generation or run.step != step + 1 or run.loop:
        return False
    runs = escalation_runs.c
    await connection.execute(
        update(escalation_runs)
        .where(runs.incident == identifier, runs.generation == generation, runs.ended_at.is_(None))
        .values(next_at=at)
    )
    return True


async def due_runs(connection: AsyncConnection, at: datetime) -> list[int]:
    """Answer the incidents whose escalation is due at ``at``, the longest overdue first."""
    runs = escalation_runs.c
    query = select(runs.incident).where(runs.ended_at.is_(None), runs.next_at <= at).order_by(runs.next_at)
    return list((await connection.execute(query)).scalars())


async def soonest_step(connection: AsyncConnection) -> datetime | None:
    """Answer when the next step of any run is due."""
    runs = escalation_runs.c
    query = select(func.min(runs.next_at)).where(runs.ended_at.is_(None))
    found: datetime | None = (await connection.execute(query)).scalar()
    return found

"""SQL of inspections, findings and files. Takes a connection, never commits, never asks for the time."""

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.field_schema import inspection_files, inspection_findings, inspections
from alerting.inspections import Answer, Finding, Inspection, InspectionState, KeptFile, Result
from inventory.drawn import Draw, drawn_id

__all__ = [
    "add",
    "add_file",
    "add_finding",
    "change",
    "change_finding",
    "finding",
    "inspection",
    "inspections_of",
]

_MOST = 2000


async def inspections_of(
    connection: AsyncConnection, *, since: datetime | None = None, until: datetime | None = None
) -> tuple[Inspection, ...]:
    """Read inspections with all that belongs to them, the latest planned first; within a window of planning."""
    query = (
        select(inspections).order_by(inspections.c.planned_at.desc(), inspections.c.id.desc()).limit(_MOST)
    )
    if since is not None:
        query = query.where(inspections.c.planned_at >= since)
    if until is not None:
        query = query.where(inspections.c.planned_at < until)
    return await _whole(connection, query)


async def inspection(connection: AsyncConnection, identifier: int) -> Inspection | None:
    """Read one inspection."""
    found = await _whole(connection, select(inspections).where(inspections.c.id == identifier))
    return found[0] if found else None


async def _whole(connection: AsyncConnection, query: Any) -> tuple[Inspection, ...]:
    rows = (await connection.execute(query)).mappings().all()
    keys = [row["id"] for row in rows]
    findings: dict[int, list[Finding]] = {key: [] for key in keys}
    files: dict[int, list[KeptFile]] = {key: [] for key in keys}
    if keys:
        here = select(inspection_findings).where(inspection_findings.c.inspection.in_(keys))
        for row in (
            await connection.execute(here.order_by(inspection_findings.c.found_at, inspection_findings.c.id))
        ).mappings():
            findings[row["inspection"]].append(Finding(**row))
        kept = select(inspection_files).where(inspection_files.c.inspection.in_(keys))
        for row in (await connection.execute(kept.order_by(inspection_files.c.added_at))).mappings():
            files[row["inspection"]].append(KeptFile(**row))
    return tuple(_inspection(row, findings[row["id"]], files[row["id"]]) for row in rows)


def _inspection(row: RowMapping, findings: list[Finding], files: list[KeptFile]) -> Inspection:
    answers = {code: Answer(Result(one["result"]), one["remark"]) for code, one in row["answers"].items()}
    return Inspection(
        **{
            **row,
            "inspectors": tuple(row["inspectors"]),
            "hosts": tuple(row["hosts"]),
            "answers": answers,
            "state": InspectionState(row["state"]),
        },
        findings=tuple(findings),
        files=tuple(files),
    )


async def add(connection: AsyncConnection, values: dict[str, Any], *, draw: Draw | None = None) -> int:
    """Insert an inspection; answers its id, which ``draw`` draws (None: counts on)."""
    given = await drawn_id(connection, inspections.c.id, draw)
    made = await connection.execute(insert(inspections).values(**values, **given))
    return int(made.inserted_primary_key[0]) if made.inserted_primary_key else 0


async def change(connection: AsyncConnection, held: Inspection, values: dict[str, Any]) -> bool:
    """Write over an inspection; False when somebody else was faster."""
    here = (inspections.c.id == held.id) & (inspections.c.version == held.version)
    done = await connection.execute(
        update(inspections).where(here).values(**values, version=held.version + 1)
    )
    return done.rowcount == 1


async def add_finding(
    connection: AsyncConnection, values: dict[str, Any], *, draw: Draw | None = None
) -> None:
    """Insert a finding; its owner sees its id, so ``draw`` draws it (None: it counts on)."""
    given = await drawn_id(connection, inspection_findings.c.id, draw)
    await connection.execute(insert(inspection_findings).values(**values, **given))


async def finding(connection: AsyncConnection, identifier: int) -> Finding | None:
    """Read one finding."""
    query = select(inspection_findings).where(inspection_findings.c.id == identifier)
    row = (await connection.execute(query)).mappings().first()
    return Finding(**row) if row else None


async def change_finding(connection: AsyncConnection, identifier: int, values: dict[str, Any]) -> None:
    """Write over a finding."""
    table = inspection_findings
    await connection.execute(update(table).where(table.c.id == identifier).values(**values))


async def add_file(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Note a file, once."""
    table = inspection_files.c
    here = (table.inspection == values["inspection"]) & (table.sha256 == values["sha256"])
    if (await connection.execute(select(table.sha256).where(here))).first() is None:
        await connection.execute(insert(inspection_files).values(**values))

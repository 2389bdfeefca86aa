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
    connection: AsyncConnection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    owner: str | None = None,
) -> tuple[Inspection, ...]:
    """Read inspections with all that belongs to them, the latest planned first; within a window of planning.

    With ``owner`` those that found something of this party's.
    """
    query = (
        select(inspections).order_by(inspections.c.planned_at.desc(), inspections.c.id.desc()).limit(_MOST)
    )
    if since is not None:
        query = query.where(inspections.c.planned_at >= since)
    if until is not None:
        query = query.where(inspections.c.planned_at < until)
    return await _whole(connection, _of(query, owner))


async def inspection(
    connection: AsyncConnection, identifier: int, *, owner: str | None = None
) -> Inspection | None:
    """Read one inspection; with ``owner`` one that found nothing of this party's is as unknown as one that never was."""
    found = await _whole(connection, _of(select(inspections).where(inspections.c.id == identifier), owner))
    return found[0] if found else None


def _of(query: Any, owner: str | None) -> Any:
    if owner is None:
        return query
    mine = select(inspection_findings.c.inspection).where(inspection_findings.c.owner == owner)
    return query.where(inspections.c.id.in_(mine))


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


async def finding(
    connection: AsyncConnection, identifier: int, *, owner: str | None = None
) -> Finding | None:
    """Read one finding, with ``owner`` of this party's alone."""
    query = select(inspection_findings).where(inspection_findings.c.id == identifier)
    if owner is not None:
        query = query.where(inspection_findings.c.owner == owner)
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

"""SQL of reports. Takes a connection, never commits, never asks for the time; ``scope`` is part of every query."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.schema import incidents
from dashboards.i18n import Language
from dashboards.reports.models import BuildState, Report, ReportFile, ReportText, fields_of
from dashboards.reports.order import Kind, Stage
from dashboards.reports.schema import report_files, report_texts, reports
from inventory.drawn import Draw, drawn_id

__all__ = [
    "add_report",
    "by_hash",
    "change_report",
    "content_of",
    "edit_text",
    "frozen_reports",
    "incident_exists",
    "is_slot_taken",
    "last_seal",
    "next_queued",
    "put_drafts",
    "put_files",
    "report",
    "report_pages",
]

_c = reports.c


async def add_report(
    connection: AsyncConnection, values: Mapping[str, Any], *, draw: Draw | None = None
) -> int:
    """Write an order down; answers its id, by ``draw`` if given, else as the database counts."""
    given = await drawn_id(connection, _c.id, draw)
    done = await connection.execute(insert(reports).values(**given, **values).returning(_c.id))
    identifier: int = done.scalar_one()
    return identifier


async def report(connection: AsyncConnection, identifier: int, *, scope: str | None = None) -> Report | None:
    """Read one report with its files and texts; with ``scope`` only one that was made for that party."""
    query = select(reports).where(_c.id == identifier)
    if scope is not None:
        query = query.where(_c.party == scope)
    row = (await connection.execute(query)).first()
    return None if row is None else await _whole(connection, row)


async def report_pages(
    connection: AsyncConnection, *, scope: str | None, limit: int, offset: int = 0
) -> list[Report]:
    """Read reports, newest first."""
    query = select(reports).order_by(_c.ordered_at.desc(), _c.id.desc()).limit(limit).offset(offset)
    if scope is not None:
        query = query.where(_c.party == scope)
    return [await _whole(connection, row) for row in (await connection.execute(query)).all()]


async def next_queued(connection: AsyncConnection) -> int | None:
    """Answer the report that has waited longest to be built."""
    query = select(_c.id).where(_c.state == BuildState.QUEUED).order_by(_c.ordered_at, _c.id).limit(1)
    found: int | None = (await connection.execute(query)).scalar()
    return found


async def is_slot_taken(connection: AsyncConnection, slot: str) -> bool:
    """Answer whether a slot's report was ordered."""
    return (await connection.execute(select(_c.id).where(_c.slot == slot))).first() is not None


async def change_report(connection: AsyncConnection, identifier: int, **values: Any) -> bool:
    """Change a report that is not frozen; False where there is none such."""
    query = update(reports).where(_c.id == identifier, _c.frozen_at.is_(None)).values(**values)
    return (await connection.execute(query)).rowcount == 1


async def put_files(
    connection: AsyncConnection, identifier: int, files: Mapping[str, tuple[str, bytes]]
) -> None:
    """Replace a report's files: format to SHA-256 and content."""
    await connection.execute(delete(report_files).where(report_files.c.report == identifier))
    rows = [
        {"report": identifier, "format": name, "sha256": digest, "size": len(content), "content": content}
        for name, (digest, content) in files.items()
    ]
    if rows:
        await connection.execute(insert(report_files), rows)


async def put_drafts(connection: AsyncConnection, identifier: int, drafts: Mapping[str, str]) -> None:
    """Renew the drafts; what somebody wrote stays."""
    known = (
        (await connection.execute(select(report_texts.c.section).where(report_texts.c.report == identifier)))
        .scalars()
        .all()
    )
    for section, draft in drafts.items():
        if section in known:
            own = (report_texts.c.report == identifier) & (report_texts.c.section == section)
            await connection.execute(update(report_texts).where(own).values(draft=draft))
        else:
            await connection.execute(
                insert(report_texts).values(report=identifier, section=section, draft=draft)
            )


async def edit_text(
    connection: AsyncConnection, identifier: int, section: str, text: str | None, *, at: datetime, by: str
) -> bool:
    """Write a section's text (None: back to the draft); False where the report has no such section."""
    own = (report_texts.c.report == identifier) & (report_texts.c.section == section)
    done = await connection.execute(
        update(report_texts).where(own).values(text=text, edited_at=at, edited_by=by)
    )
    return done.rowcount == 1


async def content_of(connection: AsyncConnection, identifier: int, form: str) -> bytes | None:
    """Read one file."""
    query = select(report_files.c.content).where(
        report_files.c.report == identifier, report_files.c.format == form
    )
    found: bytes | None = (await connection.execute(query)).scalar()
    return found


async def by_hash(connection: AsyncConnection, digest: str) -> tuple[int, str] | None:
    """Answer the report and format of a file by its SHA-256; a frozen one before any other."""
    query = (
        select(report_files.c.report, report_files.c.format)
        .join(reports, _c.id == report_files.c.report)
        .where(report_files.c.sha256 == digest)
        .order_by(_c.frozen_at.is_(None), _c.id)
        .limit(1)
    )
    row = (await connection.execute(query)).first()
    return (row[0], row[1]) if row else None


async def incident_exists(connection: AsyncConnection, number: str, *, scope: str | None) -> bool:
    """Answer whether an incident with this number is there, not restricted, and in scope."""
    query = select(incidents.c.id).where(incidents.c.number == number, incidents.c.restricted.is_(False))
    if scope is not None:
        query = query.where(incidents.c.owner == scope)
    return (await connection.execute(query)).first() is not None


async def frozen_reports(connection: AsyncConnection) -> list[Report]:
    """Read every frozen report, in the order of freezing."""
    query = select(reports).where(_c.frozen_at.is_not(None)).order_by(_c.frozen_at, _c.id)
    return [await _whole(connection, row) for row in (await connection.execute(query)).all()]


async def last_seal(connection: AsyncConnection) -> str:
    """Answer the newest seal; empty before the first."""
    query = select(_c.seal).where(_c.frozen_at.is_not(None)).order_by(_c.frozen_at.desc(), _c.id.desc())
    return (await connection.execute(query.limit(1))).scalar() or ""


async def _whole(connection: AsyncConnection, row: Row[Any]) -> Report:
    files = await connection.execute(
        select(report_files.c.format, report_files.c.sha256, report_files.c.size)
        .where(report_files.c.report == row.id)
        .order_by(report_files.c.format)
    )
    texts = await connection.execute(
        select(report_texts).where(report_texts.c.report == row.id).order_by(report_texts.c.section)
    )
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return Report(
        **{
            **values,
            "kind": Kind(row.kind),
            "stage": Stage(row.stage),
            "language": Language(row.language),
            "state": BuildState(row.state),
            "fields": fields_of(row.fields),
        },
        files=tuple(ReportFile(*each) for each in files),
        texts=tuple(
            ReportText(each.section, each.draft, each.text, each.edited_at, each.edited_by) for each in texts
        ),
    )

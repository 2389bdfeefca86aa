"""SQL of belief: how decisions are written, and what pages, alerting and a restart read back.

Every function takes a connection inside a transaction that its service opened; nothing here commits or asks for the
time. Rows are upserted in the dialect of the engine (SQLite and PostgreSQL share the words).
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Column, Row, Table, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.bulk import execute_rows
from monitor.decisions import (
    CauseRow,
    Decisions,
    TargetRow,
    UnobservedRow,
    VantageRow,
)
from monitor.flapping import is_turn
from monitor.models import ChangeReason, Outage, State, StateChange, SubjectKind, Unobserved
from monitor.outage_store import explain, insert_rows, set_back, write_outages
from monitor.schema import causes, outages, site_verdicts, state_changes, target_states, unobserved, vantages

__all__ = [
    "apply",
    "changes_of",
    "heartbeat",
    "live_causes",
    "open_outages",
    "open_unobserved",
    "outage_pages",
    "outages_of",
    "recent_changes",
    "site_verdict_rows",
    "target_rows",
    "turns_since",
    "unobserved_between",
    "upsert",
    "vantage_rows",
]

_AT_ONCE = 500
_TURNS_AMONG = 20_000


async def apply(connection: AsyncConnection, decisions: Decisions) -> list[StateChange]:
    """Write what was decided; answers the changes with the ids that they got.

    Only CAUSE rows are queued: nobody waits for the others, so they are written as processed.
    """
    if decisions.set_back is not None:
        await set_back(connection, *decisions.set_back)
    await write_outages(connection, decisions.outages)
    await explain(connection, decisions.explained)
    await _forget(connection, target_states.c.target, decisions.forgotten)
    await _forget(connection, target_states.c.vantage, decisions.departed)
    await upsert(connection, target_states, [_target_values(row) for row in decisions.targets.values()])
    verdicts = [{"site": s, "verdict": v, "since": at} for s, (v, at) in decisions.verdicts.items()]
    await upsert(connection, site_verdicts, verdicts)
    await _write_causes(connection, decisions)
    await _write_unobserved(connection, decisions)
    await heartbeat(connection, list(decisions.vantages.values()))
    return await _write_changes(connection, decisions.changes)


async def heartbeat(connection: AsyncConnection, rows: Sequence[VantageRow]) -> None:
    """Note the last batch taken from each vantage and when."""
    values = [{"code": r.code, "epoch": r.epoch, "sequence": r.sequence, "seen_at": r.seen_at} for r in rows]
    await upsert(connection, vantages, values)


async def upsert(connection: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, or replace those with the same primary key."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    replaced = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
    replacing = statement.on_conflict_do_update(index_elements=keys, set_=replaced)
    await execute_rows(connection, replacing, table, rows)


async def recent_changes(
    connection: AsyncConnection,
    *,
    limit: int,
    kinds: Sequence[SubjectKind] | None = None,
    before_id: int | None = None,
) -> list[StateChange]:
    """Answer the newest changes first; ``before_id`` goes on where a page ended."""
    newest = select(state_changes).order_by(state_changes.c.id.desc()).limit(limit)
    if before_id is not None:
        newest = newest.where(state_changes.c.id < before_id)
    if kinds is None:
        return [_change(row) for row in await connection.execute(newest)]
    # Kind by kind, each from its index; asked for several at once, SQLite sorts every row of all of them.
    found = [
        _change(row)
        for kind in dict.fromkeys(kinds)
        for row in await connection.execute(newest.where(state_changes.c.kind == kind))
    ]
    return sorted(found, key=lambda change: change.id, reverse=True)[:limit]


async def changes_of(
    connection: AsyncConnection, kind: SubjectKind, subject: str, since: datetime, until: datetime
) -> list[StateChange]:
    """Answer the changes of one subject from ``since`` to before ``until``, oldest first."""
    query = (
        select(state_changes)
        .where(
            state_changes.c.kind == kind,
            state_changes.c.subject == subject,
            state_changes.c.at >= since,
            state_changes.c.at < until,
        )
        .order_by(state_changes.c.at, state_changes.c.id)
    )
    return [_change(row) for row in await connection.execute(query)]


async def outages_of(
    connection: AsyncConnection, targets: Sequence[str], since: datetime, until: datetime
) -> list[Outage]:
    """Answer outages of ``targets`` that overlap the time from ``since`` to ``until``, oldest first."""
    found: list[Outage] = []
    asked = iter(targets)
    while some := list(islice(asked, _AT_ONCE)):
        query = select(outages).where(
            outages.c.target.in_(some),
            outages.c.started_at < until,
            outages.c.ended_at.is_(None) | (outages.c.ended_at > since),
        )
        found.extend(_outage(row) for row in await connection.execute(query))
    return sorted(found, key=lambda outage: (outage.started_at, outage.id))


async def open_outages(connection: AsyncConnection) -> list[Outage]:
    """Answer every outage that has not ended, oldest first."""
    query = select(outages).where(outages.c.ended_at.is_(None)).order_by(outages.c.started_at, outages.c.id)
    return [_outage(row) for row in await connection.execute(query)]


async def outage_pages(
    connection: AsyncConnection, *, limit: int, before_id: int | None = None, is_open: bool | None = None
) -> list[Outage]:
    """Answer outages, newest first; ``before_id`` goes on where a page ended."""
    query = select(outages).order_by(outages.c.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(outages.c.id < before_id)
    if is_open is not None:
        query = query.where(outages.c.ended_at.is_(None) if is_open else outages.c.ended_at.is_not(None))
    return [_outage(row) for row in await connection.execute(query)]


async def unobserved_between(
    connection: AsyncConnection, since: datetime, until: datetime
) -> list[Unobserved]:
    """Answer unobserved time of all vantages that overlaps ``since`` to ``until``, oldest first."""
    query = (
        select(unobserved)
        .where(
            unobserved.c.started_at < until,
            unobserved.c.ended_at.is_(None) | (unobserved.c.ended_at > since),
        )
        .order_by(unobserved.c.started_at, unobserved.c.id)
    )
    rows = await connection.execute(query)
    return [Unobserved(row.vantage, row.started_at, row.ended_at, row.reason) for row in rows]


async def open_unobserved(connection: AsyncConnection) -> list[UnobservedRow]:
    """Answer unobserved time that has not ended."""
    rows = await connection.execute(select(unobserved).where(unobserved.c.ended_at.is_(None)))
    return [UnobservedRow(row.vantage, row.started_at, None, row.reason) for row in rows]


async def target_rows(connection: AsyncConnection) -> list[TargetRow]:
    """Answer every stored view."""
    names = (
        "target",
        "vantage",
        "view",
        "since",
        "last_result_at",
        "last_ok_at",
        "evidence",
        "evidence_at",
        "armed_at",
    )
    query = select(*(target_states.c[name] for name in names))
    return [TargetRow(*row) for row in await connection.execute(query)]


async def turns_since(connection: AsyncConnection, since: datetime) -> list[tuple[str, datetime]]:
    """Answer when targets turned between carrying and not, oldest first; of the newest rows only, whatever the table."""
    newest = (await connection.execute(select(func.max(state_changes.c.id)))).scalar_one() or 0
    query = (
        select(state_changes.c.subject, state_changes.c.at, state_changes.c.old, state_changes.c.new)
        .where(state_changes.c.id > newest - _TURNS_AMONG, state_changes.c.kind == SubjectKind.TARGET)
        .where(state_changes.c.at >= since)
        .order_by(state_changes.c.id)
    )
    rows = await connection.execute(query)
    return [(row.subject, row.at) for row in rows if is_turn(State(row.old), State(row.new))]


async def site_verdict_rows(connection: AsyncConnection) -> dict[str, tuple[str, datetime]]:
    """Answer every stored verdict and since when, by site."""
    rows = await connection.execute(select(site_verdicts))
    return {row.site: (row.verdict, row.since) for row in rows}


async def live_causes(connection: AsyncConnection) -> list[CauseRow]:
    """Answer the causes that were live when the last transaction committed."""
    rows = await connection.execute(select(causes).order_by(causes.c.since, causes.c.subject))
    return [
        CauseRow(row.subject, row.owner, row.since, row.noticed_at, row.targets, row.told, row.absorbed_by)
        for row in rows
    ]


async def vantage_rows(connection: AsyncConnection) -> list[VantageRow]:
    """Answer the last batch taken from every vantage."""
    rows = await connection.execute(select(vantages))
    return [VantageRow(row.code, row.epoch, row.sequence, row.seen_at) for row in rows]


async def _forget(connection: AsyncConnection, column: Column[str], codes: Sequence[str]) -> None:
    left = iter(codes)
    while some := list(islice(left, _AT_ONCE)):
        await connection.execute(delete(column.table).where(column.in_(some)))


async def _write_causes(connection: AsyncConnection, decisions: Decisions) -> None:
    over = [subject for subject, row in decisions.causes.items() if row is None]
    await _forget(connection, causes.c.subject, over)
    live = [
        {
            "subject": row.subject,
            "owner": row.owner,
            "since": row.since,
            "noticed_at": row.noticed_at,
            "targets": dict(row.targets),
            "told": row.told,
            "absorbed_by": row.absorbed_by,
        }
        for row in decisions.causes.values()
        if row is not None
    ]
    await upsert(connection, causes, live)


async def _write_unobserved(connection: AsyncConnection, decisions: Decisions) -> None:
    for vantage, reason, ended_at in decisions.released:
        await connection.execute(
            update(unobserved)
            .where(
                unobserved.c.vantage == vantage,
                unobserved.c.reason == reason,
                unobserved.c.ended_at.is_(None),
            )
            .values(ended_at=ended_at)
        )
    rows = [
        {"vantage": r.vantage, "started_at": r.started_at, "ended_at": r.ended_at, "reason": r.reason}
        for r in decisions.unobserved
    ]
    await insert_rows(connection, unobserved, rows)


async def _write_changes(connection: AsyncConnection, changes: Sequence[StateChange]) -> list[StateChange]:
    if not changes:
        return []
    rows = [
        {
            "kind": change.kind,
            "subject": change.subject,
            "old": change.old,
            "new": change.new,
            "at": change.at,
            "noticed_at": change.noticed_at,
            "reason": change.reason,
            "evidence": dict(change.evidence),
            "processed_at": None if change.kind is SubjectKind.CAUSE else change.noticed_at,
        }
        for change in changes
    ]
    ids = await _insert_changes(connection, rows)
    return [
        StateChange(c.kind, c.subject, c.old, c.new, c.at, c.noticed_at, c.reason, c.evidence, number)
        for c, number in zip(changes, ids, strict=True)
    ]


async def _insert_changes(connection: AsyncConnection, rows: list[dict[str, Any]]) -> Sequence[int]:
    """Insert rows in order; answers their ids."""
    if connection.dialect.name == "postgresql":
        statement = insert(state_changes).returning(state_changes.c.id, sort_by_parameter_order=True)
        ids: Sequence[int] = (await connection.execute(statement, rows)).scalars().all()
        return ids
    # SQLite can answer ids in order one row at a time only; but nobody else writes inside this transaction, so the
    # ids of rows that are inserted together are the last ones, without a gap.
    await execute_rows(connection, insert(state_changes), state_changes, rows)
    last: int = (await connection.execute(select(func.max(state_changes.c.id)))).scalar_one()
    return range(last - len(rows) + 1, last + 1)


def _target_values(row: TargetRow) -> dict[str, Any]:
    return {
        "target": row.target,
        "vantage": row.vantage,
        "view": row.view,
        "since": row.since,
        "last_result_at": row.last_result_at,
        "last_ok_at": row.last_ok_at,
        "evidence": row.evidence,
        "evidence_at": row.evidence_at,
        "armed_at": row.armed_at,
    }


def _change(row: Row[Any]) -> StateChange:
    return StateChange(
        kind=SubjectKind(row.kind),
        subject=row.subject,
        old=row.old,
        new=row.new,
        at=row.at,
        noticed_at=row.noticed_at,
        reason=ChangeReason(row.reason),
        evidence=row.evidence,
        id=row.id,
    )


def _outage(row: Row[Any]) -> Outage:
    return Outage(row.id, row.target, row.started_at, row.noticed_at, row.ended_at, row.cause)

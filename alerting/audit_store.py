"""SQL of the auditor: what of the promises of acting does not hold in the database. Never commits, never writes."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.models import LIVE, DeliveryState, IncidentEvent, IncidentState, MessageKind
from alerting.planned import quiet_until
from alerting.schema import escalation_runs, incidents, ledger, outbox

__all__ = ["calls_without_pages", "overdue", "stuck", "without_deadline", "without_run"]

_i, _o, _r = incidents.c, outbox.c, escalation_runs.c
_live = _i.state.in_([state.value for state in LIVE])
_MOST = 200


async def overdue(connection: AsyncConnection, before: datetime) -> Sequence[int]:
    """Answer the live incidents whose deadline passed before ``before`` without anything having happened."""
    query = select(_i.id).where(_live, _i.deadline_at < before).order_by(_i.id).limit(_MOST)
    return (await connection.execute(query)).scalars().all()


async def without_deadline(connection: AsyncConnection) -> Sequence[int]:
    """Answer the live incidents that no clock runs for."""
    query = select(_i.id).where(_live, _i.deadline_at.is_(None)).order_by(_i.id).limit(_MOST)
    return (await connection.execute(query)).scalars().all()


async def without_run(connection: AsyncConnection, at: datetime) -> Sequence[int]:
    """Answer the open incidents that no ladder climbs for in their generation, but those that planned work keeps quiet."""
    climbs = select(_r.incident).where(
        _r.incident == _i.id, _r.generation == _i.generation, _r.ended_at.is_(None)
    )
    query = select(_i.id, _i.facts).where(_i.state == IncidentState.OPEN.value, ~climbs.exists())
    rows = (await connection.execute(query.order_by(_i.id).limit(_MOST))).all()
    return [row.id for row in rows if quiet_until(row.facts, at) is None]


async def stuck(connection: AsyncConnection, before: datetime) -> Sequence[str]:
    """Answer the keys of messages that should have been taken up before ``before`` and were not."""
    waiting = and_(_o.state == DeliveryState.PENDING.value, _o.not_before < before)
    abandoned = and_(_o.state == DeliveryState.LEASED.value, _o.leased_until < before)
    told = _o.kind != MessageKind.EVENT.value  # a machine that is down is its party's matter
    query = select(_o.key).where(told, or_(waiting, abandoned)).order_by(_o.id).limit(_MOST)
    return (await connection.execute(query)).scalars().all()


async def calls_without_pages(connection: AsyncConnection, since: datetime) -> Sequence[tuple[int, int, int]]:
    """Answer (incident, sequence, place of the call) of calls in the ledger since ``since`` that have no page."""
    entries = await connection.execute(
        select(ledger.c.incident, ledger.c.sequence, ledger.c.details).where(
            ledger.c.at >= since, ledger.c.event == IncidentEvent.ESCALATED.value
        )
    )
    lost = []
    for incident, sequence, details in entries.all():
        for place, call in enumerate(details.get("calls", ())):
            generation = details.get("generation", 0)
            stem = f"{incident}:{generation}:{call['step']}:{call['loop']}:{call['person']}."
            there = select(func.count()).where(
                _o.incident == incident, _o.key.startswith(stem, autoescape=True)
            )
            if (await connection.execute(there)).scalar_one() == 0:
                lost.append((incident, sequence, place))
    return lost

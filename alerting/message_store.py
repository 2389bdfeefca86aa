"""SQL of the outbox. Every step of a message's life is a conditional UPDATE whose row count says who did it.

A worker *claims* a message: its ``fence`` goes up by one and a lease begins. Whatever the worker writes later
is written only where the fence is still its own, so a worker that overslept its lease changes nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, and_, case, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.budget import GRAVEST
from alerting.models import DeliveryState, Message, MessageKind
from alerting.schema import outbox
from inventory.models import ContactChannel

__all__ = [
    "add_messages",
    "carried",
    "claim",
    "events_for",
    "finish",
    "has_withdrawn",
    "hold",
    "is_held",
    "left_like",
    "mark_started",
    "message",
    "messages_by_key",
    "messages_of",
    "named",
    "next_due",
    "oldest_waiting",
    "ready",
    "receive",
    "step_has_failed",
    "waiting_like",
    "withdraw",
]

_c = outbox.c
_severity = _c.body["severity"].as_string()
_FIELDS = tuple(column.name for column in outbox.columns if column.name != "leased_until")


def _message(row: RowMapping) -> Message:
    values = {name: row[name] for name in _FIELDS}
    return Message(
        **{
            **values,
            "incident": values["incident"] or 0,
            "kind": MessageKind(values["kind"]),
            "channel": ContactChannel(values["channel"]),
            "state": DeliveryState(values["state"]),
        }
    )


async def add_messages(connection: AsyncConnection, messages: Sequence[Message]) -> int:
    """Insert ``messages`` (their ids are ignored) unless their keys are known; answer how many were new."""
    rows = [
        {**{name: getattr(one, name) for name in _FIELDS if name != "id"}, "incident": one.incident or None}
        for one in messages
    ]
    if not rows:
        return 0
    if connection.dialect.name == "postgresql":
        added = await connection.execute(postgresql.insert(outbox).values(rows).on_conflict_do_nothing())
    elif connection.dialect.name == "sqlite":
        added = await connection.execute(sqlite.insert(outbox).values(rows).on_conflict_do_nothing())
    else:
        added = await connection.execute(insert(outbox).values(rows))
    return added.rowcount


async def message(connection: AsyncConnection, identifier: int) -> Message | None:
    """Read one message."""
    row = (await connection.execute(select(outbox).where(_c.id == identifier))).mappings().first()
    return _message(row) if row else None


async def messages_of(connection: AsyncConnection, incident: int) -> list[Message]:
    """Read everything that was decided to be sent to people about an incident, in order of decision."""
    query = select(outbox).where(_c.incident == incident, _c.kind != MessageKind.EVENT.value).order_by(_c.id)
    return [_message(row) for row in (await connection.execute(query)).mappings()]


async def messages_by_key(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Message]:
    """Read messages by their keys."""
    rows = (await connection.execute(select(outbox).where(_c.key.in_(keys)))).mappings()
    return {row["key"]: _message(row) for row in rows}


async def withdraw(connection: AsyncConnection, incident: int) -> int:
    """Withdraw the pages of ``incident`` that no worker holds; one that is held is looked at again before it is sent.

    Pages for a leader's word (``~`` in their key) stay: it is waited for whoever holds the incident.
    """
    changed = await connection.execute(
        update(outbox)
        .where(
            _c.incident == incident,
            _c.kind == MessageKind.PAGE.value,
            _c.state == DeliveryState.PENDING.value,
            _c.key.not_like("%:~%"),
        )
        .values(state=DeliveryState.WITHDRAWN.value)
    )
    return changed.rowcount


async def has_withdrawn(connection: AsyncConnection, incident: int, generation: int) -> bool:
    """Answer whether a page that a generation decided was withdrawn before it left."""
    query = select(_c.id).where(
        _c.incident == incident,
        _c.generation == generation,
        _c.kind == MessageKind.PAGE.value,
        _c.state == DeliveryState.WITHDRAWN.value,
    )
    return (await connection.execute(query)).first() is not None


def _claimable(at: datetime) -> Any:
    waiting = and_(_c.state == DeliveryState.PENDING.value, _c.not_before <= at)
    abandoned = and_(_c.state == DeliveryState.LEASED.value, _c.leased_until <= at)
    return or_(waiting, abandoned)


async def ready(
    connection: AsyncConnection, channel: ContactChannel, at: datetime, *, limit: int
) -> list[Message]:
    """Read what may be claimed for ``channel`` at ``at``: due and free, or held by a worker whose lease is over."""
    # Pages before notices: what must be answered never waits behind what informs. The gravest before all: a storm
    # of lesser pages never keeps one from leaving.
    gravest_first = case((_severity == GRAVEST.value, 0), else_=1)
    query = (
        select(outbox)
        .where(_c.channel == channel.value, _claimable(at), *_in_turn(channel))
        .order_by(_c.kind.desc(), gravest_first, _c.not_before, _c.id)
        .limit(limit)
    )
    found = [_message(row) for row in (await connection.execute(query)).mappings()]
    if channel is not ContactChannel.EVENT:
        return found
    return list({one.person: one for one in reversed(found)}.values())[::-1]


def _in_turn(channel: ContactChannel) -> tuple[Any, ...]:
    """Leave out the events whose turn has not come: an earlier one of their incident waits, or of their receiver leaves.

    So a receiver hears of each incident in order, and one that does not answer takes one attempt at a time.
    """
    if channel is not ContactChannel.EVENT:
        return ()
    earlier = outbox.alias("earlier")
    same = and_(earlier.c.state == DeliveryState.PENDING.value, earlier.c.incident == _c.incident)
    ahead = exists().where(
        earlier.c.channel == channel.value,
        earlier.c.person == _c.person,
        earlier.c.id < _c.id,
        or_(same, earlier.c.state == DeliveryState.LEASED.value),
    )
    return (~ahead,)


async def events_for(connection: AsyncConnection, receivers: Sequence[str], *, limit: int) -> list[Message]:
    """Read the newest events for ``receivers``, the newest first."""
    query = (
        select(outbox)
        .where(_c.channel == ContactChannel.EVENT.value, _c.person.in_(receivers))
        .order_by(_c.id.desc())
        .limit(limit)
    )
    return [_message(row) for row in (await connection.execute(query)).mappings()]


def _like(page: Message) -> Any:
    """Select the pages that may share a message with ``page`` (:func:`alerting.budget.is_mergeable`)."""
    return and_(
        _c.address == page.address,
        _c.channel == page.channel.value,
        _c.person == page.person,
        _c.kind == MessageKind.PAGE.value,
        _c.body["what"].as_string() == "page",
        _severity != GRAVEST.value,
    )


async def waiting_like(
    connection: AsyncConnection, page: Message, at: datetime, *, limit: int
) -> list[Message]:
    """Read the claimable pages that may share a message with ``page``, itself among them, the oldest first."""
    query = select(outbox).where(_like(page), _claimable(at)).order_by(_c.id).limit(limit)
    return [_message(row) for row in (await connection.execute(query)).mappings()]


async def left_like(
    connection: AsyncConnection, page: Message, at: datetime, *, since: datetime
) -> list[datetime]:
    """Answer when messages left the reader of ``page`` after ``since``; one that is being sent counts as leaving now."""
    leaving = and_(_c.state == DeliveryState.LEASED.value, _c.leased_until > at)
    query = select(_c.sent_at).where(_like(page), _c.carried_by.is_(None), or_(_c.sent_at > since, leaving))
    return [moment or at for moment in (await connection.execute(query)).scalars()]


async def hold(
    connection: AsyncConnection, pages: Sequence[Message], at: datetime, *, until: datetime
) -> None:
    """Let ``pages`` wait until ``until``, those that are still free."""
    await connection.execute(
        update(outbox)
        .where(_c.id.in_([page.id for page in pages]), _claimable(at))
        .values(state=DeliveryState.PENDING.value, leased_until=None, not_before=until)
    )


async def carried(connection: AsyncConnection, carrier: int) -> list[Message]:
    """Read the pages that left with the message ``carrier``."""
    query = select(outbox).where(_c.carried_by == carrier).order_by(_c.id)
    return [_message(row) for row in (await connection.execute(query)).mappings()]


async def claim(
    connection: AsyncConnection,
    seen: Message,
    at: datetime,
    *,
    until: datetime,
    carried_by: int | None = None,
) -> bool:
    """Take ``seen`` until ``until``, to leave with ``carried_by``; False when another worker was faster."""
    changed = await connection.execute(
        update(outbox)
        .where(_c.id == seen.id, _c.fence == seen.fence, _claimable(at))
        .values(
            state=DeliveryState.LEASED.value,
            fence=seen.fence + 1,
            attempts=seen.attempts + 1,
            leased_until=until,
            carried_by=carried_by,
        )
    )
    return changed.rowcount == 1


async def is_held(connection: AsyncConnection, held: Message, at: datetime) -> bool:
    """Answer whether the lease under which ``held`` was claimed still runs at ``at``."""
    query = select(_c.id).where(
        _c.id == held.id,
        _c.fence == held.fence,
        _c.state == DeliveryState.LEASED.value,
        _c.leased_until > at,
    )
    return (await connection.execute(query)).first() is not None


async def mark_started(connection: AsyncConnection, held: Message, at: datetime) -> bool:
    """Note that sending ``held`` begins now; a notice that is found so later is not sent again."""
    changed = await connection.execute(
        update(outbox)
        .where(_c.id == held.id, _c.fence == held.fence, _c.state == DeliveryState.LEASED.value)
        .values(sent_at=at)
    )
    return changed.rowcount == 1


async def finish(connection: AsyncConnection, held: Message, state: DeliveryState, **values: Any) -> bool:
    """Write the outcome of an attempt; False when the lease was lost and another worker has the message."""
    if state in (DeliveryState.PENDING, DeliveryState.WITHDRAWN):
        # It was not carried after all; what it leaves with is decided anew.
        values["carried_by"] = None
    changed = await connection.execute(
        update(outbox)
        .where(_c.id == held.id, _c.fence == held.fence, _c.state == DeliveryState.LEASED.value)
        .values(state=state.value, leased_until=None, **values)
    )
    return changed.rowcount == 1


async def named(connection: AsyncConnection, *, key: str, reference: str) -> Message | None:
    """Read the message that a gateway speaks of, by our key or by the gateway's reference (the newest of that name)."""
    if not key and not reference:
        return None
    here = _c.key == key if key else _c.reference == reference
    query = select(outbox).where(here).order_by(_c.id.desc()).limit(1)
    row = (await connection.execute(query)).mappings().first()
    return _message(row) if row else None


async def receive(
    connection: AsyncConnection, identifier: int, *, delivered: bool, reason: str, at: datetime
) -> bool:
    """Move a message that has left (or is leaving) to its end; False when it is there already."""
    # A receipt can overtake the outcome of the attempt that it speaks of: that outcome then finds the lease gone.
    under_way = (DeliveryState.LEASED.value, DeliveryState.SENT.value)
    values = (
        {"state": DeliveryState.DELIVERED.value, "delivered_at": at, "error": ""}
        if delivered
        else {"state": DeliveryState.FAILED.value, "error": reason}
    )
    changed = await connection.execute(
        update(outbox).where(_c.id == identifier, _c.state.in_(under_way)).values(leased_until=None, **values)
    )
    return changed.rowcount == 1


async def step_has_failed(connection: AsyncConnection, incident: int, prefix: str, *, attempts: int) -> bool:
    """Answer whether every page whose key begins with ``prefix`` has failed, for good or more than ``attempts`` times."""
    query = select(_c.state, _c.attempts).where(
        _c.incident == incident,
        _c.kind == MessageKind.PAGE.value,
        _c.key.startswith(prefix, autoescape=True),
    )
    pages = (await connection.execute(query)).all()
    return all(
        page.state == DeliveryState.FAILED.value
        or (page.state == DeliveryState.PENDING.value and page.attempts > attempts)
        for page in pages
    )


async def oldest_waiting(connection: AsyncConnection, at: datetime) -> datetime | None:
    """Answer since when the oldest page or notice that should have left by ``at`` has waited."""
    query = select(func.min(_c.created_at)).where(
        _c.kind != MessageKind.EVENT.value,
        _c.state.in_((DeliveryState.PENDING.value, DeliveryState.LEASED.value)),
        _c.not_before <= at,
    )
    found: datetime | None = (await connection.execute(query)).scalar()
    return found


async def next_due(connection: AsyncConnection, channel: ContactChannel) -> datetime | None:
    """Answer when the next message of ``channel`` becomes claimable."""
    waiting = select(func.min(_c.not_before)).where(
        _c.channel == channel.value, _c.state == DeliveryState.PENDING.value, *_in_turn(channel)
    )
    abandoned = select(func.min(_c.leased_until)).where(
        _c.channel == channel.value, _c.state == DeliveryState.LEASED.value
    )
    found = [(await connection.execute(query)).scalar() for query in (waiting, abandoned)]
    return min((moment for moment in found if moment is not None), default=None)

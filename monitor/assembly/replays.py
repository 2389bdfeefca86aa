"""Replays put together: belief and acting over a scratch database that goes away, and what came of it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import event as sql_event
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.models import Incident, Message, MessageKind
from alerting.service import AlertingService
from alerting.store import incidents as read_incidents
from alerting.store import messages_of
from inventory.database import metadata, open_engine, reading, transaction
from inventory.models import Inventory
from monitor import schema as monitor_tables
from monitor.models import ChangeReason, StateChange, SubjectKind
from monitor.moments import nanoseconds
from monitor.recording import Event
from monitor.replaying import Replay, line_of

__all__ = ["Outcome", "from_changes", "from_record"]

_MOST_INCIDENTS = 10_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay came to: changes as canonical lines, incidents by opening, messages by time."""

    zone: ZoneInfo
    events: int
    looks: int
    unknown_fleets: int
    changes: tuple[bytes, ...]
    outages: int
    incidents: tuple[Incident, ...]
    messages: tuple[Message, ...]

    @property
    def pages(self) -> int:
        """How many pages were decided on."""
        return sum(message.kind is MessageKind.PAGE for message in self.messages)

    def first_page(self, incident: int) -> datetime | None:
        """Answer when the first page about an incident was decided on."""
        pages = [m for m in self.messages if m.incident == incident and m.kind is MessageKind.PAGE]
        return min((page.created_at for page in pages), default=None)


class _Acting:
    """Alerting over the scratch database, kept in step with the clock of a replay."""

    def __init__(self, database: AsyncEngine, inventory: Inventory, replay: Replay) -> None:
        numbers = count(1)
        self._replay = replay
        self._seen = 0
        self._ticked: datetime | None = None
        self.service = AlertingService(
            database=database,
            inventory=inventory,
            clock=replay.clock,
            token=lambda: f"replay-{next(numbers)}",
            public_url="http://replay.invalid",
        )

    async def follow(self) -> None:
        """Act on what is new, and on what is due; at most once a second of the record without anything new."""
        now = self._replay.clock()
        is_new = len(self._replay.changes) > self._seen
        if not is_new and self._ticked is not None and 0 <= (now - self._ticked).total_seconds() < 1:
            return
        self._seen, self._ticked = len(self._replay.changes), now
        if is_new:
            await self.service.absorb()
        await self.service.tick()


@asynccontextmanager
async def _scratch(file: Path) -> AsyncIterator[AsyncEngine]:
    database = open_engine(f"sqlite+aiosqlite:///{file}")
    sql_event.listen(database.sync_engine, "connect", _careless)
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    try:
        yield database
    finally:
        await database.dispose()


def _careless(connection: object, _record: object) -> None:
    """Nothing here has to survive anything."""
    cursor = connection.cursor()  # type: ignore[attr-defined]  # a driver's connection, whichever it is
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()


async def from_record(
    events: Iterable[Event], inventory: Inventory, file: Path, *, is_same_policy: bool
) -> Outcome:
    """Play a record through belief and acting."""
    async with _scratch(file) as database:
        replay = Replay(database, inventory, is_same_policy=is_same_policy)
        acting = _Acting(database, inventory, replay)
        replay.then = acting.follow
        await replay.run(events)
        return await _outcome(database, inventory, replay)


async def from_changes(
    url: str, inventory: Inventory, file: Path, *, window: tuple[datetime | None, datetime | None]
) -> Outcome:
    """Act anew on the causes that the database at ``url`` holds, each when it was noticed; read only."""
    stored = open_engine(url)
    try:
        causes = await _stored_causes(stored, window)
    finally:
        await stored.dispose()
    async with _scratch(file) as database:
        replay = Replay(database, inventory)
        acting = _Acting(database, inventory, replay)
        for change in causes:
            await _wait(replay, acting, change.noticed_at)
            async with transaction(database) as connection:
                await connection.execute(insert(monitor_tables.state_changes), [_values(change)])
            replay.changes.append(change)
            replay.events += 1
            await acting.follow()
        return await _outcome(database, inventory, replay)


async def _wait(replay: Replay, acting: _Acting, until: datetime) -> None:
    """Let the time pass until ``until``, deadline by deadline."""
    while replay.events and (due := await acting.service.next_due()) is not None and due < until:
        replay.now_ns = max(replay.now_ns, nanoseconds(due))
        if not await acting.service.tick():
            break
    replay.now_ns = nanoseconds(until)


async def _stored_causes(
    database: AsyncEngine, window: tuple[datetime | None, datetime | None]
) -> list[StateChange]:
    c = monitor_tables.state_changes.c
    query = select(monitor_tables.state_changes).where(c.kind == SubjectKind.CAUSE.value).order_by(c.id)
    since, until = window
    query = query.where(c.noticed_at >= since) if since is not None else query
    query = query.where(c.noticed_at < until) if until is not None else query
    async with reading(database) as connection:
        return [
            StateChange(
                SubjectKind(row.kind),
                row.subject,
                row.old,
                row.new,
                row.at,
                row.noticed_at,
                ChangeReason(row.reason),
                row.evidence,
            )
            for row in await connection.execute(query)
        ]


def _values(change: StateChange) -> dict[str, object]:
    return {
        "kind": change.kind.value,
        "subject": change.subject,
        "old": change.old,
        "new": change.new,
        "at": change.at,
        "noticed_at": change.noticed_at,
        "reason": change.reason.value,
        "evidence": dict(change.evidence),
    }


async def _outcome(database: AsyncEngine, inventory: Inventory, replay: Replay) -> Outcome:
    async with reading(database) as connection:
        outages = await connection.execute(select(func.count()).select_from(monitor_tables.outages))
        found: Sequence[Incident] = await read_incidents(
            connection, states=None, owner=None, limit=_MOST_INCIDENTS
        )
        messages = [message for incident in found for message in await messages_of(connection, incident.id)]
        return Outcome(
            zone=inventory.election.zone,
            events=replay.events,
            looks=replay.looks,
            unknown_fleets=len(replay.unknown_fleets),
            changes=tuple(line_of(change) for change in replay.changes),
            outages=outages.scalar_one(),
            incidents=tuple(reversed(found)),
            messages=tuple(messages),
        )

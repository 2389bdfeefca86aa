"""What would have happened: a record played again through belief, as it was or under another policy.

The real service runs over a scratch database, with a clock that says what it said then. Under the policy of then the
changes come out byte by byte as they were (:func:`line_of`); under another one, belief is also told the time whenever
a hold of its own ends, which then were other moments.
"""

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from inventory.database import transaction
from inventory.models import Inventory
from monitor.keyframe import lay_keyframe
from monitor.metrics import ServiceMetrics
from monitor.models import StateChange
from monitor.moments import moment, nanoseconds
from monitor.recording import Event, EventKind
from monitor.service import MonitorService

__all__ = ["Replay", "line_of"]


async def _nothing() -> None:
    return None


def line_of(change: StateChange) -> bytes:
    """Answer a change as canonical bytes: what a replay is held against. Its id is the database's, and left out."""
    facts = {
        "kind": change.kind.value,
        "subject": change.subject,
        "old": change.old,
        "new": change.new,
        "at": change.at.isoformat(),
        "noticed_at": change.noticed_at.isoformat(),
        "reason": change.reason.value,
        "evidence": dict(change.evidence),
    }
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@dataclass
class Replay:
    """One replay over ``database``, whose tables exist and are empty. ``then`` is awaited after every event."""

    database: AsyncEngine
    inventory: Inventory
    is_same_policy: bool = True
    then: Callable[[], Awaitable[None]] = _nothing
    now_ns: int = 0
    events: int = 0
    looks: int = 0
    unknown_fleets: set[str] = field(default_factory=set)
    changes: list[StateChange] = field(default_factory=list)
    _service: MonitorService | None = None
    _fleets: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def clock(self) -> datetime:
        """Answer what the clock said."""
        return moment(self.now_ns)

    async def run(self, events: Iterable[Event]) -> None:
        """Play a record from its beginning; events before its first start or keyframe say nothing and are skipped."""
        for event in events:
            if self._service is None and event.kind not in {EventKind.STARTED, EventKind.KEYFRAME}:
                continue
            await self._catch_up(event.at_ns)
            self.now_ns = event.at_ns
            await self._play(event)
            self.events += 1
            await self.then()

    async def _catch_up(self, until_ns: int) -> None:
        """Under another policy: tell the time whenever a hold ends before the next event."""
        while not self.is_same_policy and self._service is not None:
            due = self._service.next_deadline()
            if due is None or not self.now_ns < nanoseconds(due) < until_ns:
                return
            self.now_ns = nanoseconds(due)
            await self._service.tick()
            await self.then()
            if self._service.next_deadline() == due:
                return

    async def _play(self, event: Event) -> None:
        if event.kind in {EventKind.STARTED, EventKind.KEYFRAME}:
            await self._start(event)
            return
        service = self._service
        if service is None:
            return
        match event.kind:
            case EventKind.BATCH:
                batch = event.batch()
                self.looks += len(batch)
                if batch.fleet not in self._fleets:
                    self.unknown_fleets.add(batch.fleet)
                await service.take(batch)
            case EventKind.TICK:
                await service.tick(is_behind=event.payload != b"\0")
            case EventKind.PLANNED:
                await service.plan(event.works())
            case EventKind.FLEET:
                self._know(event)
            case EventKind.STOPPED:
                await service.stop()
            case _:
                pass

    async def _start(self, event: Event) -> None:
        is_first = self._service is None
        if event.kind is EventKind.KEYFRAME and not is_first:
            return
        if is_first:
            async with transaction(self.database) as connection:
                await lay_keyframe(connection, event.facts()["rows"])
        self._service = MonitorService(
            database=self.database, inventory=self.inventory, clock=self.clock, metrics=ServiceMetrics()
        )
        self._know(event)
        self._service.subscribe(self.changes.extend)
        await self._service.start()

    def _know(self, event: Event) -> None:
        facts = event.facts()
        self._fleets[facts["digest"]] = tuple(facts["codes"])
        if self._service is not None:
            for digest, codes in self._fleets.items():
                self._service.know_fleet(digest, codes)

"""Loads of links at work: slots that ended are kept, congestion is decided on them and told as a cause of its carrier.

One turn reads what the looks of this process measured, decides on copies, and writes hours, congestions and causes in
one transaction; only then does it believe what it decided, so that a turn that failed is taken again whole. A restart
goes on with what lasted, and forgets the slot that was being filled and busy slots that had decided nothing yet. A
congestion that was over before it was noticed is kept, and calls nobody.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from inventory.database import reading, transaction
from inventory.models import Inventory, Link
from monitor import load_store, store
from monitor.congestion import Congestion, Line, Norm, Watch, silenced, slots_in, watched
from monitor.decisions import Decisions
from monitor.load import Slot
from monitor.load_reading import Measured
from monitor.metrics import ServiceMetrics
from monitor.models import ChangeReason, StateChange, SubjectKind
from monitor.moments import moment, nanoseconds

__all__ = ["LoadService", "congestion_cause"]

log = structlog.get_logger()

_EVERY_SECONDS = 15.0
_MOST_WAITING = 50_000
"""Slots kept while the database takes nothing; of more the oldest go, and are counted."""


@dataclass(slots=True)
class _Turn:
    """What one turn decided."""

    slots: Sequence[Slot]
    changed: Mapping[Line, Watch]
    begun: list[tuple[Congestion, Link]] = field(default_factory=list)
    gone_on: list[Congestion] = field(default_factory=list)
    causes: list[StateChange] = field(default_factory=list)


class LoadService:
    """The loads of every link of one province; :meth:`run` is its loop."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        measured: Measured,
        clock: Callable[[], datetime],
        metrics: ServiceMetrics,
    ) -> None:
        self._database = database
        self._measured = measured
        self._clock = clock
        self._metrics = metrics
        self._watches: dict[Line, Watch] = {}
        self._waiting: list[Slot] = []
        self._is_resumed = False
        self._late = 0

    def lasting(self) -> Mapping[Line, Congestion]:
        """Answer what is congested now, as of the last turn."""
        return {line: watch.lasting for line, watch in self._watches.items() if watch.lasting is not None}

    async def run(self, stop: asyncio.Event) -> None:
        """Take turns until told to stop."""
        while not stop.is_set():
            try:
                await self.turn()
            except Exception:
                # The edge of the loop: the slots wait, and are written with the next ones.
                self._metrics.errors.labels("loads").inc()
                log.exception("turn failed", turn="loads")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _EVERY_SECONDS)

    async def turn(self) -> None:
        """Keep the slots that ended, and decide what is congested."""
        if not self._is_resumed:
            async with reading(self._database) as connection:
                for each in await load_store.lasting_congestions(connection):
                    self._watches[each.link, each.direction] = Watch(lasting=each)
            self._is_resumed = True
        now = self._clock()
        self._waiting.extend(self._measured.measures.loads.ended(nanoseconds(now)))
        self._count_late()
        if len(self._waiting) > _MOST_WAITING:
            self._metrics.dropped.labels("unknown", "load").inc(len(self._waiting) - _MOST_WAITING)
            del self._waiting[:-_MOST_WAITING]
        decided = self._decided(now)
        if decided.slots or decided.changed:
            async with transaction(self._database) as connection:
                await self._write(connection, decided)
            self._waiting.clear()
            self._watches.update(decided.changed)
        self._metrics.congested.set(len({link for link, _ in self.lasting()}))
        self._metrics.success.labels("loads").set(now.timestamp())

    def _count_late(self) -> None:
        late = self._measured.measures.loads.late
        self._metrics.dropped.labels("unknown", "late_load").inc(late - self._late)
        self._late = late

    def _decided(self, now: datetime) -> _Turn:
        inventory = self._measured.inventory
        known = [slot for slot in self._waiting if slot.link in inventory.links]
        changed = watched(self._watches, known, self._norm())
        changed |= {
            line: replace(after, over=(*changed[line].over, *after.over) if line in changed else after.over)
            for line, after in silenced(self._watches | changed, nanoseconds(now)).items()
        }
        changed |= self._gone(inventory)
        turn = _Turn(known, changed)
        for line, watch in changed.items():
            self._note(turn, line, watch, inventory)
        turn.causes = self._causes(changed, now)
        return turn

    def _note(self, turn: _Turn, line: Line, watch: Watch, inventory: Inventory) -> None:
        """Tell what is new of one line from what goes on."""
        before = self._watches.get(line, Watch()).lasting
        for found in (*watch.over, *([watch.lasting] if watch.lasting is not None else [])):
            if before is not None and found.started_ns == before.started_ns:
                turn.gone_on += [found] if found != before else []
            else:
                turn.begun.append((found, inventory.links[line[0]]))

    def _gone(self, inventory: Inventory) -> dict[Line, Watch]:
        """End what lasts on links that the inventory no longer knows: nobody measures them any more."""
        return {
            line: Watch(over=(replace(watch.lasting, ended_ns=watch.lasting.until_ns),))
            for line, watch in self._watches.items()
            if watch.lasting is not None and line[0] not in inventory.links
        }

    def _norm(self) -> Norm:
        policy = self._measured.inventory.policy
        return Norm(policy.congestion_norm, slots_in(policy.congestion_after.total_seconds()))

    def _causes(self, changed: Mapping[Line, Watch], now: datetime) -> list[StateChange]:
        """Answer a row for every link that is congested and was not, or was and is not, in either direction."""
        after = self._watches | dict(changed)
        found = []
        for link in sorted({line[0] for line in changed}):
            was = _lasting_on(link, self._watches)
            now_on = _lasting_on(link, after)
            if bool(was) != bool(now_on):
                over = [each for line in changed if line[0] == link for each in changed[line].over]
                found.append(self._cause(link, now_on or over, now, is_on=bool(now_on)))
        return found

    def _cause(self, link: str, shown: Sequence[Congestion], now: datetime, *, is_on: bool) -> StateChange:
        known = self._measured.inventory.links.get(link)
        at_ns = min(each.started_ns for each in shown) if is_on else max(each.ended_ns or 0 for each in shown)
        return congestion_cause(
            known or link, shown, at=moment(at_ns), noticed_at=now, norm=self._norm().share, is_on=is_on
        )

    async def _write(self, connection: AsyncConnection, turn: _Turn) -> None:
        norm = self._norm().share
        zone = self._measured.inventory.election.zone
        await load_store.add_slots(connection, turn.slots, norm=norm, zone=zone)
        for found in turn.gone_on:
            await load_store.change_congestion(connection, found)
        for found, link in turn.begun:
            await load_store.open_congestion(connection, found, carrier=link.carrier, norm=norm)
        await store.apply(connection, Decisions(changes=turn.causes))


def _lasting_on(link: str, watches: Mapping[Line, Watch]) -> list[Congestion]:
    return [w.lasting for line, w in watches.items() if line[0] == link and w.lasting is not None]


def congestion_cause(
    link: Link | str,
    shown: Sequence[Congestion],
    *,
    at: datetime,
    noticed_at: datetime,
    norm: float,
    is_on: bool,
) -> StateChange:
    """Answer the row that tells a link's carrier that it is congested, or no longer is."""
    code = link if isinstance(link, str) else link.code
    name = link if isinstance(link, str) else link.name
    peak = max((each.peak for each in shown), default=0.0)
    words = {
        "vi": f"{name}: tải {peak:.0%} dung lượng, mức cho phép {norm:.0%}".replace("%", " %"),
        "en": f"{name}: load {peak:.0%} of its capacity, the norm is {norm:.0%}".replace("%", " %"),
    }
    if not is_on:
        words = {"vi": f"{name}: hết nghẽn", "en": f"{name}: no longer congested"}
    return StateChange(
        kind=SubjectKind.CAUSE,
        subject=f"load:{code}",
        old="up" if is_on else "down",
        new="down" if is_on else "up",
        at=at,
        noticed_at=noticed_at,
        reason=ChangeReason.CONGESTED if is_on else ChangeReason.EASED,
        evidence={
            "owner": "" if isinstance(link, str) else link.carrier,
            "sites": [],
            "paths": [],
            "targets": [],
            "degraded": True,
            "peak": round(peak, 4),
            "norm": norm,
            "explanation": words,
        },
    )

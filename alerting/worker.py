"""The loops of acting: one that turns beliefs and clocks into decisions, one that sends what was decided.

Both stop when their event is set, count every turn, survive and count every fault, and can be woken, so that a
page leaves within milliseconds of the commit that decided it.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.budget import Budget
from alerting.errors import DeliveryError
from alerting.links import AcknowledgementLinks
from alerting.metrics import AlertingMetrics
from alerting.notify.channel import Channel, Letter
from alerting.oncall import PAGE_CHANNELS
from alerting.outbox import Occasion, Outbox, Outcome
from alerting.service import AlertingService
from inventory.models import ContactChannel

__all__ = ["AlertingWorker", "OutboxWorker"]

log = structlog.get_logger(__name__)

_IDLE = 1.0
"""Longest sleep of a loop, in seconds: what no wake-up told of is found within this."""
_AGAIN = 0.1
"""Sleep after a turn that left something due undone: it failed and will again, or it fell due meanwhile."""
_MEASURE_EVERY = 5.0
_PARTING = 1.5
"""How long attempts may still run once the service stops, in seconds; what is cut off is sent after the lease."""


def _pause(due: datetime | None, now: datetime) -> float:
    """Answer how long to sleep when the next thing is ``due``, in seconds."""
    if due is None:
        return _IDLE
    return min(_IDLE, (due - now).total_seconds()) if due > now else _AGAIN


class _Bell:
    """Sleeps until rung, stopped or due."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, stop: asyncio.Event, seconds: float, *others: asyncio.Task[None]) -> None:
        """Return at once when rung since the last wait, or when any of ``others`` is done."""
        waits = [asyncio.ensure_future(self._rung.wait()), asyncio.ensure_future(stop.wait())]
        try:
            await asyncio.wait([*waits, *others], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
            self._rung.clear()


class AlertingWorker:
    """Absorbs beliefs when woken or every second, and ticks when the next deadline is due."""

    def __init__(self, *, service: AlertingService, clock: Callable[[], datetime]) -> None:
        self._service = service
        self._clock = clock
        self._bell = _Bell()
        self._measured = float("-inf")

    def wake(self) -> None:
        """Take a turn now. On the loop only."""
        self._bell.ring()

    async def run(self, stop: asyncio.Event) -> None:
        """Loop until ``stop`` is set."""
        metrics = self._service.metrics
        while not stop.is_set():
            metrics.turns.labels("alerting").inc()
            pause = _IDLE
            try:
                pause = await self._turn()
            except Exception:
                # The edge of the loop: a database that is away now will be back, and the rows wait there.
                log.exception("turn of acting failed")
                metrics.failures.labels("alerting").inc()
            else:
                metrics.last_success.labels("alerting").set(self._clock().timestamp())
            await self._bell.wait(stop, pause)

    async def _turn(self) -> float:
        """Do what there is to do; answers how long nothing is due, in seconds."""
        await self._service.absorb()
        await self._service.tick()
        now = asyncio.get_running_loop().time()
        if now - self._measured >= _MEASURE_EVERY:
            await self._service.measure()
            self._measured = now
        return _pause(await self._service.next_due(), self._clock())


class OutboxWorker:
    """Sends what lies in the outbox: one lane a channel, each with a bounded number of attempts at once.

    Every channel that a page can be written for has a lane. Where none is configured the lane refuses for
    good, so that the ladder goes on to somebody who can be reached.
    """

    def __init__(
        self,
        *,
        database: AsyncEngine,
        channels: Mapping[ContactChannel, Channel],
        clock: Callable[[], datetime],
        links: AcknowledgementLinks,
        metrics: AlertingMetrics,
        on_hastened: Callable[[], None] = lambda: None,
        lease: timedelta = timedelta(seconds=30),
        concurrency: int = 4,
        budget: Budget | None = None,
        occasions: Mapping[str, Occasion] | None = None,
    ) -> None:
        self._outbox = Outbox(
            database=database, clock=clock, links=links, lease=lease, budget=budget, occasions=occasions
        )
        self._channels = channels
        self._clock = clock
        self._metrics = metrics
        self._on_hastened = on_hastened
        # The attempt must be over, and its outcome written, while the lease still runs.
        self._deadline = lease.total_seconds() * 2 / 3
        self._concurrency = concurrency
        self._bells = {channel: _Bell() for channel in sorted(PAGE_CHANNELS | channels.keys())}

    def wake(self) -> None:
        """Look into the outbox now. On the loop only."""
        for bell in self._bells.values():
            bell.ring()

    async def receipt(self, *, key: str, reference: str, delivered: bool, reason: str) -> Outcome:
        """Take a gateway's later word on a message, and let the ladder go on at once when it was bad."""
        outcome = await self._outbox.receipt(key=key, reference=reference, delivered=delivered, reason=reason)
        self._metrics.receipts.labels(outcome.result).inc()
        if outcome.hastened:
            self._on_hastened()
        return outcome

    async def run(self, stop: asyncio.Event) -> None:
        """Send until ``stop`` is set, then let running attempts end and channels close."""
        async with asyncio.TaskGroup() as lanes:
            for channel in self._bells:
                lanes.create_task(self._lane(channel, stop), name=f"outbox {channel}")
        for open_channel in self._channels.values():
            await open_channel.close()

    async def _lane(self, channel: ContactChannel, stop: asyncio.Event) -> None:
        running: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            self._metrics.turns.labels("outbox").inc()
            letters, pause = await self._claimed(channel, free=self._concurrency - len(running))
            running |= {asyncio.create_task(self._deliver(channel, letter)) for letter in letters}
            await self._bells[channel].wait(stop, pause, *running)
            running = {task for task in running if not task.done()}
        if running:
            _, late = await asyncio.wait(running, timeout=_PARTING)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _claimed(self, channel: ContactChannel, *, free: int) -> tuple[list[Letter], float]:
        """Claim what there is room for; answers it and how long to sleep afterwards, in seconds."""
        if free <= 0:
            return [], _IDLE
        try:
            letters = await self._outbox.claim(channel, limit=free)
            due = await self._outbox.next_due(channel) if len(letters) < free else None
        except Exception:
            # The edge of the loop: what could not be claimed now lies in the outbox as before.
            log.exception("outbox not read", channel=channel.value)
            self._metrics.failures.labels("outbox").inc()
            return [], _IDLE
        self._metrics.last_success.labels("outbox").set(self._clock().timestamp())
        return letters, _pause(due, self._clock())

    async def _deliver(self, channel: ContactChannel, letter: Letter) -> None:
        try:
            outcome = await self._attempted(channel, letter)
        except Exception:
            # The edge of the loop: the lease runs out and the message is taken up again.
            log.exception("outcome not written", channel=channel.value, key=letter.message.key)
            self._metrics.failures.labels("outbox").inc()
            return
        self._metrics.deliveries.labels(channel.value, outcome.result).inc()
        if outcome.hastened:
            self._on_hastened()

    async def _attempted(self, channel: ContactChannel, letter: Letter) -> Outcome:
        if not await self._outbox.may_leave(letter):
            return Outcome("withdrawn")
        answer = await self._sent(channel, letter)
        if not isinstance(answer, DeliveryError):
            return await self._outbox.sent(letter, answer)
        failure = answer
        log.info(
            "message not delivered",
            channel=channel.value,
            key=letter.message.key,
            attempt=letter.message.attempts,
            permanent=failure.permanent,
            reason=str(failure),
        )
        return await self._outbox.failed(letter, failure)

    async def _sent(self, channel: ContactChannel, letter: Letter) -> str | DeliveryError:
        """Attempt once, within the deadline; answers the next hop's reference, or what went wrong."""
        way = self._channels.get(channel)
        if way is None:
            return DeliveryError(f"no {channel} channel is configured", permanent=True, refused=False)
        try:
            async with asyncio.timeout(self._deadline):
                return await way.send(letter) or ""
        except DeliveryError as failure:
            return failure
        except TimeoutError:
            return DeliveryError("the attempt outlasted its deadline", permanent=False, uncertain=True)
        except Exception:
            # A fault of the channel's own counts as a failed attempt, or it would be made for ever.
            log.exception("channel failed", channel=channel.value, key=letter.message.key)
            self._metrics.failures.labels("channel").inc()
            return DeliveryError("the channel failed", permanent=False, uncertain=True)

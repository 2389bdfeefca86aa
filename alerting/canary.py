"""A trial message over every channel each hour, so that a gateway's silence is found before it is needed.

The trial leaves by the same channel object as a page does. One that fails is tried once more after a pause; failing
then too opens an incident of the department's, and the next trial that leaves restores it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog

from alerting.auditor import own_cause
from alerting.errors import DeliveryError
from alerting.metrics import AlertingMetrics
from alerting.models import DeliveryState, Message, MessageKind
from alerting.notify.channel import Channel, Letter
from alerting.service import AlertingService
from inventory.models import ContactChannel

__all__ = ["Canary", "trial_letter"]

log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 30.0
_DEADLINE_SECONDS = 30.0
_SUBJECT = "service:channel:{channel}"


class Canary:
    """The loop that tries every channel that an address is set for."""

    def __init__(
        self,
        *,
        service: AlertingService,
        channels: Mapping[ContactChannel, Channel],
        addresses: Mapping[ContactChannel, str],
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        metrics: AlertingMetrics,
        every_seconds: float,
    ) -> None:
        self._service = service
        self._channels = channels
        self._addresses = addresses
        self._clock = clock
        self._sleep = sleep
        self._metrics = metrics
        self._every = every_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Try until ``stop`` is set; the first trial leaves at once, for a start is when settings are wrong."""
        while not stop.is_set():
            self._metrics.turns.labels("canary").inc()
            try:
                await self.round()
            except Exception:
                # The edge of the loop: an outcome that could not be written is found again by the next trial.
                log.exception("trial failed")
                self._metrics.failures.labels("canary").inc()
            else:
                self._metrics.last_success.labels("canary").set(self._clock().timestamp())
            await _either(stop, self._every)

    async def round(self) -> dict[ContactChannel, str]:
        """Try every channel once; answers what went wrong, by channel (empty: all left)."""
        failed = {}
        for channel, address in self._addresses.items():
            reason = await self._tried(channel, address)
            if reason:
                await self._sleep(_PAUSE_SECONDS)
                reason = await self._tried(channel, address)
            self._metrics.canary.labels(channel.value).set(0 if reason else 1)
            if reason:
                failed[channel] = reason
                log.error("trial message not delivered", channel=channel.value, reason=reason)
            words = {
                "vi": f"Kênh báo tin {channel.value} không gửi được: {reason}",
                "en": f"Messages cannot leave by {channel.value}: {reason}",
            }
            subject = _SUBJECT.format(channel=channel.value)
            await self._service.take_causes([own_cause(subject, bool(reason), self._clock(), words)])
        return failed

    async def _tried(self, channel: ContactChannel, address: str) -> str:
        way = self._channels.get(channel)
        if way is None:
            return "no such channel is configured"
        letter = trial_letter(channel, address, self._clock(), zone=self._service.zone)
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                await way.send(letter)
        except DeliveryError as failure:
            return str(failure)
        except TimeoutError:
            return "no answer in time"
        except Exception as broken:
            # A fault of the channel's own is as silent to a reader as a dead gateway.
            log.exception("channel failed", channel=channel.value)
            return type(broken).__name__
        return ""


def trial_letter(channel: ContactChannel, address: str, at: datetime, *, zone: str) -> Letter:
    """Write a trial: a notice that is of no incident and that nobody need answer."""
    stamp = at.strftime("%Y%m%d%H%M%S")
    return Letter(
        Message(
            id=0,
            key=f"trial:{channel.value}:{stamp}",
            kind=MessageKind.NOTICE,
            incident=0,
            generation=0,
            person="",
            channel=channel,
            address=address,
            body={
                "what": "trial",
                "number": f"TRIAL-{stamp}",
                "severity": "P4",
                "title": "Tin thử đường truyền tin",
                "title_en": "Trial of the messages",
                "owner": "",
                "owner_name": "",
                "began_at": at.isoformat(),
                "person_name": address,
                "zone": zone,
            },
            state=DeliveryState.LEASED,
            attempts=1,
            fence=0,
            not_before=at,
            not_after=at + timedelta(hours=1),
            created_at=at,
        )
    )


async def _either(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return

"""The dead-man's switch: an address of somebody else's is called only while everything here is healthy.

Whoever watches that address (a second node, a hosted check) raises the alarm when the calls stop. That covers what we
cannot tell of ourselves: a dead machine, a cut uplink, a full disk, a loop that hangs.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from alerting.errors import DeliveryError
from alerting.metrics import AlertingMetrics
from alerting.notify.http import attempt, open_client

__all__ = ["DeadMansSwitch"]

log = structlog.get_logger(__name__)

_TIMEOUT_SECONDS = 10.0


class DeadMansSwitch:
    """The loop that calls ``url`` while ``faults`` answers nothing."""

    def __init__(
        self,
        url: str,
        *,
        every_seconds: float,
        faults: Callable[[], Mapping[str, str]],
        clock: Callable[[], datetime],
        metrics: AlertingMetrics,
    ) -> None:
        self._url = url
        self._every = every_seconds
        self._faults = faults
        self._clock = clock
        self._metrics = metrics
        self._client = open_client(_TIMEOUT_SECONDS)

    async def run(self, stop: asyncio.Event) -> None:
        """Call until ``stop`` is set."""
        while not stop.is_set():
            self._metrics.turns.labels("dead_man").inc()
            if await self.call():
                self._metrics.last_success.labels("dead_man").set(self._clock().timestamp())
            try:
                async with asyncio.timeout(self._every):
                    await stop.wait()
            except TimeoutError:
                continue
        await self._client.aclose()

    async def call(self) -> bool:
        """Call once if all is healthy; answers whether the call was taken."""
        wrong = self._faults()
        if wrong:
            log.warning("dead-man's switch held back", faults=dict(wrong))
            return False
        try:
            await attempt(self._client, "GET", self._url, headers={})
        except DeliveryError as failure:
            log.warning("dead-man's switch not reached", reason=str(failure))
            self._metrics.failures.labels("dead_man").inc()
            return False
        return True

"""Tracing: when an incident opens, the routes towards what it cut, written into its ledger as evidence.

A carrier's first question is where the line breaks. So a few addresses of the inventory that the incident counts are
traced from this vantage, off the loop, a few at a time and within a deadline; what was found is one note in the
ledger, whoever reads the incident. An incident that waited too long, because many opened at once, goes without: by then
its state is no longer what its opening was about.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.evidence import TRACED, attach_routes
from alerting.models import LIVE
from alerting.service import AlertingService
from alerting.store import incident as read_incident
from alerting.store import outages_of_incident
from inventory.database import reading
from inventory.models import Inventory
from monitor.assembly.clocks import Loops, now
from probes.fleet import is_numeric
from probes.traceroute import Route, trace_beside

__all__ = ["Tracing"]

log = structlog.get_logger()

_ROUTES_EACH = 2
_AT_ONCE = 2
_MOST_WAITING = 32
_DEADLINE_SECONDS = 10.0
_HOP_SECONDS = 0.5
_FRESH = timedelta(minutes=2)

Tracer = Callable[[str], Awaitable[Route]]


class Tracing:
    """Listens for opened incidents and attaches routes to them; ``tracer`` stands in for the network in tests."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        alerting: AlertingService,
        vantage: str,
        clock: Callable[[], datetime] = now,
        tracer: Tracer | None = None,
    ) -> None:
        self._database = database
        self._alerting = alerting
        self._vantage = vantage
        self._clock = clock
        self._trace = tracer or self._beside
        self._waiting: deque[int] = deque(maxlen=_MOST_WAITING)
        self._known: deque[int] = deque(maxlen=1_024)
        self._bell = asyncio.Event()
        self._is_stopping = False
        alerting.subscribe(self._heard)

    def loops(self) -> Loops:
        """Answer the loop that traces."""
        return {"tracing": self._run}

    def _heard(self, incidents: Sequence[int]) -> None:
        for identifier in incidents:
            if identifier not in self._known:
                self._known.append(identifier)
                self._waiting.append(identifier)
                self._bell.set()

    async def _run(self, stop: asyncio.Event) -> None:
        lanes = [asyncio.create_task(self._lane()) for _ in range(_AT_ONCE)]
        await stop.wait()
        self._is_stopping = True  # a route under way ends at its next hop
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)

    async def _lane(self) -> None:
        while True:
            while not self._waiting:
                self._bell.clear()
                await self._bell.wait()
            identifier = self._waiting.popleft()
            metrics = self._alerting.metrics
            metrics.turns.labels("tracing").inc()
            try:
                await self._attach(identifier)
            except Exception:
                # The edge of the loop: an incident without its route is still an incident.
                metrics.failures.labels("tracing").inc()
                log.exception("route not attached", incident=identifier)
            else:
                metrics.last_success.labels("tracing").set(self._clock().timestamp())

    async def _attach(self, identifier: int) -> None:
        async with reading(self._database) as connection:
            found = await read_incident(connection, identifier)
            counted = await outages_of_incident(connection, identifier)
        if found.state not in LIVE or TRACED in found.facts or self._clock() - found.opened_at > _FRESH:
            return
        codes = _chosen([each.target for each in counted], self._alerting.inventory)
        routes = {code: await self._trace(address) for code, address in codes.items()}
        if routes:
            deed = partial(attach_routes, routes=routes, vantage=self._vantage)
            await self._alerting.act(identifier, deed)

    async def _beside(self, address: str) -> Route:
        return await trace_beside(
            address, monotonic=self._monotonic, deadline=_DEADLINE_SECONDS, hop_timeout=_HOP_SECONDS
        )

    def _monotonic(self) -> float:
        return math.inf if self._is_stopping else time.monotonic()


def _chosen(targets: Sequence[str], inventory: Inventory) -> dict[str, str]:
    """Answer a few targets with their numeric addresses, each address once, spread over what is down."""
    addresses: dict[str, str] = {}
    for code in targets:
        target = inventory.targets.get(code)
        if target is not None and is_numeric(target.address):
            addresses.setdefault(target.address, code)
    found = [(code, address) for address, code in addresses.items()]
    step = max(1, len(found) // _ROUTES_EACH)
    return dict(found[::step][:_ROUTES_EACH])

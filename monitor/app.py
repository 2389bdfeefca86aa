"""The composition root: builds every part once, hands each what it needs, starts and stops them in order.

The one place that holds the real clock, chance and identifiers. Starting: inventory, database (migrated), belief
resumed, loops, then the vantage begins to look. Stopping: the other way round, so that nothing is taken in that
would not be written. A loop that ends before it was told to makes the service not ready, and is logged.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import structlog
from fastapi import FastAPI

from alerting.api import router as incident_routes
from alerting.metrics import AlertingMetrics
from alerting.notify.channel import Channel
from alerting.notify.email import EmailChannel
from alerting.notify.sms import SmsChannel
from alerting.notify.webhook import WebhookChannel
from alerting.service import AlertingService
from alerting.worker import AlertingWorker, OutboxWorker
from dashboards.api_access import api_actor, belief_guard
from dashboards.assembly import assemble
from dashboards.auth import ensure_administrator
from dashboards.feed import Feed
from dashboards.routes import install
from inventory.database import open_engine
from inventory.loader import Fault, InventoryFaultsError, examine
from inventory.models import ContactChannel, Inventory, ProbeKind
from inventory.rebase import rebased
from monitor.api import ReloadResult
from monitor.api import router as monitor_routes
from monitor.exposition import FleetRenderer
from monitor.hooks import router as hook_routes
from monitor.metrics import ServiceMetrics, VantageFigures
from monitor.migrations import upgrade
from monitor.receiving import BatchReceiver
from monitor.retention import Retention
from monitor.service import MonitorService
from monitor.settings import Settings
from monitor.worker import MonitorWorker
from probes.bus import InProcessBus
from probes.call_limits import CallLimits
from probes.catalogue import catalogue, clock_error
from probes.fleet import is_numeric
from probes.health import clock_age
from probes.heartbeat import HeartbeatBook
from probes.models import Probe
from probes.stamp_reflector import StampReflector
from probes.trap_events import vendor_kinds
from probes.traps import TrapReceiver
from probes.worker import Clocks, VantageWorker

__all__ = ["Service", "create_app"]

log = structlog.get_logger()

_FRESH_SECONDS = 30.0
_STOP_SECONDS = 2.0
_SWITCH_SECONDS = 0.0005
_MOST_WAITING = 3072
"""Batches on the bus above which those of remote vantages are asked to come again."""


def _now() -> datetime:
    return datetime.now(UTC)


CLOCKS = Clocks(
    now=_now, wall_ns=time.time_ns, monotonic_ns=time.monotonic_ns, age=lambda: clock_age(time.time)
)


class Service:
    """Everything that runs, built by the constructor and alive between :meth:`start` and :meth:`stop`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        inventory = read_inventory(settings)
        self.database = open_engine(settings.url)
        self.metrics = ServiceMetrics()
        self.monitor = MonitorService(
            database=self.database, inventory=inventory, clock=_now, metrics=self.metrics
        )
        self.renderer = FleetRenderer(inventory, self.monitor.topology)
        self.alerting = AlertingService(
            database=self.database,
            inventory=inventory,
            clock=_now,
            token=_token,
            public_url=settings.pages.public_url,
            metrics=AlertingMetrics(self.metrics.registry),
        )
        self.pages = assemble(
            database=self.database,
            monitor=self.monitor,
            alerting=self.alerting,
            clock=_now,
            token=_token,
            settings=settings.pages,
        )
        self.hub = self.pages.hub
        self._bus = InProcessBus()
        self.heartbeats = HeartbeatBook(monotonic=time.monotonic)
        self.receiver = BatchReceiver(
            tokens=settings.vantage_tokens,
            publisher=self._bus,
            has_room=lambda: len(self._bus) < _MOST_WAITING,
        )
        self._expect_heartbeats(inventory)
        self._vantage = self._build_vantage(inventory)
        self._traps = self._build_traps(inventory)
        self._channels = _channels(settings)
        self._stop = asyncio.Event()
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._reloading = asyncio.Lock()

    async def start(self) -> None:
        """Bring the database to this version, resume belief, start the loops, begin to look."""
        await asyncio.to_thread(upgrade, self.settings.url)
        await self.monitor.start()
        await self._ensure_administrator()
        self._start_loops()
        if self._vantage is not None:
            self.metrics.watch_vantage(self._vantage_code(), self._figures)
            await asyncio.to_thread(self._vantage.start)
        if self._traps is not None and self.settings.traps is not None:
            await self._traps.open(hosts=[self.settings.traps.host], port=self.settings.traps.port)
        log.info(
            "service started",
            inventory=str(self.settings.inventory),
            digest=self.monitor.inventory.digest[:12],
        )

    async def stop(self) -> None:
        """Stop looking, let the loops finish their turn, write down what memory holds."""
        if self._traps is not None:
            await self._traps.close()
        if self._vantage is not None:
            await asyncio.to_thread(self._vantage.stop)
        self._stop.set()
        if self._loops:
            _, slow = await asyncio.wait(self._loops.values(), timeout=_STOP_SECONDS)
            for task in slow:
                task.cancel()
        await self.monitor.stop()
        for channel in self._channels.values():
            await channel.close()
        await self.database.dispose()
        log.info("service stopped")

    async def reload(self) -> ReloadResult:
        """Load the inventory again; swap it everywhere if it has no fault, change nothing if it has."""
        async with self._reloading:
            examination = await asyncio.to_thread(examine, self.settings.inventory)
            if examination.inventory is None:
                log.error("reload refused", faults=len(examination.faults), first=str(examination.faults[0]))
                return ReloadResult(
                    digest=self.monitor.inventory.digest, faults=_sentences(examination.faults)
                )
            inventory = _on_day(examination.inventory, self.settings)
            await self.monitor.swap(inventory)
            await asyncio.to_thread(self.renderer.swap, inventory, self.monitor.topology)
            self.alerting.swap(inventory)
            self._expect_heartbeats(inventory)
            if self._traps is not None:
                self._traps.watch(_addresses(inventory))
            if self._vantage is not None:
                self._vantage.swap(inventory)
            log.info("reloaded", digest=inventory.digest[:12])
            return ReloadResult(digest=inventory.digest, faults=())

    def readiness(self) -> Mapping[str, str]:
        """Answer what is wrong, by part; empty: ready."""
        wrong = {
            f"loop {name}": "ended"
            for name, task in self._loops.items()
            if task.done() and not self._stop.is_set()
        }
        if self._vantage is not None:
            if not self._vantage.is_alive():
                wrong["vantage"] = "its thread ended"
            seen = self.monitor.snapshot().last_result_at
            if seen is None or (_now() - seen).total_seconds() > _FRESH_SECONDS:
                wrong["results"] = f"the newest is of {seen.isoformat() if seen else 'never'}"
        return wrong

    def _start_loops(self) -> None:
        acting = AlertingWorker(service=self.alerting, clock=_now)
        outbox = OutboxWorker(
            database=self.database,
            channels=self._channels,
            clock=_now,
            links=self.alerting.links,
            metrics=self.alerting.metrics,
            on_hastened=acting.wake,
        )

        def believed(_changes: object) -> None:
            acting.wake()

        def acted(_incidents: object) -> None:
            outbox.wake()

        self.monitor.subscribe(believed)
        self.alerting.subscribe(acted)
        believing = MonitorWorker(service=self.monitor, bus=self._bus, clock=_now, metrics=self.metrics)
        keeping = Retention(
            database=self.database,
            clock=_now,
            metrics=self.metrics,
            history_days=self.settings.retention.history_days,
            changes_days=self.settings.retention.changes_days,
        )
        self._begin("monitor", believing.run)
        self._begin("alerting", acting.run)
        self._begin("outbox", outbox.run)
        self._begin("pages", Feed(self.pages).run)
        self._begin("retention", keeping.run)

    def _begin(self, name: str, run: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
        task = asyncio.create_task(run(self._stop), name=name)
        task.add_done_callback(self._ended)
        self._loops[name] = task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not self._stop.is_set() and not task.cancelled():
            log.error("loop ended before its time", loop=task.get_name(), exc_info=task.exception())

    def _expect_heartbeats(self, inventory: Inventory) -> None:
        self.heartbeats.expect(
            target.options for target in inventory.targets.values() if target.kind is ProbeKind.HEARTBEAT
        )

    def _vantage_code(self) -> str:
        return self.settings.vantage or next(iter(self.monitor.inventory.vantages))

    def _build_vantage(self, inventory: Inventory) -> VantageWorker | None:
        if not self.settings.looks:
            return None
        return VantageWorker(
            inventory=inventory,
            vantage=self._vantage_code(),
            publisher=self._bus,
            clocks=CLOCKS,
            probes=self._probes,
            nonce=secrets.randbits(64),
            epoch=time.time_ns(),
            reflector=self._reflector if self.settings.reflector is not None else None,
        )

    def _reflector(self) -> StampReflector:
        settings = self.settings.reflector
        if settings is None:
            raise RuntimeError("there is nothing to reflect")
        reflector = StampReflector(
            monotonic=time.monotonic,
            wall_ns=time.time_ns,
            clock_error=clock_error,
            allowed=settings.allowed,
        )
        reflector.open(settings.host, settings.port)
        return reflector

    def _build_traps(self, inventory: Inventory) -> TrapReceiver | None:
        settings = self.settings.traps
        if settings is None or self._vantage is None:
            return None
        vantage = self._vantage
        return TrapReceiver(
            on_event=lambda event: vantage.look_at(event.source),
            sources=_addresses(inventory),
            communities=[community.get_secret_value() for community in settings.communities],
            vendors=vendor_kinds(settings.vendors),
            monotonic=time.monotonic,
            wall_ns=time.time_ns,
        )

    def _probes(self) -> Mapping[ProbeKind, Probe]:
        probes = catalogue(
            monotonic=time.monotonic,
            wall_ns=time.time_ns,
            token=lambda: secrets.token_hex(8),
            rng=secrets.SystemRandom(),
            limits=CallLimits(
                monotonic=time.monotonic, clock=_now, zone=self.monitor.inventory.election.zone
            ),
            extra_ca=self.settings.extra_ca,
        )
        return {**probes, ProbeKind.HEARTBEAT: self.heartbeats}

    def _figures(self) -> VantageFigures:
        if self._vantage is None:
            return VantageFigures()
        statistics = self._vantage.statistics()
        icmp = statistics.icmp
        return VantageFigures(
            lag_seconds=statistics.runner.lag_ns / 1e9,
            receive_drops=icmp.kernel_drops if icmp else 0,
            late=icmp.late if icmp else 0,
            duplicate=icmp.duplicate if icmp else 0,
            foreign=icmp.foreign if icmp else 0,
            clock_steps=icmp.clock_steps if icmp else 0,
            spool=len(self._bus),
        )

    async def _ensure_administrator(self) -> None:
        given = self.settings.administrator_password.get_secret_value()
        if given:
            await self.pages.auth.open_administrator(given, must_change=False)
            return
        password = await ensure_administrator(self.pages.auth, _token)
        if password is not None:
            # Printed once, to the terminal of whoever started the first run; a log never sees it.
            print(f"\n  Đăng nhập lần đầu · first sign-in    admin / {password}\n", flush=True)  # noqa: T201 - see above


def read_inventory(settings: Settings) -> Inventory:
    """Load the inventory of the settings; raises :class:`InventoryFaultsError` with every fault."""
    examination = examine(settings.inventory)
    if examination.inventory is None:
        raise InventoryFaultsError(examination.faults)
    return _on_day(examination.inventory, settings)


def create_app(service: Service) -> FastAPI:
    """Put every route of the service into one application whose lifespan is the service's."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        try:
            yield
        finally:
            await service.stop()

    # The library's own documentation pages ask a foreign host for their scripts.
    app = FastAPI(
        title="Thông Suốt",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.include_router(
        monitor_routes(
            service=service.monitor,
            metrics=service.metrics,
            renderer=service.renderer,
            reload=service.reload,
            readiness=service.readiness,
            guard=belief_guard(service.pages),
        )
    )
    app.include_router(
        incident_routes(service=service.alerting, database=service.database, actor=api_actor(service.pages))
    )
    app.include_router(
        hook_routes(ping=service.heartbeats.ping, monotonic=time.monotonic, receiver=service.receiver)
    )
    install(app, service.pages)
    return app


def _on_day(inventory: Inventory, settings: Settings) -> Inventory:
    return rebased(inventory, settings.day) if settings.day else inventory


def _channels(settings: Settings) -> dict[ContactChannel, Channel]:
    channels: dict[ContactChannel, Channel] = {}
    if settings.email is not None:
        channels[ContactChannel.EMAIL] = EmailChannel(settings.email)
    if settings.sms is not None:
        channels[ContactChannel.SMS] = SmsChannel(settings.sms)
    if settings.webhook is not None:
        channels[ContactChannel.WEBHOOK] = WebhookChannel(settings.webhook, clock=_now)
    return channels


def _addresses(inventory: Inventory) -> frozenset[str]:
    """Answer the numeric addresses whose traps are believed enough to look."""
    return frozenset(target.address for target in inventory.targets.values() if is_numeric(target.address))


def _sentences(faults: tuple[Fault, ...]) -> tuple[str, ...]:
    return tuple(str(fault) for fault in faults)


def _token() -> str:
    return secrets.token_urlsafe(32)

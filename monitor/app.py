"""The composition root: builds every part once, hands each what it needs, starts and stops them in order.

The parts are put together in :mod:`monitor.assembly`. Starting: inventory, database (migrated), belief resumed,
loops, then the vantage begins to look. Stopping: the other way round, so that nothing is taken in that would not
be written. A loop that ends before it was told to makes the service not ready, and is logged.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI

from alerting.agreeing_api import router as agreeing_routes
from alerting.aid_api import router as aid_routes
from alerting.api import router as incident_routes
from alerting.attachments import EvidenceFolder
from alerting.endpoint_api import router as webhook_routes
from alerting.field_api import router as field_routes
from alerting.load_api import router as load_routes
from alerting.look_api import router as look_routes
from alerting.planned_api import router as planned_routes
from alerting.rollcall_api import router as rollcall_routes
from alerting.roster_api import router as roster_routes
from alerting.tmf621_api import router as ticket_routes
from alerting.tmf621_hub_api import hub_router
from alerting.web.api import Api, ApiApplication
from dashboards.api_access import api_actor, belief_guard
from dashboards.assembly import assemble
from dashboards.auth import ensure_administrator
from dashboards.feed import Feed
from dashboards.reports.api import router as report_routes
from dashboards.reports.worker import ReportWorker
from dashboards.routes import install
from inventory.database import open_engine, shown
from inventory.loader import Fault, InventoryFaultsError, examine
from inventory.models import Inventory
from inventory.rebase import rebased
from monitor.api import ReloadResult
from monitor.api import router as monitor_routes
from monitor.assembly.acting import Acting
from monitor.assembly.aiding import Aiding
from monitor.assembly.asking import Asking, looks_now
from monitor.assembly.believing import believing
from monitor.assembly.clocks import Loops, chance, now, token
from monitor.assembly.looking import Looking
from monitor.assembly.planning import Planning
from monitor.assembly.process import give_back, steady
from monitor.assembly.roll_calls import RollCalls
from monitor.assembly.sealing import SEALED
from monitor.assembly.tracing import Tracing
from monitor.exposition import FleetRenderer
from monitor.hooks import router as hook_routes
from monitor.load_service import LoadService
from monitor.metrics import ServiceMetrics
from monitor.migrations import upgrade
from monitor.probe_api import router as probe_routes
from monitor.receiving import BatchReceiver
from monitor.retention import Retention
from monitor.settings import Settings
from monitor.worker import MonitorWorker
from probes.bus import InProcessBus
from probes.bus_nats import NatsConsumer
from probes.models import Evidence

__all__ = ["Service", "create_app"]

log = structlog.get_logger()

_FRESH_SECONDS = 30.0
_STOP_SECONDS = 2.0
_MOST_WAITING = 3072
"""Batches on the bus above which those of remote vantages are asked to come again."""


class Service:
    """Everything that runs, built by the constructor and alive between :meth:`start` and :meth:`stop`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        inventory = read_inventory(settings)
        self.database = open_engine(settings.url)
        self.metrics = ServiceMetrics()
        self.monitor = believing(settings, database=self.database, inventory=inventory, metrics=self.metrics)
        self.renderer = FleetRenderer(inventory, self.monitor.topology)
        self.acting = Acting(settings, database=self.database, inventory=inventory, metrics=self.metrics)
        self.alerting = self.acting.service
        self.aiding = Aiding(database=self.database, alerting=self.alerting, monitor=self.monitor)
        self.planning = Planning(database=self.database, monitor=self.monitor)
        self._bus = InProcessBus()
        self.receiver = BatchReceiver(
            tokens=settings.vantage_tokens,
            publisher=self._bus,
            has_room=lambda: len(self._bus) < _MOST_WAITING,
        )
        self.looking = Looking(settings, inventory, self._bus)
        self.asking = Asking(
            inventory, vantage=self.looking.code, looks=settings.looks, probes=self.looking.catalogue
        )
        self.pages = assemble(
            database=self.database,
            monitor=self.monitor,
            alerting=self.alerting,
            clock=now,
            token=token,
            sealing=self.acting.sealing,
            settings=settings.pages,
            planned=self.planning.service,
            aid=self.aiding.service,
            figures=self.metrics.figures,
            files=EvidenceFolder(settings.state / "evidence"),
            draw=chance,
            endpoints=self.acting.endpoints,
            look_now=looks_now(
                self.asking, database=self.database, monitor=self.monitor, hasten=self.looking.look_now
            ),
        )
        self.hub = self.pages.hub
        self.roll_calls = RollCalls(self.pages.rollcall, self.monitor, tell=self._tell, recall=self._recall)
        self.tracing = (
            Tracing(database=self.database, alerting=self.alerting, vantage=self.looking.code)
            if settings.looks
            else None
        )
        self._stop = asyncio.Event()
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._reloading = asyncio.Lock()

    async def start(self) -> None:
        """Bring the database to this version, resume belief, start the loops, begin to look."""
        steady()
        await asyncio.to_thread(upgrade, self.settings.url)
        await self.acting.sealing.prepare(self.database, SEALED)
        await self.monitor.start()
        await self.planning.refresh()
        await self._ensure_administrator()
        for name, run in self._all_loops().items():
            task = asyncio.create_task(run(self._stop), name=name)
            task.add_done_callback(self._ended)
            self._loops[name] = task
        if self.looking.looks:
            self.metrics.watch_vantage(self.looking.code, self.looking.figures)
        await self.looking.start()
        steady()
        log.info(
            "service started",
            inventory=str(self.settings.inventory),
            digest=self.monitor.inventory.digest[:12],
            database=shown(self.settings.url),
        )

    async def stop(self) -> None:
        """Stop looking, let the loops finish their turn, write down what memory holds."""
        await self.asking.stop()
        await self.looking.stop()
        self._stop.set()
        if self._loops:
            _, slow = await asyncio.wait(self._loops.values(), timeout=_STOP_SECONDS)
            for task in slow:
                task.cancel()
        await self.monitor.stop()
        await self.acting.stop()
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
            self.looking.swap(inventory)
            self.asking.swap(inventory)
            log.info("reloaded", digest=inventory.digest[:12])
            return ReloadResult(digest=inventory.digest, faults=())

    def _tell(self, codes: Sequence[str], at_ns: int) -> None:
        """Have belief hear what people confirmed: from the vantage here, or where none runs as evidence alone."""
        if self.looking.looks:
            self.looking.tell(codes, at_ns)
        else:
            self._recall(dict.fromkeys(codes, at_ns))

    def _recall(self, proven: Mapping[str, int]) -> None:
        """Have belief know again what people confirmed by telephone before this start."""
        self.monitor.prove(self.looking.code, proven, Evidence.HUMAN_CONFIRMED)

    def readiness(self) -> Mapping[str, str]:
        """Answer what is wrong, by part; empty: ready."""
        wrong = {
            f"loop {name}": "ended"
            for name, task in self._loops.items()
            if task.done() and not self._stop.is_set()
        }
        if self.looking.looks:
            if not self.looking.is_alive():
                wrong["vantage"] = "its thread ended"
            seen = self.monitor.snapshot().last_result_at
            if seen is None or (now() - seen).total_seconds() > _FRESH_SECONDS:
                wrong["results"] = f"the newest is of {seen.isoformat() if seen else 'never'}"
        return wrong

    def _all_loops(self) -> Loops:
        believing = MonitorWorker(
            service=self.monitor, bus=self._bus, clock=now, metrics=self.metrics, tidy=give_back
        )
        keeping = Retention(
            database=self.database,
            clock=now,
            metrics=self.metrics,
            history_days=self.settings.retention.history_days,
            changes_days=self.settings.retention.changes_days,
        )
        return {
            "monitor": believing.run,
            **self.acting.loops(self.monitor, self.readiness),
            **self.planning.loops(),
            "loads": LoadService(
                database=self.database, measured=self.monitor, clock=now, metrics=self.metrics
            ).run,
            **self.aiding.loops(),
            **self.roll_calls.loops(),
            **(self.tracing.loops() if self.tracing is not None else {}),
            **self._bus_loops(),
            "pages": Feed(self.pages).run,
            "reports": ReportWorker(
                service=self.pages.reports,
                election=lambda: self.monitor.inventory.election,
                clock=now,
                sending=self.pages.sending,
            ).run,
            "retention": keeping.run,
        }

    def _bus_loops(self) -> Loops:
        bus = self.settings.bus
        if bus is None:
            return {}
        consumer = NatsConsumer(
            url=bus.url.get_secret_value(), domains=bus.domains, take=self.monitor.take, wall_ns=time.time_ns
        )
        return {"bus": consumer.run}

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not self._stop.is_set() and not task.cancelled():
            log.error("loop ended before its time", loop=task.get_name(), exc_info=task.exception())

    async def _ensure_administrator(self) -> None:
        given = self.settings.administrator_password.get_secret_value()
        if given:
            await self.pages.auth.open_administrator(given, must_change=False)
            return
        password = await ensure_administrator(self.pages.auth, token)
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
    app = ApiApplication(
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
        probe_routes(
            find=service.asking.find,
            look=service.asking.look,
            monotonic=time.monotonic,
            guard=belief_guard(service.pages),
        )
    )
    api = Api(database=service.database, clock=now, actor=api_actor(service.pages))
    app.include_router(incident_routes(api, service.alerting))
    _add_duties(app, api, service)
    app.include_router(aid_routes(api, service.aiding.service))
    app.include_router(planned_routes(api, service.planning.service))
    app.include_router(report_routes(api, service.pages.reports))
    app.include_router(
        hook_routes(ping=service.looking.heartbeats.ping, monotonic=time.monotonic, receiver=service.receiver)
    )
    app.include_router(service.acting.routes())
    install(app, service.pages)
    return app


def _add_duties(app: FastAPI, api: Api, service: Service) -> None:
    """Put what people agree on, do in the field and answer to carriers' own systems into ``app``."""
    pages = service.pages
    app.include_router(roster_routes(api, pages.roster, pages.handing))
    app.include_router(agreeing_routes(api, pages.roster, pages.swapping))
    app.include_router(field_routes(api, pages.inspections, pages.drills))
    app.include_router(look_routes(api, pages.look_now))
    app.include_router(load_routes(api, pages.loads))
    monitor = service.monitor
    app.include_router(rollcall_routes(api, pages.rollcall, lambda: (monitor.inventory, monitor.topology)))
    app.include_router(hub_router(api, service.acting.endpoints))
    app.include_router(webhook_routes(api, service.acting.endpoints, lambda: monitor.inventory))
    app.include_router(ticket_routes(api, service.alerting, public_url=service.settings.pages.public_url))


def _on_day(inventory: Inventory, settings: Settings) -> Inventory:
    return rebased(inventory, settings.day) if settings.day else inventory


def _sentences(faults: tuple[Fault, ...]) -> tuple[str, ...]:
    return tuple(str(fault) for fault in faults)

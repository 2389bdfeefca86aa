"""Looking: the vantage of this process, its probes, heartbeats, traps and reflector."""

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence

from inventory.models import Inventory, ProbeKind
from monitor.assembly.clocks import CLOCKS, now
from monitor.metrics import VantageFigures
from monitor.settings import Settings
from probes.bus import InProcessBus
from probes.call_limits import CallLimits
from probes.catalogue import catalogue, clock_error
from probes.fleet import is_numeric
from probes.heartbeat import HeartbeatBook
from probes.models import Evidence, Probe
from probes.stamp_reflector import StampReflector
from probes.trap_events import vendor_kinds
from probes.traps import TrapReceiver
from probes.worker import VantageWorker

__all__ = ["Looking"]


class Looking:
    """Everything that looks from here; without ``settings.looks`` only the heartbeats that come in."""

    def __init__(self, settings: Settings, inventory: Inventory, bus: InProcessBus) -> None:
        self.heartbeats = HeartbeatBook(monotonic=time.monotonic)
        self.code = settings.vantage or next(iter(inventory.vantages))
        self._settings = settings
        self._inventory = inventory
        self._bus = bus
        self._expect_heartbeats()
        self._vantage = self._build_vantage()
        self._traps = self._build_traps()

    @property
    def looks(self) -> bool:
        """Whether this process looks itself."""
        return self._vantage is not None

    async def start(self) -> None:
        """Begin to look, then listen for traps."""
        if self._vantage is not None:
            await asyncio.to_thread(self._vantage.start)
        if self._traps is not None and self._settings.traps is not None:
            await self._traps.open(hosts=[self._settings.traps.host], port=self._settings.traps.port)

    async def stop(self) -> None:
        """End every look."""
        if self._traps is not None:
            await self._traps.close()
        if self._vantage is not None:
            await asyncio.to_thread(self._vantage.stop)

    def swap(self, inventory: Inventory) -> None:
        """Look at what ``inventory`` says from now on."""
        self._inventory = inventory
        self._expect_heartbeats()
        if self._traps is not None:
            self._traps.watch(_addresses(inventory))
        if self._vantage is not None:
            self._vantage.swap(inventory)

    def look_now(self, codes: Sequence[str]) -> None:
        """Bring the next look at these targets forward to now, so that belief learns what a person asked."""
        if self._vantage is not None:
            self._vantage.look_now(codes)

    def tell(self, codes: Sequence[str], at_ns: int) -> None:
        """Put what people confirmed by telephone into the next batch of the running vantage."""
        if self._vantage is not None:
            self._vantage.tell(codes, evidence=Evidence.HUMAN_CONFIRMED, at_ns=at_ns)

    def is_alive(self) -> bool:
        """Answer whether the vantage's thread runs."""
        return self._vantage is not None and self._vantage.is_alive()

    def figures(self) -> VantageFigures:
        """Answer what the vantage counts."""
        if self._vantage is None:
            return VantageFigures()
        statistics = self._vantage.statistics()
        icmp = statistics.icmp
        return VantageFigures(
            lag_seconds=statistics.runner.lag_ns / 1e9,
            receive_drops=statistics.health.readings.drops,
            late=icmp.late if icmp else 0,
            duplicate=icmp.duplicate if icmp else 0,
            foreign=icmp.foreign if icmp else 0,
            clock_steps=icmp.clock_steps if icmp else 0,
            spool=len(self._bus),
            descriptors=statistics.health.readings.descriptors,
            breaches=frozenset(breach.kind.value for breach in statistics.health.found),
        )

    def _expect_heartbeats(self) -> None:
        self.heartbeats.expect(
            target.options
            for target in self._inventory.targets.values()
            if target.kind is ProbeKind.HEARTBEAT
        )

    def _build_vantage(self) -> VantageWorker | None:
        if not self._settings.looks:
            return None
        return VantageWorker(
            inventory=self._inventory,
            vantage=self.code,
            publisher=self._bus,
            clocks=CLOCKS,
            probes=self._probes,
            nonce=secrets.randbits(64),
            epoch=time.time_ns(),
            queue=lambda: (len(self._bus), self._bus.capacity),
            reflector=self._reflector if self._settings.reflector is not None else None,
        )

    def _reflector(self) -> StampReflector:
        settings = self._settings.reflector
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

    def _build_traps(self) -> TrapReceiver | None:
        settings = self._settings.traps
        if settings is None or self._vantage is None:
            return None
        vantage = self._vantage
        return TrapReceiver(
            on_event=lambda event: vantage.look_at(event.source),
            sources=_addresses(self._inventory),
            communities=[community.get_secret_value() for community in settings.communities],
            vendors=vendor_kinds(settings.vendors),
            monotonic=time.monotonic,
            wall_ns=time.time_ns,
        )

    def catalogue(self) -> dict[ProbeKind, Probe]:
        """Make a fresh set of probes as this vantage looks with, not yet opened."""
        return catalogue(
            monotonic=time.monotonic,
            wall_ns=time.time_ns,
            token=lambda: secrets.token_hex(8),
            rng=secrets.SystemRandom(),
            limits=CallLimits(monotonic=time.monotonic, clock=now, zone=self._inventory.election.zone),
            extra_ca=self._settings.extra_ca,
        )

    def _probes(self) -> Mapping[ProbeKind, Probe]:
        return {**self.catalogue(), ProbeKind.HEARTBEAT: self.heartbeats}


def _addresses(inventory: Inventory) -> frozenset[str]:
    """Answer the numeric addresses whose traps are believed enough to look."""
    return frozenset(target.address for target in inventory.targets.values() if is_numeric(target.address))

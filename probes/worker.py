"""A vantage: one thread with its own event loop, the engines, the schedule, and the bus end that it publishes to.

Runs inside the service, or alone at a remote place: it needs an inventory, a publisher and clocks, and nothing of
belief. ``reflector`` answers an open STAMP reflector, so that other vantages can measure the way to this one. Calls
from other threads go through :meth:`VantageWorker.swap`, :meth:`VantageWorker.look_at`, :meth:`VantageWorker.look_now`
and :meth:`VantageWorker.stop`.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt
import structlog
import uvloop

from inventory.models import Inventory, ProbeKind
from inventory.phases import phase_at
from inventory.topology import Topology
from probes.bus import Publisher
from probes.fleet import Fleet, build_fleet, pacing_of
from probes.gather import Gather
from probes.health import CountsDrops, HealthReader, SelfCheck
from probes.icmp import IcmpEngine, IcmpNotAllowedError, IcmpResults, IcmpStatistics
from probes.models import Evidence, Look, Outcome, Probe
from probes.resolve import RESOLVE_SECONDS, Resolver
from probes.runner import Runner, RunnerStatistics
from probes.stamp_reflector import StampReflector

__all__ = ["Clocks", "VantageWorker", "WorkerStatistics"]

log = structlog.get_logger()

_PHASE_SECONDS = 1.0
_HEALTH_SECONDS = 1.0
_STOP_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks that a vantage lives by; ``age`` answers seconds since the last clock synchronisation or NaN."""

    now: Callable[[], datetime]
    wall_ns: Callable[[], int]
    monotonic_ns: Callable[[], int]
    age: Callable[[], float]


@dataclass(frozen=True, slots=True)
class WorkerStatistics:
    """What a vantage says of itself. ``icmp`` is None where ICMP is not allowed; ``icmp_reason`` says why."""

    runner: RunnerStatistics
    icmp: IcmpStatistics | None
    icmp_reason: str
    unresolved: frozenset[str]
    health: SelfCheck


class VantageWorker:
    """Looks from one vantage until stopped."""

    def __init__(
        self,
        *,
        inventory: Inventory,
        vantage: str,
        publisher: Publisher,
        clocks: Clocks,
        probes: Callable[[], Mapping[ProbeKind, Probe]],
        nonce: int,
        epoch: int,
        reflector: Callable[[], StampReflector] | None = None,
        queue: Callable[[], tuple[int, int]] = lambda: (0, 0),
    ) -> None:
        self._make_reflector = reflector
        self._inventory = inventory
        self._vantage = vantage
        self._publisher = publisher
        self._clocks = clocks
        self._make_probes = probes
        self._nonce = nonce
        self._gather = Gather(vantage=vantage, epoch=epoch, clock_age=clocks.age)
        self._resolver = Resolver()
        self._stopped = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._main, name=f"vantage-{vantage}", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._runner: Runner | None = None
        self._icmp: IcmpEngine | None = None
        self._icmp_reason = ""
        self._probes: Mapping[ProbeKind, Probe] = {}
        self._health = SelfCheck(
            HealthReader(
                lag_p99_seconds=lambda: self._runner.statistics.lags.p99_seconds() if self._runner else 0.0,
                looks=lambda: self._runner.statistics.looks if self._runner else 0,
                engine=self._counted,
                queue=queue,
            ),
            monotonic_ns=clocks.monotonic_ns,
        )

    def start(self) -> None:
        """Begin to look; returns when the engines are open."""
        self._thread.start()
        self._ready.wait(_STOP_SECONDS)

    def stop(self) -> None:
        """Stop looking and wait for the thread, at most three seconds."""
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        self._thread.join(_STOP_SECONDS)

    def swap(self, inventory: Inventory) -> None:
        """Look at another inventory from the next tick on; beliefs of the schedule stay by target code."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._swap, inventory)

    def look_at(self, address: str) -> None:
        """Look at an address and its kin without waiting for their turn; safe from any thread."""
        loop, runner = self._loop, self._runner
        if loop is not None and runner is not None and not loop.is_closed():
            loop.call_soon_threadsafe(runner.look_at, address)

    def look_now(self, codes: Sequence[str]) -> None:
        """Look at targets by their codes without waiting for their turn; safe from any thread."""
        loop, runner = self._loop, self._runner
        if loop is not None and runner is not None and not loop.is_closed():
            loop.call_soon_threadsafe(runner.look_now, tuple(codes))

    def tell(self, codes: Sequence[str], *, evidence: Evidence, at_ns: int) -> None:
        """Take into the next batch that targets answered somebody else (people, by telephone); safe from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._tell, tuple(codes), evidence, at_ns)

    def _tell(self, codes: Sequence[str], evidence: Evidence, at_ns: int) -> None:
        # Numbered here, by the fleet whose digest the batch will bear: another thread may know a newer inventory.
        places = self._current.topology.index.places(codes) if self._runner is not None else ()
        for place in places:
            if place >= 0:
                self._gather.add(
                    Look(int(place), at_ns, Outcome.OK, evidence=evidence, detail="told by telephone")
                )

    def statistics(self) -> WorkerStatistics:
        """Answer the counters as they stand; safe from any thread."""
        return WorkerStatistics(
            runner=self._runner.statistics if self._runner else RunnerStatistics(),
            icmp=self._icmp.statistics() if self._icmp else None,
            icmp_reason=self._icmp_reason,
            unresolved=self._resolver.stale,
            health=self._health,
        )

    def is_alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._renamed = asyncio.Event()
        probes = self._probes = self._make_probes()
        for probe in probes.values():
            await probe.open()
        self._icmp = self._open_icmp()
        fleet = self._fleet(self._inventory)
        await self._resolver.refresh(fleet.slots)
        self._phase = phase_at(self._inventory.election, self._clocks.now())
        self._runner = Runner(
            fleet=fleet,
            pacing=pacing_of(fleet, self._inventory, self._phase),
            addresses=self._resolver.addresses(fleet.slots),
            probes=probes,
            icmp=self._icmp,
            gather=self._gather,
            publisher=self._publisher,
            monotonic_ns=self._clocks.monotonic_ns,
            wall_ns=self._clocks.wall_ns,
            is_doubtful=self._health.is_doubtful,
        )
        if self._icmp is not None:
            self._icmp.start()
        reflector = self._make_reflector() if self._make_reflector is not None else None
        self._ready.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._runner.run(self._stop))
            tasks.create_task(self._keep_phase(self._stop))
            tasks.create_task(self._keep_addresses(self._stop))
            tasks.create_task(self._keep_health(self._stop))
        if reflector is not None:
            reflector.close()
        if self._icmp is not None:
            self._icmp.close()
        for probe in probes.values():
            await probe.close()

    def _open_icmp(self) -> IcmpEngine | None:
        engine = IcmpEngine(
            monotonic_ns=self._clocks.monotonic_ns,
            wall_ns=self._clocks.wall_ns,
            nonce=self._nonce,
            identifier=self._nonce & 0xFFFF,
            on_results=self._from_engine,
            on_overdue=self._overdue_from_engine,
        )
        try:
            engine.open()
        except IcmpNotAllowedError as error:
            self._icmp_reason = str(error)
            log.warning("icmp not allowed", vantage=self._vantage, reason=str(error))
            return None
        return engine

    def _fleet(self, inventory: Inventory) -> Fleet:
        self._current = build_fleet(
            inventory,
            Topology.of(inventory),
            inventory.vantages[self._vantage],
            canaries_by=ProbeKind.ICMP if self._icmp is not None else ProbeKind.TCP,
        )
        return self._current

    def _swap(self, inventory: Inventory) -> None:
        if self._runner is None:
            return
        self._inventory = inventory
        fleet = self._fleet(inventory)
        pacing = pacing_of(fleet, inventory, self._phase)
        self._runner.swap(fleet, pacing, self._resolver.addresses(fleet.slots))
        self._renamed.set()

    async def _keep_phase(self, stop: asyncio.Event) -> None:
        while not await _stopped(stop, _PHASE_SECONDS):
            phase = phase_at(self._inventory.election, self._clocks.now())
            if phase is not self._phase and self._runner is not None:
                log.info("phase changed", vantage=self._vantage, old=self._phase, new=phase)
                self._phase = phase
                self._runner.pace(pacing_of(self._current, self._inventory, phase))

    async def _keep_health(self, stop: asyncio.Event) -> None:
        while not await _stopped(stop, _HEALTH_SECONDS):
            for breach in self._health.check():
                log.warning(
                    "vantage over budget",
                    vantage=self._vantage,
                    breach=breach.kind.value,
                    value=round(breach.value, 3),
                    limit=breach.limit,
                )

    def _counted(self) -> IcmpStatistics:
        counted = self._icmp.statistics() if self._icmp else IcmpStatistics()
        drops = sum(probe.kernel_drops for probe in self._probes.values() if isinstance(probe, CountsDrops))
        return replace(counted, kernel_drops=counted.kernel_drops + drops)

    async def _keep_addresses(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await _any_set(stop, self._renamed, seconds=RESOLVE_SECONDS)
            self._renamed.clear()
            slots = self._current.slots
            if await self._resolver.refresh(slots) and self._runner is not None:
                self._runner.readdress(self._resolver.addresses(self._current.slots))

    def _from_engine(self, results: IcmpResults) -> None:
        if self._loop is not None and self._runner is not None:
            self._loop.call_soon_threadsafe(self._runner.take_icmp, results)

    def _overdue_from_engine(self, generation: int, slots: npt.NDArray[np.uint32]) -> None:
        if self._loop is not None and self._runner is not None:
            self._loop.call_soon_threadsafe(self._runner.take_overdue, generation, slots)


async def _any_set(*events: asyncio.Event, seconds: float) -> None:
    """Wait until any event is set or ``seconds`` have passed."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for the stop or for ``seconds``, whichever is first; answer whether to stop."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True

"""A nation under watch: 140,000 targets every 10 s, with detection, on loopback against the lab in another process.

One process holds what a service holds: the vantage's thread (schedule, engines), the bus, belief and its SQLite file.
Cores are those of this process, kernel time included; the lab's are told beside. Nothing is wrong in the lab, so
every outage is a false one.
"""

import asyncio
import math
import os
import resource
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import text

from inventory import generate
from inventory.database import open_engine, reading
from inventory.loader import load
from inventory.models import ProbeKind
from monitor.assembly.process import give_back, steady
from monitor.metrics import ServiceMetrics
from monitor.migrations import upgrade
from monitor.service import MonitorService
from monitor.worker import MonitorWorker
from probes.bus import InProcessBus
from probes.http import HttpProbe
from probes.models import Flag, Outcome
from probes.sip import SipProbe
from probes.snmp import SnmpProbe
from probes.tcp import TcpProbe
from probes.worker import Clocks, VantageWorker

__all__ = ["run"]

LIMIT_CORES = 0.6
LIMIT_LAG_SECONDS = 1.0
LIMIT_BYTES = 1024
LIMIT_DETECTION = 0.1
TARGETS = 140_000
CADENCE_SECONDS = 10.0
SNMP_PORT = 16161
WARM_UP_SECONDS = 15.0
WARM_UP_AT_MOST_SECONDS = 150.0
TRUSTED_LOOKS = 2.5
"""Looks a target until belief about it stands; the first minute of a life is not what a nation costs."""


class Watched:
    """The bus, and what the bench wants to know of every batch that goes over it."""

    def __init__(self, bus, inventory):
        self.bus = bus
        self.kinds = [target.kind.value for target in inventory.targets.values()]
        self.lag = lambda: 0
        self.begin()

    def begin(self):
        self.looks, self.batches, self.lags = 0, 0, []
        self.outcomes = np.zeros(len(Outcome), np.int64)
        self.unreliable = self.confirming = 0
        self.deepest = 0
        self.lost = Counter()

    def publish(self, batch):
        self.looks += len(batch)
        self.batches += 1
        self.lags.append(self.lag())
        self.outcomes += np.bincount(batch.outcome, minlength=len(Outcome))
        self.unreliable += int(np.count_nonzero(batch.flags & Flag.UNRELIABLE))
        self.confirming += int(np.count_nonzero(batch.flags & Flag.CONFIRM))
        for row in np.flatnonzero(
            (batch.outcome != Outcome.OK) & ((batch.flags & Flag.CANARY) == 0)
        ).tolist():
            mark = "_unreliable" if batch.flags[row] & Flag.UNRELIABLE else ""
            self.lost[
                f"{self.kinds[batch.target[row]]}_{Outcome(batch.outcome[row]).name.lower()}{mark}"
            ] += 1
        self.bus.publish(batch)
        self.deepest = max(self.deepest, len(self.bus))


def run(seconds=60.0, targets=TARGETS):
    """Watch for ``seconds`` after warming up; answer cores, lag, memory and what was falsely believed."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        generate.nation(folder / "nation", targets=targets)
        with answering(folder) as lab:
            return asyncio.run(measured(folder, lab, seconds))


@contextmanager
def answering(folder):
    """Run what answers, the lab and an agent of many addresses, each in a process of its own; yields them."""
    inventory, state = str(folder / "nation"), str(folder / "lab")
    commands = (
        ("-m", "monitor", "lab", "serve", "--inventory", inventory, "--state", state),
        ("-m", "tests.support.snmp_agent", str(SNMP_PORT)),
    )
    started = []
    try:
        for number, command in enumerate(commands):
            with (folder / f"{number}.log").open("wb") as said:
                started.append(
                    subprocess.Popen(
                        [sys.executable, *command],
                        stdout=subprocess.PIPE,
                        stderr=said,
                        cwd=Path(__file__).parents[2],
                    )
                )
            if not started[-1].stdout.readline():
                said = (folder / f"{number}.log").read_text()[-500:]
                raise RuntimeError(f"what should answer did not start: {said}")
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


class Spent:
    """CPU seconds of this process by what they are for, and of those that answer, since it was made."""

    def __init__(self, lab):
        self.lab = lab
        self.began, self.own = time.monotonic(), cpu_seconds()
        self.by_thread = cpu_by_thread()
        self.theirs = sum(cpu_of(process.pid) for process in lab)

    def cores(self):
        """Cores: all of ours, the split, the lab's. What no thread of ours did writes the database and packs minutes."""
        lasted = time.monotonic() - self.began
        ours = (cpu_seconds() - self.own) / lasted
        by_thread = {n: (v - self.by_thread.get(n, 0.0)) / lasted for n, v in cpu_by_thread().items()}
        icmp = by_thread.get("icmp", 0.0)
        looking = sum(v for n, v in by_thread.items() if n.startswith("vantage"))
        return {
            "lasted": lasted,
            "cores": ours,
            "looking": looking,
            "icmp": icmp,
            "detection": ours - looking - icmp,
            "belief": by_thread.get("MainThread", 0.0),
            "lab": (sum(cpu_of(process.pid) for process in self.lab) - self.theirs) / lasted,
        }


@asynccontextmanager
async def watching(folder, inventory):
    """Hold a service's belief and its vantage over ``inventory``; yields them once belief stands."""
    metrics = ServiceMetrics()
    service = await a_service(folder, inventory, metrics)
    bus = InProcessBus()
    watched = Watched(bus, inventory)
    vantage = a_vantage(inventory, watched)
    watched.lag = lambda: vantage.statistics().runner.lag_ns
    stop = asyncio.Event()
    believing = MonitorWorker(service=service, bus=bus, clock=now, metrics=metrics, tidy=give_back)
    task = asyncio.create_task(believing.run(stop))
    steady()
    await asyncio.to_thread(vantage.start)
    steady()
    try:
        yield service, watched, vantage, believing
    finally:
        await asyncio.to_thread(vantage.stop)
        stop.set()
        await task
        await service.stop()
        await service.database.dispose()


async def measured(folder, lab, seconds):
    empty = resident_bytes()
    inventory = load(folder / "nation")
    with_inventory = resident_bytes()
    count = len(inventory.targets)
    async with watching(folder, inventory) as (service, watched, vantage, believing):
        warm_up, worst = await warmed_up(watched, count)
        steady()
        watched.begin()
        spent = Spent(lab)
        await asyncio.sleep(seconds)
        split = spent.cores()
        full = resident_bytes()
        statistics = vantage.statistics()
        false = await outages(service.database)
        changes = await changes_by_reason(service.database)
    lasted, cores = split.pop("lasted"), split.pop("cores")
    lags = np.array(watched.lags) / 1e9
    return {
        "name": "nation",
        "ours": round(cores, 3),
        "peer": None,
        "limit": LIMIT_CORES,
        "unit": "cores",
        "ratio": round(LIMIT_CORES / cores, 2),
        "targets": count,
        "kinds": dict(Counter(target.kind.value for target in inventory.targets.values())),
        "seconds": round(lasted, 1),
        "warm_up_seconds": round(warm_up, 1),
        "warm_up_worst_lag_seconds": round(worst, 2),
        "looks_a_second": round(watched.looks / lasted),
        "looks_due_a_second": round(count / CADENCE_SECONDS),
        "batches_a_second": round(watched.batches / lasted),
        "p99_lag_seconds": round(float(np.percentile(lags, 99)), 4),
        "worst_lag_seconds": round(float(lags.max(initial=0)), 4),
        "p99_lag_limit": LIMIT_LAG_SECONDS,
        "bytes_a_target": round((full - with_inventory) / count),
        "bytes_a_target_limit": LIMIT_BYTES,
        "bytes_a_target_with_inventory": round((full - empty) / count),
        "false_outages": false,
        "cores": {name: round(each, 3) for name, each in split.items()},
        "detection_limit": LIMIT_DETECTION,
        "changes": changes,
        "cpu_microseconds_a_look": round(cores * lasted / max(watched.looks, 1) * 1e6, 1),
        **of_looks(watched),
        "kernel_drops": statistics.icmp.kernel_drops if statistics.icmp else None,
        "late": statistics.icmp.late if statistics.icmp else None,
        "failed_turns": believing.failed,
        "loadavg": os.getloadavg()[0],
    }


def of_looks(watched):
    """What became of the looks, and of the batches that carried them."""
    return {
        "not_ok": {o.name.lower(): int(watched.outcomes[o]) for o in Outcome if o and watched.outcomes[o]},
        "not_ok_by_kind": dict(watched.lost),
        "confirming": watched.confirming,
        "unreliable": watched.unreliable,
        "bus_deepest": watched.deepest,
        "bus_dropped": watched.bus.dropped,
    }


async def a_service(folder, inventory, metrics):
    url = f"sqlite+aiosqlite:///{folder}/nation.db"
    await asyncio.to_thread(upgrade, url)
    service = MonitorService(database=open_engine(url), inventory=inventory, clock=now, metrics=metrics)
    await service.start()
    return service


async def warmed_up(watched, targets):
    """Wait until every target was looked at often enough and nothing lags; answer how long that took, the worst lag."""
    began = time.monotonic()
    calm, worst = 0, 0
    while (lasted := time.monotonic() - began) < WARM_UP_AT_MOST_SECONDS:
        await asyncio.sleep(0.5)
        worst = max(worst, watched.lag())
        is_abreast = watched.lag() < 100_000_000 and len(watched.bus) < 3
        calm = calm + 1 if is_abreast and watched.looks > TRUSTED_LOOKS * targets else 0
        if calm >= 10 and lasted > WARM_UP_SECONDS:
            break
    return lasted, worst / 1e9


def probes():
    return {
        ProbeKind.TCP: TcpProbe(monotonic=time.monotonic),
        ProbeKind.HTTP: HttpProbe(monotonic=time.monotonic, wall_ns=time.time_ns),
        ProbeKind.SIP_OPTIONS: SipProbe(
            monotonic=time.monotonic, wall_ns=time.time_ns, token=lambda: secrets.token_hex(8)
        ),
        ProbeKind.SNMP: SnmpProbe(monotonic=time.monotonic, wall_ns=time.time_ns),
    }


def a_vantage(inventory, publisher):
    return VantageWorker(
        inventory=inventory,
        vantage=next(iter(inventory.vantages)),
        publisher=publisher,
        clocks=Clocks(now=now, wall_ns=time.time_ns, monotonic_ns=time.monotonic_ns, age=lambda: math.nan),
        probes=probes,
        nonce=secrets.randbits(64),
        epoch=time.time_ns(),
    )


async def outages(database):
    async with reading(database) as connection:
        return (await connection.execute(text("SELECT count(*) FROM outages"))).scalar_one()


async def changes_by_reason(database):
    async with reading(database) as connection:
        found = await connection.execute(text("SELECT reason, count(*) FROM state_changes GROUP BY reason"))
        return dict(found.tuples().all())


def now():
    return datetime.now(UTC)


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cpu_of(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_by_thread():
    """Answer CPU seconds by thread name; threads without one of ours are summed as ``others``."""
    spent = {"others": 0.0}
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    for task in Path("/proc/self/task").iterdir():
        name = names.get(int(task.name), "others")
        name = name if name in {"MainThread", "icmp"} or name.startswith("vantage") else "others"
        try:
            fields = (task / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        spent[name] = spent.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return spent


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

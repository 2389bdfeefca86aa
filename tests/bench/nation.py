"""A nation under watch: 140,000 targets every 10 s, with detection, on loopback against the lab in another process.

One process holds what a service holds: the vantage's thread (schedule, engines), the bus, belief and its SQLite file.
Cores are those of this process, kernel time included; the lab's are told beside. Nothing is wrong in the lab, so
every outage is a false one.
"""

import asyncio
import json
import math
import os
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from inventory import generate
from inventory.database import open_engine, reading
from inventory.loader import load
from inventory.models import ProbeKind
from monitor import store
from monitor.metrics import ServiceMetrics
from monitor.migrations import upgrade
from monitor.service import MonitorService
from monitor.worker import MonitorWorker
from probes.bus import InProcessBus
from probes.http import HttpProbe
from probes.models import Flag, Outcome
from probes.sip import SipProbe
from probes.tcp import TcpProbe
from probes.worker import Clocks, VantageWorker

__all__ = ["run"]

LIMIT_CORES = 0.6
LIMIT_LAG_SECONDS = 1.0
LIMIT_BYTES = 1024
TARGETS = 140_000
CADENCE_SECONDS = 10.0
WARM_UP_SECONDS = 25.0
LAB_SECONDS = 120.0


class Watched:
    """The bus, and what the bench wants to know of every batch that goes over it."""

    def __init__(self, bus):
        self.bus = bus
        self.lag = lambda: 0
        self.begin()

    def begin(self):
        self.looks, self.batches, self.lags = 0, 0, []
        self.outcomes = np.zeros(len(Outcome), np.int64)
        self.unreliable = self.confirming = 0
        self.deepest = 0

    def publish(self, batch):
        self.looks += len(batch)
        self.batches += 1
        self.lags.append(self.lag())
        self.outcomes += np.bincount(batch.outcome, minlength=len(Outcome))
        self.unreliable += int(np.count_nonzero(batch.flags & Flag.UNRELIABLE))
        self.confirming += int(np.count_nonzero(batch.flags & Flag.CONFIRM))
        self.bus.publish(batch)
        self.deepest = max(self.deepest, len(self.bus))


def run(seconds=60.0, targets=TARGETS):
    """Watch for ``seconds`` after warming up; answer cores, lag, memory and what was falsely believed."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        generate.nation(folder / "nation", targets=targets)
        lab = start_lab(folder)
        try:
            return asyncio.run(measured(folder, lab, seconds))
        finally:
            lab.terminate()
            lab.wait(30)


def start_lab(folder):
    command = ("-m", "monitor", "lab", "serve", "--inventory", str(folder / "nation"), "--state", str(folder / "lab"))
    with (folder / "lab.log").open("wb") as said:
        lab = subprocess.Popen(
            [sys.executable, *command], stdout=subprocess.PIPE, stderr=said, cwd=Path(__file__).parents[2]
        )
    line = lab.stdout.readline()
    if not line:
        raise RuntimeError(f"the lab did not start: {(folder / 'lab.log').read_text()[-500:]}")
    json.loads(line)
    return lab


async def measured(folder, lab, seconds):
    empty = resident_bytes()
    inventory = load(folder / "nation")
    with_inventory = resident_bytes()
    url = f"sqlite+aiosqlite:///{folder}/nation.db"
    await asyncio.to_thread(upgrade, url)
    database = open_engine(url)
    metrics = ServiceMetrics()
    service = MonitorService(database=database, inventory=inventory, clock=now, metrics=metrics)
    await service.start()
    bus = InProcessBus()
    watched = Watched(bus)
    vantage = a_vantage(inventory, watched)
    watched.lag = lambda: vantage.statistics().runner.lag_ns
    stop = asyncio.Event()
    believing = MonitorWorker(service=service, bus=bus, clock=now, metrics=metrics)
    task = asyncio.create_task(believing.run(stop))
    await asyncio.to_thread(vantage.start)
    try:
        await asyncio.sleep(WARM_UP_SECONDS)
        watched.begin()
        began, spent, lab_spent = time.monotonic(), cpu_seconds(), cpu_of(lab.pid)
        await asyncio.sleep(seconds)
        lasted = time.monotonic() - began
        cores, lab_cores = (cpu_seconds() - spent) / lasted, (cpu_of(lab.pid) - lab_spent) / lasted
        full = resident_bytes()
        statistics = vantage.statistics()
    finally:
        await asyncio.to_thread(vantage.stop)
        stop.set()
        await task
    false = await outages(database, inventory)
    await service.stop()
    await database.dispose()
    count = len(inventory.targets)
    lags = np.array(watched.lags) / 1e9
    looked = sum(1 for target in inventory.targets.values() if target.kind in KINDS)
    return {
        "name": "nation",
        "ours": round(cores, 3),
        "peer": None,
        "limit": LIMIT_CORES,
        "unit": "cores",
        "ratio": round(LIMIT_CORES / cores, 2),
        "targets": count,
        "looked_at": looked,
        "seconds": round(lasted, 1),
        "looks_a_second": round(watched.looks / lasted),
        "looks_due_a_second": round(looked / CADENCE_SECONDS),
        "batches_a_second": round(watched.batches / lasted),
        "p99_lag_seconds": round(float(np.percentile(lags, 99)), 4),
        "p99_lag_limit": LIMIT_LAG_SECONDS,
        "bytes_a_target": round((full - with_inventory) / count),
        "bytes_a_target_limit": LIMIT_BYTES,
        "bytes_a_target_with_inventory": round((full - empty) / count),
        "false_outages": false,
        "not_ok": {o.name.lower(): int(watched.outcomes[o]) for o in Outcome if o and watched.outcomes[o]},
        "confirming": watched.confirming,
        "unreliable": watched.unreliable,
        "bus_deepest": watched.deepest,
        "bus_dropped": bus.dropped,
        "kernel_drops": statistics.icmp.kernel_drops if statistics.icmp else None,
        "late": statistics.icmp.late if statistics.icmp else None,
        "lab_cores": round(lab_cores, 3),
        "failed_turns": believing.failed,
        "loadavg": os.getloadavg()[0],
    }


KINDS = (ProbeKind.ICMP, ProbeKind.TCP, ProbeKind.SIP_OPTIONS, ProbeKind.HTTP)


def probes():
    return {
        ProbeKind.TCP: TcpProbe(monotonic=time.monotonic),
        ProbeKind.HTTP: HttpProbe(monotonic=time.monotonic),
        ProbeKind.SIP_OPTIONS: SipProbe(
            monotonic=time.monotonic, wall_ns=time.time_ns, token=lambda: secrets.token_hex(8)
        ),
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


async def outages(database, inventory):
    async with reading(database) as connection:
        found = await store.outages_of(
            connection, tuple(inventory.targets), datetime(2000, 1, 1, tzinfo=UTC), now()
        )
    return len(found)


def now():
    return datetime.now(UTC)


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cpu_of(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

"""A nation under watch: 140,000 targets every 10 s, with detection, on loopback against the lab in another process.

One process holds what a service holds: the vantage's thread (schedule, engines), the bus, belief and its SQLite file.
Cores are those of this process, kernel time included; the lab's are told beside. Nothing is wrong in the lab, so
every outage is a false one.
"""

import asyncio
import gc
import json
import math
import os
import resource
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import text

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
SWITCH_SECONDS = 0.0005
WARM_UP_SECONDS = 15.0
WARM_UP_AT_MOST_SECONDS = 150.0
TRUSTED_LOOKS = 2.5
"""Looks a target until belief about it stands; the first minute of a life is not what a nation costs."""
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
    command = (
        "-m",
        "monitor",
        "lab",
        "serve",
        "--inventory",
        str(folder / "nation"),
        "--state",
        str(folder / "lab"),
    )
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
    metrics = ServiceMetrics()
    service = await a_service(folder, inventory, metrics)
    database = service.database
    steady_process()
    bus = InProcessBus()
    watched = Watched(bus)
    vantage = a_vantage(inventory, watched)
    watched.lag = lambda: vantage.statistics().runner.lag_ns
    stop = asyncio.Event()
    believing = MonitorWorker(service=service, bus=bus, clock=now, metrics=metrics)
    task = asyncio.create_task(believing.run(stop))
    await asyncio.to_thread(vantage.start)
    try:
        warm_up = await warmed_up(watched, len(inventory.targets))
        watched.begin()
        began, spent, lab_spent = time.monotonic(), cpu_seconds(), cpu_of(lab.pid)
        by_thread = cpu_by_thread()
        await asyncio.sleep(seconds)
        lasted = time.monotonic() - began
        cores, lab_cores = (cpu_seconds() - spent) / lasted, (cpu_of(lab.pid) - lab_spent) / lasted
        threads = {n: round((v - by_thread.get(n, 0.0)) / lasted, 3) for n, v in cpu_by_thread().items()}
        full = resident_bytes()
        statistics = vantage.statistics()
    finally:
        await asyncio.to_thread(vantage.stop)
        stop.set()
        await task
    false = await outages(database, inventory)
    changes = await changes_by_reason(database)
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
        "warm_up_seconds": round(warm_up, 1),
        "looks_a_second": round(watched.looks / lasted),
        "looks_due_a_second": round(looked / CADENCE_SECONDS),
        "batches_a_second": round(watched.batches / lasted),
        "p99_lag_seconds": round(float(np.percentile(lags, 99)), 4),
        "p99_lag_limit": LIMIT_LAG_SECONDS,
        "bytes_a_target": round((full - with_inventory) / count),
        "bytes_a_target_limit": LIMIT_BYTES,
        "bytes_a_target_with_inventory": round((full - empty) / count),
        "false_outages": false,
        "cores_by_thread": {name: cores for name, cores in threads.items() if cores},
        "changes": changes,
        "cpu_microseconds_a_look": round(cores * lasted / max(watched.looks, 1) * 1e6, 1),
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


async def a_service(folder, inventory, metrics):
    url = f"sqlite+aiosqlite:///{folder}/nation.db"
    await asyncio.to_thread(upgrade, url)
    service = MonitorService(database=open_engine(url), inventory=inventory, clock=now, metrics=metrics)
    await service.start()
    return service


def steady_process():
    """Set this process up as the service does: short turns at the interpreter, and no sweeps over what never dies.

    The vantage's thread gives the interpreter away at every system call; with the default turn of 5 ms a busy belief
    would let it make two hundred a second.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()


async def warmed_up(watched, targets):
    """Wait until every target was looked at often enough and the schedule is abreast; answer how long that took."""
    began = time.monotonic()
    calm = 0
    while (lasted := time.monotonic() - began) < WARM_UP_AT_MOST_SECONDS:
        await asyncio.sleep(0.5)
        calm = calm + 1 if watched.lag() < 100_000_000 and watched.looks > TRUSTED_LOOKS * targets else 0
        if calm >= 10 and lasted > WARM_UP_SECONDS:
            break
    return lasted


KINDS = (ProbeKind.ICMP, ProbeKind.TCP, ProbeKind.SIP_OPTIONS, ProbeKind.HTTP)
"""What the lab answers; SNMP targets are asked too and find nobody, which is an error of ours or a refusal."""


def probes():
    return {
        ProbeKind.TCP: TcpProbe(monotonic=time.monotonic),
        ProbeKind.HTTP: HttpProbe(monotonic=time.monotonic, wall_ns=time.time_ns),
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

"""Half a million samples as a page for Prometheus: ours beside prometheus-client, in the same run.

100,000 targets with five series each. The peer renders the same samples from its own children, which were made
before the clock started; we render from columns, with prefixes made before the clock started.
"""

import asyncio
import time
from types import MappingProxyType, SimpleNamespace

import numpy as np
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from inventory.models import Priority, ProbeKind
from monitor.columns import FleetColumns
from monitor.exposition import FleetRenderer

__all__ = ["columns", "fleet", "run"]

TARGETS = 100_000
SERIES = 5
LIMIT = 0.3
TURNS = 5


def fleet(count):
    """What a renderer asks of an inventory and its topology, for ``count`` targets with codes of usual length."""
    codes = tuple(f"UBBC-{number:05d}-FIBRE-{number % 11}.ont" for number in range(count))
    target = SimpleNamespace(kind=ProbeKind.ICMP, of="UBBC-FIBRE")
    inventory = SimpleNamespace(targets=MappingProxyType(dict.fromkeys(codes, target)), sites={})
    topology = SimpleNamespace(
        codes=codes,
        site_of=lambda _code: None,
        owner_of=lambda _code: "VNPT",
        priority_of=lambda _code: Priority.B,
    )
    return inventory, topology


def columns(count, *, seed=1):
    """Belief about ``count`` targets that all are up."""
    rng = np.random.default_rng(seed)
    return FleetColumns(
        state=np.ones(count, np.uint8),
        since_ns=np.full(count, 1_621_746_000_000_000_000, np.int64),
        last_result_ns=1_621_746_000_000_000_000 + rng.integers(0, 10**10, count),
        outcome=np.zeros(count, np.uint8),
        rtt=rng.uniform(0.0005, 0.2, count).astype(np.float32),
        loss=(rng.integers(0, 21, count) / 20).astype(np.float32),
        evidence=np.ones(count, np.uint8),
        evidence_ns=np.full(count, 1_621_746_000_000_000_000, np.int64),
        doubted_ns=np.zeros(count, np.int64),
    )


def _best(act, turns):
    taken = []
    for _ in range(turns):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return min(taken)


def _longest_stall(act):
    """How long the event loop was kept from its work at worst while ``act`` ran in a thread, in seconds."""

    async def watch():
        rendering = asyncio.create_task(asyncio.to_thread(act))
        worst = 0.0
        while not rendering.done():
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - began - 0.001)
        await rendering
        return worst

    return asyncio.run(watch())


def _peer(codes, believed):
    registry = CollectorRegistry()
    names = ("up", "state", "rtt_seconds", "loss_ratio", "last_result_timestamp_seconds")
    values = (believed.state, believed.state, believed.rtt, believed.loss, believed.last_result_ns / 1e9)
    for name, column in zip(names, values, strict=True):
        gauge = Gauge(f"thongsuot_target_{name}", "The same samples.", ["target"], registry=registry)
        for code, value in zip(codes, column.tolist(), strict=True):
            gauge.labels(code).set(value)
    return _best(lambda: generate_latest(registry), 1)


def run():
    """Render the same 500,000 samples with both."""
    inventory, topology = fleet(TARGETS)
    believed = columns(TARGETS)
    renderer = FleetRenderer(inventory, topology)
    page = b"".join(renderer.render(believed, {}))
    samples = sum(not line.startswith(b"#") for line in page.splitlines())
    ours = _best(lambda: renderer.render(believed, {}), TURNS)
    stall = _longest_stall(lambda: [renderer.render(believed, {}) for _ in range(TURNS)])
    peer = _peer(topology.codes, believed)
    return {
        "name": "metrics",
        "ours": round(ours, 4),
        "peer": round(peer, 3),
        "limit": LIMIT,
        "unit": "s",
        "ratio": round(peer / ours, 1),
        "samples": samples,
        "samples_of_the_peer": TARGETS * SERIES,
        "bytes": len(page),
        "loop_blocked_s": round(stall, 4),
    }

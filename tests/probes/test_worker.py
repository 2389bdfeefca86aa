"""A vantage at work on loopback: real echo, real ports, and what it says when they go away."""

import asyncio
import math
import random
import socket
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from inventory.loader import load
from inventory.models import Canary, ProbeKind
from inventory.rebase import rebased
from inventory.samples import sample
from probes.bus import InProcessBus
from probes.models import Flag, Outcome
from probes.tcp import TcpProbe
from probes.worker import Clocks, VantageWorker

CLOCKS = Clocks(
    now=lambda: datetime.now(UTC), wall_ns=time.time_ns, monotonic_ns=time.monotonic_ns, age=lambda: math.nan
)


@pytest.fixture
def listener():
    """A port that answers; closing it refuses."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        stop = threading.Event()
        server.settimeout(0.05)

        def accept():
            while not stop.is_set():
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    continue
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        yield server
        stop.set()
        thread.join()


def an_inventory(*, targets):
    """The sample, with only these targets; the election is held today, at the fastest cadence."""
    whole = rebased(load(sample("soc-trang-2021")), datetime.now(UTC).date())
    look = replace(whole.policy.default_look, cadence=0.5, timeout=0.5)
    policy = replace(whole.policy, default_look=look, looks={})
    vantage = replace(whole.vantages["SOC-TRANG-1"], canaries=(Canary("127.0.1.1", "gateway"),))
    return replace(
        whole, targets={t.code: t for t in targets}, policy=policy, vantages={vantage.code: vantage}
    )


def some_targets(kind, count, *, port=None):
    whole = load(sample("soc-trang-2021"))
    chosen = [t for t in whole.targets.values() if t.kind is kind][:count]
    return [replace(t, address="127.0.0.1" if port else t.address, port=port) for t in chosen]


def a_worker(inventory, bus):
    return VantageWorker(
        inventory=inventory,
        vantage="SOC-TRANG-1",
        publisher=bus,
        clocks=CLOCKS,
        probes=lambda: {ProbeKind.TCP: TcpProbe(monotonic=time.monotonic)},
        nonce=random.getrandbits(64),
        epoch=1,
    )


async def rows_until(bus, predicate, *, seconds=60):
    """Gather sample rows (target, outcome, flags) until ``predicate`` of them holds."""
    rows = []
    async with asyncio.timeout(seconds):
        while not predicate(rows):
            batch = await bus.next()
            rows += zip(batch.target.tolist(), batch.outcome.tolist(), batch.flags.tolist(), strict=True)
    return rows


def of_fleet(rows):
    return [(target, outcome) for target, outcome, flags in rows if not flags & Flag.CANARY]


@pytest.mark.root
async def test_every_target_and_every_canary_is_seen_within_a_cadence():
    bus = InProcessBus()
    worker = a_worker(an_inventory(targets=some_targets(ProbeKind.ICMP, 20)), bus)
    worker.start()
    try:
        rows = await rows_until(
            bus,
            lambda rows: (
                len({t for t, _ in of_fleet(rows)}) == 20 and any(f & Flag.CANARY for _, _, f in rows)
            ),
        )
    finally:
        worker.stop()
    assert {outcome for _, outcome in of_fleet(rows)} == {Outcome.OK}
    assert not worker.is_alive()


async def test_a_port_that_closes_is_refused_and_confirmed_at_once(listener):
    bus = InProcessBus()
    inventory = an_inventory(targets=some_targets(ProbeKind.HTTP, 1, port=listener.getsockname()[1]))
    target = replace(next(iter(inventory.targets.values())), kind=ProbeKind.TCP)
    worker = a_worker(replace(inventory, targets={target.code: target}), bus)
    worker.start()
    try:
        await rows_until(bus, lambda rows: of_fleet(rows).count((0, Outcome.OK)) >= 3)
        listener.close()
        rows = await rows_until(bus, lambda rows: of_fleet(rows).count((0, Outcome.REFUSED)) >= 3)
    finally:
        worker.stop()
    confirming = [
        flags for target, outcome, flags in rows if outcome == Outcome.REFUSED and not flags & Flag.CANARY
    ]
    assert all(flags & Flag.CONFIRM for flags in confirming[1:3])


async def test_a_kind_that_the_vantage_cannot_look_by_is_our_error_and_not_the_targets():
    bus = InProcessBus()
    worker = a_worker(an_inventory(targets=some_targets(ProbeKind.SIP_OPTIONS, 2)), bus)
    worker.start()
    try:
        rows = await rows_until(bus, lambda rows: len(of_fleet(rows)) >= 2)
    finally:
        worker.stop()
    assert {outcome for _, outcome in of_fleet(rows)} == {Outcome.ERROR}


@pytest.mark.root
async def test_what_something_told_of_is_looked_at_without_waiting_for_its_turn():
    bus = InProcessBus()
    inventory = an_inventory(targets=some_targets(ProbeKind.ICMP, 3))
    slow = replace(inventory.policy.default_look, cadence=3600)
    inventory = replace(inventory, policy=replace(inventory.policy, default_look=slow))
    worker = a_worker(inventory, bus)
    worker.start()
    try:
        worker.look_at(next(iter(inventory.targets.values())).address)
        rows = await rows_until(bus, lambda rows: any(target == 0 for target, _ in of_fleet(rows)))
    finally:
        worker.stop()
    assert (0, Outcome.OK) in of_fleet(rows)


@pytest.mark.root
async def test_what_a_person_asked_for_by_its_code_is_looked_at_without_waiting_for_its_turn():
    bus = InProcessBus()
    inventory = an_inventory(targets=some_targets(ProbeKind.ICMP, 3))
    slow = replace(inventory.policy.default_look, cadence=3600)
    inventory = replace(inventory, policy=replace(inventory.policy, default_look=slow))
    worker = a_worker(inventory, bus)
    worker.start()
    try:
        worker.look_now([list(inventory.targets)[1], "NO-SUCH"])
        rows = await rows_until(bus, lambda rows: any(target == 1 for target, _ in of_fleet(rows)))
    finally:
        worker.stop()
    assert (1, Outcome.OK) in of_fleet(rows)


@pytest.mark.root
async def test_a_reload_changes_what_is_looked_at_and_the_digest_that_batches_bear():
    bus = InProcessBus()
    first = an_inventory(targets=some_targets(ProbeKind.ICMP, 5))
    second = replace(an_inventory(targets=some_targets(ProbeKind.ICMP, 8)), digest="second")
    worker = a_worker(first, bus)
    worker.start()
    try:
        await rows_until(bus, lambda rows: len({t for t, _ in of_fleet(rows)}) == 5)
        worker.swap(second)
        async with asyncio.timeout(60):
            while (batch := await bus.next()).fleet != "second":
                assert batch.fleet == first.digest
        rows = await rows_until(bus, lambda rows: len({t for t, _ in of_fleet(rows)}) == 8)
    finally:
        worker.stop()
    assert {outcome for _, outcome in of_fleet(rows)} == {Outcome.OK}


@pytest.mark.root
async def test_round_trips_are_those_of_the_network_and_never_a_timeout_s_length():
    bus = InProcessBus()
    worker = a_worker(an_inventory(targets=some_targets(ProbeKind.ICMP, 10)), bus)
    worker.start()
    try:
        good = []
        async with asyncio.timeout(60):
            while len(good) < 10:
                batch = await bus.next()
                good += batch.rtt[batch.outcome == Outcome.OK].tolist()
    finally:
        worker.stop()
    assert max(good) < 0.4

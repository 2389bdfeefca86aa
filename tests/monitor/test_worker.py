"""The loop of belief: takes what comes, ticks when a hold ends, survives what fails, and stops when told."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy import text

from monitor.models import SubjectKind
from monitor.worker import MonitorWorker
from probes.bus import InProcessBus
from probes.models import Look, Outcome, batch_of
from tests.support.monitoring import an_inventory, belief_on

DEADLINE = 60.0


def wall():
    return datetime.now(UTC)


def looks(inventory, outcomes, *, sequence, ago=0.0, spread=0.2):
    """A batch of looks taken just now, by the real clock."""
    index = {code: place for place, code in enumerate(inventory.targets)}
    now = int((wall().timestamp() - ago) * 1e9)
    return batch_of(
        [
            Look(index[code], now + round(n * spread * 1e9), outcome)
            for n, (code, outcome) in enumerate(outcomes)
        ],
        vantage="V1",
        fleet=inventory.digest,
        epoch=1,
        sequence=sequence,
    )


@asynccontextmanager
async def working(tmp_path, inventory, **more):
    """A worker at its bus, over a service that lives by the real clock."""
    async with belief_on(tmp_path / "b.db", inventory) as duty:
        duty.service._clock = wall
        bus, stop = InProcessBus(), asyncio.Event()
        worker = MonitorWorker(service=duty.service, bus=bus, clock=wall, metrics=duty.metrics, **more)
        running = asyncio.create_task(worker.run(stop))
        try:
            yield duty, bus, worker
        finally:
            stop.set()
            await asyncio.wait_for(running, DEADLINE)


def heard_of(duty, wanted):
    """An event that is set when a change is heard that ``wanted`` accepts."""
    heard = asyncio.Event()

    def listen(changes):
        if any(wanted(change) for change in changes):
            heard.set()

    duty.service.subscribe(listen)
    return asyncio.wait_for(heard.wait(), DEADLINE)


async def test_a_published_batch_is_believed(tmp_path):
    inventory = an_inventory()
    async with working(tmp_path, inventory) as (duty, bus, worker):
        told = heard_of(duty, lambda change: change.subject == "X-31-FIXED")
        bus.publish(looks(inventory, [("X-31-FIXED", Outcome.OK)], sequence=1))
        await told
        assert worker.taken == 1
        assert worker.last_success is not None


async def test_the_end_of_a_hold_needs_no_further_batch(tmp_path, monkeypatch):
    monkeypatch.setattr("monitor.worker.TICK_SECONDS", 3600.0)  # the regular tick cannot be the reason
    inventory = an_inventory(hold=0.2)
    async with working(tmp_path, inventory) as (duty, bus, _):
        bus.publish(
            looks(inventory, [(c, Outcome.OK) for c in inventory.targets], sequence=1, ago=5, spread=0.0)
        )
        told = heard_of(duty, lambda change: change.kind is SubjectKind.CAUSE)
        bus.publish(looks(inventory, [("X-31-FIXED", Outcome.TIMEOUT)] * 3, sequence=2, ago=1))
        await told


async def test_a_batch_that_cannot_be_written_is_counted_and_the_loop_goes_on(tmp_path):
    inventory = an_inventory()
    async with working(tmp_path, inventory) as (duty, bus, worker):
        async with duty.database.begin() as connection:
            await connection.execute(text("ALTER TABLE target_states RENAME TO away"))
        bus.publish(looks(inventory, [("X-31-FIXED", Outcome.OK)], sequence=1))
        async with asyncio.timeout(DEADLINE):
            while not worker.failed:
                await asyncio.sleep(0.01)
        assert duty.metrics.errors.labels("monitor_take")._value.get() == 1
        async with duty.database.begin() as connection:
            await connection.execute(text("ALTER TABLE away RENAME TO target_states"))
        told = heard_of(duty, lambda change: change.subject == "X-31-FIXED")
        bus.publish(looks(inventory, [("X-32-FIXED", Outcome.OK)], sequence=2))
        await told


async def test_minutes_are_written_beside_the_batches(tmp_path):
    inventory = an_inventory()
    async with working(tmp_path, inventory, flush_seconds=0.05) as (duty, bus, _):
        bus.publish(looks(inventory, [("X-31-FIXED", Outcome.OK)], sequence=1, ago=300))
        success = duty.metrics.success.labels("monitor_flush")._value
        async with asyncio.timeout(DEADLINE):
            while not success.get():
                await asyncio.sleep(0.01)

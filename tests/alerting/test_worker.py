"""The loop that acts: woken, on time, and not to be killed by a fault."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import update

from alerting.models import IncidentState
from alerting.schema import escalation_runs
from alerting.worker import AlertingWorker
from inventory.database import transaction
from tests.support.acting import a_duty_room, until


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as room:
        yield room


@asynccontextmanager
async def at_work(room):
    worker = AlertingWorker(service=room.service, clock=room.clock)
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    finally:
        stop.set()
        async with asyncio.timeout(60):
            await task


def opened(room):
    async def at_least_one():
        return await room.incidents()

    return at_least_one


@pytest.fixture
def sleepy(monkeypatch):
    """A worker that nobody wakes sleeps for an hour: what it does sooner it was told."""
    monkeypatch.setattr("alerting.worker._IDLE", 3600.0)


@pytest.mark.usefixtures("sleepy")
async def test_a_wake_up_opens_the_incident_at_once(room):
    async with at_work(room) as worker:
        turns = room.service.metrics.turns.labels("alerting")
        await until(lambda: asyncio.sleep(0, turns._value.get() >= 1))
        await room.believe()
        worker.wake()
        await until(opened(room))
    assert room.service.metrics.last_success.labels("alerting")._value.get() == room.clock().timestamp()


async def test_a_belief_that_nobody_woke_it_for_is_found_all_the_same(room):
    async with at_work(room):
        await room.believe()
        await until(opened(room), within=60)


async def test_a_deadline_is_met_when_it_is_due(room):
    await room.cut()
    await room.mend()
    async with at_work(room) as worker:
        room.clock.advance(seconds=30)
        worker.wake()

        async def verified():
            return (await room.incident()).state is IncidentState.RESOLVED

        await until(verified)


async def test_a_fault_is_counted_and_the_loop_goes_on(room):
    healthy, broken = room.service._database, object()
    room.service._database = broken
    async with at_work(room) as worker:
        failures = room.service.metrics.failures.labels("alerting")
        await until(lambda: asyncio.sleep(0, failures._value.get() >= 1))
        room.service._database = healthy
        await room.believe()
        worker.wake()
        await until(opened(room))


async def test_an_incident_that_cannot_be_carried_on_neither_spins_nor_stops_the_others(room):
    broken = await room.cut()
    async with transaction(room.database) as connection:
        await connection.execute(update(escalation_runs).values(steps={"steps": [], "repeat": "never"}))
    await room.believe("path:UB-31501-DT")
    room.clock.advance(minutes=4)
    async with at_work(room):
        turns = room.service.metrics.turns.labels("alerting")
        await until(lambda: asyncio.sleep(0, turns._value.get() >= 3))
        began, loop = turns._value.get(), asyncio.get_running_loop()
        start = loop.time()
        await until(lambda: asyncio.sleep(0, turns._value.get() >= began + 3))
        assert loop.time() - start > 0.25
    assert room.service.metrics.failures.labels("tick")._value.get() >= 3
    assert [one.condition for one in await room.incidents()] == [broken.condition, "path:UB-31501-DT"]


@pytest.mark.usefixtures("sleepy")
async def test_stopping_does_not_wait_for_the_next_turn(room):
    async with at_work(room):
        turns = room.service.metrics.turns.labels("alerting")
        await until(lambda: asyncio.sleep(0, turns._value.get() >= 1))
    assert turns._value.get() == 1

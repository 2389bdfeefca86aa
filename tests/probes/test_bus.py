"""The way of a batch from a vantage's thread to belief."""

import asyncio
import threading

from probes.bus import InProcessBus
from probes.models import Look, Outcome, batch_of


def a_batch(sequence):
    return batch_of([Look(0, 1, Outcome.OK)], vantage="v", fleet="f", epoch=1, sequence=sequence)


async def test_batches_arrive_in_the_order_in_which_they_were_published():
    bus = InProcessBus()
    for number in range(5):
        bus.publish(a_batch(number))
    assert [(await bus.next()).sequence for _ in range(5)] == [0, 1, 2, 3, 4]


async def test_a_batch_published_by_another_thread_wakes_the_reader():
    bus = InProcessBus()
    waiting = asyncio.create_task(bus.next())
    await asyncio.sleep(0)
    thread = threading.Thread(target=bus.publish, args=(a_batch(7),))
    thread.start()
    async with asyncio.timeout(60):
        assert (await waiting).sequence == 7
    thread.join()


async def test_a_full_bus_drops_the_oldest_and_counts_it():
    bus = InProcessBus(capacity=3)
    for number in range(5):
        bus.publish(a_batch(number))
    assert (bus.dropped, bus.published, len(bus)) == (2, 5, 3)
    assert (await bus.next()).sequence == 2

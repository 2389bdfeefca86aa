"""Batches over a real NATS: through a leaf node, over a hub that is killed, nothing lost and nothing doubled."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from probes.bus_nats import NatsConsumer, NatsPublisher
from probes.models import Flag, Look, Outcome, batch_of
from probes.spool import Spool
from tests.support.nats import DOMAIN, a_hub, a_leaf
from tests.support.servers import until

HOUR_NS = 3_600_000_000_000


def a_batch(sequence, *, at_ns=None):
    at_ns = time.time_ns() if at_ns is None else at_ns
    looks = [Look(target=n, at_ns=at_ns, outcome=Outcome.OK, rtt=0.01) for n in range(3)]
    return batch_of(looks, vantage="V1", fleet="f", epoch=1, sequence=sequence)


class Belief:
    """Takes batches as belief does: what was taken is known by its name; ``refuses`` as many as it is told to."""

    def __init__(self):
        self.delivered = []
        self.refuses = 0

    async def __call__(self, batch):
        if self.refuses:
            self.refuses -= 1
            raise RuntimeError("the database is away")
        self.delivered.append(batch)

    @property
    def sequences(self):
        return sorted({batch.sequence for batch in self.delivered})


def publishing(node, directory):
    publisher = NatsPublisher(
        url=node.url,
        vantage="V1",
        spool=Spool(directory / "spool"),
        monotonic=time.monotonic,
        wall_ns=time.time_ns,
        retry_seconds=0.1,
    )
    publisher.start()
    return publisher


@asynccontextmanager
async def consuming(node, domains=()):
    belief, stop = Belief(), asyncio.Event()
    consumer = NatsConsumer(url=node.url, domains=domains, take=belief, wall_ns=time.time_ns)
    task = asyncio.create_task(consumer.run(stop))
    try:
        yield belief, consumer
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)


async def until_taken(belief, count, seconds=60):
    async with asyncio.timeout(seconds):
        while len(belief.sequences) < count:
            await asyncio.sleep(0.05)


@pytest.fixture
def province(tmp_path):
    hub, leaves = a_hub(tmp_path)
    leaf = a_leaf(tmp_path, leaves)
    hub.start()
    leaf.start()
    publisher = publishing(leaf, tmp_path)
    yield hub, leaf, publisher
    publisher.stop()
    leaf.kill()
    hub.kill()


async def test_a_hub_that_is_killed_and_comes_back_lost_nothing_and_doubled_nothing(province):
    hub, _, publisher = province
    publisher.publish(a_batch(1))
    until(lambda: publisher.statistics.sent == 1, what="the stream of the leaf node")
    async with consuming(hub, (DOMAIN,)) as (belief, consumer):
        await until_taken(belief, 1)
        hub.kill()
        for sequence in range(2, 102):
            publisher.publish(a_batch(sequence))
        await asyncio.to_thread(until, lambda: publisher.statistics.sent == 101, what="the leaf storing")
        assert belief.sequences == [1]
        hub.start()
        await until_taken(belief, 101)
        assert consumer.failures
    assert belief.sequences == list(range(1, 102))
    assert [batch.sequence for batch in belief.delivered] == belief.sequences  # in order, and each once
    assert not any(batch.flags.any() for batch in belief.delivered)


async def test_a_leaf_node_that_is_killed_is_waited_for_by_the_spool(province):
    hub, leaf, publisher = province
    publisher.publish(a_batch(1))
    until(lambda: publisher.statistics.sent == 1, what="the first batch")
    leaf.kill()
    for sequence in range(2, 12):
        publisher.publish(a_batch(sequence))
    until(lambda: publisher.spooled_bytes > 0, what="the spool")
    leaf.start()
    async with consuming(hub, (DOMAIN,)) as (belief, _):
        await until_taken(belief, 11)
    assert belief.sequences == list(range(1, 12))


async def test_what_comes_late_is_marked_so_that_it_pages_nobody(province):
    hub, _, publisher = province
    publisher.publish(a_batch(1, at_ns=time.time_ns() - HOUR_NS))
    publisher.publish(a_batch(2))
    until(lambda: publisher.statistics.sent == 2, what="both batches")
    async with consuming(hub, (DOMAIN,)) as (belief, _):
        await until_taken(belief, 2)
    late, fresh = sorted(belief.delivered, key=lambda batch: batch.sequence)
    assert (late.flags & Flag.REPLAYED).all()
    assert not (fresh.flags & Flag.REPLAYED).any()


async def test_what_belief_could_not_commit_comes_again_with_all_that_was_fetched_behind_it(tmp_path):
    hub, _ = a_hub(tmp_path)
    hub.start()
    publisher = publishing(hub, tmp_path)
    try:
        for sequence in (1, 2, 3):
            publisher.publish(a_batch(sequence))
        await asyncio.to_thread(until, lambda: publisher.statistics.sent == 3, what="the stream")
        async with consuming(hub) as (belief, _):
            belief.refuses = 1
            await until_taken(belief, 3)
        # Given back rather than forgotten: the server would deliver what it hears nothing of in its own order, and late.
        assert [batch.sequence for batch in belief.delivered] == [1, 2, 3]
    finally:
        publisher.stop()
        hub.kill()

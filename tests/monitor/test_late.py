"""What a vantage replays from its spool mends the record of then; it turns nothing now and wakes nobody."""

from datetime import timedelta

from inventory.database import reading
from monitor import store
from monitor.models import State
from probes.models import Flag, Outcome
from tests.support.monitoring import NOON, an_inventory, belief_on

INVENTORY = an_inventory()
HOME = "X-31-FIXED"


def at(seconds):
    return NOON + timedelta(seconds=seconds)


async def replay(duty, looks, *, now, **more):
    """Looks of then, taken ``now`` from a spool."""
    duty.sequence += 1
    await duty.look(looks, at=now, flags=Flag.REPLAYED, **more)


def a_fall(*codes, began, ended):
    rows = [(c, began + n, Outcome.TIMEOUT) for n in range(int(ended - began)) for c in codes]
    return rows + [(c, ended + n, Outcome.OK) for n in range(3) for c in codes]


async def outages(duty, *codes):
    async with reading(duty.database) as connection:
        return await store.outages_of(connection, codes or tuple(INVENTORY.targets), at(-9999), at(9999))


async def test_an_outage_that_began_and_ended_while_the_line_was_cut_is_on_record(tmp_path):
    async with belief_on(tmp_path / "b.db", INVENTORY) as duty:
        await duty.all_answer(at=1)
        duty.heard.clear()
        await replay(duty, a_fall(HOME, began=10, ended=40), now=300)
        [outage] = await outages(duty)
        assert (outage.target, outage.started_at, outage.ended_at) == (HOME, at(10), at(40))
        assert outage.noticed_at == at(300)
        assert duty.heard == []
        assert duty.service.belief.state(HOME) is State.UP
        await duty.tick(at=305)
        assert duty.service.snapshot().causes == {}


async def test_it_is_the_same_however_it_is_cut_into_batches_and_comes_but_once(tmp_path):
    looks = a_fall(HOME, began=10, ended=40)
    async with belief_on(tmp_path / "b.db", INVENTORY) as duty:
        await duty.all_answer(at=1)
        for each in looks:
            await replay(duty, [each], now=300)
        [outage] = await outages(duty)
        assert (outage.started_at, outage.ended_at) == (at(10), at(40))
        await replay(duty, looks, now=301)
        assert len(await outages(duty)) == 1


async def test_late_failures_in_a_crowd_page_nobody_and_a_single_loss_is_no_outage(tmp_path):
    async with belief_on(tmp_path / "b.db", INVENTORY) as duty:
        await duty.all_answer(at=1)
        await replay(duty, a_fall(*INVENTORY.targets, began=10, ended=60), now=300)
        await replay(duty, [(HOME, 100, Outcome.TIMEOUT), (HOME, 105, Outcome.OK)], now=301)
        await duty.tick(at=310)
        assert len(await outages(duty)) == len(INVENTORY.targets)
        assert not [change for change in duty.heard if change.kind == "cause"]


async def test_late_looks_are_counted_in_the_history(tmp_path):
    async with belief_on(tmp_path / "b.db", INVENTORY) as duty:
        await duty.all_answer(at=1)
        await replay(duty, a_fall(HOME, began=120, ended=150), now=300)
        await duty.service.flush()
        read = await duty.service.history.read(HOME, at(120), at(180))
        assert (int(read.looks.sum()), int(read.failures.sum())) == (33, 30)


async def test_canaries_of_then_vouch_for_failures_of_then_and_say_nothing_of_now(tmp_path):
    inventory = an_inventory(canaries=2)
    async with belief_on(tmp_path / "b.db", inventory) as duty:
        good = [(n, 1.0, Outcome.OK) for n in range(2)]
        await duty.look(dict.fromkeys(inventory.targets, Outcome.OK), at=1, canaries=good)
        blind = [(n, 5.0 + second, Outcome.TIMEOUT) for second in range(60) for n in range(2)]
        looks = a_fall(HOME, began=10, ended=40)
        await replay(duty, looks, now=300, canaries=blind, canary_flags=Flag.REPLAYED)
        assert await outages(duty) == []
        assert not duty.service.snapshot().vantages["V1"].is_isolated
        seen = [(n, 110.0 + second, Outcome.OK) for second in range(60) for n in range(2)]
        looks = a_fall(HOME, began=120, ended=150)
        await replay(duty, looks, now=301, canaries=seen, canary_flags=Flag.REPLAYED)
        [outage] = await outages(duty)
        assert outage.started_at == at(120)

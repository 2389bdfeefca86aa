"""When the vantage itself is cut, nothing turns down and the time is unobserved."""

import pytest
from sqlalchemy import select

from inventory.database import reading
from monitor.models import State, SubjectKind
from monitor.moments import moment
from monitor.schema import outages, state_changes, unobserved
from probes.models import Outcome
from tests.support.monitoring import an_inventory, belief_on, ns

OK, LOST = Outcome.OK, Outcome.TIMEOUT


@pytest.fixture
async def duty(tmp_path):
    async with belief_on(tmp_path / "belief.db", an_inventory(canaries=2)) as service:
        await service.all_answer(at=0, canaries=[(0, 0, OK), (1, 0, OK)])
        yield service


async def stored(duty, table):
    async with reading(duty.database) as connection:
        return (await connection.execute(select(table))).all()


def both(at, outcome):
    return [(0, at, outcome), (1, at, outcome)]


async def test_a_cut_uplink_turns_nothing_down(duty):
    for second in range(1, 10):
        await duty.all_answer(at=second, but=duty.inventory.targets, canaries=both(second, LOST))
    await duty.all_answer(at=10, canaries=both(10, OK))
    assert await stored(duty, outages) == []
    assert {view.state for view in duty.service.snapshot().targets.values()} == {State.UP}


async def test_failures_that_end_after_sight_is_regained_but_began_before_do_not_count(duty):
    await duty.look({}, at=2, canaries=both(1, LOST) + both(2, LOST))
    await duty.look({}, at=5, canaries=both(5, OK))
    await duty.fall("X-31-FIXED", at=4)
    assert await stored(duty, outages) == []


async def test_the_blind_time_is_unobserved_and_told(duty):
    for second in (1, 2, 3):
        await duty.look({}, at=second, canaries=both(second, LOST))
    (gap,) = await stored(duty, unobserved)
    assert (gap.reason, gap.started_at, gap.ended_at) == ("isolated", moment(ns(0)), None)
    view = duty.service.snapshot().vantages["V1"]
    assert (view.is_isolated, view.canaries_up, view.canaries) == (True, 0, 2)
    await duty.look({}, at=4, canaries=both(4, OK))
    (gap,) = await stored(duty, unobserved)
    assert gap.ended_at == moment(ns(4))
    rows = await stored(duty, state_changes)
    told = [(r.old, r.new, r.reason) for r in rows if r.kind == SubjectKind.VANTAGE]
    assert told == [("seeing", "isolated", "isolated"), ("isolated", "seeing", "released")]


async def test_failures_wait_for_the_next_canary_and_then_count_from_their_start(duty):
    await duty.fall("X-31-FIXED", at=5)
    assert await stored(duty, outages) == []
    await duty.look({}, at=6, canaries=[(0, 6, OK)])
    assert await stored(duty, outages) == []
    await duty.look({}, at=6.1, canaries=[(1, 6.1, OK)])
    (outage,) = await stored(duty, outages)
    assert outage.started_at == moment(ns(5))


async def test_a_cut_that_is_real_is_seen_though_a_canary_died_with_it(duty):
    await duty.fall("X-31-FIXED", at=5, canaries=[(0, 5.5, LOST), (1, 5.5, OK)])
    for second in range(6, 10):
        await duty.look({}, at=second, canaries=[(0, second, LOST), (1, second, OK)])
    assert await stored(duty, outages) == []
    lost = {"X-31-FIXED": LOST}
    await duty.look(lost, at=11, canaries=[(0, 11, LOST), (1, 11, OK)])
    assert [row.started_at for row in await stored(duty, outages)] == [moment(ns(5))]


async def test_an_answer_counts_even_without_proof_of_sight(duty):
    await duty.fall("X-31-FIXED", at=5, canaries=both(5.5, OK))
    await duty.rise("X-31-FIXED", at=10)
    (outage,) = await stored(duty, outages)
    assert outage.ended_at == moment(ns(10))


async def test_a_silence_while_running_is_unobserved(duty):
    await duty.all_answer(at=40, canaries=both(40, OK))
    (gap,) = await stored(duty, unobserved)
    assert (gap.reason, gap.started_at, gap.ended_at) == ("silent", moment(ns(0)), moment(ns(40)))


async def test_what_waits_for_sight_is_counted(duty):
    await duty.fall("X-31-FIXED", at=5)
    duty.service.snapshot()
    assert duty.metrics.held.labels("V1")._value.get() == 3

"""Nothing is lost before our own sight was proven after it was lost."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from inventory.database import reading
from inventory.models import LookPolicy
from monitor.models import State, SubjectKind
from monitor.moments import moment
from monitor.schema import outages
from probes.models import Outcome
from tests.support.monitoring import an_inventory, belief_on, ns

OK, LOST = Outcome.OK, Outcome.TIMEOUT
VNPT = ("X-31-FIXED", "X-31-FIBRE", "X-32-FIXED", "X-32-FIBRE")
VIETTEL = ("X-31-MOBILE", "X-32-MOBILE")


def canaries(at, *, lost=()):
    return [(number, at, LOST if number in lost else OK) for number in range(4)]


@pytest.fixture
async def duty(tmp_path):
    async with belief_on(tmp_path / "belief.db", an_inventory(canaries=4)) as service:
        await service.all_answer(at=0, canaries=canaries(0))
        yield service


async def stored(duty):
    async with reading(duty.database) as connection:
        return (await connection.execute(select(outages))).all()


async def test_what_one_carrier_lost_is_committed_with_the_first_word_of_every_canary_after_it(duty):
    await duty.fall(*VNPT, at=5, canaries=canaries(5.3))
    assert await stored(duty) == []
    await duty.look({}, at=5.5, canaries=canaries(5.5))
    assert {row.started_at for row in await stored(duty)} == {moment(ns(5))}
    assert len(await stored(duty)) == len(VNPT)


async def test_two_carriers_that_fail_within_a_second_wait_two_seconds_longer(duty):
    await duty.fall(*VNPT, *VIETTEL, at=5, canaries=canaries(5.4))
    for tenth in range(56, 74, 2):
        await duty.look({}, at=tenth / 10, canaries=canaries(tenth / 10))
    assert await stored(duty) == []
    await duty.look({}, at=7.5, canaries=canaries(7.5))
    assert len(await stored(duty)) == len(VNPT) + len(VIETTEL)


async def test_two_carriers_at_one_place_are_no_matter_of_ours(duty):
    await duty.fall("X-31-FIXED", "X-31-FIBRE", "X-31-MOBILE", at=5, canaries=canaries(5.4))
    await duty.look({}, at=5.6, canaries=canaries(5.6))
    assert len(await stored(duty)) == 3


async def test_an_uplink_that_takes_the_canaries_a_second_after_the_targets_blames_nobody(duty):
    await duty.fall(*VNPT, *VIETTEL, at=5, canaries=canaries(5.4))
    for second in (6.4, 6.9, 7.4, 8.4, 20.0, 60.0):
        await duty.look({}, at=second, canaries=canaries(second, lost=range(4)))
    for tenth in range(700, 720, 2):
        await duty.look({}, at=tenth / 10, canaries=canaries(tenth / 10))
    await duty.rise(*VNPT, *VIETTEL, at=73, canaries=canaries(73))
    await duty.all_answer(at=75, canaries=canaries(75))
    assert await stored(duty) == []
    assert {view.state for view in duty.service.snapshot().targets.values()} == {State.UP}
    lost = [c for c in duty.heard if c.kind is SubjectKind.TARGET and c.new == State.DOWN]
    assert lost == []


async def test_what_fell_while_a_canary_was_silent_is_asked_again_before_it_is_believed(duty):
    await duty.fall(*VNPT, at=5, canaries=canaries(5.3, lost={2}))
    for tenth in (55, 58, 61, 64, 67):
        await duty.look({}, at=tenth / 10, canaries=canaries(tenth / 10))
    assert await stored(duty) == []
    await duty.look({"X-31-FIXED": LOST}, at=6.8, canaries=canaries(6.8))
    assert [row.target for row in await stored(duty)] == ["X-31-FIXED"]


async def test_what_answers_while_it_waits_has_never_been_down(duty):
    await duty.fall("X-31-FIXED", at=5, canaries=canaries(5.3))
    await duty.rise("X-31-FIXED", at=5.6, canaries=canaries(5.9))
    await duty.look({}, at=6.5, canaries=canaries(6.5))
    assert await stored(duty) == []
    assert duty.service.snapshot().targets["X-31-FIXED"].state is State.UP


async def test_what_grew_stale_while_it_waited_needs_all_its_failures_again(duty):
    await duty.fall("X-31-FIXED", at=5, canaries=canaries(5.3, lost=range(4)))
    await duty.tick(at=40)
    await duty.look({"X-31-FIXED": LOST}, at=41, canaries=canaries(40.8))
    for second in (41.2, 41.4, 41.6):
        await duty.look({}, at=second, canaries=canaries(second))
    assert await stored(duty) == []


async def test_what_waits_is_taken_over_by_the_next_inventory(duty):
    await duty.fall(*VNPT, at=5, canaries=canaries(5.3))
    inventory = replace(duty.inventory, digest="two")
    await duty.service.swap(inventory)
    await duty.look({}, at=5.5, canaries=canaries(5.5), inventory=inventory)
    assert len(await stored(duty)) == len(VNPT)


async def test_a_stop_in_between_leaves_it_to_be_asked_anew(tmp_path):
    file, inventory = tmp_path / "belief.db", an_inventory(canaries=4)
    async with belief_on(file, inventory) as duty:
        await duty.all_answer(at=0, canaries=canaries(0))
        await duty.fall(*VNPT, at=5, canaries=canaries(5.3))
        await duty.service.stop()
    async with belief_on(file, inventory, at=8, epoch=2) as duty:
        await duty.all_answer(at=9, but=VNPT, canaries=canaries(9))
        assert await stored(duty) == []
        await duty.fall(*VNPT, at=10, canaries=canaries(10))
        await duty.look({}, at=10.6, canaries=canaries(10.6))
        assert {row.started_at for row in await stored(duty)} == {moment(ns(9))}


async def test_without_canaries_nothing_waits(tmp_path):
    look = LookPolicy()
    async with belief_on(tmp_path / "belief.db", an_inventory(look=look)) as duty:
        await duty.all_answer(at=0)
        await duty.fall(*VNPT, *VIETTEL, at=5)
        assert len(await stored(duty)) == len(VNPT) + len(VIETTEL)


async def test_of_what_falls_at_once_only_so_much_is_committed_with_one_batch(duty, monkeypatch):
    monkeypatch.setattr("monitor.confirmation._AT_ONCE", 3)
    await duty.fall(*VNPT, at=5, canaries=canaries(5.3))
    counts = []
    for tenth in (55, 56):
        await duty.look({}, at=tenth / 10, canaries=canaries(tenth / 10))
        counts.append(len(await stored(duty)))
    assert counts == [3, 4]

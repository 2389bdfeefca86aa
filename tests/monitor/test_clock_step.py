"""The clock of the machine is set back by an hour: belief must not wait an hour to see again."""

import pytest
from sqlalchemy import select

from inventory.database import reading
from inventory.models import LookPolicy
from monitor.models import State, SubjectKind
from monitor.moments import moment
from monitor.schema import outages, unobserved
from probes.models import Outcome
from tests.support.monitoring import an_inventory, belief_on, ns

HOUR = 3600.0
LINE = "X-31-MOBILE"


@pytest.fixture
def inventory():
    return an_inventory(look=LookPolicy(down_after=3), canaries=2)


def seen(at):
    return [(0, at, Outcome.OK), (1, at, Outcome.OK)]


async def test_a_line_that_fails_after_the_clock_was_set_back_is_down_as_soon_as_ever(tmp_path, inventory):
    async with belief_on(tmp_path / "belief.db", inventory, at=HOUR) as duty:
        await duty.all_answer(at=HOUR, canaries=seen(HOUR))
        await duty.all_answer(at=10.0, canaries=seen(10.0))
        await duty.fall(LINE, at=15.0, after=1.0, canaries=seen(16.0))
        assert duty.service.belief.state(LINE) is State.DOWN
        [change] = [c for c in duty.heard if c.kind is SubjectKind.TARGET and c.new == State.DOWN]
        assert change.subject == LINE
        assert (change.noticed_at - change.at).total_seconds() < 2


async def test_looks_under_way_while_the_clock_was_set_back_are_dated_when_they_came(tmp_path, inventory):
    async with belief_on(tmp_path / "belief.db", inventory, at=HOUR) as duty:
        await duty.all_answer(at=HOUR, canaries=seen(HOUR))
        await duty.all_answer(at=HOUR, after=10.0 - HOUR, canaries=seen(HOUR))
        await duty.fall(LINE, at=15.0, after=1.0, canaries=seen(16.0))
        assert duty.service.belief.state(LINE) is State.DOWN


async def test_what_was_down_before_the_clock_was_set_back_comes_up_by_its_answers(tmp_path, inventory):
    async with belief_on(tmp_path / "belief.db", inventory, at=HOUR) as duty:
        await duty.all_answer(at=HOUR, canaries=seen(HOUR))
        await duty.fall(LINE, at=HOUR + 5, after=1.0, canaries=seen(HOUR + 6))
        assert duty.service.belief.state(LINE) is State.DOWN
        await duty.tick(at=8.0)
        await duty.rise(LINE, at=10.0, canaries=seen(10.5))
        assert duty.service.belief.state(LINE) is State.UP


async def test_isolation_that_began_before_the_clock_was_set_back_ends_with_the_first_sight(
    tmp_path, inventory
):
    lost = [(n, HOUR + 5 + m, Outcome.TIMEOUT) for m in (0, 1) for n in (0, 1)]
    async with belief_on(tmp_path / "belief.db", inventory, at=HOUR) as duty:
        await duty.all_answer(at=HOUR, canaries=seen(HOUR))
        await duty.all_answer(at=HOUR + 5, but=tuple(inventory.targets), after=2.0, canaries=lost)
        assert duty.service.snapshot().vantages["V1"].is_isolated
        await duty.all_answer(at=10.0, canaries=seen(10.0))
        assert not duty.service.snapshot().vantages["V1"].is_isolated
        assert duty.service.belief.state(LINE) is State.UP


async def test_a_clock_that_is_disciplined_by_a_second_forgets_nothing(tmp_path, inventory):
    async with belief_on(tmp_path / "belief.db", inventory, at=10.0) as duty:
        await duty.all_answer(at=10.0, canaries=seen(10.0))
        await duty.all_answer(at=9.0, canaries=seen(9.0))
        assert duty.service.belief.tables["V1"].last_ok_ns.max() > 0
        assert duty.service.belief.state(LINE) is State.UP


async def test_an_outage_from_before_the_clock_was_set_back_does_not_end_before_it_began(tmp_path, inventory):
    async with belief_on(tmp_path / "belief.db", inventory, at=HOUR) as duty:
        await duty.all_answer(at=HOUR, canaries=seen(HOUR))
        await duty.fall(LINE, at=HOUR + 5, after=1.0, canaries=seen(HOUR + 6))
        await duty.tick(at=HOUR + 20)
        await duty.tick(at=20)
        await duty.rise(LINE, at=40, canaries=seen(40.5))
        async with reading(duty.database) as connection:
            [outage] = await connection.execute(select(outages))
        assert outage.started_at == moment(ns(5))
        assert outage.ended_at == moment(ns(40))
        over = [c for c in duty.heard if c.kind is SubjectKind.CAUSE and c.new == "up"]
        assert [change.at for change in over] == [moment(ns(40))]


async def test_blindness_from_before_the_clock_was_set_back_does_not_end_before_it_began(tmp_path, inventory):
    lost = [(n, HOUR + 5 + m, Outcome.TIMEOUT) for m in (0, 1) for n in (0, 1)]
    async with belief_on(tmp_path / "belief.db", inventory, at=HOUR) as duty:
        await duty.all_answer(at=HOUR, canaries=seen(HOUR))
        await duty.all_answer(at=HOUR + 5, but=tuple(inventory.targets), after=2.0, canaries=lost)
        await duty.all_answer(at=10.0, canaries=seen(10.0))
        async with reading(duty.database) as connection:
            gaps = (await connection.execute(select(unobserved))).all()
        assert gaps
        assert all(gap.started_at <= gap.ended_at <= moment(ns(11)) for gap in gaps)


async def test_what_began_before_the_clock_went_wrong_keeps_its_date(tmp_path, inventory):
    async with belief_on(tmp_path / "belief.db", inventory, at=0) as duty:
        await duty.all_answer(at=0, canaries=seen(0))
        await duty.fall(LINE, at=5, after=1.0, canaries=seen(6))
        await duty.tick(at=10 + HOUR)
        await duty.tick(at=20)
        async with reading(duty.database) as connection:
            [outage] = await connection.execute(select(outages))
        assert outage.started_at == moment(ns(5))

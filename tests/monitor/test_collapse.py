"""A province that is lost as a whole: belief keeps up with what it is shown, and explains all of it."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from inventory import generate
from inventory.database import reading
from inventory.loader import load
from inventory.models import LookPolicy
from monitor.models import SubjectKind
from monitor.schema import outages
from probes.models import Outcome
from tests.support.monitoring import belief_on

TARGETS = 1_400


@pytest.fixture
async def province(tmp_path):
    generate.nation(tmp_path / "nation", targets=TARGETS)
    whole = load(tmp_path / "nation")
    code, vantage = next(iter(whole.vantages.items()))
    inventory = replace(
        whole,
        vantages={code: replace(vantage, canaries=())},
        policy=replace(whole.policy, looks={}, default_look=LookPolicy()),
    )
    async with belief_on(tmp_path / "belief.db", inventory) as duty:
        await duty.look(
            dict.fromkeys(inventory.targets, Outcome.OK), at=0, vantage=next(iter(inventory.vantages))
        )
        yield duty


async def collapse(duty, lost):
    await duty.fall(*lost, at=5, vantage=next(iter(duty.inventory.vantages)))


def causes_told(duty):
    return [change.subject for change in duty.heard if change.kind is SubjectKind.CAUSE]


async def test_what_fell_together_is_asked_about_at_a_pace_that_follows_from_its_size(province):
    others = list(province.inventory.targets)[::5]
    lost = [target for target in province.inventory.targets if target not in set(others)]
    vantage = next(iter(province.inventory.vantages))
    await collapse(province, lost)
    fallen = province.clock()
    await province.look(dict.fromkeys(others, Outcome.OK), at=5.42, vantage=vantage)
    assert not causes_told(province)
    rested = (province.service.next_deadline() - fallen).total_seconds()
    assert rested == pytest.approx((len(lost) - 500) / 10_000, abs=1e-6)
    for second in (10, 15, 20):
        await province.look(dict.fromkeys(lost, Outcome.TIMEOUT), at=second, vantage=vantage)
    assert causes_told(province)


async def test_every_outage_of_a_collapse_is_explained_in_the_end(province):
    lost = list(province.inventory.targets)
    await collapse(province, lost)
    for second in range(6, 16):
        await province.tick(at=second)
    async with reading(province.database) as connection:
        found = {row.target: row.cause for row in await connection.execute(select(outages))}
    assert set(found) == set(lost)
    assert all(found.values())


async def test_a_large_cause_is_written_when_it_is_told_and_a_restart_finds_the_rest(province, tmp_path):
    lost = list(province.inventory.targets)
    await collapse(province, lost)
    for second in range(6, 16):
        await province.tick(at=second)
    async with belief_on(tmp_path / "belief.db", province.inventory, at=20, epoch=2) as again:
        for second in range(21, 31):
            await again.tick(at=second)
        down = [target for cause in again.service._attribution.causes for target in cause.down]
        assert len(down) == len(set(down))
        assert set(down) | {f.target for f in again.service._attribution.waiting} == set(lost)

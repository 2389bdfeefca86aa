"""What was opened as several causes and turns out to be one."""

import pytest
from sqlalchemy import select

from inventory.database import reading
from monitor.models import ChangeReason, SubjectKind
from monitor.moments import moment
from monitor.schema import causes, outages
from probes.models import Outcome
from tests.support.monitoring import an_inventory, belief_on, ns

OLT_1 = ("X-31-FIXED", "X-31-FIBRE", "X-32-FIXED", "X-32-FIBRE")
OLT_2 = ("X-33-FIXED", "X-33-FIBRE", "X-34-FIXED", "X-34-FIBRE")


@pytest.fixture
async def duty(tmp_path):
    async with belief_on(tmp_path / "belief.db", an_inventory()) as service:
        await service.all_answer(at=0)
        yield service


def told(duty):
    """Cause rows in order: subject, old and new, what it is part of."""
    return [
        (c.subject, c.old, c.new, c.evidence.get("into", ""))
        for c in duty.heard
        if c.kind is SubjectKind.CAUSE
    ]


async def fall_one_after_the_other(duty, *, apart=5.0):
    await duty.fall(*OLT_1, at=5)
    await duty.all_answer(at=6.5, but=OLT_1)
    await duty.tick(at=8)
    await duty.fall(*OLT_2, at=5 + apart)
    await duty.tick(at=5 + apart + 3)


async def test_two_groups_that_fall_one_after_the_other_are_the_ring_once_nothing_else_of_it_answers(duty):
    await fall_one_after_the_other(duty)
    assert told(duty)[0] == ("risk:OLT-1", "up", "down", "")
    assert ("risk:RING", "up", "down", "") in told(duty)
    assert told(duty)[-1] == ("risk:OLT-1", "down", "down", "risk:RING")
    assert duty.heard[-1].reason is ChangeReason.ABSORBED
    assert list(duty.service.snapshot().causes) == ["risk:RING"]
    [ring] = [c for c in duty.heard if c.subject == "risk:RING"]
    assert ring.at == moment(ns(5))
    assert set(ring.evidence["targets"]) == {*OLT_1, *OLT_2}


async def test_every_outage_under_it_names_the_wider_cause(duty):
    await fall_one_after_the_other(duty)
    async with reading(duty.database) as connection:
        named = {row.cause for row in await connection.execute(select(outages))}
    assert named == {"risk:RING"}


async def test_a_group_that_fell_half_a_minute_before_stays_a_matter_of_its_own(duty):
    await fall_one_after_the_other(duty, apart=40.0)
    assert {subject for subject, *_ in told(duty)} == {"risk:OLT-1", "risk:OLT-2"}


async def test_what_still_answers_keeps_the_parts_apart(duty):
    await duty.fall(*OLT_1, at=5)
    await duty.all_answer(at=6.5, but=OLT_1)
    await duty.tick(at=8)
    await duty.fall(*OLT_2[:3], at=10)
    await duty.all_answer(at=11.5, but=(*OLT_1, *OLT_2[:3]))
    await duty.tick(at=20)
    assert not any(into for *_, into in told(duty))


async def test_the_part_is_over_with_its_own_targets_and_the_whole_with_all(duty):
    await fall_one_after_the_other(duty)
    await duty.rise(*OLT_1, at=30)
    assert told(duty)[-1] == ("risk:OLT-1", "down", "up", "risk:RING")
    await duty.rise(*OLT_2, at=35)
    assert told(duty)[-1] == ("risk:RING", "down", "up", "")
    async with reading(duty.database) as connection:
        assert (await connection.execute(select(causes))).all() == []


async def test_a_restart_knows_what_is_part_of_what(tmp_path):
    file, inventory = tmp_path / "belief.db", an_inventory()
    async with belief_on(file, inventory) as duty:
        await duty.all_answer(at=0)
        await fall_one_after_the_other(duty)
    async with belief_on(file, inventory, at=20, epoch=2) as duty:
        await duty.look(dict.fromkeys([*OLT_1, *OLT_2], Outcome.TIMEOUT), at=21)
        assert list(duty.service.snapshot().causes) == ["risk:RING"]
        await duty.rise(*OLT_1, *OLT_2, at=30)
        assert told(duty)[-2:] == [
            ("risk:OLT-1", "down", "up", "risk:RING"),
            ("risk:RING", "down", "up", ""),
        ]

"""Inside announced work people are told and nobody is called; beyond it the ladder begins at once."""

import pytest

from alerting.models import IncidentState
from alerting.planned import quiet_until
from tests.support.acting import MINUTE, NOON, a_duty_room

UNTIL = NOON + 60 * MINUTE


def planned(*, whole=True, until=UNTIL):
    works = [{"id": 1, "owner": "VNPT", "reference": "CV 12"}]
    return {"works": works, "whole": whole, "until": until.isoformat()}


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as room:
        yield room


async def test_a_wholly_planned_cause_opens_an_incident_with_a_notice_and_no_page(room):
    incident = await room.cut(planned=planned())
    assert incident.state is IncidentState.OPEN
    assert incident.deadline_at == UNTIL
    assert await room.pages() == []
    assert await room.notices() == [("planned", "stttt-1")]
    assert quiet_until(incident.facts, NOON) == UNTIL


async def test_it_pages_when_it_outlasts_its_window_though_belief_says_nothing(room):
    await room.cut(planned=planned())
    await room.pass_time(minutes=59)
    assert await room.pages() == []
    await room.pass_time(minutes=2)
    assert {page[0] for page in await room.pages()} == {"vnpt-1"}


async def test_it_pages_once_when_more_is_down_than_was_announced(room):
    before = await room.cut(planned=planned())
    await room.cut(communes=4, planned=planned(whole=False))
    after = await room.incident(before.id)
    assert after.generation == before.generation + 1
    assert {page[0] for page in await room.pages()} == {"vnpt-1"}
    pages = len(await room.pages())
    await room.cut(communes=4)
    assert len(await room.pages()) == pages


async def test_the_word_that_it_outlasted_comes_after_the_deadline_and_pages_nobody_twice(room):
    await room.cut(planned=planned())
    room.clock.advance(minutes=60)
    await room.service.tick()
    pages = await room.pages()
    assert pages
    await room.cut()
    assert await room.pages() == pages


async def test_a_window_that_is_partly_ours_pages_at_once(room):
    await room.cut(planned=planned(whole=False))
    assert {page[0] for page in await room.pages()} == {"vnpt-1"}


async def test_it_is_restored_like_any_other(room):
    incident = await room.cut(planned=planned())
    room.clock.advance(minutes=5)
    await room.mend()
    assert (await room.incident(incident.id)).state is IncidentState.RESTORED
    await room.pass_time(seconds=31)
    assert (await room.incident(incident.id)).state is IncidentState.RESOLVED
    assert await room.pages() == []

"""A code typed on the page: acts at once, first wins, is not to be guessed, and needs no account."""

import pytest

from alerting.models import IncidentState
from inventory.database import transaction


@pytest.fixture
async def page(room):
    """An incident that somebody was paged for, and the code that their message carries."""
    await room.cut("VNPT-RING-947")
    await room.act()
    [incident] = await room.deps.records.live(owner=None)
    message = next(m for m in await room.deps.records.messages(incident.id) if m.kind == "page")
    async with transaction(room.database) as connection:
        issued = await room.alerting.links.issue(
            connection, incident=incident.id, person=message.person, expires_at=message.not_after
        )
    return incident, message.person, issued.code


async def state_of(room, incident):
    return (await room.deps.records.incident(incident.id, owner=None)).state


async def test_the_code_of_a_message_acknowledges_as_its_person_and_again_harmlessly(room, visitor, page):
    incident, person, code = page
    shown = await visitor.see("/a")
    assert shown.status_code == 200
    assert await state_of(room, incident) is IncidentState.OPEN
    for typed in (f"{code[:4]} {code[4:]}", code):
        done = await visitor.send("/a", {"code": typed}, seen_on="/a")
        assert done.status_code == 200
        assert 'role="status"' in done.text
    assert await state_of(room, incident) is IncidentState.ACKNOWLEDGED
    taken = await room.deps.records.incident(incident.id, owner=None)
    assert taken.acknowledged_by == room.inventory.people[person].name


async def test_a_wrong_code_says_so_and_guessing_is_slowed_down(room, visitor, page):
    incident, _, code = page
    answers = [await visitor.send("/a", {"code": f"{n:08}"}, seen_on="/a") for n in range(6)]
    assert [answer.status_code for answer in answers] == [410] * 5 + [429]
    late = await visitor.send("/a", {"code": code}, seen_on="/a")
    assert late.status_code == 429
    assert await state_of(room, incident) is IncidentState.OPEN

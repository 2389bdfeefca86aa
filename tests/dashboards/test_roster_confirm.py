"""A shift is confirmed by the link or the code of a message, without an account; looking confirms nothing."""

import re
from datetime import timedelta

import pytest

from alerting.roster_asking import standing
from alerting.roster_links import Opening, Purpose
from inventory.database import transaction


@pytest.fixture
async def shift(room):
    view = await room.deps.roster.view(scope="VNPT")
    return next(s for s in view.shifts if s.duty == "operations" and s.start > room.now)


@pytest.fixture
async def issued(room, shift):
    party, duty, person, start, end = standing(shift)
    opening = Opening(Purpose.SHIFT, party, person, duty, start, end)
    async with transaction(room.database) as connection:
        return await room.deps.roster_links.issue_coded(connection, opening, at=room.now, expires_at=end)


async def confirmed_at(room, shift):
    view = await room.deps.roster.view(scope="VNPT")
    return next(s.confirmed_at for s in view.shifts if s.id == shift.id)


async def test_opening_the_link_shows_the_shift_and_only_the_button_confirms_it(room, visitor, shift, issued):
    page = await visitor.see(issued.link)
    assert "chưa xác nhận" in page.text
    assert await confirmed_at(room, shift) is None
    done = await visitor.send(issued.link, {"answer": "yes"}, seen_on=issued.link)
    assert "Bạn đã xác nhận ca trực này" in done.text
    assert await confirmed_at(room, shift) == room.now
    again = await visitor.send(issued.link, {"answer": "yes"}, seen_on=issued.link)
    assert again.status_code == 200


async def test_who_cannot_come_says_so_by_the_same_link_and_it_shows_in_the_roster(
    room, visitor, officer, shift, issued
):
    room.now = shift.start - timedelta(hours=20)
    form = {"answer": "no", "note": "con ốm, nhờ anh Hai"}
    done = await visitor.send(issued.link, form, seen_on=issued.link)
    assert "Bạn đã báo không trực được" in done.text
    await officer.sign_in("trucban")
    page = await officer.see("/roster?party=VNPT")
    assert "không trực được: con ốm, nhờ anh Hai" in page.text


async def test_a_typed_code_confirms_and_a_wrong_one_does_not(room, visitor, shift, issued):
    wrong = await visitor.send("/c", {"code": "00000000"}, seen_on="/c")
    assert wrong.status_code == 410
    assert await confirmed_at(room, shift) is None
    done = await visitor.send("/c", {"code": f"{issued.code[:4]} {issued.code[4:]}"}, seen_on="/c")
    assert "Bạn đã xác nhận ca trực này" in done.text
    assert await confirmed_at(room, shift) == room.now


async def test_guessing_codes_is_slowed_down(visitor):
    answers = [await visitor.send("/c", {"code": f"{n:08}"}, seen_on="/c") for n in range(40)]
    assert answers[-1].status_code == 429


async def test_a_link_does_nothing_for_a_shift_that_was_changed_and_ends_with_its_own(
    room, visitor, shift, issued
):
    await room.deps.roster.change(shift.id, actor="vnpt", scope="VNPT", end=shift.end - timedelta(hours=1))
    page = await visitor.see(issued.link)
    assert page.status_code == 410
    assert "đã được sửa hoặc giao cho người khác" in page.text
    room.now = shift.end
    assert (await visitor.see(issued.link)).status_code == 410
    assert (await visitor.see("/c/unknown")).status_code == 410


async def test_the_week_counts_who_has_not_answered(officer):
    page = await officer.see("/roster?party=VNPT")
    found = re.search(r"(\d+) ca trong hai ngày tới chưa được xác nhận", page.text)
    assert found
    assert int(found[1]) > 0
    assert "chưa hỏi" in page.text

"""The page of swaps: offer, take, approve, take back; an edit that somebody else was faster with is not written."""

import re

import pytest

from inventory.access import Role
from tests.dashboards.conftest import Visitor
from tests.support.duty_room import PASSWORD


@pytest.fixture
async def carrier(room):
    await room.deps.auth.add("vnpt", Role.CARRIER, PASSWORD, party="VNPT", person="VNPT-OPS-1")
    made = Visitor(room)
    await made.sign_in("vnpt")
    yield made
    await made.client.aclose()


async def coming(room, person="VNPT-OPS-1"):
    view = await room.deps.roster.view(scope="VNPT")
    return next(s for s in view.shifts if s.person == person and s.start > room.now)


async def test_a_shift_is_offered_and_a_lead_names_who_takes_it(room, carrier):
    shift = await coming(room)
    page = await carrier.send(
        "/roster/swaps/offer", {"shift": shift.id, "note": "bận việc nhà"}, seen_on="/roster/swaps"
    )
    assert "bận việc nhà" in page.text
    assert "đồng nghiệp bất kỳ" in page.text
    assert "VIETTEL" not in page.text
    [swap] = await room.deps.swapping.swaps(scope="VNPT")
    taker = re.search(r'name="person" required><option value=""></option><option value="([^"]+)"', page.text)
    done = await carrier.send(
        "/roster/swaps/accept", {"swap": str(swap.id), "person": taker[1]}, seen_on="/roster/swaps"
    )
    view = await room.deps.roster.view(scope="VNPT")
    after = next(
        s.person for s in view.shifts if s.id == shift.id or (s.start, s.duty) == (shift.start, shift.duty)
    )
    if done.status_code == 200:
        assert after == taker[1]
        assert "đã nhận" in done.text
    else:
        assert "trực hai ca cùng lúc" in done.text


async def test_an_offer_is_taken_back(room, carrier):
    shift = await coming(room)
    await carrier.send("/roster/swaps/offer", {"shift": shift.id}, seen_on="/roster/swaps")
    [swap] = await room.deps.swapping.swaps(scope="VNPT")
    page = await carrier.send("/roster/swaps/withdraw", {"swap": str(swap.id)}, seen_on="/roster/swaps")
    assert "đã rút" in page.text


async def test_an_edit_on_a_page_that_is_out_of_date_is_not_written(room, officer):
    shift = await coming(room)
    seen = await officer.see(f"/roster?party=VNPT&shift={shift.id}")
    [version, *_] = re.findall(r'name="version" value="(\d+)"', seen.text)
    await room.deps.roster.change(shift.id, actor="người khác", scope="VNPT", note="đổi xe")
    answer = await officer.send(
        "/roster/remove", {"shift": shift.id, "version": version}, seen_on="/roster?party=VNPT"
    )
    assert answer.status_code == 412
    assert "Người khác vừa sửa mục này" in answer.text
    assert (await coming(room)).id == shift.id

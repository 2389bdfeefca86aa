"""The roster's week edited in place, in real Chromium and both languages: by mouse, by keyboard and by taps.

What is asserted each time is what the service then holds, not what the page paints.
"""

from datetime import UTC, datetime

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.support.desk import CHROMIUM, LONG_IN_ENGLISH, a_browser, at_desk
from tests.support.duty_room import a_duty_room

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine: no week is edited by hand"),
]
CARD = '.week-card[data-party="VNPT"]'
ROW = f'{CARD} tr[data-duty="operations"]'
EARLY, LATE = datetime(2021, 5, 24, 7, tzinfo=UTC), datetime(2021, 5, 24, 15, tzinfo=UTC)
"""Two turns on the day after election day, that begin at 14:00 and at 22:00 local time."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    async with a_browser() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module", params=["vi", "en"])
async def desk(request, tmp_path, browser):
    async with (
        a_duty_room(tmp_path) as room,
        at_desk(room, browser, language=request.param) as seated,
    ):
        await seated.go("/roster?party=VNPT&from=2021-05-22")
        yield seated


async def held(desk, start: datetime) -> str:
    view = await desk.room.deps.roster.view(scope="VNPT")
    return " ".join(s.person for s in view.shifts if s.duty == "operations" and s.start == start)


def turn(start: datetime) -> str:
    return f'{ROW} .turn[data-start="2021-05-24T{start.hour + 7:02}:00"]'


async def test_the_mouse_takes_somebody_off_fills_the_gap_and_undoes_both(desk):
    page = desk.page
    before = await held(desk, EARLY)
    await page.locator(f"{turn(EARLY)} a").focus()
    await desk.press("Delete")
    hole = page.locator(f"{ROW} .hole")
    await expect(hole).to_have_count(1)
    await desk.see(".alarm").to_be_visible()
    assert await held(desk, EARLY) == ""
    assert desk.steps == 1
    hand = page.locator(f"{CARD} .hand").nth(0)
    name = await hand.get_attribute("data-person")
    # The people stay in sight above their week, wherever in it one looks.
    await hole.evaluate("hole => hole.scrollIntoView({block: 'center'})")
    await hand.drag_to(hole)
    await expect(hole).to_have_count(0)
    await expect(page.locator(".alarm")).to_have_count(0)
    assert await held(desk, EARLY) == name
    await desk.click("#week-said button")
    await expect(hole).to_have_count(1)
    await desk.press("Control+z")
    await expect(hole).to_have_count(0)
    assert await held(desk, EARLY) == before
    assert desk.steps == 3


async def test_two_turns_are_exchanged_by_keyboard_and_back_again(desk):
    early, late = await held(desk, EARLY), await held(desk, LATE)
    assert early != late
    await desk.page.locator(f"{turn(EARLY)} a").focus()
    await desk.press("Space")
    await desk.see("#week-said").to_contain_text("VNPT")
    await desk.press("ArrowDown")
    await expect(desk.page.locator(f"{turn(LATE)} a")).to_be_focused()
    await desk.press("Enter")
    await expect(desk.page.locator(turn(LATE))).to_have_attribute("data-person", early)
    assert (await held(desk, EARLY), await held(desk, LATE)) == (late, early)
    await expect(desk.page.locator(f"{turn(LATE)} a")).to_be_focused()
    assert desk.steps == 3
    await desk.press("Control+z")
    await expect(desk.page.locator(turn(LATE))).to_have_attribute("data-person", late)
    assert (await held(desk, EARLY), await held(desk, LATE)) == (early, late)


async def test_a_person_is_tapped_and_then_the_turn_that_they_take(desk):
    page = desk.page
    await page.set_viewport_size({"width": 390, "height": 844})
    early = await held(desk, EARLY)
    other = page.locator(f'{CARD} .hand:not([data-person="{early}"])').first
    person = await other.get_attribute("data-person")
    await desk.click(f'{CARD} .hand[data-person="{person}"]')
    await desk.click(f"{turn(EARLY)} a")
    await expect(page.locator(turn(EARLY))).to_have_attribute("data-person", person)
    assert await held(desk, EARLY) == person
    assert desk.steps == 2
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("desk", LONG_IN_ENGLISH, indirect=True)
async def test_what_somebody_else_changed_meanwhile_is_said_shown_and_not_written_over(desk):
    page, roster = desk.page, desk.room.deps.roster
    early, late = await held(desk, EARLY), await held(desk, LATE)
    [shift] = [
        s
        for s in (await roster.view()).shifts
        if s.person == late and s.start == LATE and s.duty == "operations"
    ]
    await roster.remove(shift.id, actor="Người khác", scope="VNPT")
    await page.locator(f"{turn(LATE)}").drag_to(page.locator(turn(EARLY)))
    await desk.see("#week-said.bad").to_be_visible()
    await expect(page.locator(turn(LATE))).to_have_count(0)
    # A night's gap lies in two days.
    await expect(page.locator(f"{ROW} .hole")).to_have_count(2)
    assert (await held(desk, EARLY), await held(desk, LATE)) == (early, "")
    # The refusal is the server's, and a browser writes every such answer to its console.
    assert len(desk.complaints) == 1
    desk.complaints.clear()


@pytest.mark.parametrize("desk", LONG_IN_ENGLISH, indirect=True)
async def test_a_turn_goes_to_a_gap_of_its_own_duty_only(desk):
    page = desk.page
    early = await held(desk, EARLY)
    await page.locator(f"{turn(LATE)} a").focus()
    await desk.press("Delete")
    hole = page.locator(f"{ROW} .hole").first
    await expect(hole).to_have_attribute("data-end", "2021-05-25T06:00")
    leader = page.locator(f'{CARD} tr[data-duty="leadership"] .turn').nth(2)
    await leader.locator("a").focus()
    await desk.press("Space")
    await hole.locator("a").focus()
    await desk.press("Enter")
    await desk.see("#week-said.bad").to_be_visible()
    assert await held(desk, LATE) == ""
    await desk.press("Escape")
    await page.locator(turn(EARLY)).drag_to(hole)
    await expect(page.locator(turn(LATE))).to_have_attribute("data-person", early)
    assert (await held(desk, EARLY), await held(desk, LATE)) == ("", early)

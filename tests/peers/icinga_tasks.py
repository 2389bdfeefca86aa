"""The tasks of :mod:`tests.peers.tasks` in Icinga Web 2 with Icinga DB Web, by the shortest way its pages offer."""

from datetime import datetime, timedelta

from playwright.async_api import expect

from tests.peers.hand import PHONE, a_hand
from tests.peers.icinga import NAME, PASSWORD
from tests.peers.tasks import NOT_TO_BE_HAD, Counted

__all__ = ["drive"]

_ROW = ".dashboard .item-list li a.subject[href*='/service?']"
_DETAIL = ".quick-actions"
_PROGRESS = "cáp đang được nối"


async def drive(browser, address):
    """Count every task; answers a :class:`~tests.peers.tasks.Counted` by the task's key."""
    counted = {}
    async with a_hand(browser, address, PHONE) as hand:
        await _sign_in(hand)
        await hand.go("/dashboard")
        counted["phone"] = await _acknowledge(hand)
        wide = await hand.page.evaluate("document.documentElement.scrollWidth")
        counted["phone"].said += f"; page {wide} wide on a screen of {PHONE['width']}"
    async with a_hand(browser, address) as hand:
        await _sign_in(hand)
        for key, task in _TASKS.items():
            await hand.go("/dashboard")
            await hand.sees(_ROW)
            counted[key] = await task(hand)
    counted["on_duty"] = Counted(None, f"{NOT_TO_BE_HAD}: users and groups are listed, no shifts")
    return counted


async def _sign_in(hand):
    page = hand.page
    await page.goto(f"{hand.address}/authentication/login")
    await page.fill("[name=username]", NAME)
    await page.fill("[name=password]", PASSWORD)
    await page.press("[name=password]", "Enter")
    await page.wait_for_url("**/dashboard*")


async def _glance(hand):
    return Counted(hand.steps, "a row for every service behind the ring; no cause is named")


async def _narrow(hand):
    await hand.page.locator("#menu a", has_text="Overview").first.hover()
    await hand.click("#menu a", text="Service Groups")
    await hand.click(
        "#col1 a[href*='soft_state=2'][href*='servicegroup.name=VNPT'], #col1 a[href*='servicegroup.name=VNPT'] .state-critical"
    )
    await hand.sees(".item-list li", text="CRITICAL")
    return Counted(hand.steps, "Overview, Service Groups, the red badge of the group")


async def _search(hand):
    await hand.write("#search", "dai tam")
    await hand.press("Enter")
    await hand.click("a.subject[href*='/host?']", text="Đại Tâm")
    await hand.sees(_DETAIL)
    return Counted(hand.steps, "only object names are searched, so ours are given without diacritics")


async def _acknowledge(hand):
    await hand.click(_ROW)
    await hand.click(f"{_DETAIL} a", text="Acknowledge")
    await _fill_and_send(hand)
    await hand.sees(f"{_DETAIL} button", text="Remove acknowledgement")
    return Counted(hand.steps, "a comment must be written")


async def _fill_and_send(hand, words="đội cáp đang tới"):
    await hand.write("#modal textarea[name=comment]", words)
    await hand.click("#modal [name=btn_submit]")
    await expect(hand.page.locator("#modal textarea")).to_have_count(0)


async def _progress(hand):
    await hand.page.locator(_ROW).first.click()
    await hand.click(f"{_DETAIL} a", text="Comment")
    await _fill_and_send(hand, _PROGRESS)
    await hand.sees(".comment-list, .item-list li", text=_PROGRESS)
    return Counted(hand.steps, "a comment on the service")


async def _planned(hand):
    await hand.click(_ROW)
    await hand.click(f"{_DETAIL} a", text="Downtime")
    start = await hand.page.locator("#modal [name=start]").input_value()
    until = datetime.fromisoformat(start) + timedelta(hours=2)
    await hand.write("#modal [name=end]", until.isoformat(timespec="seconds"))
    await _fill_and_send(hand)
    return Counted(hand.steps, "from now; the end is proposed an hour away")


async def _look_again(hand):
    await hand.click(_ROW)
    await hand.click(f"{_DETAIL} button", text="Check Now")
    await hand.sees("#notifications", text="check")
    return Counted(hand.steps, "the answer is seen when the page renews itself")


async def _history(hand):
    await hand.click(".dashboard .item-list li a.subject[href*='/host?']")
    await hand.click("#col2 .tabs a", text="History")
    await hand.sees("#col2 .item-list li")
    return Counted(hand.steps, "a list of state changes of the host; no bar, no chart")


async def _twenty(hand):
    await hand.click(".dashboard h1 a", text="Service Problems")
    await hand.click("#col1 .continue-with a")
    await hand.click("#col2 a", text="Acknowledge")
    await _fill_and_send(hand)
    return Counted(hand.steps, "all that the filter keeps")


_TASKS = {
    "glance": _glance,
    "narrow": _narrow,
    "search": _search,
    "look_again": _look_again,
    "history": _history,
    "planned": _planned,
    "progress": _progress,
    "acknowledge": _acknowledge,
    "twenty": _twenty,
}

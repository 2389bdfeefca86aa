"""The same tasks on our own pages: a duty room that is the product's own, with the same ring of the same carrier cut."""

from functools import partial

from playwright.async_api import expect

from alerting.reported import Matter, Report
from tests.peers.tasks import Counted
from tests.peers.watched import RING
from tests.support.desk import PHONE, at_desk, seated
from tests.support.duty_room import a_duty_room, served

__all__ = ["drive"]

_ROW = "#incidents .rows .row a, .incidents .rows .row a"


async def drive(browser, folder):
    """Count every task; each begins on the board (``progress``: on the incident's page)."""
    counted = {}
    async with a_duty_room(folder) as room:
        await room.cut(RING)
        async with at_desk(room, browser, language="en") as desk:
            for key, task in _TASKS.items():
                await desk.go("/incidents/1" if key == "progress" else "/")
                desk.steps = 0
                counted[key] = Counted(None, await task(desk))
                counted[key].steps = desk.steps
    folder.joinpath("others").mkdir()
    async with a_duty_room(folder / "others") as room:
        await room.add_accounts()
        await room.cut(RING)
        async with served(room) as address:
            come_in = partial(seated, room, browser, address, language="en")
            async with come_in(viewport=PHONE) as desk:
                said = await _acknowledge(desk)
                wide = await desk.page.evaluate("document.documentElement.scrollWidth")
                counted["phone"] = Counted(desk.steps, f"{said}; page {wide} wide")
            await _report_twenty(room)
            async with come_in(name="viettel", board="/portal") as desk:
                counted["twenty"] = Counted(None, await _twenty(desk))
                counted["twenty"].steps = desk.steps
    return counted


async def _glance(desk):
    await desk.see(_ROW).to_be_visible()
    rows = await desk.page.locator(".rows .row").count()
    return f"{rows} row, the ring that was cut"


async def _on_duty(desk):
    await desk.see(".duty-table td").not_to_be_empty()
    return "on the board, with numbers to call"


async def _narrow(desk):
    await desk.choose('#sieve [name="carrier"]', "VNPT")
    await desk.see("#sieve-clear").to_be_visible()
    return "a choice on the board"


async def _search(desk):
    await desk.write('.search [name="q"]', "ubbc dai tam")
    await desk.press("Enter")
    await desk.page.wait_for_url("**/sites/*")
    return "names are found with and without marks"


async def _acknowledge(desk):
    await desk.click(_ROW)
    await desk.click("#acknowledge")
    await desk.see(".head .state.acknowledged").to_be_visible()
    return "nothing must be written"


async def _report_twenty(room):
    for number in range(20):
        report = Report(
            Matter.NO_SERVICE, f"mất sóng {number}", "Trực ban", f"twenty-{number}", owner="VIETTEL"
        )
        await room.alerting.report(report)


async def _twenty(desk):
    await desk.click('.tabs a[href="/incidents"]')
    await desk.click("#acknowledge-all")
    await desk.click("#acknowledge-all")
    await desk.arrives("/incidents")
    await expect(desk.page.locator(".rows .row.waiting")).to_have_count(0)
    assert await desk.page.locator(".rows .row").count() == 20
    return "by the carrier that owns them, on a page that lists what is taken on"


async def _progress(desk):
    await desk.click(".act.progress summary")
    await desk.write(".act.progress textarea", "cáp đang được nối")
    await desk.click(".act.progress button.primary")
    await desk.see(".timeline").to_contain_text("cáp đang được nối")
    return "moves the incident on and sets its next deadline"


async def _planned(desk):
    await desk.click(_ROW)
    await desk.click('a.button[href^="/planned"]')
    await desk.write('#announce [name="reference"]', "12/CV-VNPT")
    await desk.click("#announce button.primary")
    await desk.see(".works").to_contain_text("12/CV-VNPT")
    return "two hours from now on the cause are proposed; the letter's number must be written"


async def _look_again(desk):
    await desk.click(_ROW)
    await desk.click(".look-one button")
    await desk.page.wait_for_url("**/sites/*")
    await desk.see(".looks li").to_be_visible()
    return "every address of the site, the answer on the next page"


async def _history(desk):
    await desk.click(_ROW)
    await desk.click('[data-region="sites"] a')
    await desk.see(".path .bar").to_be_visible()
    return "bars, outages and charts of every path"


_TASKS = {
    "glance": _glance,
    "on_duty": _on_duty,
    "narrow": _narrow,
    "search": _search,
    "look_again": _look_again,
    "history": _history,
    "planned": _planned,
    "acknowledge": _acknowledge,
    "progress": _progress,
}

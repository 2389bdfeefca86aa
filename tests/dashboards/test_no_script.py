"""With JavaScript off, in real Chromium and both languages: sign in, read the board, acknowledge, report progress.

A browser whose scripts are blocked, broken or still on their way over a bad line must do what counts.
"""

from collections.abc import AsyncIterator, Mapping

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from inventory.access import Role
from tests.dashboards.test_browser import ARGUMENTS, CHROMIUM, DESK, PHONE
from tests.support.duty_room import PASSWORD, DutyRoom, served

pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="no chromium on this machine: nothing is done without script in a browser"
)

WORDS: Mapping[str, Mapping[str, str]] = {
    "vi": {
        "incidents": "Phiếu sự cố đang mở",
        "tile": "Xã Thạnh Phú, Huyện Mỹ Xuyên: còn một đường",
        "acknowledged": "Đã tiếp nhận",
        "working": "Đang xử lý",
        "note": "Đang mang máy đo ra tuyến cáp",
    },
    "en": {
        "incidents": "Open incidents",
        "tile": "Xã Thạnh Phú, Huyện Mỹ Xuyên: one path left",
        "acknowledged": "Acknowledged",
        "working": "In progress",
        "note": "On the way to the cable with a meter",
    },
}
"""What each step reads on the page, by language."""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        await opened.close()


@pytest.fixture
async def address(room: DutyRoom) -> AsyncIterator[str]:
    await room.deps.auth.add("trucban", Role.DUTY_OFFICER, PASSWORD, person="STTTT-OPS-1")
    await room.deps.auth.add("vnpt", Role.CARRIER, PASSWORD, party="VNPT")
    await room.cut("VNPT-RING-947")
    async with served(room) as at:
        yield at


async def opened(browser: Browser, viewport: Mapping[str, int], language: str) -> Page:
    context = await browser.new_context(java_script_enabled=False, viewport=viewport, locale=language)
    context.set_default_timeout(20_000)
    return await context.new_page()


async def signed_in(page: Page, address: str, name: str, language: str) -> None:
    await page.goto(f"{address}/sign-in?lang={language}")
    await page.fill("[name=name]", name)
    await page.fill("[name=password]", PASSWORD)
    await page.click("main form button")
    await page.wait_for_url(lambda url: "/sign-in" not in url)


@pytest.mark.parametrize("language", WORDS)
async def test_an_officer_reads_the_board_acknowledges_and_reports_progress(browser, address, room, language):
    words, page = WORDS[language], await opened(browser, DESK, language)
    await signed_in(page, address, "trucban", language)
    await expect(page.locator("#incidents-title")).to_have_text(words["incidents"])
    await expect(page.locator('.tile[data-code="31708"]')).to_have_attribute("aria-label", words["tile"])
    await expect(page.locator('.counts [data-key="at_risk"] strong')).to_have_text("8")
    await page.click(".rows .row a")
    await page.click("#acknowledge")
    await expect(page.locator(".head .state")).to_have_text(words["acknowledged"])
    await _progress(page, words)
    [incident] = await room.incidents()
    entries = await room.deps.records.ledger(incident.id)
    assert words["note"] in {entry.details.get("note") for entry in entries}


async def _progress(page: Page, words: Mapping[str, str]) -> None:
    form = page.locator("form[action$='/progress']")
    if not await form.locator("textarea").is_visible():
        await page.locator("details.progress summary").click()
    await form.locator("[name=eta]").fill("21:30")
    await form.locator("textarea").fill(words["note"])
    await form.locator("button.primary").click()
    await expect(page.locator(".head .state")).to_have_text(words["working"])
    await expect(page.locator(".timeline")).to_contain_text(words["note"])


@pytest.mark.parametrize("language", WORDS)
async def test_a_carrier_with_a_telephone_takes_its_incident_on_and_says_how_long(
    browser, address, room, language
):
    words, page = WORDS[language], await opened(browser, PHONE, language)
    await signed_in(page, address, "vnpt", language)
    await expect(page).to_have_url(f"{address}/portal")
    mine = page.locator("article.mine")
    await expect(mine).to_have_count(1)
    await mine.locator("form[action$='/acknowledge'] button").click()
    await expect(mine.locator("header .state")).to_have_text(words["acknowledged"])
    await mine.locator("h2 a").click()
    await _progress(page, words)
    [incident] = await room.incidents()
    assert incident.state == "in_progress"

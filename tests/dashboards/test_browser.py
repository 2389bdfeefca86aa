"""The board in a real browser: what a duty officer sees change without touching anything."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from shutil import which

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from inventory.access import Role
from tests.support.duty_room import PASSWORD, DutyRoom, served

CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome") or ""
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
ARGUMENTS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"]

pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="no chromium on this machine: the board is not driven in a browser"
)

expect.set_options(timeout=20_000)  # a machine that also builds something is slow, not wrong


@dataclass
class Screen:
    """A page, and everything that went wrong on it."""

    page: Page
    address: str
    room: DutyRoom
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))

    def _heard(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def _asked(self, url: str) -> None:
        if not url.startswith(self.address):
            self.foreign.append(url)

    async def sign_in(self, name: str = "trucban") -> None:
        await self.page.goto(f"{self.address}/sign-in")
        await self.page.fill("[name=name]", name)
        await self.page.fill("[name=password]", PASSWORD)
        await self.page.press("[name=password]", "Enter")
        await self.page.wait_for_url(f"{self.address}/")

    async def live(self) -> None:
        """Wait until the stream is open: the feed has made this page's picture."""
        async with asyncio.timeout(60):
            while not self.room.deps.hub.watchers:
                await asyncio.sleep(0.02)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        await opened.close()


@pytest.fixture
async def screen(room, browser) -> AsyncIterator[Screen]:
    await room.deps.auth.add("trucban", Role.DUTY_OFFICER, PASSWORD)
    async with served(room) as address:
        context = await browser.new_context(viewport=DESK, locale="vi")
        context.set_default_timeout(20_000)
        made = Screen(await context.new_page(), address, room)
        made.watch()
        yield made
        await context.close()


async def test_a_cut_turns_tiles_opens_a_row_and_is_acknowledged_by_keyboard(screen):
    page, room = screen.page, screen.room
    await screen.sign_in()
    await screen.live()
    tile = page.locator('.tile[data-code="31708"]')
    await expect(tile).to_have_class("tile ready")
    await page.evaluate("window.stayed = true")

    await room.cut("VNPT-RING-947")
    await expect(page.locator(".rows .row.waiting")).to_have_count(1, timeout=20_000)
    await expect(tile).to_have_class("tile at_risk turned")
    await expect(tile).to_have_attribute("aria-label", "Xã Thạnh Phú, Huyện Mỹ Xuyên: còn một đường")
    await expect(tile.locator(".sign")).to_have_text("!")
    await expect(page.locator('.counts [data-key="at_risk"] strong')).to_have_text("8")
    await expect(page.locator(".row.p1")).to_have_class("row p1 open waiting turned unread")
    assert (await page.title()).startswith("(1) ")
    assert await page.evaluate("window.stayed")

    await page.keyboard.press("1")
    await page.wait_for_url("**/incidents/1")
    await page.keyboard.press("a")
    await expect(page.locator("#acknowledge")).to_be_focused()
    await page.keyboard.press("a")
    await expect(page.locator(".head .state")).to_have_text("Đã tiếp nhận")

    await page.keyboard.press("b")
    await page.wait_for_url(f"{screen.address}/")
    await expect(page.locator(".row .state")).to_have_text("Đã tiếp nhận")
    await screen.live()
    await room.restore()
    await expect(page.locator('.counts [data-key="ready"] strong')).to_have_text("109")
    await expect(tile).to_have_class("tile ready turned")
    assert screen.complaints == []
    assert screen.foreign == []


async def test_an_open_incident_page_follows_what_others_do_and_leaves_a_half_written_note(screen):
    page, room = screen.page, screen.room
    await room.cut("VNPT-RING-947")
    await screen.sign_in()
    await page.goto(f"{screen.address}/incidents/1")
    await screen.live()
    await page.fill(".act.acknowledge textarea", "đang gọi lại")
    await room.alerting.acknowledge(1, actor="Trực ca VNPT 2", person="VNPT-OPS-2")
    await expect(page.locator(".timeline")).to_contain_text("Trực ca VNPT 2")
    await expect(page.locator(".head .state")).to_have_text("Đã tiếp nhận")
    assert await page.input_value(".act.acknowledge textarea") == "đang gọi lại"
    assert screen.complaints == []


async def test_language_search_help_wall_and_the_map_by_keyboard(screen):
    page = screen.page
    await screen.sign_in()
    await page.click('a[hreflang="en"]')
    await expect(page.locator("#incidents-title")).to_have_text("Open incidents")
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.locator('.tile[tabindex="0"]').focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#hint")).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type("ubbc dai tam")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/sites/*")
    await expect(page.locator(".uplot").first).to_be_visible()
    await page.keyboard.press("t")
    await page.wait_for_url("**/wall")
    await page.keyboard.press("Escape")
    await page.wait_for_url(f"{screen.address}/")
    assert screen.complaints == []
    assert screen.foreign == []


async def test_the_board_says_so_when_data_grows_old_and_when_the_line_is_lost(screen):
    page, room = screen.page, screen.room
    await screen.sign_in()
    await screen.live()
    await expect(page.locator("#live-state")).to_be_hidden()
    room.now += timedelta(seconds=60)
    room.deps.hub.pulse(room.feed._freshness())
    await expect(page.locator("#live-state")).to_contain_text("Số liệu cũ: lần đo cuối lúc 19:18:02")
    await expect(page.locator("body")).to_have_class("board stale-picture")
    await room.look()
    room.deps.hub.pulse(room.feed._freshness())
    await expect(page.locator("#live-state")).to_be_hidden()
    await room.deps.auth.disable("trucban")
    await page.evaluate("document.cookie")
    for watcher in [w for channel in room.deps.hub._channels.values() for w in channel.watchers]:
        watcher.close()
    await expect(page.locator("#live-state")).to_contain_text("Phiên đăng nhập đã kết thúc", timeout=20_000)


async def test_on_a_phone_the_next_action_is_under_the_thumb_and_nothing_runs_off_the_side(screen):
    page, room = screen.page, screen.room
    await room.cut("VNPT-RING-947")
    await page.set_viewport_size(PHONE)
    await screen.sign_in()
    for path in ("/", "/incidents", "/incidents/1", "/duty", "/sites/UBBC-31711", "/areas/947"):
        await page.goto(screen.address + path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
    await page.goto(f"{screen.address}/incidents/1")
    box = await page.locator("#acknowledge").bounding_box()
    assert box["height"] >= 44
    assert PHONE["height"] - 90 < box["y"] + box["height"] <= PHONE["height"]


async def test_the_pages_work_with_script_turned_off(room, browser):
    await room.deps.auth.add("trucban", Role.DUTY_OFFICER, PASSWORD)
    await room.cut("VNPT-RING-947")
    async with served(room) as address:
        context = await browser.new_context(java_script_enabled=False, viewport=DESK)
        screen = Screen(await context.new_page(), address, room)
        await screen.sign_in()
        await screen.page.click(".rows .row a")
        await screen.page.click("#acknowledge")
        await expect(screen.page.locator(".head .state")).to_have_text("Đã tiếp nhận")
        await context.close()

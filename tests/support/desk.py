"""Somebody at a desk: a real browser on a room's pages that counts what the hand does and hears every complaint.

A step is a click, a key, a choice or a text that is written; looking is none. Tests keep the steps of each task as a
bound, so that no page grows a detour unseen.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from shutil import which

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.support.duty_room import PASSWORD, DutyRoom, served

__all__ = ["CHROMIUM", "DESK", "LONG_IN_ENGLISH", "PHONE", "Desk", "a_browser", "at_desk", "seated"]

CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome") or ""
_ARGUMENTS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"]
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
LONG_IN_ENGLISH = ("vi", pytest.param("en", marks=pytest.mark.soak))
"""Languages of a task that takes seconds: its second one is driven by ``make soak``."""
_PATIENCE = 30_000
_HEARING = """window.tones = 0; const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...given) { window.tones += 1; return start.apply(this, given); };"""

expect.set_options(timeout=_PATIENCE)


@dataclass
class Desk:
    """``complaints`` is what the console said, ``foreign`` what was asked of any host but the service."""

    page: Page
    address: str
    room: DutyRoom
    steps: int = 0
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", lambda said: self._heard(said.type, said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "request",
            lambda asked: asked.url.startswith(self.address) or self.foreign.append(asked.url),
        )

    def _heard(self, kind: str, text: str) -> None:
        # That a browser wants a touch first is said on the page; that it also says so to its console is no fault.
        if kind in {"error", "warning"} and "AudioContext was not allowed" not in text:
            self.complaints.append(text)

    async def go(self, path: str) -> None:
        await self.page.goto(self.address + path)

    async def click(self, selector: str) -> None:
        self.steps += 1
        await self.page.locator(selector).first.click()

    async def press(self, key: str) -> None:
        self.steps += 1
        await self.page.keyboard.press(key)

    async def write(self, selector: str, text: str) -> None:
        self.steps += 1
        await self.page.locator(selector).first.fill(text)

    async def choose(self, selector: str, value: str | int) -> None:
        self.steps += 1
        choice = {"index": value} if isinstance(value, int) else {"value": value}
        await self.page.locator(selector).first.select_option(**choice)

    async def arrives(self, path: str) -> None:
        await self.page.wait_for_url(f"{self.address}{path}")

    def see(self, selector: str):
        return expect(self.page.locator(selector).first)

    async def sign_in(self, name: str, *, board: str = "/") -> None:
        await self.page.fill("[name=name]", name)
        await self.page.fill("[name=password]", PASSWORD)
        await self.page.press("[name=password]", "Enter")
        await self.arrives(board)

    async def live(self) -> None:
        """Wait until the stream has brought its first picture."""
        await self.page.wait_for_function("() => document.body.dataset.heard === 'yes'")


@asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield opened
        await opened.close()


@asynccontextmanager
async def at_desk(
    room: DutyRoom,
    browser: Browser,
    *,
    language: str = "vi",
    name: str = "trucban",
    board: str = "/",
    shown_around: bool = True,
    script: bool = True,
) -> AsyncIterator[Desk]:
    """Open the room, sit down and sign in; nobody else comes in."""
    await room.add_accounts()
    async with (
        served(room) as address,
        seated(
            room,
            browser,
            address,
            language=language,
            name=name,
            board=board,
            shown_around=shown_around,
            script=script,
        ) as desk,
    ):
        yield desk


@asynccontextmanager
async def seated(
    room: DutyRoom,
    browser: Browser,
    address: str,
    *,
    language: str = "vi",
    name: str = "trucban",
    board: str = "/",
    viewport: Mapping[str, int] = DESK,
    shown_around: bool = True,
    script: bool = True,
) -> AsyncIterator[Desk]:
    """Sit down in a room that is open to several; whoever gets up leaves a console without a complaint, and no foreign
    host was asked.
    """
    context = await browser.new_context(viewport=viewport, java_script_enabled=script)
    context.set_default_timeout(_PATIENCE)
    if shown_around:
        await context.add_cookies([{"name": "thongsuot_tour", "value": "seen", "url": address}])
    await context.add_init_script(_HEARING)
    desk = Desk(await context.new_page(), address, room)
    desk.watch()
    await desk.go(f"/sign-in?lang={language}")
    await desk.sign_in(name, board=board)
    yield desk
    await context.close()
    assert desk.complaints == []
    assert desk.foreign == []

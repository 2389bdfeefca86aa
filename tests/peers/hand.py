"""One person's hand on a page: every click, tap, key, choice and written field is a step; looking and waiting are none.

The rule is :mod:`tests.support.desk`'s, so that our own counts and a peer's mean the same.
"""

from contextlib import asynccontextmanager

from playwright.async_api import expect

from tests.support.desk import DESK, PHONE

__all__ = ["DESK", "PHONE", "Hand", "a_hand"]

_PATIENCE = 45_000


class Hand:
    def __init__(self, page, address):
        self.page = page
        self.address = address
        self.steps = 0

    async def go(self, path):
        """Open the page that the person has before them; no step."""
        await self.page.goto(self.address + path)
        await self.page.wait_for_load_state("networkidle")
        self.steps = 0

    async def click(self, selector, *, text=None, modifiers=None):
        self.steps += 1
        place = self.page.locator(selector, has_text=text) if text else self.page.locator(selector)
        await place.filter(visible=True).first.click(modifiers=modifiers)

    async def press(self, key):
        self.steps += 1
        await self.page.keyboard.press(key)

    async def write(self, selector, text):
        self.steps += 1
        await self.page.locator(selector).filter(visible=True).first.fill(text)

    async def choose(self, selector, value):
        self.steps += 1
        await self.page.locator(selector).filter(visible=True).first.select_option(value)

    async def sees(self, selector, *, text=None):
        place = self.page.locator(selector, has_text=text) if text else self.page.locator(selector)
        await expect(place.filter(visible=True).first).to_be_visible(timeout=_PATIENCE)


@asynccontextmanager
async def a_hand(browser, address, viewport=DESK):
    context = await browser.new_context(viewport=viewport, has_touch=viewport == PHONE, locale="en-GB")
    context.set_default_timeout(_PATIENCE)
    yield Hand(await context.new_page(), address)
    await context.close()

"""Every page, in both languages and both colours, by axe-core's WCAG 2.2 AA rules; and nothing from a foreign host."""

import asyncio
import json
from collections.abc import AsyncIterator
from importlib.resources import files
from itertools import chain
from shutil import which

import pytest
from playwright.async_api import Browser, Page, async_playwright

from alerting.endpoint_service import Editor
from alerting.endpoints import EndpointEvent
from dashboards.routes import PAGES
from tests.support.duty_room import PASSWORD, SCENES, a_duty_room, served

CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome") or ""
ARGUMENTS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")

EXAMPLES = {
    "/": "/",
    "/wall": "/wall",
    "/incidents": "/incidents",
    "/incidents/{id}": "/incidents/3",
    "/sites/{code}": "/sites/UBBC-31708",
    "/areas/{code}": "/areas/31708",
    "/search": "/search?q=my",
    "/duty": "/duty",
    "/inspections": "/inspections",
    "/rollcall": "/rollcall?which=all",
    "/capacity": "/capacity",
    "/inspections/{id}": "/inspections/1",
    "/drills": "/drills",
    "/drills/{id}": "/drills/1",
    "/roster": "/roster?party=VNPT",
    "/roster/phones": "/roster/phones",
    "/roster/handover": "/roster/handover",
    "/roster/swaps": "/roster/swaps",
    "/roster/import": "/roster/import",
    "/roster/import/{id}": "/roster/import/unknown",
    "/roster/mine/{token}": "/roster/mine/unknown",
    "/sign-in": "/sign-in",
    "/sign-in/code": "/sign-in/code",
    "/password": "/password",
    "/account": "/account",
    "/accounts": "/accounts",
    "/accounts/{name}": "/accounts/vnpt",
    "/audit": "/audit",
    "/groups": "/groups",
    "/planned": "/planned",
    "/incidents/at-once": "/incidents/at-once",
    "/incidents/new": "/incidents/new",
    "/reports": "/reports",
    "/guide": "/guide",
    "/guide/{topic}": "/guide/incident",
    "/a": "/a",
    "/c": "/c",
    "/c/{token}": "/c/unknown",
    "/a/{token}": "/a/unknown",
    "/aid": "/aid",
    "/aid/new": "/aid/new?incident=3",
    "/aid/{id}": "/aid/1",
    "/carriers": "/carriers",
    "/carriers/{code}": "/carriers/VNPT",
    "/risks/{code}": "/risks/VNPT-RING-947",
    "/vantages": "/vantages",
    "/vantages/{code}": "/vantages/SOC-TRANG-1",
    "/portal": "/portal",
    "/portal/settings": "/portal/settings?party=VNPT",
}
"""An address of each page, with something on it."""
CARRIERS = (
    "/portal",
    "/capacity",
    "/portal/settings",
    "/incidents/3",
    "/incidents/at-once",
    "/incidents/new",
    "/search?q=vnpt",
)
"""Pages that look otherwise to a carrier."""
NOT_PAGES = {
    "/events",
    "/incidents/{id}/evidence/{digest}",
    "/inspections/{id}/files/{digest}",
    "/reports/{id}",
    "/reports/{id}/{format}",
    "/roster/calendar/{token}",
    "/sites/{code}/history",
    "/sign-in/provider",
    "/sign-in/provider/back",
}
"""What is fetched, streamed or only passed through."""

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine: no page is looked at")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        await opened.close()


def test_every_page_of_the_table_has_an_example_here():
    shown = {page.path for page in PAGES if page.method == "GET"} - NOT_PAGES
    assert shown == set(EXAMPLES), (
        "name an address of the new page in EXAMPLES, or why it is none in NOT_PAGES"
    )


@pytest.mark.timeout(900)
async def test_no_page_breaks_a_rule_of_wcag_or_asks_a_foreign_host(tmp_path, browser):
    async with a_duty_room(tmp_path) as room:
        await room.add_accounts()
        await SCENES["busy"](room)
        machine = Editor("vnpt", "VNPT")
        hook = await room.deps.endpoints.add(
            machine, url="http://127.0.0.1:9/hook", events=list(EndpointEvent)
        )
        # Nothing listens there: how that is told is looked at too.
        await room.deps.endpoints.test(machine, hook.id)
        async with served(room) as address, asyncio.TaskGroup() as rounds:
            # Side by side, because most of a round is the browser's own work.
            made = [
                rounds.create_task(a_round(browser, address, *how))
                for how in (("vi", "light", 1440), ("en", "dark", 390))
            ]
    broken, foreign = zip(*(each.result() for each in made), strict=True)
    assert not any(broken), "\n".join(chain(*broken))
    assert not any(foreign)


async def a_round(browser, address, language, theme, width):
    """Go through every page as the administrator and as a carrier; answer the broken rules and foreign addresses."""
    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    context.set_default_timeout(30_000)
    page, foreign = await context.new_page(), []
    page.on("request", lambda asked: asked.url.startswith(address) or foreign.append(asked.url))
    await page.goto(f"{address}/sign-in?lang={language}&theme={theme}")
    broken = await broken_rules(page)
    for account, landing, paths in (("admin", "/", EXAMPLES.values()), ("vnpt", "/portal", CARRIERS)):
        await context.clear_cookies(name="thongsuot")
        await page.goto(f"{address}/sign-in?lang={language}&theme={theme}")
        await page.fill("[name=name]", account)
        await page.fill("[name=password]", PASSWORD)
        await page.press("[name=password]", "Enter")
        await page.wait_for_url(f"{address}{landing}")
        for path in paths:
            await page.goto(address + path)
            broken += await broken_rules(page)
    await context.close()
    return broken, foreign


async def broken_rules(page: Page) -> list[str]:
    """Run axe-core on what is shown; evaluated from outside, so that the page's own policy stays as it is."""
    await page.evaluate(AXE)
    found = await page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})",
        RULES,
    )
    return [
        f"{page.url}: {each['id']}: {each['help']}: {json.dumps(node['target'])} {node['html'][:160]}"
        for each in found["violations"]
        for node in each["nodes"][:4]
    ]

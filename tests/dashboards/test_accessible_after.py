"""What only appears after an action is held to WCAG 2.2 AA too: answers of a look, dialogs, open menus and forms, refusals."""

import pytest
from playwright.async_api import expect

from tests.dashboards.test_accessible import broken_rules
from tests.support.desk import CHROMIUM, a_browser, at_desk
from tests.support.duty_room import a_duty_room

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine: no page is looked at")
SITE = "/sites/UBBC-31708"


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_what_appears_after_an_action_breaks_no_rule(tmp_path, theme):
    async with (
        a_duty_room(tmp_path) as room,
        a_browser() as browser,
        at_desk(room, browser) as desk,
    ):
        page, broken = desk.page, []
        await room.cut("VNPT-RING-947")

        await desk.go(f"{SITE}?theme={theme}")
        await page.locator("main button.primary").first.click()
        await expect(page.locator("#looked .looks")).to_be_visible()
        broken += await broken_rules(page)

        await page.keyboard.press("?")
        await expect(page.locator("#help")).to_be_visible()
        broken += await broken_rules(page)
        await page.keyboard.press("Escape")

        await desk.go("/incidents/1")
        # Forms of one name close each other: without it all of them are looked at together.
        await page.evaluate(
            "() => { for (const each of document.querySelectorAll('details')) { each.removeAttribute('name'); each.open = true; } }"
        )
        broken += await broken_rules(page)

        await page.locator(".act.mitigate textarea").fill("tạm chạy qua Viettel")
        await page.locator(".act.mitigate [name=until]").evaluate(
            "field => { field.type = 'text'; field.value = 'mai'; }"
        )
        await page.locator(".act.mitigate button.primary").click()
        await expect(page.locator("textarea.kept")).to_have_value("tạm chạy qua Viettel")
        broken += await broken_rules(page)
        await page.locator("a.button.primary").click()
        await page.wait_for_url("**/incidents/1")
        # The browser notes the refusal that was looked for; anything else would be a fault.
        desk.complaints[:] = [said for said in desk.complaints if "422" not in said]
    assert not broken, "\n".join(broken)

"""What a duty officer does, in a real browser and both languages, with the steps of each task counted and bounded."""

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.support.desk import CHROMIUM, a_browser, at_desk
from tests.support.duty_room import a_duty_room

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine: no task is driven"),
]
RING = "VNPT-RING-947"


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
        yield seated


@pytest.mark.parametrize(("province", "communes"), [("soc-trang-2021", 109), ("quang-nam-2021", 241)])
async def test_the_board_of_each_province_is_read_at_one_glance(tmp_path, browser, province, communes):
    async with a_duty_room(tmp_path, province=province) as room, at_desk(room, browser) as desk:
        await expect(desk.page.locator("#tiles .tile")).to_have_count(communes)
        await desk.see(".stages .now").to_be_visible()
        await desk.see(".incidents .calm").to_be_visible()
        assert await desk.page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        assert desk.steps == 0


async def test_the_board_narrows_to_a_verdict_with_one_click_and_stays_narrow_while_it_changes(desk):
    page = desk.page
    await desk.live()
    await desk.room.cut(RING)
    await desk.see(".rows .row").to_be_visible()
    await desk.click('.counts [data-key="at_risk"] a')
    assert desk.steps == 1
    await desk.see("#sieve-kept").to_contain_text("8")
    await expect(page.locator(".tile:not(.out)")).to_have_count(8)
    assert page.url.endswith("/?verdict=at_risk")
    await desk.room.restore()
    await expect(page.locator(".tile:not(.out)")).to_have_count(0)
    await desk.click("#sieve-clear")
    await expect(page.locator(".tile:not(.out)")).to_have_count(109)


async def test_a_carrier_and_a_district_are_chosen_by_keyboard(desk):
    page = desk.page
    await desk.room.cut(RING)
    await desk.live()
    await desk.press("f")
    await desk.see('#sieve [name="carrier"]').to_be_focused()
    await desk.choose('#sieve [name="carrier"]', "MOBIFONE")
    await expect(page.locator(".rows .row:visible")).to_have_count(0)
    await desk.choose('#sieve [name="carrier"]', "VNPT")
    await expect(page.locator(".rows .row:visible")).to_have_count(1)
    await desk.choose('#sieve [name="area"]', "947")
    await expect(page.locator(".tile:not(.out)")).to_have_count(11)
    assert desk.steps == 4


async def test_the_same_narrowing_is_a_form_where_there_is_no_script(tmp_path, browser):
    async with a_duty_room(tmp_path) as room, at_desk(room, browser, script=False) as desk:
        await desk.choose('#sieve [name="area"]', "947")
        await desk.click("#sieve button")
        await expect(desk.page.locator(".tile:not(.out)")).to_have_count(11)
        await desk.see("#sieve-clear").to_be_visible()
        assert desk.steps == 2


async def test_an_incident_is_opened_and_acknowledged_by_three_keys_from_the_board(desk):
    await desk.live()
    await desk.room.cut(RING)
    await desk.see(".row.waiting").to_be_visible()
    await desk.press("1")
    await desk.page.wait_for_url("**/incidents/*")
    await desk.press("a")
    await desk.see("#acknowledge").to_be_focused()
    await desk.press("a")
    await desk.see(".head .state.acknowledged").to_be_visible()
    assert desk.steps == 3


async def test_by_mouse_it_is_two_clicks_then_progress_and_restored_are_three_and_two(desk):
    await desk.room.cut(RING)
    await desk.go("/")
    await desk.click(".rows .row a")
    await desk.click("#acknowledge")
    await desk.see(".head .state.acknowledged").to_be_visible()
    assert desk.steps == 2
    await desk.click(".act.progress summary")
    await desk.write(".act.progress textarea", "đội cáp đang tới")
    await desk.click(".act.progress button.primary")
    await desk.see(".head .state.in_progress").to_be_visible()
    await desk.see(".timeline").to_contain_text("đội cáp đang tới")
    assert desk.steps <= 5
    await desk.click(".act.restored summary")
    await desk.click(".act.restored button.primary")
    await desk.see(
        ".timeline li.report_restored, .timeline li.restored, .head .state.restored"
    ).to_be_visible()
    assert desk.steps <= 7


async def test_help_is_asked_of_a_partner_in_five_steps(desk):
    await desk.room.cut(RING)
    await desk.go("/incidents/1")
    await desk.click('a[href^="/aid/new"]')
    await desk.choose('[name="kind"]', 1)
    await desk.choose('[name="helper"]', 1)
    await desk.write('[name="need"]', "một máy nổ 5 kVA")
    await desk.click("main form button.primary")
    await desk.page.wait_for_url("**/aid/*")
    await desk.see("main").to_contain_text("một máy nổ 5 kVA")
    assert desk.steps == 5


async def test_the_shift_is_handed_over_in_three_steps_from_its_page(desk):
    await desk.go("/roster/handover")
    await desk.click(".people details.act summary")
    await desk.write(".people details[open] textarea", "Vòng ring 947 vừa đóng lại, còn theo dõi.")
    await desk.click(".people details[open] button.primary")
    await desk.see("blockquote").to_contain_text("Vòng ring 947")
    assert desk.steps == 3


async def test_a_site_is_found_without_diacritics_and_tells_its_evidence(desk):
    await desk.press("/")
    await desk.page.keyboard.type("ubbc dai tam")
    await desk.press("Enter")
    await desk.page.wait_for_url("**/sites/*")
    await desk.see(".path h3").to_be_visible()
    await desk.see(".path .bar").to_be_visible()
    await desk.see(".uplot").to_be_visible()
    assert desk.steps == 2


async def test_the_map_is_walked_by_arrows_and_a_commune_opened_by_enter(desk):
    await desk.page.locator('.tile[tabindex="0"]').focus()
    await desk.press("ArrowRight")
    await desk.see("#hint").to_be_visible()
    await desk.press("Enter")
    await desk.page.wait_for_url("**/areas/*")
    assert desk.steps == 2


async def test_a_new_incident_sounds_and_silence_is_chosen_shown_and_ends_with_the_next_one(desk):
    page = desk.page
    tones = "() => window.tones"
    await desk.live()
    await page.mouse.click(720, 890)
    await desk.see("#sound[data-state=on]").to_be_visible()
    await desk.room.cut(RING)
    await page.wait_for_function("() => window.tones >= 4")
    heard = await page.evaluate(tones)
    await desk.press("m")
    assert desk.steps == 1
    await desk.see("#sound[data-state=silent] [data-told]").to_contain_text(":")
    [*_, olt] = [code for code, risk in desk.room.inventory.risks.items() if risk.kind == "olt"]
    await desk.room.cut(olt)
    await expect(page.locator(".row.waiting")).to_have_count(2)
    assert await page.evaluate(tones) == heard
    await desk.click("#sound summary")
    await desk.click("#sound [data-next]")
    await desk.see("#sound[data-state=silent]").to_be_visible()
    mobile = next(path for path in desk.room.inventory.paths.values() if path.carrier == "MOBIFONE")
    await desk.room.cut_targets(desk.room.monitor.topology.targets_of_path(mobile.code))
    await page.wait_for_function(f"() => window.tones > {heard}")
    await desk.see("#sound[data-state=on]").to_be_visible()


async def test_a_board_that_may_not_sound_yet_says_so_and_a_key_is_enough(tmp_path, browser):
    async with a_duty_room(tmp_path) as room, at_desk(room, browser) as desk:
        fresh = await desk.page.context.new_page()
        await fresh.goto(f"{desk.address}/wall")
        await expect(fresh.locator("#sound")).to_have_attribute("data-state", "blocked")
        await expect(fresh.locator("#sound [data-told]")).not_to_be_empty()
        await fresh.keyboard.press("Shift")
        await expect(fresh.locator("#sound")).to_have_attribute("data-state", "on")


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_the_first_look_around_is_once_and_its_end_is_remembered(tmp_path, browser, language):
    async with (
        a_duty_room(tmp_path) as room,
        at_desk(room, browser, language=language, shown_around=False) as desk,
    ):
        for _ in range(4):
            await desk.click("#tour [data-next]")
        await desk.see("#tour [data-done]").to_be_focused()
        async with desk.page.expect_response("**/tour"):
            await desk.press("Enter")
        await expect(desk.page.locator("#tour")).to_have_count(0)
        assert desk.steps == 5
        await desk.go("/")
        await expect(desk.page.locator("#tour")).to_have_count(0)
        await desk.go("/?tour=1")
        await desk.see("#tour").to_be_visible()


async def test_without_script_the_first_look_is_a_panel_with_every_step(tmp_path, browser):
    async with (
        a_duty_room(tmp_path) as room,
        at_desk(room, browser, script=False, shown_around=False) as desk,
    ):
        await expect(desk.page.locator("#tour li:visible")).to_have_count(5)
        await desk.click("#tour [data-done]")
        await expect(desk.page.locator("#tour")).to_have_count(0)


async def test_a_lost_line_is_said_on_the_page_and_mended_by_itself(desk):
    await desk.page.clock.install()
    await desk.go("/")
    await desk.live()
    await desk.page.clock.run_for(13_000)
    await desk.see("#live-state").to_be_visible()
    desk.room.deps.hub.pulse(desk.room.feed._freshness())
    await desk.see("#live-state").to_be_hidden()


async def test_old_data_is_said_with_its_age(desk):
    await desk.live()
    desk.room.now = desk.room.now.replace(minute=59)
    desk.room.deps.hub.pulse(desk.room.feed._freshness())
    await desk.see("#live-state").to_contain_text("19:18:02")
    await desk.see("body.stale-picture").to_be_visible()

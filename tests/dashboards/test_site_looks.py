"""Probe now on a site's page: seen at once, in words of the field, without script and with it."""

import re

import pytest
from playwright.async_api import expect

from inventory.access import Role
from tests.dashboards.test_pages import signed_in, text_of
from tests.support.desk import CHROMIUM, a_browser, at_desk

SITE = "UBBC-31708"
PAGE = f"/sites/{SITE}"


async def asked(visitor, **form):
    return await visitor.send(PAGE, form, seen_on=PAGE)


async def test_a_site_is_looked_at_now_and_each_address_says_what_it_answered(room, officer):
    await room.cut("VNPT-RING-947")
    page = await asked(officer)
    said = text_of(page).split("Vừa đo")[1]
    targets = room.monitor.topology.targets_of_site(SITE)
    assert page.status_code == 200
    assert "19:18:11" in said
    assert room.inventory.vantages[room.vantage].name in said
    assert f"trên {len(targets)} địa chỉ trả lời" in said
    assert "không trả lời" in said
    assert re.search(r"trả lời · \d+,\d\d ms", said)
    assert sorted(room.asked) == sorted(targets)


async def test_one_path_is_looked_at_alone(room, officer):
    [first, *_] = room.monitor.topology.paths_of_site(SITE)
    await asked(officer, path=first)
    assert sorted(room.asked) == sorted(room.monitor.topology.targets_of_path(first))
    assert (await asked(officer, path="NO-SUCH")).status_code == 404


async def test_who_clicks_in_a_storm_is_told_when_to_ask_again(room, officer):
    for _ in range(3):
        assert (await asked(officer)).status_code == 200
    refused = await asked(officer)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "5"
    assert "Có thể đo lại sau 5 giây" in text_of(refused)
    assert len(room.asked) == 3 * len(room.monitor.topology.targets_of_site(SITE))


async def test_a_server_without_a_vantage_says_so_and_still_shows_what_is_believed(room, officer):
    room.vantage = ""
    page = await asked(officer)
    assert page.status_code == 409
    assert "Máy chủ này không tự đo" in text_of(page)
    assert 'data-region="paths"' in page.text


async def test_a_committee_reads_the_page_and_is_offered_no_look(room):
    reader = await signed_in(room, "ubbc", Role.COMMITTEE)
    assert "data-look" not in (await reader.see(PAGE)).text
    refused = await reader.send(PAGE, {}, seen_on="/account")
    assert refused.status_code == 403
    assert room.asked == []
    await reader.client.aclose()


@pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine: nothing is clicked")
@pytest.mark.parametrize(
    ("language", "seen", "outcome"),
    [("vi", "Vừa đo", "không trả lời"), ("en", "Looked just now", "no answer")],
)
async def test_one_click_shows_in_place_what_the_site_answers_now(room, language, seen, outcome):
    await room.cut("VNPT-RING-947")
    async with a_browser() as browser, at_desk(room, browser, language=language) as desk:
        await desk.go(PAGE)
        await desk.live()
        await desk.page.evaluate("window.same = true")
        await desk.click("#look-now")
        await desk.see("#looked h2").to_have_text(seen)
        await desk.see("#looked .looks").to_contain_text(outcome)
        assert desk.steps == 1
        await desk.click(".look-path button")
        await expect(desk.page.locator("#looked .looks li")).to_have_count(
            len(room.monitor.topology.targets_of_path(room.monitor.topology.paths_of_site(SITE)[0]))
        )
        assert await desk.page.evaluate("window.same")

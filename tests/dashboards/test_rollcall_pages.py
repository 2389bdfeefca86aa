"""Roll call on the pages: the most urgent first, one tap an answer, and the answer stands where people look for it."""

import re

import pytest
from playwright.async_api import expect

from alerting.rollcall import RollAnswer
from inventory.access import Role
from tests.dashboards.test_pages import signed_in, text_of
from tests.support.desk import CHROMIUM, a_browser, at_desk

SITE = "UBBC-31708"


def called(page):
    return re.findall(r'<li id="r-([^"]+)"', page.text)


async def heard(visitor, answer, site=SITE, **form):
    return await visitor.send("/rollcall", {"site": site, "answer": answer, **form}, seen_on="/rollcall")


async def test_who_is_behind_an_incident_is_called_first_at_a_number_that_can_be_tapped(room, officer):
    await room.cut("VNPT-RING-947")
    page = await officer.see("/rollcall")
    [incident] = await room.incidents()
    hit = incident.facts["evidence"]["sites"]
    assert set(called(page)[: len(hit)]) == set(hit)
    assert f"0 trên {len(room.inventory.sites)} điểm đã trả lời" in text_of(page)
    number = next(p.number for p in room.inventory.paths.values() if p.site == SITE and p.number)
    assert f'href="tel:{number}"' in page.text
    only = await officer.see("/rollcall?which=incident")
    assert set(called(only)) == set(hit)


async def test_one_tap_is_kept_and_the_site_leaves_the_list_of_whom_to_call(room, officer):
    page = await heard(officer, "clear", network="VIETTEL", note="Chị Lan trực")
    assert f"1 trên {len(room.inventory.sites)} điểm đã trả lời" in text_of(page)
    assert "Đã ghi: UBBC xã Thạnh Phú, thông." in text_of(page)
    assert SITE not in called(page)
    assert "network=VIETTEL" in str(page.url)
    [call] = await room.deps.rollcall.of_site(SITE)
    assert (call.answer, call.network, call.by, call.at) == (RollAnswer.CLEAR, "VIETTEL", "trucban", room.now)
    shown = text_of(await officer.see(f"/sites/{SITE}"))
    assert "Chị Lan trực" in shown


async def test_no_contact_is_no_answer_and_lost_offers_an_incident(room, officer):
    page = await heard(officer, "no_contact")
    assert "0 trên" in text_of(page)
    page = await heard(officer, "lost")
    assert f'href="/incidents/new?site={SITE}"' in page.text


async def test_what_a_site_says_turns_no_line_up_or_down(room, officer):
    await room.cut("VNPT-RING-947")
    before = room.monitor.snapshot().sites
    paths = {code: (site.verdict, [path.state for path in site.paths]) for code, site in before.items()}
    for answer in RollAnswer:
        await heard(officer, answer.value)
        await room.advance(5)
    after = room.monitor.snapshot().sites
    assert {c: (s.verdict, [p.state for p in s.paths]) for c, s in after.items()} == paths


async def test_an_area_alone_is_called_and_pages_end(room, officer):
    page = await officer.see("/rollcall?area=947&which=all")
    sites = room.monitor.topology.sites_of_area("947")
    assert sorted(called(page)) == sorted(sites[:40])
    every = await officer.see("/rollcall?which=all&start=40")
    assert len(called(every)) == 40
    assert "Về đầu danh sách" in every.text


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"answer": "well"}, 422),
        ({"answer": "clear", "site": "NO"}, 404),
        ({"answer": "lost", "path": "NO"}, 422),
    ],
)
async def test_nonsense_is_refused_in_words_and_nothing_is_written(room, officer, form, status):
    page = await officer.send("/rollcall", {"site": SITE, **form}, seen_on="/rollcall")
    assert page.status_code == status
    assert await room.deps.rollcall.last_id() == 0


@pytest.mark.parametrize(("role", "party"), [(Role.CARRIER, "VNPT"), (Role.COMMITTEE, "")])
async def test_who_does_not_call_the_roll_sees_none_of_it(room, officer, role, party):
    reader = await signed_in(room, "reader", role, party)
    assert (await reader.see("/rollcall")).status_code == 403
    refused = await reader.send("/rollcall", {"site": SITE, "answer": "clear"}, seen_on="/account")
    assert refused.status_code == 403
    assert await room.deps.rollcall.last_id() == 0
    await reader.client.aclose()


@pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine: nobody is called")
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize(("language", "heading"), [("vi", "3 trên"), ("en", "3 of")])
async def test_three_sites_are_called_with_one_tap_each(room, language, heading, script):
    async with a_browser() as browser, at_desk(room, browser, language=language, script=script) as desk:
        await desk.go("/rollcall")
        first = [await desk.page.locator(".roll-list > li").nth(n).get_attribute("id") for n in range(4)]
        for answer, site in zip(("clear", "partial", "lost"), first, strict=False):
            await desk.click(f"#{site} button[value={answer}]")
            await expect(desk.page.locator(f"#{site}")).to_have_count(0)
        await desk.see("main section h2").to_contain_text(heading)
        assert desk.steps == 3
        assert await desk.page.locator(".roll-list > li").first.get_attribute("id") == first[3]
    newest = await room.deps.rollcall.newest(room.now)
    assert sorted(call.answer for call in newest.values()) == ["clear", "lost", "partial"]

"""Every task of the pages, and where it is driven with script in real Chromium, in Vietnamese and in English.

=====================================================  =============================================================
task                                                   driven by
=====================================================  =============================================================
sign in; with a second factor; end a session; audit    here: ``a_second_factor``
open an account, a token for a machine                 ``test_tasks_offices``
board at a glance, 109 and 241 communes                ``test_tasks_officer``; 11,000: ``test_tasks_nation`` (long)
narrow by carrier, area, verdict; map by arrows        ``test_tasks_officer``
wall, print                                            here: ``the_wall``
sound and silence; stale data; lost line               ``test_tasks_officer``
incident by keys, by mouse: take on, progress, mended  ``test_tasks_officer``
ask for aid; the partner accepts, on a telephone       ``test_tasks_officer``; here: ``the_partner``
call script, evidence and reason, numbers              here: ``what_to_say``
hand the shift over; accept                            ``test_tasks_officer``; here: ``a_turn_goes_on``
site with bars and charts; probe now; roll call        ``test_tasks_officer``; ``test_site_looks``, ``test_rollcall_pages``
carrier, vantage and risk pages                        here: ``the_carrier``
search without diacritics                              ``test_tasks_officer``
week by mouse, keys and taps, undo                     ``test_week_by_hand``
roster file with preview                               ``test_tasks_offices``
confirm by link, offer a shift, hand over              here: ``a_turn_goes_on``
portal on a telephone: take on, progress, mended       here: ``one_thumb``
a storm taken on together                              ``test_tasks_offices``; on a telephone here: ``a_storm``
inspection with checklist and finding, on a telephone  here: ``an_inspector``
drill planned and ended; work announced                here: ``a_drill``
first look around                                      ``test_tasks_officer``
guide in both languages, keys                          here: ``the_guide``
reports ordered and downloaded                         ``test_tasks_offices``
=====================================================  =============================================================

Two rooms, one a language, serve the whole module; each test brings about what it needs. Of the longest tasks the second
language is driven by ``make soak``.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pyotp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from alerting.reported import Matter, Report
from inventory.access import Role
from tests.support.desk import CHROMIUM, LONG_IN_ENGLISH, PHONE, Desk, a_browser, seated
from tests.support.duty_room import PASSWORD, DutyRoom, a_duty_room, served

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine: no task is driven"),
]
RING = "VNPT-RING-947"


@dataclass
class House:
    """A room that several people come into, all reading one language."""

    room: DutyRoom
    browser: Browser
    address: str
    language: str

    def seat(self, name: str = "trucban", **options):
        return seated(self.room, self.browser, self.address, language=self.language, name=name, **options)

    def say(self, vi: str, en: str) -> str:
        return vi if self.language == "vi" else en

    async def trouble(self, owner: str = "VNPT") -> int:
        """Somebody telephones a matter of ``owner``; answers its incident."""
        token = f"key-{self.room.deps.token()}"
        report = Report(Matter.NO_SERVICE, f"mất sóng {token}", "Trực ban", token, owner=owner)
        return (await self.room.alerting.report(report)).id


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def houses(tmp_path_factory) -> AsyncIterator[dict[str, House]]:
    async with AsyncExitStack() as stack:
        browser = await stack.enter_async_context(a_browser())
        made = {}
        for language in ("vi", "en"):
            folder: Path = tmp_path_factory.mktemp(language)
            room = await stack.enter_async_context(a_duty_room(folder))
            await room.add_accounts()
            await room.cut(RING)
            made[language] = House(room, browser, await stack.enter_async_context(served(room)), language)
        yield made


@pytest.fixture(params=["vi", "en"])
def house(request, houses) -> House:
    return houses[request.param]


@pytest.fixture
def on_the_phone(house):
    return partial(house.seat, viewport=PHONE)


async def fits_the_phone(desk: Desk) -> None:
    assert await desk.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_one_thumb_takes_an_incident_on_reports_progress_and_says_that_it_is_mended(
    house, on_the_phone
):
    number = await house.trouble()
    async with on_the_phone("vnpt", board="/portal") as desk:
        mine = f"#i{number}"
        await fits_the_phone(desk)
        button = desk.page.locator(f"{mine} form[action$='/acknowledge'] button")
        assert (await button.bounding_box())["height"] >= 44
        await desk.click(f"{mine} form[action$='/acknowledge'] button")
        await desk.see(f"{mine} header .state").to_have_text(house.say("Đã tiếp nhận", "Acknowledged"))
        assert desk.steps == 1
        if not await desk.page.locator(f"{mine} .taps").is_visible():
            await desk.click(f"{mine} .deed summary")
        await desk.click(f"{mine} .taps label:nth-of-type(1)")
        await desk.click(f"{mine} .phrases button")
        await desk.see(f"{mine} header .state").to_have_text(house.say("Đang xử lý", "In progress"))
        assert desk.steps <= 4
        await desk.click(f"{mine} details:has(form[action$='/restored']) summary")
        await desk.click(f"{mine} form[action$='/restored'] button")
        await desk.page.wait_for_load_state()
        assert desk.steps <= 6
        await fits_the_phone(desk)
    told = [entry.event for entry in await house.room.deps.records.ledger(number)]
    assert [event for event in told if event in {"acknowledged", "progress", "restored"}][:2] == [
        "acknowledged",
        "progress",
    ]
    assert any("restored" in event for event in told)


async def test_a_storm_is_taken_on_with_two_taps(house, on_the_phone):
    for _ in range(3):
        await house.trouble("VIETTEL")
    async with on_the_phone("viettel", board="/portal") as desk:
        await desk.click("nav.thumb .now")
        await desk.click("#acknowledge-all")
        await expect(desk.page.locator(".waiting")).to_have_count(0)
        assert desk.steps == 2
        await desk.go("/portal")
        await expect(desk.page.locator("article.mine.waiting")).to_have_count(0)


async def test_the_page_says_what_to_say_whom_to_call_and_why_it_is_believed(house):
    async with house.seat() as desk:
        await desk.go("/incidents/1")
        script = desk.see("#script")
        await script.to_contain_text("VNPT")
        await script.to_contain_text(house.say("từ ", "since "))
        await desk.see('[data-region="timeline"] li').to_be_visible()
        await desk.see(".sites li").to_be_visible()
        number = desk.page.locator('main a[href^="tel:"]').first
        await expect(number).to_be_visible()
        assert desk.steps == 0


async def test_the_partner_is_asked_and_accepts_on_a_telephone(house, on_the_phone):
    async with house.seat() as desk:
        await desk.go("/aid/new?incident=1")
        await desk.choose('[name="kind"]', 1)
        await desk.choose('[name="helper"]', "VIETTEL")
        await desk.write('[name="need"]', "máy nổ 5 kVA")
        await desk.click("main form button.primary")
        await desk.page.wait_for_url("**/aid/*")
        aid = desk.page.url.removeprefix(house.address)
    async with on_the_phone("viettel", board="/portal") as desk:
        await desk.go(aid)
        await fits_the_phone(desk)
        await desk.write(f'form[action="{aid}/accepted"] [name="lead_minutes"]', "30")
        await desk.click(f'form[action="{aid}/accepted"] button.primary')
        await expect(desk.page.locator(f'form[action="{aid}/accepted"]')).to_have_count(0)
        assert desk.steps == 2


@pytest.mark.parametrize("house", LONG_IN_ENGLISH, indirect=True)
async def test_the_wall_is_readable_bare_and_left_by_one_key_and_the_board_prints(house):
    async with house.seat() as desk:
        await desk.live()
        await desk.press("t")
        await desk.arrives("/wall")
        await desk.live()
        await desk.see(".rows .row").to_be_visible()
        await expect(desk.page.locator(".top, .sieve, nav.thumb")).to_have_count(0)
        assert (
            await desk.page.evaluate(
                "parseFloat(getComputedStyle(document.querySelector('.row .due')).fontSize)"
            )
            >= 26
        )
        await desk.press("Escape")
        await desk.arrives("/")
        assert desk.steps == 2
        await desk.page.emulate_media(media="print")
        await expect(desk.page.locator(".tabs")).to_be_hidden()
        await desk.see(".rows .row").to_be_visible()
        assert (await desk.page.pdf()).startswith(b"%PDF")


@pytest.mark.parametrize("house", LONG_IN_ENGLISH, indirect=True)
async def test_the_carrier_and_the_place_that_we_look_from_are_each_two_clicks_away(house):
    async with house.seat() as desk:
        await desk.click(".menu summary")
        await desk.click('.menu a[href="/carriers"]')
        await desk.click('main a[href="/carriers/VNPT"]')
        await desk.see("main h1").to_contain_text("VNPT")
        await desk.see('main a[href="/incidents/1"]').to_be_visible()
        await desk.see('main a[href^="tel:"]').to_be_visible()
        await desk.go(f"/risks/{RING}")
        await desk.see("main h1").to_be_visible()
        await desk.click(".menu summary")
        await desk.click('.menu a[href="/vantages"]')
        await desk.click("main table a")
        await desk.page.wait_for_url("**/vantages/*")
        await desk.see("main").to_contain_text("4/4")
        assert desk.steps == 6


@pytest.mark.parametrize("house", LONG_IN_ENGLISH, indirect=True)
async def test_a_turn_goes_on_by_link_offer_and_handover(house, on_the_phone):
    view = await house.room.deps.roster.view(scope="VNPT")
    coming = next(
        s for s in view.shifts if s.duty == "operations" and s.start > house.room.now + timedelta(hours=9)
    )
    async with house.seat() as desk:
        await desk.go(f"/roster?party=VNPT&shift={coming.id}")
        await desk.click("#edit form[action='/roster/link'] button")
        link = await desk.page.locator(".done input").input_value()
        await desk.go(link[link.index("/roster/mine/") :])
        await desk.click("button.big")
        await desk.see(".done").to_be_visible()
        await desk.go(f"/roster/swaps?shift={coming.id}")
        await desk.click("form[action='/roster/swaps/offer'] button.primary")
        await desk.see("form[action='/roster/swaps/accept'] select").to_be_visible()
        await desk.choose("form[action='/roster/swaps/accept'] select", 1)
        await desk.click("form[action='/roster/swaps/accept'] button")
        await expect(desk.page.locator("form[action='/roster/swaps/accept']")).to_have_count(0)
        await desk.go("/roster/handover")
        await desk.click(".people details.act summary")
        await desk.click(".people details[open] button.primary")
        await desk.click("form[action='/roster/handover/accept'] button")
        await desk.see("main").to_contain_text("✓")
        assert desk.steps == 8
    after = {s.id: s for s in (await house.room.deps.roster.view(scope="VNPT")).shifts}[coming.id]
    assert after.person != coming.person


@pytest.mark.parametrize("house", LONG_IN_ENGLISH, indirect=True)
async def test_an_inspector_fills_the_checklist_on_a_telephone_and_a_finding_gets_an_owner(
    house, on_the_phone
):
    async with on_the_phone("admin") as desk:
        await desk.go("/inspections")
        await fits_the_phone(desk)
        await desk.choose('#plan [name="area"]', 2)
        await desk.write('#plan [name="planned"]', "2021-05-23T18:00")
        await desk.write('#plan [name="inspectors"]', "Thanh tra Sở")
        await desk.click("#plan button.primary")
        await desk.page.wait_for_url("**/inspections/*")
        await fits_the_phone(desk)
        await desk.click("fieldset.item label.inline")
        await desk.click("button.big")
        await desk.write('form[action$="/finding"] [name="text"]', "Bình ắc quy phồng")
        await desk.choose('form[action$="/finding"] [name="owner"]', "VNPT")
        await desk.click('form[action$="/finding"] button')
        await desk.see(".people").to_contain_text("Bình ắc quy phồng")
        await desk.click('form[action$="/fixed"] button')
        await desk.click('form[action$="/verify"] button')
        await desk.click('form[action$="/close"] button')
        await expect(desk.page.locator('form[action$="/close"]')).to_have_count(0)
        assert desk.steps == 12


@pytest.mark.parametrize("house", LONG_IN_ENGLISH, indirect=True)
async def test_a_drill_is_planned_and_ended_and_work_announced(house):
    async with house.seat("admin") as desk:
        await desk.go("/drills")
        await desk.write('#plan [name="name"]', "Diễn tập đứt ring")
        await desk.write('#plan [name="start"]', "2021-05-23T19:00")
        await desk.write('#plan [name="end"]', "2021-05-23T23:00")
        await desk.click('#plan [name="party-MOBIFONE"]')
        await desk.click("#plan button.primary")
        await desk.page.wait_for_url("**/drills/*")
        await desk.click('form[action$="/end"] button')
        await expect(desk.page.locator('form[action$="/end"]')).to_have_count(0)
        assert desk.steps == 6
        await desk.go("/planned")
        await desk.write('#announce [name="subject"]', "risk:VNPT-RING-946")
        await desk.write('#announce [name="start"]', "2021-05-24T01:00")
        await desk.write('#announce [name="end"]', "2021-05-24T03:00")
        await desk.write('#announce [name="reference"]', "12/CV-VNPT")
        await desk.click("#announce button.primary")
        await desk.see(".works").to_contain_text("12/CV-VNPT")
        assert desk.steps == 11


async def test_the_guide_and_the_keys_are_in_the_readers_language(house):
    async with house.seat() as desk:
        await desk.press("?")
        await desk.see("#help").to_contain_text(house.say("Phím", "Keys"))
        await desk.press("Escape")
        await desk.click(".menu summary")
        await desk.click('.menu a[href="/guide"]')
        for topic in await desk.page.locator(".guide nav a[href^='/guide/']").all():
            path = await topic.get_attribute("href")
            words = await desk.page.evaluate(
                "async path => { const text = await (await fetch(path)).text();"
                " return new DOMParser().parseFromString(text, 'text/html').querySelector('article').innerText; }",
                path,
            )
            assert len(words) > 400, path
            assert ("ă" in words or "ư" in words) == (house.language == "vi") or house.language == "en", path
        assert desk.steps == 4


@pytest.mark.parametrize("house", LONG_IN_ENGLISH, indirect=True)
async def test_a_second_factor_is_set_up_asked_for_and_every_other_session_ended_and_recorded(house):
    await house.room.deps.auth.add("lãnhđạo", Role.ADMINISTRATOR, PASSWORD)
    async with house.seat("lãnhđạo") as desk:
        page = desk.page
        await desk.go("/account")
        await desk.click("form[action='/account/begin-factor'] button")
        secret = (await page.locator(".secret code").inner_text()).replace(" ", "")
        await desk.write("[name=code]", pyotp.TOTP(secret).at(house.room.now))
        await desk.click("form[action='/account/confirm-factor'] button")
        await expect(page.locator(".codes li")).not_to_have_count(0)
        assert desk.steps == 3
        house.room.now += timedelta(seconds=31)
        other = await house.browser.new_context()
        device = await other.new_page()
        await device.goto(f"{house.address}/sign-in?lang={house.language}")
        await device.fill("[name=name]", "lãnhđạo")
        await device.fill("[name=password]", PASSWORD)
        await device.press("[name=password]", "Enter")
        await device.wait_for_url("**/sign-in/code*")
        await device.fill("[name=code]", pyotp.TOTP(secret).at(house.room.now))
        await device.press("[name=code]", "Enter")
        await device.wait_for_url(f"{house.address}/")
        await desk.go("/account")
        await desk.click("form[action='/account/end-session'] button")
        await expect(page.locator("form[action='/account/end-session']")).to_have_count(0)
        await device.goto(f"{house.address}/account")
        await expect(device).to_have_url(f"{house.address}/sign-in?next=%2Faccount")
        await other.close()
        await desk.go("/accounts")
        await desk.click('main a[href="/audit"]')
        await desk.write("[name=who]", "lãnhđạo")
        await desk.click("form.find button")
        await desk.see("table").to_contain_text("lãnhđạo")
        assert desk.steps == 7

"""The roster's pages without a browser: the week, editing, import with preview, confirming, handing over, calendars."""

import re

import pytest
from icalendar import Calendar

from inventory.access import Role
from tests.alerting.test_roster_import import three_carriers
from tests.dashboards.conftest import ORIGIN, Visitor
from tests.support.duty_room import PASSWORD


def text_of(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


@pytest.fixture
async def carrier(room):
    await room.deps.auth.add("vnpt", Role.CARRIER, PASSWORD, party="VNPT", person="VNPT-OPS-1")
    made = Visitor(room)
    await made.sign_in("vnpt")
    yield made
    await made.client.aclose()


async def shift_of(room, party="VNPT", duty="operations"):
    view = await room.deps.roster.view()
    return next(s for s in view.shifts if s.party == party and s.duty == duty and s.start <= room.now < s.end)


async def test_a_week_shows_who_stands_each_duty_and_a_removed_shift_as_a_gap(room, officer):
    page = await officer.see("/roster?party=VNPT")
    assert page.status_code == 200
    assert "Trực ca VNPT 1" in page.text
    assert "không có khoảng trống" in page.text
    shift = await shift_of(room)
    await officer.send("/roster/remove", {"shift": shift.id, "only": "VNPT"}, seen_on="/roster?party=VNPT")
    page = await officer.see("/roster?party=VNPT")
    assert 'class="hole"' in page.text
    assert "14:00 23/05 → 22:00 23/05" in text_of(page)
    assert "sửa tại đây" in page.text


async def test_a_gap_is_filled_by_the_form_that_it_opens(room, officer):
    shift = await shift_of(room)
    await officer.send("/roster/remove", {"shift": shift.id}, seen_on="/roster?party=VNPT")
    page = await officer.see("/roster?party=VNPT")
    [hole] = re.findall(r'class="hole"[^>]*><a href="([^"]+)"', page.text)
    opened = await officer.see(hole.replace("&amp;", "&").split("#")[0])
    assert 'name="start" value="2021-05-23T14:00"' in opened.text
    form = {
        "party": "VNPT", "duty": "operations", "person": "VNPT-OPS-2", "substitute": "",
        "start": "2021-05-23T14:00", "end": "2021-05-23T22:00",
    }  # fmt: skip
    await officer.send("/roster/add", form, seen_on="/roster?party=VNPT")
    assert (await shift_of(room)).person == "VNPT-OPS-2"
    assert 'class="hole"' not in (await officer.see("/roster?party=VNPT")).text


async def test_what_cannot_be_is_refused_in_the_readers_words(room, officer):
    shift = await shift_of(room)
    form = {
        "shift": shift.id, "party": "VNPT", "duty": "operations", "person": "VNPT-OPS-1",
        "start": "2021-05-23T14:00", "end": "2021-05-23T06:00",
    }  # fmt: skip
    answer = await officer.send("/roster/change", form, seen_on="/roster")
    assert answer.status_code == 422
    assert "ca qua đêm kết thúc vào ngày hôm sau" in answer.text


async def test_a_file_is_looked_at_before_it_is_taken_in(room, officer):
    form = await officer.see("/roster/import")
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', form.text)
    sent = await officer.client.post(
        "/roster/import",
        data={"csrf": token[1], "party": "", "duty": ""},
        files={"file": ("lich-truc.xlsx", three_carriers())},
        headers={"origin": ORIGIN},
    )
    assert sent.status_code == 200
    words = text_of(sent)
    assert "6 ô chưa hiểu" in words
    assert "VNPT!A8" in words
    assert "không phải thứ Hai" in words
    assert not (await room.deps.roster.view()).taken
    page = str(sent.url.path)
    refused = await officer.send(page, {}, seen_on=page)
    assert refused.status_code == 422
    await officer.send(page, {"leave_out": "yes"}, seen_on=page)
    view = await room.deps.roster.view()
    assert "VNPT-NGUYEN-VAN-AN" in {s.person for s in view.shifts}
    assert "Nguyễn Văn An" in (await officer.see("/roster?party=VNPT&from=2021-05-21")).text


async def test_a_carrier_sees_and_edits_its_own_roster_alone(room, carrier):
    page = await carrier.see("/roster")
    assert "Trực ca VNPT 1" in page.text
    assert "VIETTEL" not in page.text
    theirs = await shift_of(room, "VIETTEL")
    answer = await carrier.send("/roster/remove", {"shift": theirs.id}, seen_on="/roster")
    assert answer.status_code == 404
    assert "Viettel" not in text_of(await carrier.see("/roster/phones"))


async def test_somebody_confirms_by_a_link_without_an_account(room, officer, visitor):
    shift = await shift_of(room)
    made = await officer.send(
        "/roster/link", {"person": shift.person, "only": "VNPT"}, seen_on="/roster?party=VNPT"
    )
    [address] = re.findall(r'value="[^"]*(/roster/mine/[^"]+)"', made.text)
    page = await visitor.see(address)
    assert "chưa xác nhận" in page.text
    assert (await shift_of(room)).confirmed_at is None
    shifts = re.search(r'name="shifts" value="([^"]+)"', page.text)
    done = await visitor.send(address, {"shifts": shifts[1]}, seen_on=address)
    assert "Đã xác nhận hết" in done.text
    assert (await shift_of(room)).confirmed_at == room.now
    assert (await visitor.see("/roster/mine/unknown")).status_code == 410


async def test_a_telephone_subscribes_to_a_calendar(room, officer, visitor):
    shift = await shift_of(room)
    made = await officer.send(
        "/roster/link", {"person": shift.person, "purpose": "calendar"}, seen_on="/roster"
    )
    [address] = re.findall(r'value="[^"]*(/roster/calendar/[^"]+)"', made.text)
    answer = await visitor.see(address)
    assert answer.headers["content-type"].startswith("text/calendar")
    events = Calendar.from_ical(answer.content).walk("VEVENT")
    assert any(event.decoded("dtstart") == shift.start for event in events)
    assert "+84" not in answer.text


async def test_a_duty_is_handed_over_with_what_is_open_and_accepted(room, officer):
    await room.cut("VNPT-RING-947")
    shift = await shift_of(room)
    offered = await officer.send(
        "/roster/handover/offer",
        {"party": "VNPT", "duty": "operations", "note": "đang hàn cáp"},
        seen_on="/roster/handover",
    )
    assert "đang hàn cáp" in offered.text
    assert "1 việc còn mở" in text_of(offered)
    [waiting] = await room.deps.handing.open(scope=None)
    await officer.send("/roster/handover/accept", {"handover": str(waiting.id)}, seen_on="/roster/handover")
    assert not await room.deps.handing.open(scope=None)
    assert waiting.outgoing == shift.person


async def test_the_telephone_list_names_everybody_on_duty_with_numbers(officer):
    page = await officer.see("/roster/phones?day=2021-05-23")
    assert "Trực ca VNPT 1" in page.text
    assert page.text.count('class="tel"') > 20

"""The forms of an incident and the new-incident form, as a browser without scripts sends them."""

import re

import httpx2
import pytest

from alerting.models import IncidentState
from inventory.access import Role
from tests.dashboards.conftest import ORIGIN, Visitor
from tests.support.duty_room import PASSWORD

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.fixture
async def cut(room):
    await room.cut("VNPT-RING-947")
    [opened] = await room.incidents()
    return opened


@pytest.fixture
async def leader(room):
    await room.deps.auth.add("lanhdao", Role.LEADER, PASSWORD)
    made = Visitor(room)
    await made.sign_in("lanhdao")
    yield made
    await made.client.aclose()


async def stored(room, incident):
    return await room.deps.records.incident(incident.id, owner=None, restricted=True)


async def send(visitor, incident, act, **form):
    page = f"/incidents/{incident.id}"
    return await visitor.send(f"{page}/{act}", form, seen_on=page)


async def test_work_begins_waits_and_goes_on_with_one_click_each_way(room, officer, cut):
    await send(officer, cut, "acknowledge")
    assert (await send(officer, cut, "start")).status_code == 200
    waiting = await send(officer, cut, "pause", reason="weather", until="21:00", note="mưa to")
    assert "thời tiết · dừng tính giờ" in waiting.text
    assert (await stored(room, cut)).state is IncidentState.PENDING
    await send(officer, cut, "start")
    assert (await stored(room, cut)).state is IncidentState.IN_PROGRESS


async def test_a_dispute_is_shown_until_the_leader_has_decided_it(room, officer, leader, cut):
    told = await send(officer, cut, "dispute", kind="owner", note="cáp của Viettel")
    assert "chờ trực lãnh đạo kết luận" in told.text
    assert "Kết luận ý kiến" not in told.text
    assert "Kết luận ý kiến" in (await leader.see(f"/incidents/{cut.id}")).text
    await send(leader, cut, "decide", upheld="yes", owner="VIETTEL", note="đúng")
    assert (await stored(room, cut)).owner == "VIETTEL"


async def test_the_department_reassigns_regrades_and_cancels_with_a_reason(room, officer, cut):
    assert (await send(officer, cut, "reassign", owner="VIETTEL", note="")).status_code == 422
    await send(officer, cut, "reassign", owner="VIETTEL", note="đổi")
    await send(officer, cut, "regrade", severity="P4", note="không ảnh hưởng")
    assert (await stored(room, cut)).severity == "P4"
    await send(officer, cut, "cancel", note="báo nhầm")
    assert (await stored(room, cut)).state is IncidentState.CANCELLED


async def upload(visitor, incident, name, content):
    page = f"/incidents/{incident.id}"
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', (await visitor.see(page)).text)[1]
    return await visitor.client.post(
        f"{page}/evidence",
        data={"csrf": token, "note": "hiện trường"},
        files={"file": (name, content, "text/html")},
        headers={"origin": ORIGIN},
    )


async def test_evidence_is_kept_by_content_and_handed_out_so_that_nothing_runs(room, officer, cut):
    shown = await upload(officer, cut, "../cáp đứt.html", PNG)
    assert "cáp đứt.html" in shown.text
    link = re.search(rf'href="(/incidents/{cut.id}/evidence/[0-9a-f]+)"', shown.text)[1]
    file = await officer.see(link)
    assert file.content == PNG
    assert file.headers["content-type"] == "image/png"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert file.headers["content-disposition"].startswith("attachment")
    await room.deps.auth.add("viettel", Role.CARRIER, PASSWORD, party="VIETTEL")
    other = Visitor(room)
    await other.sign_in("viettel")
    assert (await other.see(link)).status_code == 404
    await other.client.aclose()


@pytest.mark.parametrize("content", [b"", b"MZ\x90\x00\xff\xfe", b"GIF89a\x01\x00\xff"])
async def test_what_is_no_picture_document_or_text_is_not_kept(room, officer, cut, content):
    answer = await upload(officer, cut, "x.png", content)
    assert isinstance(answer, httpx2.Response)
    assert answer.status_code == 422
    assert "evidence" not in [entry.event for entry in await room.deps.records.ledger(cut.id)]


async def test_a_commune_calls_and_the_form_opens_its_incident_once(room, officer):
    page = (await officer.see("/incidents/new")).text
    place = re.search(r'<option value="([^"]+\(UBBC-31711\))">', page)[1]
    key = re.search(r'name="key" value="([^"]+)"', page)[1]
    told = {"matter": "no_service", "site": place, "note": "xã báo mất hết", "caller": "Anh Ba", "key": key}
    first = await officer.send("/incidents", told, seen_on="/incidents/new")
    again = await officer.send("/incidents", told, seen_on="/incidents/new")
    assert "Báo mất liên lạc" in first.text
    assert "Anh Ba" in first.text
    assert first.url == again.url
    [made] = await room.incidents()
    assert made.facts["report"]["site"] == "UBBC-31711"


async def test_what_is_restricted_is_on_no_list_of_who_may_not_see_it(room, officer):
    told = {"matter": "suspicious_item", "note": "gói lạ"}
    made = await officer.send("/incidents", told, seen_on="/incidents/new")
    await room.deps.auth.add("kiemtra", Role.INSPECTOR, PASSWORD)
    inspector = Visitor(room)
    await inspector.sign_in("kiemtra")
    assert "Bưu gửi nghi vấn" in (await officer.see("/incidents")).text
    assert "Bưu gửi nghi vấn" not in (await inspector.see("/incidents")).text
    assert (await inspector.see(made.url.path)).status_code == 404
    form = await inspector.see("/incidents/new")
    assert "suspicious_item" not in form.text
    await inspector.client.aclose()


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ({"note": "x"}, "Hãy chọn loại vụ việc."),
        ({"matter": "other", "note": "x", "site": "X"}, "Không có địa điểm này."),
    ],
)
async def test_a_report_that_lacks_something_says_what(officer, told, what):
    answer = await officer.send("/incidents", told, seen_on="/incidents/new")
    assert answer.status_code == 422
    assert what in answer.text

"""Inspections and drills on pages: a checklist filled in by form, findings for their owner, drills with their answers."""

from datetime import timedelta

import pytest

from dashboards.reports.gathering import gather
from dashboards.reports.inspected import inspected
from inventory.access import Role
from tests.dashboards.conftest import Visitor
from tests.support.duty_room import PASSWORD


@pytest.fixture
async def carrier(room):
    await room.deps.auth.add("vnpt", Role.CARRIER, PASSWORD, party="VNPT")
    made = Visitor(room)
    await made.sign_in("vnpt")
    yield made
    await made.client.aclose()


@pytest.fixture
async def inspector(room):
    await room.deps.auth.add("thanhtra", Role.INSPECTOR, PASSWORD)
    made = Visitor(room)
    await made.sign_in("thanhtra")
    yield made
    await made.client.aclose()


PLAN = {"area": "947", "planned": "2021-05-23T08:00", "inspectors": "Nguyễn Văn A, Trần Thị B"}


async def test_a_visit_goes_from_plan_to_minutes(room, inspector, carrier):
    page = await inspector.send("/inspections", PLAN, seen_on="/inspections")
    assert "Kiểm tra: " in page.text
    here = page.url.path
    form = {"version": "1", "item-generator": "fault", "remark-generator": "không nổ", "item-fuel": "ok"}
    page = await inspector.send(f"{here}/answers", {**form, "hosts": "UBND"}, seen_on=here)
    assert "đã kiểm tra" in page.text
    assert 'value="không nổ"' in page.text
    found = {"text": "Thay bình khởi động", "owner": "VNPT", "due": "2021-05-24"}
    page = await inspector.send(f"{here}/finding", found, seen_on=here)
    assert "phải khắc phục" in page.text
    theirs = await carrier.see(here)
    assert "Thay bình khởi động" in theirs.text
    assert "không nổ" not in theirs.text
    assert "Nguyễn Văn A" not in theirs.text
    [visit] = await room.deps.inspections.inspections(scope=None)
    [finding] = visit.findings
    await carrier.send(f"{here}/fixed", {"finding": str(finding.id), "note": "đã thay"}, seen_on=here)
    assert (
        await carrier.send(f"{here}/verify", {"finding": str(finding.id)}, seen_on=here)
    ).status_code == 403
    await inspector.send(f"{here}/verify", {"finding": str(finding.id)}, seen_on=here)
    page = await inspector.send(f"{here}/close", {}, seen_on=here)
    assert "đã kết thúc" in page.text
    listing = await inspector.see("/inspections")
    assert "đã kiểm tra 1/" in listing.text


async def test_the_minutes_of_a_report_are_made_from_the_visit(room, inspector):
    page = await inspector.send("/inspections", PLAN, seen_on="/inspections")
    here = page.url.path
    await inspector.send(f"{here}/answers", {"item-fuel": "ok", "hosts": "UBND"}, seen_on=here)
    await inspector.send(
        f"{here}/finding", {"text": "Thêm dầu", "owner": "VNPT", "due": "2021-05-24"}, seen_on=here
    )
    day = timedelta(days=1)
    rows = await gather(room.database, room.inventory, room.now - day, room.now + day)
    [visit] = inspected(rows.inspections, room.inventory)
    assert visit.area == "947"
    assert visit.inspectors == ("Nguyễn Văn A", "Trần Thị B")
    assert ("Nhiên liệu đủ dùng", "ok", "") in visit.answers
    [finding] = visit.findings
    assert finding[0] == "Thêm dầu"
    assert finding[2] == "24/05/2021"


async def test_another_carriers_inspection_does_not_exist(room, inspector, carrier):
    page = await inspector.send("/inspections", PLAN, seen_on="/inspections")
    assert (await carrier.see(page.url.path)).status_code == 404
    assert (await carrier.send("/inspections", PLAN, seen_on="/inspections")).status_code == 403


async def test_a_drill_is_planned_runs_and_tells_real_trouble_apart(room, officer, carrier):
    form = {
        "name": "Diễn tập ring", "scenario": "Đứt ring", "party-VNPT": "yes",
        "start": "2021-05-23T18:00", "end": "2021-05-23T23:00",
    }  # fmt: skip
    page = await officer.send("/drills", form, seen_on="/drills")
    here = page.url.path
    assert "đang diễn tập" in page.text
    await room.cut("VNPT-RING-947")
    [incident] = await room.incidents()
    page = await officer.see(here)
    assert "[DIỄN TẬP]" in page.text
    assert "[DIỄN TẬP]" in (await carrier.see(f"/incidents/{incident.id}")).text
    note = {"note": "xã gọi báo mất thật"}
    await officer.send(f"/incidents/{incident.id}/real", note, seen_on=here)
    [incident] = await room.incidents()
    assert not incident.title.startswith("[")
    assert "Buổi diễn tập chưa có phiếu nào" in (await officer.see(here)).text
    page = await officer.send(f"{here}/end", {}, seen_on=here)
    assert "kết thúc lúc" in page.text
    refused = await officer.send("/drills", {**form, "end": "2021-05-23T01:00"}, seen_on="/drills")
    assert refused.status_code == 422

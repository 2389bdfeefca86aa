"""The register of planned work as a duty officer uses it: form, calendar, cancelling, and the word on other pages."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from inventory.access import Role
from inventory.database import transaction
from monitor.schema import outages
from tests.dashboards.conftest import ORIGIN, Visitor
from tests.support.duty_room import PASSWORD

RING = "VNPT-RING-947"
CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20210523T120000Z\r\n"
    "DTEND:20210523T140000Z\r\nSUMMARY:CV 45\r\nLOCATION:{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def a_form(room, **changes):
    def local(minutes):
        at = (room.now + timedelta(minutes=minutes)).astimezone(room.inventory.election.zone)
        return at.strftime("%Y-%m-%dT%H:%M")

    return {"subject": f"risk:{RING}", "start": local(-1), "end": local(60), "reference": "CV 12"} | changes


async def planned(room, officer, **changes):
    answer = await officer.send("/planned", a_form(room, **changes), seen_on="/planned")
    await room.monitor.plan(await room.deps.planned.known())
    return answer


async def test_announced_work_is_listed_and_what_fails_inside_it_calls_nobody(room, officer):
    answer = await planned(room, officer)
    assert answer.status_code == 200
    assert "CV 12" in answer.text
    assert "đang thực hiện" in answer.text
    await room.cut(RING)
    [incident] = await room.incidents()
    shown = await officer.see(f"/incidents/{incident.id}")
    assert "Công việc theo kế hoạch" in shown.text
    assert "CV 12" in shown.text
    assert not [m for m in await room.deps.records.messages(incident.id) if m.kind == "page"]
    assert "công việc theo kế hoạch" in (await officer.see("/")).text
    assert "công việc theo kế hoạch" in (await officer.see("/incidents")).text
    code = incident.facts["evidence"]["sites"][0]
    assert "CV 12" in (await officer.see(f"/sites/{code}")).text


async def test_what_is_wrong_is_said_beside_what_was_written(room, officer):
    answer = await planned(room, officer, subject="risk:VNPT-RING-94", reference="")
    assert answer.status_code == 422
    assert "có phải ý là VNPT-RING-94" in answer.text
    assert "risk:VNPT-RING-94" in answer.text
    for form in ({"start": "soon"}, {"end": ""}):
        assert (await planned(room, officer, **form)).status_code == 422


async def test_a_work_is_cancelled_from_the_list(room, officer):
    await planned(room, officer)
    answer = await officer.send("/planned/1/cancel", {}, seen_on="/planned")
    assert "đã hủy" in answer.text
    assert (await officer.send("/planned/1/cancel", {}, seen_on="/planned")).status_code == 404
    assert (await officer.send("/planned/x/cancel", {}, seen_on="/planned")).status_code == 404


async def upload(officer, body, name="lich.ics"):
    page = await officer.see("/planned")
    token = page.text.split('name="csrf" value="')[1].partition('"')[0]
    files = {"file": (name, body, "text/calendar")} if body is not None else None
    return await officer.client.post(
        "/planned/calendar", data={"csrf": token}, files=files, headers={"origin": ORIGIN}
    )


async def test_a_calendar_is_taken_in_or_its_faults_are_listed(officer):
    answer = await upload(officer, CALENDAR.format(RING).encode())
    assert answer.status_code == 200
    assert "CV 45" in answer.text
    bad = await upload(officer, CALENDAR.format("nothing").encode())
    assert bad.status_code == 422
    assert "lich.ics:9:subject" in bad.text
    assert (await upload(officer, None)).status_code == 422
    assert (await upload(officer, b"x" * (2 << 20))).status_code == 413


@pytest.mark.parametrize("role", [Role.CARRIER, Role.INSPECTOR, Role.COMMITTEE])
async def test_only_duty_officers_announce_and_a_carrier_sees_its_own(room, officer, role):
    await planned(room, officer)
    await room.deps.auth.add("guest", role, PASSWORD, party="VIETTEL" if role is Role.CARRIER else "")
    guest = Visitor(room)
    await guest.sign_in("guest")
    page = await guest.see("/planned")
    assert page.status_code == 200
    assert ("CV 12" in page.text) is (role is not Role.CARRIER)
    assert '<form method="post" action="/planned"' not in page.text
    answer = await guest.send("/planned", a_form(room), seen_on="/account")
    assert answer.status_code == 403
    await guest.client.aclose()


async def test_what_falls_together_is_proposed_with_the_lines_to_add(room, officer):
    assert "Không có đề xuất nào." in (await officer.see("/groups")).text
    inventory, topology = room.inventory, room.monitor.topology
    watched = [code for code in inventory.paths if topology.targets_of_path(code)]
    first = watched[0]
    other = next(
        c for c in watched if not set(topology.risks_of_path(c)) & set(topology.risks_of_path(first))
    )
    ones = [topology.targets_of_path(code)[0] for code in (first, other)]
    rows = [
        {"target": target, "started_at": began, "noticed_at": began, "ended_at": began + timedelta(minutes=5)}
        for day in range(1, 6)
        for began in [room.now - timedelta(days=day)]
        for target in ones
    ]
    async with transaction(room.database) as connection:
        await connection.execute(insert(outages), rows)
    shown = (await officer.see("/groups")).text
    assert first in shown
    assert "LEARNED-" in shown
    assert "cùng mất 5 lần" in shown

"""Mutual aid on the pages: asked from an incident by the department, answered by the partner who sees no more than the need."""

import pytest

from inventory.access import Role
from tests.dashboards.conftest import Visitor
from tests.support.duty_room import PASSWORD


@pytest.fixture
async def incident(room):
    await room.cut("VNPT-RING-947")
    [opened] = await room.incidents()
    return opened


@pytest.fixture
async def partner(room):
    await room.deps.auth.add("viettel", Role.CARRIER, PASSWORD, party="VIETTEL")
    made = Visitor(room)
    await made.sign_in("viettel")
    yield made
    await made.client.aclose()


def a_form(incident, **changes):
    values = {
        "incident": str(incident.id),
        "kind": "roaming",
        "helper": "VIETTEL",
        "area": "947",
        "need": "Chuyển vùng cho các xã",
        "minutes": "120",
        "standby": "no",
    }
    return values | changes


async def asked(officer, incident, **changes):
    return await officer.send("/aid", a_form(incident, **changes), seen_on=f"/aid/new?incident={incident.id}")


async def test_help_is_asked_for_answered_verified_by_a_call_and_closed(room, officer, partner, incident):
    assert f"/aid/new?incident={incident.id}" in (await officer.see(f"/incidents/{incident.id}")).text
    shown = await asked(officer, incident)
    assert "Đã yêu cầu, chưa trả lời" in shown.text
    theirs = await partner.see("/aid/1")
    assert "Chuyển vùng cho các xã" in theirs.text
    assert incident.number not in theirs.text
    assert f"/incidents/{incident.id}" not in theirs.text
    assert "VNPT" not in theirs.text
    answer = await partner.send(
        "/aid/1/accepted", {"lead_minutes": "20", "capacity": "thoại"}, seen_on="/aid/1"
    )
    assert "Đã nhận lời" in answer.text
    await officer.send("/aid/1/activated", {}, seen_on="/aid/1")
    early = await officer.send("/aid/1/verified", {"how": "probe"}, seen_on="/aid/1")
    assert early.status_code == 409
    done = await officer.send("/aid/1/verified", {"how": "call", "note": "UBBC gọi được"}, seen_on="/aid/1")
    assert "Đang ứng cứu" in done.text
    assert "UBBC gọi được" in done.text
    assert "Đã khắc phục tạm" in (await officer.see(f"/incidents/{incident.id}")).text
    await officer.send("/aid/1/released", {}, seen_on="/aid/1")
    assert (await partner.send("/aid/1/closed", {}, seen_on="/aid/1")).status_code == 422
    closed = await partner.send("/aid/1/closed", {"minutes": "95", "users": "9800"}, seen_on="/aid/1")
    assert "9800 thuê bao" in closed.text
    assert "UC-21-0001" in (await officer.see("/aid")).text


@pytest.mark.parametrize("changes", [{"kind": ""}, {"helper": "VNPT"}, {"minutes": "soon"}, {"need": ""}])
async def test_what_is_wrong_with_a_request_is_said_beside_it(officer, incident, changes):
    answer = await asked(officer, incident, **changes)
    assert answer.status_code == 422
    assert 'class="fault"' in answer.text


async def test_nobody_does_what_is_not_theirs(room, officer, partner, incident):
    assert (await partner.see(f"/aid/new?incident={incident.id}")).status_code == 404
    await asked(officer, incident)
    assert (await partner.send("/aid/1/activated", {}, seen_on="/aid/1")).status_code == 409
    assert (await partner.send("/aid/1/nothing", {}, seen_on="/aid/1")).status_code == 404
    await room.deps.auth.add("fpt", Role.CARRIER, PASSWORD, party="FPT")
    other = Visitor(room)
    await other.sign_in("fpt")
    assert (await other.see("/aid/1")).status_code == 404
    assert "UC-21-0001" not in (await other.see("/aid")).text
    await other.client.aclose()

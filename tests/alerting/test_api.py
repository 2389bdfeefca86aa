"""Incidents over HTTP: who may see and do what, and what a refusal says."""

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from alerting.api import router
from alerting.models import IncidentState
from inventory.access import Actor, Role
from tests.support.acting import a_duty_room

OFFICER = Actor("Trực ban Sở 1", Role.DUTY_OFFICER, "STTTT", "stttt-1")
VNPT = Actor("Trực ca VNPT 1", Role.CARRIER, "VNPT", "vnpt-1")
VIETTEL = Actor("Trực ca Viettel 1", Role.CARRIER, "VIETTEL", "viettel-1")
INSPECTOR = Actor("Đoàn kiểm tra", Role.INSPECTOR, "STTTT")
MACHINE = Actor("máy", Role.MACHINE)


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as room:
        yield room


class Office:
    """A client whose caller can be changed."""

    def __init__(self, client):
        self.client = client
        self.caller = OFFICER

    async def get(self, path, caller=OFFICER, **query):
        self.caller = caller
        return await self.client.get(f"/api/v1/incidents{path}", params=query)

    async def post(self, path, caller=OFFICER, **body):
        self.caller = caller
        return await self.client.post(f"/api/v1/incidents{path}", json=body)


@pytest.fixture
async def office(room):
    office = Office(None)
    app = FastAPI()
    app.include_router(router(service=room.service, database=room.database, actor=lambda: office.caller))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://ts.invalid") as client:
        office.client = client
        yield office


async def test_the_list_shows_what_lives_newest_first(room, office):
    await room.cut()
    await room.believe("path:UB-31501-DT")
    await room.service.absorb()
    answer = await office.get("")
    assert [one["number"] for one in answer.json()] == ["SC-21-0002", "SC-21-0001"]
    assert (await office.get("", state="closed")).json() == []
    assert len((await office.get("", limit=1, offset=1)).json()) == 1


async def test_one_incident_comes_with_ledger_outages_and_messages(room, office):
    incident = await room.cut(communes=2)
    page = (await office.get(f"/{incident.id}")).json()
    assert page["incident"]["owner"] == "VNPT"
    assert [entry["event"] for entry in page["ledger"]] == ["opened", "escalated"]
    assert len(page["outages"]) == 2
    assert page["messages"][0]["address"] == "truc1@vnpt.invalid"


@pytest.mark.parametrize("path", ["/1", "/99"])
async def test_another_carriers_incident_answers_exactly_as_one_that_does_not_exist(room, office, path):
    await room.cut()
    assert (await office.get("", VIETTEL)).json() == []
    for answer in (await office.get(path, VIETTEL), await office.post(f"{path}/acknowledge", VIETTEL)):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json() == {
            "type": "urn:thongsuot:unknown-incident",
            "title": "unknown incident",
            "status": 404,
            "detail": f"there is no incident {path[1:]}",
        }
    assert (await room.incident()).state is IncidentState.OPEN


async def test_a_carrier_sees_no_message_to_anybody_else(room, office):
    incident = await room.cut()
    await room.service.acknowledge(incident.id, actor="Trực ca VNPT 1")
    mine = (await office.get(f"/{incident.id}", VNPT)).json()["messages"]
    assert {message["person"] for message in mine} == {"vnpt-1"}
    everybody = (await office.get(f"/{incident.id}", OFFICER)).json()["messages"]
    assert {message["person"] for message in everybody} == {"vnpt-1", "stttt-1"}


async def test_the_owner_acknowledges_reports_and_the_department_closes(room, office):
    await room.cut()
    taken = await office.post("/1/acknowledge", VNPT)
    assert (taken.json()["state"], taken.json()["acknowledged_by"]) == ("acknowledged", "Trực ca VNPT 1")
    eta = "2021-05-23T12:20:00+07:00"
    working = await office.post("/1/progress", VNPT, note="đang hàn nối", eta=eta)
    assert working.json()["deadline_at"] == "2021-05-23T05:20:00Z"
    assert (await office.post("/1/note", VNPT, note="đã tới nơi")).status_code == 200
    assert (await office.post("/1/restored", VNPT, note="đã thông")).json()["state"] == "restored"
    await room.mend()
    await room.pass_time(seconds=30)
    assert (await office.post("/1/close", VNPT, cause="fibre_cut", note="đứt cáp")).status_code == 403
    closed = await office.post("/1/close", OFFICER, cause="fibre_cut", note="đứt cáp do thi công")
    assert (closed.json()["state"], closed.json()["cause"]) == ("closed", "fibre_cut")


async def test_acknowledging_for_the_owner_needs_a_word_how_one_knows(room, office):
    await room.cut()
    refused = await office.post("/1/acknowledge", OFFICER)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:thongsuot:missing-reason")
    assert refused.json()["detail"] == "acknowledging on the owner's behalf needs a note"
    assert (await office.post("/1/acknowledge", OFFICER, note="VNPT báo qua điện thoại")).status_code == 200


async def test_an_event_out_of_order_is_a_conflict_that_says_what_is_allowed(room, office):
    await room.cut()
    answer = await office.post("/1/close", OFFICER, cause="unknown", note="x")
    assert answer.status_code == 409
    assert "acknowledged" in answer.json()["allowed"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/1/close", {"note": "x"}, 422),
        ("/1/close", {"cause": "aliens", "note": "x"}, 422),
        ("/1/close", {"cause": "unknown", "note": "x" * 4001}, 422),
        ("/1/note", {"note": " "}, 422),
        ("/1/note", {"note": "x", "extra": 1}, 422),
        ("/1/progress", {"note": "x", "eta": "2021-05-23T12:20:00"}, 422),
        ("/1/progress", {"note": "x", "eta": "2021-05-23T04:00:00Z"}, 422),
        ("/một/note", {"note": "x"}, 422),
        ("/1/cancel", {}, 422),
    ],
)
async def test_a_malformed_request_is_told_what_is_wrong_and_changes_nothing(
    room, office, path, body, status
):
    incident = await room.cut()
    await room.service.acknowledge(incident.id, actor="A")
    before = await room.events()
    answer = await office.post(path, OFFICER, **body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert await room.events() == before


@pytest.mark.parametrize(
    ("caller", "path", "body"),
    [
        (INSPECTOR, "/1/acknowledge", {}),
        (VNPT, "/1/cancel", {"note": "không phải sự cố"}),
        (MACHINE, "/1/note", {"note": "x"}),
    ],
)
async def test_who_may_see_may_not_always_act(room, office, caller, path, body):
    await room.cut()
    answer = await office.post(path, caller, **body)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:thongsuot:not-allowed")
    assert await room.events() == ["opened", "escalated"]


async def test_a_machine_token_without_the_right_reads_nothing(room, office):
    await room.cut()
    assert (await office.get("", MACHINE)).status_code == 403
    assert (await office.get("/1", MACHINE)).status_code == 403

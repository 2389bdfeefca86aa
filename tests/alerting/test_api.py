"""Incidents over HTTP: who may see and do what, and what a refusal says."""

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from alerting.api import router
from alerting.models import IncidentState
from alerting.web.api import Api
from inventory.access import Actor, Right, Role
from tests.support.acting import a_duty_room

OFFICER = Actor("Trực ban Sở 1", Role.DUTY_OFFICER, "STTTT", "stttt-1")
VNPT = Actor("Trực ca VNPT 1", Role.CARRIER, "VNPT", "vnpt-1")
VIETTEL = Actor("Trực ca Viettel 1", Role.CARRIER, "VIETTEL", "viettel-1")
INSPECTOR = Actor("Đoàn kiểm tra", Role.INSPECTOR, "STTTT")
MACHINE = Actor("máy", Role.MACHINE, limits=frozenset({Right.USE_API}))


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as room:
        yield room


class Office:
    """A client whose caller can be changed."""

    def __init__(self, client):
        self.client = client
        self.caller = OFFICER

    async def get(self, path, caller=OFFICER, headers=None, **query):
        self.caller = caller
        return await self.client.get(f"/api/v1/incidents{path}", params=query, headers=headers)

    async def post(self, path, caller=OFFICER, headers=None, **body):
        self.caller = caller
        return await self.client.post(f"/api/v1/incidents{path}", json=body, headers=headers)

    async def keyed(self, path, key, caller=OFFICER, **body):
        return await self.post(path, caller, {"Idempotency-Key": key}, **body)


@pytest.fixture
async def office(room):
    office = Office(None)
    app = FastAPI()
    api = Api(database=room.database, clock=room.clock, actor=lambda: office.caller)
    app.include_router(router(api, room.service))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://ts.invalid") as client:
        office.client = client
        yield office


async def test_the_list_shows_what_lives_newest_first(room, office):
    await room.cut()
    await room.believe("path:UB-31501-DT")
    await room.service.absorb()
    answer = await office.get("")
    assert [one["number"] for one in answer.json()["items"]] == ["SC-21-0002", "SC-21-0001"]
    assert (await office.get("", state="closed")).json() == {"items": [], "next": None}


async def test_a_list_goes_on_where_its_cursor_says(room, office):
    await room.cut()
    room.clock.advance(seconds=1)
    await room.believe("path:UB-31501-DT")
    await room.service.absorb()
    first = (await office.get("", limit=1)).json()
    second = (await office.get("", limit=1, cursor=first["next"])).json()
    assert [page["items"][0]["number"] for page in (first, second)] == ["SC-21-0002", "SC-21-0001"]
    assert second["next"] is None


@pytest.mark.parametrize("cursor", ["x", "bm9uZQ", "WzEsMl0", "ü" * 9])
async def test_a_cursor_that_the_list_never_gave_out_is_refused(office, cursor):
    answer = await office.get("", cursor=cursor)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:thongsuot:invalid-cursor")


async def test_the_same_request_under_the_same_key_is_done_once_and_answered_alike(room, office):
    incident = await room.cut()
    first, again = [await office.keyed(f"/{incident.id}/note", "key-1", note="đã gọi") for _ in range(2)]
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["etag"] == first.headers["etag"]
    assert (await room.events()).count("note") == 1


async def test_a_key_that_stands_for_another_request_is_refused(room, office):
    incident = await room.cut()
    await office.keyed(f"/{incident.id}/note", "key-1", note="đã gọi")
    other = await office.keyed(f"/{incident.id}/note", "key-1", note="đã đến nơi")
    assert (other.status_code, other.json()["type"]) == (422, "urn:thongsuot:idempotency-key-reused")
    assert (await room.events()).count("note") == 1


async def test_a_refusal_is_answered_again_too_and_a_key_is_one_accounts_own(room, office):
    incident = await room.cut()
    refused = [await office.keyed(f"/{incident.id}/close", "k", cause="power_loss", note="x") for _ in "12"]
    assert [answer.status_code for answer in refused] == [409, 409]
    assert refused[1].headers["content-type"] == "application/problem+json"
    assert (await office.keyed(f"/{incident.id}/note", "k", VNPT, note="đến nơi")).status_code == 200


async def test_who_acts_on_a_version_that_is_past_is_told_so(room, office):
    incident = await room.cut()
    tag = (await office.get(f"/{incident.id}")).headers["etag"]
    unchanged = await office.get(f"/{incident.id}", headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    first = await office.post(f"/{incident.id}/note", headers={"If-Match": tag}, note="một")
    second = await office.post(f"/{incident.id}/note", headers={"If-Match": tag}, note="hai")
    assert (first.status_code, second.status_code) == (200, 412)
    assert first.headers["etag"] != tag
    assert second.json()["type"] == "urn:thongsuot:changed-meanwhile"


async def test_a_party_counts_versions_from_when_the_incident_became_its_own(room, office):
    incident = await room.cut()
    path = f"/{incident.id}"
    await office.post(f"{path}/reassign", owner="VIETTEL", note="cáp của Viettel")
    seen = await office.get(path, VIETTEL)
    tag = seen.headers["etag"]
    assert tag == f'"v{len(seen.json()["ledger"])}"'
    assert seen.json()["ledger"][0]["sequence"] == 1
    assert tag != (await office.get(path)).headers["etag"]
    first = await office.post(f"{path}/note", VIETTEL, {"If-Match": tag}, note="một")
    second = await office.post(f"{path}/note", VIETTEL, {"If-Match": tag}, note="hai")
    assert (first.status_code, second.status_code) == (200, 412)
    assert not any(letter.isdigit() for letter in second.json()["detail"])
    refused = [
        await office.post(f"{each}/note", VNPT, {"If-Match": tag}, note="ba") for each in (path, "/99")
    ]
    assert [answer.status_code for answer in refused] == [404, 404]


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
    assert (await office.get("", VIETTEL)).json()["items"] == []
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

"""The roster over HTTP: each carrier sees and edits its own and learns nothing of others; who hands over to whom."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from alerting.agreeing_api import router as agreeing
from alerting.handover_service import HandoverService
from alerting.roster_api import router
from alerting.roster_service import RosterService
from alerting.swap_service import SwapService
from alerting.web.api import Api
from inventory.access import Actor, Role
from inventory.models import Contact, ContactChannel, Duty, Person
from tests.support.acting import NOON, PEOPLE, SHIFTS, a_duty_room, a_shift, an_inventory, by_code, tokens

HOUR = timedelta(hours=1)
OFFICER = Actor("Trực ban Sở 1", Role.DUTY_OFFICER, "STTTT", "stttt-1")
VNPT = Actor("VNPT Sóc Trăng", Role.CARRIER, "VNPT")
VNPT_2 = Actor("Trực ca VNPT 2", Role.CARRIER, "VNPT", "vnpt-2")
VIETTEL = Actor("Trực ca Viettel 1", Role.CARRIER, "VIETTEL", "viettel-1")
INSPECTOR = Actor("Đoàn kiểm tra", Role.INSPECTOR, "STTTT")
TALLY = Person("viettel-1", "VIETTEL", "Trực ca Viettel 1", contacts=(Contact(ContactChannel.SMS, "+84981"),))


class Office:
    """A client whose caller can be changed."""

    def __init__(self, client):
        self.client = client
        self.caller = OFFICER

    async def ask(self, method, path, caller, body=None, **query):
        self.caller = caller
        return await self.client.request(method, f"/api/v1/roster{path}", json=body, params=query)

    async def get(self, path, caller=OFFICER, **query):
        return await self.ask("GET", path, caller, **query)

    async def post(self, path, caller=OFFICER, **body):
        return await self.ask("POST", path, caller, body)


@pytest.fixture
async def office(tmp_path):
    inventory = an_inventory(
        people=by_code((*PEOPLE, TALLY)),
        shifts=(*SHIFTS, a_shift("VIETTEL", Duty.OPERATIONS, "viettel-1")),
    )
    async with a_duty_room(tmp_path, inventory=inventory) as room:
        roster = RosterService(
            database=room.database, inventory=lambda: inventory, clock=room.clock, token=tokens()
        )
        office = Office(None)
        app = FastAPI()
        api = Api(database=room.database, clock=room.clock, actor=lambda: office.caller)
        app.include_router(router(api, roster, HandoverService(roster)))
        app.include_router(agreeing(api, roster, SwapService(roster)))
        async with AsyncClient(transport=ASGITransport(app), base_url="http://ts.invalid") as client:
            office.client = client
            yield office


def a_body(party="VNPT", person="vnpt-2", start=NOON + 20 * HOUR, hours=6, **more):
    return {
        "party": party,
        "duty": "operations",
        "person": person,
        "start": start.isoformat(),
        "end": (start + hours * HOUR).isoformat(),
        **more,
    }


async def shifts_of(office, caller=OFFICER):
    return (await office.get("/shifts", caller)).json()["items"]


async def own_shift(office, party):
    return next(one for one in await shifts_of(office) if one["party"] == party)


async def test_the_department_sees_every_party_and_a_carrier_only_itself(office):
    assert {one["party"] for one in await shifts_of(office)} == {"STTTT", "VNPT", "VIETTEL"}
    assert {one["party"] for one in await shifts_of(office, VNPT)} == {"VNPT"}
    assert (await office.get("/shifts", VNPT, party="VIETTEL")).json()["items"] == []


async def test_findings_and_changes_of_others_are_not_told(office):
    assert (await office.post("/shifts", **a_body("VIETTEL", "viettel-1"))).status_code == 201
    found = (await office.get("/findings", VNPT, party="VIETTEL")).json()["findings"]
    assert {one["party"] for one in found} <= {"VNPT"}
    assert (await office.get("/changes", VNPT)).json()["items"] == []
    assert {one["party"] for one in (await office.get("/changes", VIETTEL)).json()["items"]} == {"VIETTEL"}


async def test_a_carrier_edits_its_own_shift(office):
    mine = await own_shift(office, "VNPT")
    changed = await office.ask(
        "PATCH", f"/shifts/{mine['id']}", VNPT, {"person": "vnpt-2", "substitute": "vnpt-1"}
    )
    assert (changed.status_code, changed.json()["person"], changed.json()["origin"]) == (
        200,
        "vnpt-2",
        "edit",
    )
    added = await office.post("/shifts", VNPT, **a_body())
    assert added.status_code == 201
    assert (await office.ask("DELETE", f"/shifts/{added.json()['id']}", VNPT)).status_code == 204
    (line, *_) = (await office.get("/changes", VNPT)).json()["items"]
    assert (line["act"], line["actor"]) == ("removed", "VNPT Sóc Trăng")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_anothers_shift_answers_exactly_as_one_that_does_not_exist(office, method):
    theirs = await own_shift(office, "VIETTEL")
    body = {"note": "thử"} if method == "PATCH" else None
    known = await office.ask(method, f"/shifts/{theirs['id']}", VNPT, body)
    unknown = await office.ask(method, "/shifts/khong-co", VNPT, body)
    assert known.status_code == unknown.status_code == 404
    assert known.json()["type"] == unknown.json()["type"]
    assert known.json()["detail"] == unknown.json()["detail"]
    assert theirs in await shifts_of(office)


async def test_a_carrier_adds_nothing_to_anothers_roster(office):
    before = await shifts_of(office)
    assert (await office.post("/shifts", VNPT, **a_body("VIETTEL", "viettel-1"))).status_code == 404
    turns = {
        "party": "VIETTEL",
        "duty": "operations",
        "people": ["viettel-1"],
        "start": "2021-05-24T06:00:00",
        "until": "2021-05-25T06:00:00",
    }
    assert (await office.post("/rotations", VNPT, **turns)).status_code == 404
    handing = await office.post("/handovers", VNPT, party="VIETTEL", duty="operations")
    assert handing.status_code == 404
    assert await shifts_of(office) == before


async def test_who_may_only_read_edits_nothing(office):
    assert (await office.get("/shifts", INSPECTOR)).status_code == 200
    assert (await office.post("/shifts", INSPECTOR, **a_body())).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"hours": -1}, "the end must be after the start"), ({"person": "ai-do"}, "nobody has the code")],
)
async def test_a_shift_that_cannot_be_is_refused_in_words(office, wrong, words):
    answer = await office.post("/shifts", VNPT, **a_body(**wrong))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:thongsuot:impossible-shift")
    assert words in answer.text


async def handed_over(office):
    """Offer VNPT's operations, which pass to vnpt-2 when the shift of vnpt-1 ends; answers the handover's id."""
    assert (await office.post("/shifts", VNPT, **a_body(start=NOON + 18 * HOUR))).status_code == 201
    offered = await office.post("/handovers", VNPT, party="VNPT", duty="operations", note="đang hàn cáp")
    assert offered.status_code == 201
    assert (offered.json()["outgoing"], offered.json()["incoming"]) == ("vnpt-1", "vnpt-2")
    return offered.json()["id"]


async def test_a_handover_is_accepted_by_the_incoming_person_alone(office):
    number = await handed_over(office)
    shared = await office.post(f"/handovers/{number}/accept", VNPT)
    assert (shared.status_code, shared.json()["type"]) == (403, "urn:thongsuot:not-theirs")
    assert (await office.post(f"/handovers/{number}/accept", VIETTEL)).status_code == 404
    accepted = await office.post(f"/handovers/{number}/accept", VNPT_2)
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    assert accepted.json()["accepted_by"] == "Trực ca VNPT 2"


async def test_the_department_accepts_on_their_behalf_and_is_named(office):
    number = await handed_over(office)
    assert (await office.post(f"/handovers/{number}/accept", INSPECTOR)).status_code == 403
    accepted = await office.post(f"/handovers/{number}/accept", OFFICER)
    assert accepted.json()["accepted_by"] == "Trực ban Sở 1"
    (line, *_) = (await office.get("/changes", VNPT)).json()["items"]
    assert (line["actor"], line["note"]) == ("Trực ban Sở 1", "thay mặt · on behalf of vnpt-2")


async def test_an_edit_is_done_only_on_the_version_that_was_looked_at(office):
    [mine] = [s for s in (await office.get("/shifts", VNPT)).json()["items"] if s["party"] == "VNPT"]
    seen = await office.get(f"/shifts/{mine['id']}", VNPT)
    tag = seen.headers["etag"]
    again = await office.client.get(f"/api/v1/roster/shifts/{mine['id']}", headers={"If-None-Match": tag})
    assert again.status_code == 304
    path, change = f"/api/v1/roster/shifts/{mine['id']}", {"note": "xe số 2"}
    first = await office.client.patch(path, json=change, headers={"If-Match": tag})
    assert first.status_code == 200
    assert first.headers["etag"] != tag
    late = await office.client.patch(path, json={"note": "khác"}, headers={"If-Match": tag})
    assert late.status_code == 412
    assert late.headers["content-type"] == "application/problem+json"
    assert late.json()["type"] == "urn:thongsuot:changed-meanwhile"
    assert (await office.client.delete(path, headers={"If-Match": tag})).status_code == 412
    assert (await office.client.delete(path, headers={"If-Match": first.headers["etag"]})).status_code == 204


async def test_the_unconfirmed_shifts_of_others_are_not_listed(office):
    start, end = (NOON + n * HOUR for n in (20, 28))
    body = {"party": "VNPT", "duty": "operations", "person": "vnpt-2"}
    await office.post("/shifts", VNPT, **body, start=start.isoformat(), end=end.isoformat())
    [mine] = (await office.get("/confirmations", VNPT)).json()
    assert (mine["shift"]["person"], mine["asked"]) == ("vnpt-2", None)
    assert (await office.get("/confirmations", VIETTEL)).json() == []

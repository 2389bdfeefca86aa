"""A carrier's own ticket system speaks TMF621: it reads, takes on, waits, resolves its own matters and nobody else's."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import insert, select

from alerting.models import IncidentState, PendingReason
from alerting.schema import incidents
from alerting.tmf621 import PATH, TicketStatus, states_of, status_of
from alerting.tmf621_api import router
from alerting.web.api import Api
from inventory.access import Actor, Role
from inventory.database import transaction
from tests.support.acting import NOON, a_duty_room

VNPT = Actor("NOC VNPT", Role.CARRIER, "VNPT", "vnpt-1")
VIETTEL = Actor("NOC Viettel", Role.CARRIER, "VIETTEL")


class Desk:
    def __init__(self, room):
        self.room, self.caller, self.client = room, VNPT, None

    async def get(self, path="", caller=VNPT, **query):
        self.caller = caller
        return await self.client.get(PATH + path, params=query)

    async def patch(self, number, body, caller=VNPT, **headers):
        self.caller = caller
        return await self.client.patch(f"{PATH}/{number}", json=body, headers=headers)


@pytest.fixture
async def desk(tmp_path):
    async with a_duty_room(tmp_path) as room:
        desk = Desk(room)
        app = FastAPI()
        api = Api(database=room.database, clock=room.clock, actor=lambda: desk.caller)
        app.include_router(router(api, room.service, public_url="https://ts.invalid/"))
        async with AsyncClient(transport=ASGITransport(app), base_url="http://ts.invalid") as client:
            desk.client = client
            await room.cut()
            yield desk


def test_every_state_has_a_status_and_every_status_of_ours_a_state():
    for state in IncidentState:
        assert state in states_of(status_of(state, {}))
    assert status_of(IncidentState.PENDING, {"pending": PendingReason.PARTS.value}) is TicketStatus.HELD
    assert status_of(IncidentState.PENDING, {"pending": PendingReason.POWER.value}) is TicketStatus.PENDING


async def test_a_ticket_tells_what_happened_in_the_standards_words(desk):
    [ticket] = (await desk.get()).json()
    assert ticket["status"] == "acknowledged"
    assert ticket["severity"] in {"critical", "major", "minor", "warning"}
    assert ticket["@type"] == "TroubleTicket"
    assert ticket["relatedParty"][0]["id"] == "VNPT"
    assert ticket["requestedResolutionDate"]
    assert ticket["href"] == f"https://ts.invalid{PATH}/{ticket['id']}"
    assert [each["status"] for each in ticket["statusChangeHistory"]] == ["acknowledged"]


async def test_taking_on_waiting_and_resolving_are_acts_of_the_incident_machine(desk):
    eta = (NOON + timedelta(minutes=40)).isoformat()
    body = {"status": "inProgress", "expectedResolutionDate": eta, "note": [{"text": "đội đang đi"}]}
    taken = await desk.patch(1, body)
    assert taken.json()["status"] == "inProgress"
    assert (await desk.room.incident()).acknowledged_by == "NOC VNPT"
    assert (await desk.room.events())[-2:] == ["acknowledged", "progress"]
    waiting = await desk.patch(
        1, {"status": "held", "expectedResolutionDate": eta, "note": [{"text": "chờ măng sông"}]}
    )
    assert waiting.json()["status"] == "held"
    assert [each["id"] for each in (await desk.get(status="held")).json()] == ["1"]
    assert (await desk.get(status="pending")).json() == []
    done = await desk.patch(1, {"status": "resolved", "note": [{"text": "đã hàn"}]})
    assert done.json()["status"] == "resolved"
    assert (await desk.room.incident()).state is IncidentState.RESTORED
    assert {"đội đang đi", "chờ măng sông", "đã hàn"} <= {each["text"] for each in done.json()["note"]}


@pytest.mark.parametrize("status", ["closed", "cancelled"])
async def test_closing_and_cancelling_stay_the_departments(desk, status):
    answer = await desk.patch(1, {"status": status})
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await desk.room.incident()).state is IncidentState.OPEN


async def test_the_standards_acknowledged_is_not_taking_on(desk):
    answer = await desk.patch(1, {"status": "acknowledged"})
    assert answer.status_code == 409
    assert "inProgress" in answer.json()["detail"]


async def test_a_patch_is_done_only_on_the_version_that_was_looked_at(desk):
    tag = (await desk.get("/1")).headers["etag"]
    first = await desk.patch(1, {"note": [{"text": "đã nhận tin"}]}, **{"If-Match": tag})
    assert first.status_code == 200
    assert first.headers["etag"] != tag
    assert (await desk.patch(1, {"status": "inProgress"}, **{"If-Match": tag})).status_code == 412


async def test_another_carrier_cannot_tell_a_ticket_from_none(desk):
    assert (await desk.get(caller=VIETTEL)).json() == []
    there, nowhere = await desk.get("/1", caller=VIETTEL), await desk.get("/999", caller=VIETTEL)
    assert there.status_code == nowhere.status_code == 404
    assert there.json()["type"] == nowhere.json()["type"]
    assert (await desk.patch(1, {"status": "inProgress"}, caller=VIETTEL)).status_code == 404
    assert (await desk.room.incident()).state is IncidentState.OPEN


async def test_a_held_ticket_is_found_however_many_newer_ones_wait_for_something_else(desk):
    async with transaction(desk.room.database) as connection:
        row = dict((await connection.execute(select(incidents))).mappings().one())
        newer = [
            {
                **row,
                "id": number,
                "number": f"SC-21-9{number}",
                "condition": f"{row['condition']}-{number}",
                "state": IncidentState.PENDING.value,
                "facts": {**row["facts"], "pending": reason},
                "opened_at": row["opened_at"] + timedelta(minutes=number),
            }
            for number, reason in enumerate(
                (PendingReason.PARTS, PendingReason.POWER, PendingReason.ACCESS), 10
            )
        ]
        await connection.execute(insert(incidents), newer)
    assert [each["id"] for each in (await desk.get(status="held", limit=1)).json()] == ["10"]
    assert [each["id"] for each in (await desk.get(status="pending", limit=2)).json()] == ["12", "11"]

"""A ticket system opens tickets here and asks to be told of changes: in the standard's words, of its own party alone."""

import hashlib
import hmac
from datetime import timedelta
from functools import partial

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from alerting.direction import reassign
from alerting.endpoints import EndpointEvent
from alerting.models import Matter
from alerting.notify.webhook import SIGNATURE
from alerting.tmf621 import PATH
from alerting.tmf621_api import router
from alerting.tmf621_hub_api import HUB, hub_router, wanted
from alerting.web.api import Api
from inventory.access import Actor, Right, Role
from tests.support.acting import a_duty_room
from tests.support.acting_servers import a_receiver
from tests.support.machines import Machines, told

VNPT = Actor("NOC VNPT", Role.CARRIER, "VNPT", "vnpt-1")
SYSTEM = Actor("may-vnpt", Role.MACHINE, "VNPT")
VIETTEL = Actor("NOC Viettel", Role.CARRIER, "VIETTEL")
OFFICER = Actor("Trực Sở", Role.DUTY_OFFICER)
STRANGER = Actor("may-la", Role.MACHINE)
TICKET = {"description": "OLT Mỹ Xuyên mất nguồn", "severity": "major", "ticketType": "outage"}
CREATE, STATUS, CHANGE = (
    "TroubleTicketCreateEvent",
    "TroubleTicketStatusChangeEvent",
    "TroubleTicketAttributeValueChangeEvent",
)


class Desk:
    def __init__(self, room):
        self.room, self.caller, self.client, self.machines = room, VNPT, None, Machines(room)

    async def open(self, caller=VNPT, **more):
        return await self.post(PATH, {**TICKET, **more}, caller)

    async def post(self, path, body, caller=VNPT):
        self.caller = caller
        return await self.client.post(path, json=body)

    async def get(self, path, caller=VNPT):
        self.caller = caller
        return await self.client.get(path)

    async def delete(self, path, caller=VNPT):
        self.caller = caller
        return await self.client.delete(path)


@pytest.fixture
async def desk(tmp_path):
    async with a_duty_room(tmp_path) as room:
        desk = Desk(room)
        app = FastAPI()
        api = Api(database=room.database, clock=room.clock, actor=lambda: desk.caller)
        app.include_router(hub_router(api, desk.machines.service))
        app.include_router(router(api, room.service, public_url="https://ts.invalid/"))
        async with AsyncClient(transport=ASGITransport(app), base_url="http://ts.invalid") as client:
            desk.client = client
            yield desk


@pytest.fixture
async def receiver():
    async with a_receiver() as receiver:
        yield receiver


async def test_a_carriers_system_opens_a_ticket_of_its_own_and_it_is_an_incident_like_any(desk):
    answer = await desk.open(caller=SYSTEM, note=[{"text": "đã gọi điện lực"}])
    ticket = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{PATH}/{ticket['id']}"
    assert (await desk.get(answer.headers["location"])).json() == ticket
    assert answer.headers["etag"] == (await desk.get(answer.headers["location"])).headers["etag"]
    assert (ticket["status"], ticket["ticketType"]) == ("acknowledged", "report")
    assert ticket["relatedParty"] == [
        {"id": "VNPT", "name": ticket["relatedParty"][0]["name"], "role": "owner", "relationshipType": ""}
    ]
    incident = await desk.room.incident()
    assert incident.owner == "VNPT"
    assert incident.facts["report"]["matter"] == Matter.NO_SERVICE.value
    assert incident.facts["report"]["text"] == "OLT Mỹ Xuyên mất nguồn\nđã gọi điện lực"
    assert "escalated" in await desk.room.events(incident.id)


async def test_the_same_number_in_the_callers_system_is_the_same_ticket(desk):
    number = [{"id": "VNPT-4711", "externalIdentifierType": "noc"}]
    first, again = [await desk.open(externalIdentifier=number) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert again.headers["location"] == first.headers["location"]
    assert {"VNPT-4711", "thongsuot"} & {each["id"] for each in first.json()["externalIdentifier"]}
    other = await desk.open(caller=VIETTEL, externalIdentifier=number)
    assert other.status_code == 201
    assert other.json()["id"] != first.json()["id"]
    assert len(await desk.room.incidents()) == 2
    assert (await desk.open()).json()["id"] != (await desk.open()).json()["id"]


async def test_who_takes_a_ticket_over_does_not_learn_its_number_elsewhere(desk):
    opened = (await desk.open(externalIdentifier=[{"id": "VNPT-4711"}])).json()
    deed = partial(reassign, actor="Trực Sở", owner="VIETTEL", note="việc của Viettel")
    await desk.room.service.act(int(opened["id"]), deed)
    seen = await desk.get(f"{PATH}/{opened['id']}", caller=VIETTEL)
    assert seen.status_code == 200
    assert "4711" not in seen.text
    again = await desk.open(externalIdentifier=[{"id": "VNPT-4711"}])
    assert again.status_code == 404
    assert len(await desk.room.incidents()) == 1


async def test_a_ticket_is_opened_for_ones_own_party_and_places_alone(desk):
    owner = [{"id": "VIETTEL", "role": "owner"}]
    assert (await desk.open(relatedParty=owner)).status_code == 403
    assert (await desk.open(caller=OFFICER, relatedParty=owner)).json()["relatedParty"][0]["id"] == "VIETTEL"
    inventory = desk.room.service.inventory
    reached = {path.site for path in inventory.paths.values() if path.carrier == "VIETTEL"}
    foreign = next(site for site in (*inventory.sites, "") if site not in reached)
    for place in (foreign, "no-such") if foreign else ("no-such",):
        answer = await desk.open(caller=VIETTEL, relatedEntity=[{"id": place}])
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:thongsuot:unknown-party"
    mine = next(iter(sorted(reached)))
    there = await desk.open(caller=VIETTEL, relatedEntity=[{"id": mine}])
    assert inventory.sites[mine].name in there.json()["name"]


@pytest.mark.parametrize("caller", [STRANGER, Actor("ubbc", Role.COMMITTEE)])
async def test_who_may_not_report_opens_nothing(desk, caller):
    assert (await desk.open(caller=caller)).status_code == 403
    limited = Actor("NOC VNPT", Role.CARRIER, "VNPT", limits=frozenset({Right.SEE_INCIDENTS}))
    assert (await desk.open(caller=limited)).status_code == 403
    assert await desk.room.incidents() == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({**TICKET, "severity": "terrible"}, "severity"),
        ({**TICKET, "ticketType": "x"}, "ticketType: Value error, must be one of"),
        ({**TICKET, "description": "  "}, "description"),
        ({"severity": "minor"}, "description"),
    ],
)
async def test_what_is_wrong_is_said_in_the_standards_shape_too(desk, body, said):
    answer = await desk.post(PATH, body)
    error = answer.json()
    assert answer.status_code == error["status"] == 422
    assert (error["code"], error["reason"], error["@type"]) == (
        "invalid-request",
        "invalid request",
        "Error",
    )
    assert said in error["message"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await desk.get(f"{PATH}/999")).json()["code"] == "unknown-incident"


async def test_a_subscriber_is_told_in_the_standards_words_in_order_and_signed(desk, receiver):
    made = await desk.post(HUB, {"callback": receiver.url}, caller=SYSTEM)
    assert made.status_code == 201
    assert made.headers["location"] == f"{HUB}/{made.json()['id']}"
    opened = (await desk.open()).json()
    await desk.room.service.acknowledge(int(opened["id"]), actor="NOC VNPT")
    eta = desk.room.clock() + timedelta(minutes=40)
    await desk.room.service.progress(int(opened["id"]), actor="NOC VNPT", note="đang đi", eta=eta)
    await desk.machines.quiet()
    events = told(receiver)
    assert [each["eventType"] for each in events] == [CREATE, STATUS, CHANGE]
    tickets = [each["event"]["troubleTicket"] for each in events]
    assert [each["status"] for each in tickets] == ["acknowledged", "inProgress", "inProgress"]
    assert {each["href"] for each in tickets} == {f"https://ts.invalid{PATH}/{opened['id']}"}
    assert tickets[0]["relatedParty"][0]["name"] == "tên VNPT"
    assert tickets[2]["note"][0]["text"] == "đang đi"
    now = (await desk.get(f"{PATH}/{opened['id']}")).json()
    history = {"note", "statusChangeHistory", "statusChangeDate", "statusChangeReason", "relatedParty"}
    assert {name: value for name, value in tickets[2].items() if name not in history} == {
        name: value for name, value in now.items() if name not in history
    }
    secret = made.json()["secret"].encode()
    for call in receiver.calls:
        stamp, mac = call.headers[SIGNATURE.lower()].split(",")
        signed = f"{stamp.removeprefix('t=')}.".encode() + call.body
        assert mac == f"v1={hmac.new(secret, signed, hashlib.sha256).hexdigest()}"
    assert len({each["eventId"] for each in events}) == 3


async def test_a_subscriber_is_told_what_it_asked_for_of_its_own_party_until_it_asks_no_more(desk, receiver):
    asked = {"callback": receiver.url, "query": f"eventType={STATUS}"}
    made = await desk.post(HUB, asked)
    assert made.json()["query"] == asked["query"]
    assert (await desk.post(HUB, asked)).status_code == 409
    theirs = (await desk.open(caller=VIETTEL)).json()
    await desk.room.service.acknowledge(int(theirs["id"]), actor="NOC Viettel")
    mine = (await desk.open()).json()
    await desk.room.service.acknowledge(int(mine["id"]), actor="NOC VNPT")
    await desk.machines.quiet()
    assert [each["eventType"] for each in told(receiver)] == [STATUS]
    here = f"{HUB}/{made.json()['id']}"
    there, nowhere = await desk.delete(here, caller=VIETTEL), await desk.delete(f"{HUB}/4711", caller=VIETTEL)
    assert there.status_code == nowhere.status_code == 404
    assert there.json()["type"] == nowhere.json()["type"]
    assert (await desk.delete(here)).status_code == 204
    await desk.room.service.note(int(mine["id"]), actor="NOC VNPT", note="x")
    await desk.machines.quiet()
    assert len(receiver.calls) == 1


async def test_a_machine_of_nobodys_hears_of_the_whole_province(desk, receiver):
    await desk.post(HUB, {"callback": receiver.url, "query": f"eventType={CREATE}"}, caller=STRANGER)
    for caller in (VNPT, VIETTEL):
        await desk.open(caller=caller)
    await desk.machines.quiet()
    owners = [each["event"]["troubleTicket"]["relatedParty"][0]["id"] for each in told(receiver)]
    # Viettel has nobody on duty here, which is a matter of the department's own.
    assert owners == ["VNPT", "VIETTEL", "STTTT"]


@pytest.mark.parametrize(
    "callback", ["https://169.254.169.254/x", "http://10.0.0.1/", "noc", "https://u:p@x/"]
)
async def test_a_callback_is_refused_where_any_address_is(desk, callback):
    answer = await desk.post(HUB, {"callback": callback})
    assert (answer.status_code, answer.json()["code"]) == (422, "refused-endpoint")
    assert (await desk.post(HUB, {"callback": "https://x/"}, caller=OFFICER)).status_code == 403


def test_a_query_asks_for_kinds_of_events_and_nothing_else():
    assert wanted("") == {EndpointEvent.OPENED, EndpointEvent.STATUS, EndpointEvent.CHANGED}
    assert wanted(f"eventType={CREATE}&eventType={STATUS}") == wanted(f"?eventType={CREATE},{STATUS}")
    assert wanted("eventType=troubleTicketStateChangeEvent") == {EndpointEvent.STATUS}
    for wrong in ("fields=id", "eventType=x", "eventType=", "x"):
        with pytest.raises(ValueError, match=r"."):
            wanted(wrong)

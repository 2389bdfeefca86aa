"""The addresses of a party's machines over HTTP: what the page does, with the page's rights, scope and refusals."""

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select

from alerting.endpoint_api import router
from alerting.schema import idempotency_keys
from alerting.tmf621_hub_api import HUB, hub_router
from alerting.web.api import Api
from inventory.access import Actor, Role
from inventory.database import reading
from tests.support.acting import a_duty_room
from tests.support.acting_servers import a_receiver
from tests.support.machines import Machines, told

PATH = "/api/v1/webhooks"
VNPT, VIETTEL = Actor("NOC VNPT", Role.CARRIER, "VNPT"), Actor("NOC Viettel", Role.CARRIER, "VIETTEL")
ADMIN, OFFICER = Actor("admin", Role.ADMINISTRATOR, "STTTT"), Actor("trucban", Role.DUTY_OFFICER, "STTTT")


class Desk:
    def __init__(self, room):
        self.machines, self.caller, self.client = Machines(room), VNPT, None

    async def ask(self, method, path="", caller=VNPT, **more):
        self.caller = caller
        return await self.client.request(method, path if path.startswith("/tmf") else PATH + path, **more)


@pytest.fixture
async def desk(tmp_path):
    async with a_duty_room(tmp_path) as room:
        desk = Desk(room)
        app = FastAPI()
        api = Api(database=room.database, clock=room.clock, actor=lambda: desk.caller)
        app.include_router(router(api, desk.machines.service, lambda: room.service.inventory))
        app.include_router(hub_router(api, desk.machines.service))
        async with AsyncClient(transport=ASGITransport(app), base_url="http://ts.invalid") as client:
            desk.client = client
            yield desk


@pytest.fixture
async def receiver():
    async with a_receiver() as receiver:
        yield receiver


async def added(desk, receiver, caller=VNPT, **more):
    answer = await desk.ask("POST", caller=caller, json={"url": receiver.url, "events": ["opened"]}, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_an_address_is_added_listed_changed_tried_and_removed(desk, receiver):
    made = await added(desk, receiver)
    path = f"/{made['id']}"
    assert made["secret"].startswith("whs_")
    [listed] = (await desk.ask("GET")).json()
    assert (listed["url"], listed["events"], "secret" in listed) == (receiver.url, ["opened"], False)
    body = {"url": f"{receiver.url}/y", "events": ["status", "called"], "enabled": True}
    changed = (await desk.ask("PUT", path, json=body)).json()
    assert (changed["url"], changed["events"]) == (f"{receiver.url}/y", ["called", "status"])
    tried = (await desk.ask("POST", f"{path}/test")).json()
    assert (tried["trouble"], [each["event"] for each in told(receiver)]) == (None, ["test"])
    assert (await desk.ask("POST", f"{path}/test")).status_code == 422
    [delivery] = (await desk.ask("GET", "/deliveries")).json()
    assert (delivery["event"], delivery["endpoint"]) == ("test", made["id"])
    renewed = (await desk.ask("POST", f"{path}/secret")).json()
    assert renewed["secret"] not in {made["secret"], ""}
    assert renewed["previous_until"]
    assert (await desk.ask("DELETE", path)).status_code == 204
    assert (await desk.ask("GET")).json() == []


async def test_anothers_address_answers_as_one_that_never_was(desk, receiver):
    made = await added(desk, receiver)
    body = {"url": receiver.url, "events": ["opened"]}
    asked = [("PUT", "", body), ("POST", "/secret", None), ("POST", "/test", None), ("DELETE", "", None)]
    for method, deed, json in asked:
        answers = [
            await desk.ask(method, f"/{number}{deed}", caller=VIETTEL, json=json)
            for number in (made["id"], 4711)
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].text.replace(str(made["id"]), "4711") == answers[1].text
    assert (await desk.ask("GET", caller=VIETTEL)).json() == []
    assert (await desk.ask("GET", caller=VIETTEL, params={"party": "VNPT"})).status_code == 404
    assert receiver.calls == []


async def test_an_administrator_sets_any_partys_and_the_provinces_and_an_officer_none(desk, receiver):
    made = await added(desk, receiver, caller=ADMIN, params={"party": "VIETTEL"})
    assert [each["id"] for each in (await desk.ask("GET", caller=VIETTEL)).json()] == [made["id"]]
    await added(desk, receiver, caller=ADMIN, params={"party": "STTTT"})
    for query in ({}, {"party": "STTTT"}):
        assert len((await desk.ask("GET", caller=ADMIN, params=query)).json()) == 1
    assert (await desk.ask("GET", caller=ADMIN, params={"party": "AI-DO"})).status_code == 404
    assert (await desk.ask("GET", caller=OFFICER)).status_code == 403


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/x", "https://192.168.1.1/x", "ftp://x", "https://u:p@x.example/"]
)
async def test_what_the_page_refuses_to_call_is_refused_here_too(desk, receiver, url):
    made = await added(desk, receiver)
    body = {"url": url, "events": ["opened"]}
    assert (await desk.ask("POST", json=body)).status_code == 422
    assert (await desk.ask("PUT", f"/{made['id']}", json=body)).status_code == 422
    again = await desk.ask("POST", json={"url": receiver.url, "events": ["opened"]})
    assert again.status_code == 409
    assert (await desk.ask("POST", json={"url": receiver.url, "events": []})).status_code == 422


async def test_the_hub_lists_its_own_subscriptions_without_secrets_and_nobody_elses(desk, receiver):
    await added(desk, receiver)
    body = {"callback": f"{receiver.url}/tmf", "query": "eventType=TroubleTicketStatusChangeEvent"}
    made = (await desk.ask("POST", HUB, json=body)).json()
    kept = {"id": made["id"], **body, "@type": "Hub"}
    assert (await desk.ask("GET", HUB)).json() == [kept]
    assert (await desk.ask("GET", f"{HUB}/{made['id']}")).json() == kept
    [own] = [each for each in (await desk.ask("GET")).json() if each["dialect"] == "own"]
    for number, caller in ((made["id"], VIETTEL), (own["id"], VNPT), (4711, VNPT)):
        assert (await desk.ask("GET", f"{HUB}/{number}", caller=caller)).status_code == 404
    assert (await desk.ask("GET", HUB, caller=VIETTEL)).json() == []


async def test_a_secret_is_answered_once_and_lies_nowhere_in_clear(desk, receiver):
    twice = [await added(desk, receiver, headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    assert twice[0]["secret"].startswith("whs_")
    assert twice[1] == {**twice[0], "secret": ""}
    assert len((await desk.ask("GET")).json()) == 1
    async with reading(desk.machines.room.database) as connection:
        kept = (await connection.execute(select(idempotency_keys.c.body))).scalars().all()
    assert len(kept) == 1
    assert twice[0]["secret"] not in kept[0]

"""Every deed over HTTP: who may, what it answers, and what a party never learns of another."""

import itertools

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from alerting.api import router
from alerting.service import AlertingService
from alerting.web.api import Api
from inventory.access import Actor, Role
from tests.support.acting import a_duty_room, an_inventory

OFFICER = Actor("Trực ban Sở 1", Role.DUTY_OFFICER, "STTTT", "stttt-1")
LEADER = Actor("Lãnh đạo Sở", Role.LEADER, "STTTT", "stttt-2")
INSPECTOR = Actor("Đoàn kiểm tra", Role.INSPECTOR, "STTTT")
VNPT = Actor("Trực ca VNPT 1", Role.CARRIER, "VNPT", "vnpt-1")
VIETTEL = Actor("Trực ca Viettel 1", Role.CARRIER, "VIETTEL", "viettel-1")


@pytest.fixture
async def room(tmp_path):
    async with a_duty_room(tmp_path) as room:
        yield room


@pytest.fixture
async def ask(room):
    caller = [OFFICER]
    app = FastAPI()
    api = Api(database=room.database, clock=room.clock, actor=lambda: caller[0])
    app.include_router(router(api, room.service))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://ts.invalid") as client:

        async def ask(path, actor=OFFICER, key="", **body):
            caller[0] = actor
            headers = {"Idempotency-Key": key} if key else {}
            url = f"/api/v1/incidents{path}"
            return await (client.post(url, json=body, headers=headers) if body else client.get(url))

        yield ask


TOLD = {"matter": "no_service", "text": "xã báo mất hết liên lạc", "site": "UB-31501", "owner": "VNPT"}


async def test_a_report_under_one_key_is_one_incident_even_if_the_answer_was_lost(room, ask):
    first = await ask("", key="k1", **TOLD)
    room.clock.advance(days=2)
    again = await ask("", key="k1", **TOLD)
    assert [answer.status_code for answer in (first, again)] == [201, 201]
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["facts"]["report"]["text"] == TOLD["text"]


async def test_who_is_kept_to_one_party_reports_for_that_party_alone(room, ask):
    assert (await ask("", VIETTEL, **TOLD)).status_code == 403
    own = await ask("", VIETTEL, **{**TOLD, "owner": ""})
    assert (own.status_code, own.json()["owner"]) == (201, "VIETTEL")


async def test_what_is_restricted_does_not_exist_for_who_lacks_the_right(room, ask):
    made = (await ask("", matter="security", text="trang bị chèn nội dung")).json()
    assert (await ask("", INSPECTOR, matter="security", text="x")).status_code == 403
    assert (await ask("", INSPECTOR)).json()["items"] == []
    assert (await ask(f"/{made['id']}", INSPECTOR)).status_code == 404
    assert [one["id"] for one in (await ask("", OFFICER)).json()["items"]] == [made["id"]]


async def test_a_dispute_is_the_partys_and_the_decision_the_leaders(room, ask):
    incident = await room.cut()
    await ask(f"/{incident.id}/acknowledge", VNPT, note="")
    assert (
        await ask(f"/{incident.id}/dispute", VNPT, kind="owner", note="cáp của Viettel")
    ).status_code == 200
    decision = {"upheld": True, "owner": "VIETTEL", "note": "đúng"}
    assert (await ask(f"/{incident.id}/decide", OFFICER, **decision)).status_code == 403
    answer = await ask(f"/{incident.id}/decide", LEADER, **decision)
    assert (answer.status_code, answer.json()["owner"]) == (200, "VIETTEL")
    assert (await ask(f"/{incident.id}", VNPT)).status_code == 404


async def test_a_new_owner_learns_nothing_of_who_was_accountable_before(room, ask):
    incident = await room.cut(isolated=1)
    await ask(f"/{incident.id}/acknowledge", VNPT, note="đang đi")
    await ask(f"/{incident.id}/reassign", OFFICER, owner="VIETTEL", note="đổi")
    seen = await ask(f"/{incident.id}", VIETTEL)
    assert seen.status_code == 200
    assert next(entry["event"] for entry in seen.json()["ledger"]) == "reassigned"
    assert "đang đi" not in seen.text
    evidence = seen.json()["incident"]["facts"]["evidence"]
    assert not {"isolated", "last_path"} & evidence.keys()


@pytest.mark.parametrize(
    ("deed", "body"),
    [
        ("pause", {"reason": "power", "until": "2021-05-23T06:00:00Z", "note": "mất điện"}),
        ("mitigate", {"note": "qua đường khác"}),
        ("start", {"note": ""}),
        ("countersign", {"note": ""}),
        ("regrade", {"severity": "P1", "note": "nặng"}),
        ("reassign", {"owner": "VIETTEL", "note": "đổi"}),
    ],
)
async def test_every_deed_of_one_party_is_closed_to_another(room, ask, deed, body):
    incident = await room.cut()
    answer = await ask(f"/{incident.id}/{deed}", VIETTEL, **body)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:thongsuot:unknown-incident")


async def test_a_wait_over_http_says_whether_the_clock_runs(room, ask):
    incident = await room.cut()
    await ask(f"/{incident.id}/acknowledge", VNPT, note="")
    until = "2021-05-23T06:00:00Z"
    answer = await ask(f"/{incident.id}/pause", VNPT, reason="power", until=until, note="mất điện lưới")
    assert (answer.status_code, answer.json()["state"]) == (200, "pending")
    page = (await ask(f"/{incident.id}", VNPT)).json()
    assert page["ledger"][-1]["details"]["clock"] is False


async def test_numbers_and_ids_that_parties_see_do_not_count_the_others(room):
    draws = itertools.count(10**15, 7919 * 10**9)
    service = AlertingService(
        database=room.database,
        inventory=an_inventory(),
        clock=room.clock,
        token=lambda: "t",
        public_url="https://ts.invalid",
        chance=lambda: next(draws),
    )
    for subject in ("path:UB-31501-DT", "path:UB-31502-DT", "path:UB-31503-DT"):
        await room.believe(subject)
    await service.absorb()
    made = await room.incidents()
    assert len({incident.number for incident in made}) == 3
    gaps = {right.id - left.id for left, right in itertools.pairwise(made)}
    assert 1 not in gaps
    assert all(len(incident.number) == len("SC-21-12345") for incident in made)

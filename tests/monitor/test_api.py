"""Belief over HTTP: health, metrics, pages of JSON with cursors, and errors that say what is wrong."""

import pytest
from fastapi import FastAPI, HTTPException
from httpx2 import ASGITransport, AsyncClient

from monitor.api import ReloadResult, router
from monitor.exposition import FleetRenderer
from tests.support.monitoring import an_inventory, belief_on


class Surroundings:
    """What the composition root hands in."""

    def __init__(self):
        self.wrong = {}
        self.faults = ()
        self.guard = None

    async def reload(self):
        return ReloadResult(digest="new", faults=self.faults)

    def readiness(self):
        return self.wrong

    def may_pass(self):
        if self.guard:
            raise HTTPException(401, self.guard)


@pytest.fixture
def around():
    return Surroundings()


@pytest.fixture
async def duty(tmp_path):
    async with belief_on(tmp_path / "b.db", an_inventory()) as service:
        await service.all_answer(at=0)
        await service.fall("X-31-FIXED", "X-32-FIXED", at=5)
        yield service


@pytest.fixture
async def client(duty, around):
    app = FastAPI()
    app.include_router(
        router(
            service=duty.service,
            metrics=duty.metrics,
            renderer=FleetRenderer(duty.inventory, duty.service.topology),
            reload=around.reload,
            readiness=around.readiness,
            guard=around.may_pass,
        )
    )
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as asking:
        yield asking


async def test_a_process_that_answers_is_healthy(client):
    answer = await client.get("/-/healthy")
    assert (answer.status_code, answer.text) == (200, "ok\n")


async def test_ready_says_what_is_wrong(client, around):
    assert (await client.get("/-/ready")).status_code == 200
    around.wrong = {"vantage": "its thread ended"}
    answer = await client.get("/-/ready")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "wrong": {"vantage": "its thread ended"}}


async def test_a_reload_with_faults_lists_them_all(client, around):
    assert (await client.post("/-/reload")).json() == {"digest": "new", "faults": []}
    around.faults = ("sites.csv:3:1: …", "paths.csv:9:2: …")
    answer = await client.post("/-/reload")
    assert answer.status_code == 422
    assert answer.json()["faults"] == list(around.faults)


async def test_a_reload_is_not_a_get(client):
    assert (await client.get("/-/reload")).status_code == 405


@pytest.mark.parametrize("page", ["/metrics", "/metrics/targets"])
async def test_metrics_are_in_the_text_format(client, page):
    answer = await client.get(page)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE thongsuot_target" in answer.text


async def test_states_come_in_pages_that_join_to_the_whole(client, duty):
    found, cursor = [], None
    while True:
        query = {"limit": 5} | ({"after": cursor} if cursor else {})
        page = (await client.get("/api/v1/states", params=query)).json()
        found += [item["target"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == list(duty.inventory.targets)


async def test_states_are_chosen_by_state(client):
    page = (await client.get("/api/v1/states", params={"state": "down"})).json()
    assert [(i["target"], i["last_outcome"]) for i in page["items"]] == [
        ("X-31-FIXED", "timeout"),
        ("X-32-FIXED", "timeout"),
    ]


async def test_an_unknown_cursor_is_told_so(client):
    answer = await client.get("/api/v1/states", params={"after": "nowhere"})
    assert answer.status_code == 422
    assert "nowhere" in answer.text


async def test_changes_come_newest_first_in_pages(client):
    first = (await client.get("/api/v1/changes", params={"limit": 3, "kind": ["target", "site"]})).json()
    second = (
        await client.get(
            "/api/v1/changes", params={"limit": 3, "kind": ["target", "site"], "before_id": first["next"]}
        )
    ).json()
    ids = [item["id"] for item in first["items"] + second["items"]]
    assert ids == sorted(ids, reverse=True)
    assert {item["kind"] for item in first["items"]} <= {"target", "site"}


async def test_outages_are_open_until_they_end(client, duty):
    page = (await client.get("/api/v1/outages", params={"open": True})).json()
    assert [item["target"] for item in page["items"]] == ["X-32-FIXED", "X-31-FIXED"]
    await duty.rise("X-31-FIXED", at=20)
    page = (await client.get("/api/v1/outages", params={"open": False})).json()
    assert [item["ended_at"] for item in page["items"]] == ["2021-05-23T05:00:20Z"]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"before_id": "x"}, {"kind": "nothing"}])
async def test_bad_input_is_answered_with_what_is_wrong(client, query):
    answer = await client.get("/api/v1/changes", params=query)
    assert answer.status_code == 422
    assert next(iter(query)) in answer.text


async def test_who_may_not_pass_reads_no_belief(client, around):
    around.guard = "sign in first"
    for page in ("/api/v1/states", "/api/v1/changes", "/api/v1/outages"):
        assert (await client.get(page)).status_code == 401
    assert (await client.post("/-/reload")).status_code == 401
    assert (await client.get("/-/healthy")).status_code == 200

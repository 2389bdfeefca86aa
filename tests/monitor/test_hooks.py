"""What others call: pings of sites, batches of vantages; who may, how much, how often."""

import time
import warnings
from hashlib import sha256

import httpx2
import pytest
from fastapi import FastAPI

from monitor.buckets import Buckets
from monitor.hooks import router
from monitor.receiving import BatchReceiver
from probes.bus_wire import encode
from probes.heartbeat import HeartbeatBook
from probes.models import Look, Outcome, batch_of

SITE, WORKER, OTHER = "a-site-token", "a-worker-token", "another-worker-token"


def hashed(token):
    return sha256(token.encode()).hexdigest()


class Collected:
    def __init__(self):
        self.batches = []

    def publish(self, batch):
        self.batches.append(batch)


@pytest.fixture
def collected():
    return Collected()


@pytest.fixture
def receiver(collected):
    return BatchReceiver(
        tokens={"V1": hashed(WORKER), "V2": hashed(OTHER)}, publisher=collected, largest_body=100_000
    )


@pytest.fixture
def app(receiver):
    book = HeartbeatBook(monotonic=time.monotonic)
    book.expect([{"token_sha256": hashed(SITE)}])
    app = FastAPI()
    app.include_router(router(ping=book.ping, monotonic=time.monotonic, receiver=receiver))
    return app


@pytest.fixture
async def client(app):
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://here") as client:
        yield client


def a_batch(sequence, *, vantage="V1", epoch=1):
    looks = [Look(target=3, at_ns=1_000 + sequence, outcome=Outcome.OK, rtt=0.01)]
    return batch_of(looks, vantage=vantage, fleet="f", epoch=epoch, sequence=sequence)


def bearing(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
async def test_any_tool_can_ping(client, method):
    answer = await client.request(method, f"/hooks/heartbeat/{SITE}")
    assert (answer.status_code, answer.content) == (204, b"")


async def test_an_unknown_token_is_answered_like_a_path_that_does_not_exist(client):
    unknown = await client.get("/hooks/heartbeat/nobody")
    nowhere = await client.get("/hooks/heartbeats")
    assert unknown.status_code == nowhere.status_code == 404
    assert unknown.content == nowhere.content


async def test_a_body_beyond_the_bound_is_refused_whether_it_says_its_length_or_not(client):
    async def endless():
        for _ in range(100):
            yield b"x" * 1024

    assert (await client.post(f"/hooks/heartbeat/{SITE}", content=b"x" * 20_000)).status_code == 413
    assert (await client.post(f"/hooks/heartbeat/{SITE}", content=endless())).status_code == 413
    assert (await client.post(f"/hooks/heartbeat/{SITE}", content=b"x" * 1000)).status_code == 204


async def test_a_token_that_comes_too_often_is_slowed_and_others_are_not(client):
    statuses = [(await client.get("/hooks/heartbeat/nobody")).status_code for _ in range(15)]
    assert statuses[:10] == [404] * 10
    assert 429 in statuses[10:]
    assert (await client.get(f"/hooks/heartbeat/{SITE}")).status_code == 204


async def test_batches_of_a_vantage_reach_the_bus_in_order(client, collected):
    body = encode(a_batch(1)) + encode(a_batch(2))
    answer = await client.post("/hooks/batches", content=body, headers=bearing(WORKER))
    assert answer.status_code == 204
    assert [batch.sequence for batch in collected.batches] == [1, 2]


async def test_a_batch_that_came_before_is_answered_as_taken_and_not_published_again(client, collected):
    for _ in range(2):
        answer = await client.post("/hooks/batches", content=encode(a_batch(7)), headers=bearing(WORKER))
        assert answer.status_code == 204
    assert len(collected.batches) == 1


async def test_a_new_life_of_a_vantage_begins_its_sequence_anew(client, collected):
    body = encode(a_batch(9)) + encode(a_batch(1, epoch=2)) + encode(a_batch(10))
    assert (await client.post("/hooks/batches", content=body, headers=bearing(WORKER))).status_code == 204
    assert [(batch.epoch, batch.sequence) for batch in collected.batches] == [(1, 9), (2, 1)]


@pytest.mark.parametrize("headers", [{}, bearing("wrong"), bearing(""), {"Authorization": f"Basic {WORKER}"}])
async def test_without_the_token_nothing_is_taken(client, collected, headers):
    answer = await client.post("/hooks/batches", content=encode(a_batch(1)), headers=headers)
    assert answer.status_code == 401
    assert not collected.batches


async def test_a_token_speaks_for_its_own_vantage_only(client, collected):
    body = encode(a_batch(1)) + encode(a_batch(1, vantage="V2"))
    answer = await client.post("/hooks/batches", content=body, headers=bearing(WORKER))
    assert answer.status_code == 403
    assert not collected.batches


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b"x" + b, lambda b: b[:30] + b"\0\0" + b[32:]])
async def test_what_cannot_be_read_is_refused_whole(client, collected, spoil):
    body = encode(a_batch(1)) + spoil(encode(a_batch(2)))
    answer = await client.post("/hooks/batches", content=body, headers=bearing(WORKER))
    assert answer.status_code == 422
    assert not collected.batches


async def test_a_body_of_batches_is_bounded(client):
    answer = await client.post("/hooks/batches", content=b"x" * 100_001, headers=bearing(WORKER))
    assert answer.status_code == 413


async def test_while_belief_is_behind_batches_stay_with_the_sender(collected):
    full = BatchReceiver(tokens={"V1": hashed(WORKER)}, publisher=collected, has_room=lambda: False)
    app = FastAPI()
    app.include_router(router(ping=lambda _token: False, monotonic=time.monotonic, receiver=full))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://here") as client:
        answer = await client.post("/hooks/batches", content=encode(a_batch(1)), headers=bearing(WORKER))
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert not collected.batches


async def test_a_service_that_was_restarted_knows_which_batches_it_took(collected):
    receiver = BatchReceiver(tokens={"V1": hashed(WORKER)}, publisher=collected, newest={"V1": (1, 5)})
    receiver.take("V1", encode(a_batch(5)) + encode(a_batch(6)))
    assert [batch.sequence for batch in collected.batches] == [6]


async def test_without_a_receiver_there_is_no_door_for_batches():
    app = FastAPI()
    app.include_router(router(ping=lambda _token: False, monotonic=time.monotonic))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://here") as client:
        assert (await client.post("/hooks/batches", content=b"")).status_code == 404


def test_the_schema_names_every_operation_once(app):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "/hooks/heartbeat/{token}" in app.openapi()["paths"]


def test_buckets_refill_with_time_and_forget_the_longest_unseen():
    buckets = Buckets(rate=1.0, burst=2.0, most_keys=3)
    assert [buckets.take("a", 0.0) for _ in range(3)] == [True, True, False]
    assert buckets.take("a", 1.0)
    assert not buckets.take("a", 1.5)
    for key in "bcd":
        buckets.take(key, 2.0)
    assert len(buckets) == 3
    assert [buckets.take("a", 2.0) for _ in range(3)] == [True, True, False]

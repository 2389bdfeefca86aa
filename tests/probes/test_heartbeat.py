"""Heartbeats: who is silent, for how long, and who only has not been heard yet."""

import asyncio
import math
import threading
from hashlib import sha256

import pytest

from probes.heartbeat import HeartbeatBook, heartbeat_answer, heartbeat_plan
from probes.models import Outcome, Request
from tests.support.looks import look

TOKEN = "hop-thu-xa-mot"
OPTIONS = {"token_sha256": sha256(TOKEN.encode()).hexdigest(), "every": "60s", "grace": "30s"}


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def book(clock):
    book = HeartbeatBook(monotonic=clock)
    book.expect([OPTIONS])
    return book


async def test_a_site_that_pinged_lately_is_ok_and_gives_no_duration(book, clock):
    assert book.ping(TOKEN)
    clock.now += 90
    answer = await look(book, "", 0, options=OPTIONS)
    assert answer.outcome is Outcome.OK
    assert math.isnan(answer.rtt)


async def test_silence_beyond_pace_and_grace_is_a_timeout_that_says_how_long(book, clock):
    book.ping(TOKEN)
    clock.now += 91
    answer = await look(book, "", 0, options=OPTIONS)
    assert answer.outcome is Outcome.TIMEOUT
    assert answer.detail == "silent for 91 s, expected every 60 s + 30 s"
    assert math.isnan(answer.rtt)


async def test_the_first_ping_after_silence_brings_the_site_back_at_once(book, clock):
    clock.now += 1000
    assert (await look(book, "", 0, options=OPTIONS)).outcome is Outcome.TIMEOUT
    book.ping(TOKEN)
    assert (await look(book, "", 0, options=OPTIONS)).outcome is Outcome.OK


async def test_after_a_start_nothing_is_held_against_a_site_until_it_could_have_pinged(book, clock):
    clock.now += 60
    answer = await look(book, "", 0, options=OPTIONS)
    assert answer.outcome is Outcome.ERROR
    assert not answer.outcome.is_failure
    clock.now += 31
    answer = await look(book, "", 0, options=OPTIONS)
    assert answer.outcome is Outcome.TIMEOUT
    assert answer.detail.startswith("no ping in 91 s")


def test_an_unknown_token_is_counted_and_changes_nothing(book):
    assert not book.ping("somebody")
    assert not book.ping("")
    assert not book.ping("x" * 100_000)
    assert (book.pinged, book.unknown) == (0, 3)


async def test_a_reload_keeps_when_a_token_last_came_and_forgets_tokens_that_went(book, clock):
    other = {"token_sha256": sha256(b"other").hexdigest()}
    book.ping(TOKEN)
    clock.now += 50
    book.expect([OPTIONS, other])
    clock.now += 30
    assert (await look(book, "", 0, options=OPTIONS)).outcome is Outcome.OK
    book.expect([other])
    assert not book.ping(TOKEN)
    assert book.ping("other")


async def test_an_option_that_cannot_be_meant_is_our_error_and_names_it(book):
    answer = await look(book, "", 0, options={"token_sha256": "short"})
    assert answer.outcome is Outcome.ERROR
    assert "token_sha256" in answer.detail
    answer = await look(book, "", 0, options=OPTIONS | {"every": "soon"})
    assert "every" in answer.detail


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1h", 3600), ("250ms", 0.25), ("1.5m", 90)]
)
def test_a_pace_is_said_as_people_say_it(text, seconds):
    assert heartbeat_plan(OPTIONS | {"every": text}).every == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["-1", "1d", "soon", "1 m", "١", "0", "1e3"])
def test_a_pace_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="every"):
        heartbeat_plan(OPTIONS | {"every": text})


def test_grace_is_half_the_pace_where_nobody_says():
    plan = heartbeat_plan({"token_sha256": OPTIONS["token_sha256"]})
    assert (plan.every, plan.grace) == (60, 30)


@pytest.mark.parametrize("age", [0, 45, 89.999, 90])
def test_every_age_up_to_the_patience_is_alive(age):
    plan = heartbeat_plan(OPTIONS)
    assert heartbeat_answer(plan, last=100, since=0, now=100 + age).outcome is Outcome.OK


async def test_pings_from_many_threads_while_looks_are_taken_are_all_counted(book):
    def ping_often():
        for _ in range(500):
            book.ping(TOKEN)

    threads = [threading.Thread(target=ping_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    answers = []
    for _ in range(50):
        request = Request(0, "", 0, OPTIONS, 1.0)
        done = asyncio.get_running_loop().create_future()
        book.begin(request, lambda _request, answer, done=done: done.set_result(answer))
        answers.append(await done)
    for thread in threads:
        thread.join()
    assert book.pinged == 2000
    assert Outcome.TIMEOUT not in {answer.outcome for answer in answers}

"""What survives SIGKILL: a real process is killed between any two steps, another takes over."""

import asyncio
import re
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from alerting.models import DeliveryState, IncidentState
from tests.support.acting import COMMUNES, a_duty_room, ring_evidence, until
from tests.support.acting_servers import a_mail_sink

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def room(tmp_path, database_url):
    async with a_duty_room(tmp_path, url=database_url) as room:
        yield room


@pytest.fixture
async def sink():
    async with a_mail_sink() as sink:
        yield sink


@asynccontextmanager
async def a_process(room, sink, where="never"):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.acting_process",
        room.database.url.render_as_string(hide_password=False), str(sink.port), where,
        cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            async with asyncio.timeout(60):
                await process.wait()


async def died(process):
    async with asyncio.timeout(60):
        assert await process.wait() == -signal.SIGKILL


def mailed(sink):
    """Answer (to whom, number) of every page that arrived; in a storm one mail carries several."""
    return [
        (mail["To"], number)
        for mail in sink.mails
        for number in sorted(set(re.findall(r"SC-\d+-\d+", mail.get_content())))
    ]


async def is_all_sent(room):
    pages = [m for one in await room.incidents() for m in await room.messages(one.id)]
    return pages and all(m.state == DeliveryState.SENT for m in pages)


async def all_sent(room):
    await until(lambda: is_all_sent(room), within=60)


@pytest.mark.parametrize(
    ("where", "most"),
    [
        pytest.param("after-commit", 1, id="killed between commit and send: the page is sent once"),
        pytest.param("before-send", 1, id="killed while holding it: the page is sent once"),
        pytest.param("after-send", 2, id="killed before writing it down: the page arrives at most twice"),
    ],
)
async def test_a_killed_process_loses_no_page_and_opens_no_second_incident(room, sink, where, most):
    await room.believe()
    async with a_process(room, sink, where) as process:
        await died(process)
    opened = await room.incident()
    assert opened.state is IncidentState.OPEN
    async with a_process(room, sink):
        await all_sent(room)
    assert 1 <= len(sink.mails) <= most
    assert {to for to, _ in mailed(sink)} == {"truc1@vnpt.invalid"}
    assert len({mail["Message-ID"] for mail in sink.mails}) == 1
    assert await room.incidents() == [opened]
    assert (await room.events(opened.id)).count("opened") == 1


async def test_killed_again_and_again_in_a_storm_every_incident_is_one_and_every_page_arrives(room, sink):
    count = 8
    for code in COMMUNES[:count]:
        site = f"UB-{code}"
        evidence = ring_evidence(sites=[site], paths=[f"{site}-DT"], targets=[f"{site}-DT-1"])
        await room.believe(f"path:{site}-DT", evidence=evidence)
    for _ in range(3):
        seen = len(sink.mails)
        async with a_process(room, sink) as process:

            async def some_left(seen=seen):
                return len(sink.mails) > seen or await is_all_sent(room)

            await until(some_left, within=60)
            process.kill()
            await process.wait()
    async with a_process(room, sink):
        await all_sent(room)
    found = await room.incidents()
    assert len({one.condition for one in found}) == len(found) == count
    numbers = [number for _, number in mailed(sink)]
    assert set(numbers) == {one.number for one in found}
    # At most the mails that were in the air at a kill arrive a second time: four a channel, each of all pages at most.
    assert len(sink.mails) <= count + 3 * 4
    assert {to for to, _ in mailed(sink)} == {"truc1@vnpt.invalid"}

"""The live stream: nothing missed, nothing twice, nobody waits for the slow, everything ends at shutdown."""

import asyncio
import json

import pytest

from dashboards.feed import Audience
from dashboards.i18n import Language
from dashboards.live import Hub, HubFullError
from inventory.access import Role
from tests.dashboards.conftest import Visitor
from tests.support.duty_room import PASSWORD, served

SOON = 5.0


def a_hub(**options) -> Hub:
    return Hub(boot="boot", **options)


async def read(stream, count: int) -> list[str]:
    """Take the next ``count`` messages that are no comment and no retry line."""
    found = []
    async with asyncio.timeout(SOON):
        while len(found) < count:
            chunk = (await anext(stream)).decode()
            if chunk.startswith("event"):
                found.append(chunk)
    return found


async def test_a_watcher_gets_the_whole_picture_and_then_each_step():
    hub = a_hub()
    watcher = hub.watch("vi")
    stream = watcher.stream()
    hub.found("vi", lambda: "whole")
    assert await read(stream, 1) == ["event: snapshot\nid: boot-0\ndata: whole\n\n"]
    hub.publish("vi", "board", "one")
    hub.publish("vi", "board", "two\nlines")
    assert await read(stream, 2) == [
        "event: board\nid: boot-1\ndata: one\n\n",
        "event: board\nid: boot-2\ndata: two\ndata: lines\n\n",
    ]


async def test_a_browser_that_lost_the_line_resumes_after_the_last_event_it_saw():
    hub = a_hub()
    hub.leave(hub.watch("vi"))
    hub.found("vi", lambda: "whole")
    for step in ("one", "two", "three"):
        hub.publish("vi", "board", step)
    back = hub.watch("vi", last_event_id="boot-1")
    seen = await read(back.stream(), 2)
    assert [chunk.split("data: ")[1].strip() for chunk in seen] == ["two", "three"]


@pytest.mark.parametrize(
    "last",
    ["", "other-1", "boot-99", "boot-x", "1", "boot--1"],
    ids=["none", "boot", "future", "word", "bare", "neg"],
)
async def test_an_id_that_is_not_of_this_stream_begins_with_the_whole_picture(last):
    hub = a_hub()
    hub.watch("vi")
    hub.found("vi", lambda: "whole")
    hub.publish("vi", "board", "one", snapshot=lambda: "newest")
    [first] = await read(hub.watch("vi", last_event_id=last).stream(), 1)
    assert first == "event: snapshot\nid: boot-1\ndata: newest\n\n"


async def test_what_fell_out_of_the_ring_is_not_replayed_in_part():
    hub = a_hub(ring=3)
    hub.watch("vi")
    hub.found("vi", lambda: "whole")
    for step in range(10):
        hub.publish("vi", "board", str(step))
    [first] = await read(hub.watch("vi", last_event_id="boot-2").stream(), 1)
    assert first.startswith("event: snapshot\nid: boot-10")
    resumed = await read(hub.watch("vi", last_event_id="boot-8").stream(), 2)
    assert [chunk.split("\n")[1] for chunk in resumed] == ["id: boot-9", "id: boot-10"]


async def test_numbers_of_a_channel_that_was_dropped_never_come_again():
    hub = a_hub()
    watcher = hub.watch("vi")
    hub.publish("vi", "board", "one")
    hub.leave(watcher)
    hub.drop("vi")
    other = hub.watch("en")
    hub.publish("en", "board", "x")
    assert other.channel.number == 1
    again = hub.watch("vi", last_event_id="boot-1")
    hub.found("vi", lambda: "whole")
    assert (await read(again.stream(), 1))[0].startswith("event: snapshot\nid: boot-2")


async def test_a_slow_reader_gets_one_snapshot_instead_of_every_step_and_delays_nobody():
    hub = a_hub(depth=4)
    slow, quick = hub.watch("vi"), hub.watch("vi")
    hub.found("vi", lambda: "begin")
    slow_stream, quick_stream = slow.stream(), quick.stream()
    await read(slow_stream, 1)
    await read(quick_stream, 1)
    for step in range(20):
        hub.publish("vi", "board", str(step), snapshot=lambda: "now")
        await read(quick_stream, 1)
    hub.publish("vi", "board", "last", snapshot=lambda: "now")
    [first] = await read(slow_stream, 1)
    assert first == "event: snapshot\nid: boot-21\ndata: now\n\n"
    hub.publish("vi", "board", "after")
    assert (await read(slow_stream, 1))[0].endswith("data: after\n\n")


async def test_a_quiet_line_is_kept_open_by_comments():
    hub = a_hub(keep_alive=0.01)
    stream = hub.watch("vi").stream()
    chunks = [await anext(stream) for _ in range(3)]
    assert chunks == [b"retry: 2000\n\n", b": still here\n\n", b": still here\n\n"]


async def test_closing_ends_every_stream_and_those_that_come_later():
    hub = a_hub()
    streams = [hub.watch(key).stream() for key in ("vi", "vi", "en")]
    waiting = [asyncio.create_task(_drained(stream)) for stream in streams]
    await asyncio.sleep(0)
    hub.close()
    async with asyncio.timeout(60):
        await asyncio.gather(*waiting)
        await _drained(hub.watch("vi").stream())


async def _drained(stream):
    async for _ in stream:
        pass


async def test_no_more_streams_than_this_process_will_serve():
    hub = a_hub(most=2)
    first = hub.watch("vi")
    hub.watch("en")
    with pytest.raises(HubFullError):
        hub.watch("vi")
    hub.leave(first)
    hub.watch("vi")


OFFICE = Audience(Language.VI, None, sees_board=True)
VNPT = Audience(Language.VI, "VNPT", sees_board=False)
VIETTEL = Audience(Language.VI, "VIETTEL", sees_board=False)


def told(chunk: str) -> dict:
    return json.loads(chunk.split("data: ", 1)[1])


async def test_a_cut_reaches_the_board_as_turned_tiles_and_only_the_parts_that_changed(room):
    stream = room.deps.hub.watch(OFFICE).stream()
    await room.feed.turn()
    whole = told((await read(stream, 1))[0])
    assert whole["tiles"] == {}
    assert set(whole["parts"]) == {"stages", "counts", "places", "incidents", "duty", "recent", "footer"}
    await room.feed.turn()
    await room.cut("VNPT-RING-947")
    await room.feed.turn()
    [chunk] = await read(stream, 1)
    assert chunk.startswith("event: board")
    step = told(chunk)
    assert step["tiles"]["31708"] == "at_risk"
    assert len(step["tiles"]) == 11
    assert set(step["parts"]) == {"counts", "places", "incidents", "recent"}
    assert "Vòng ring VNPT huyện Mỹ Xuyên" in step["parts"]["incidents"]


async def test_time_alone_moves_nothing_but_the_pulse(room):
    await room.cut("VNPT-RING-947")
    stream = room.deps.hub.watch(OFFICE).stream()
    await room.feed.turn()
    await read(stream, 1)
    number = room.deps.hub.watch(OFFICE).channel.number
    await room.advance(20)
    await room.feed.turn()
    assert room.deps.hub.watch(OFFICE).channel.number == number


async def test_a_carrier_hears_of_its_own_incidents_and_of_nothing_else(room):
    unsubscribe = room.alerting.subscribe(room.feed._act)
    streams = {audience: room.deps.hub.watch(audience).stream() for audience in (VNPT, VIETTEL)}
    await room.feed.turn()
    for stream in streams.values():
        assert (await read(stream, 1))[0].startswith("event: snapshot")
    await room.cut("VNPT-RING-947")
    await room.feed.turn()
    room.feed.beat()
    mine = await read(streams[VNPT], 2)
    assert [chunk.split("\n")[0] for chunk in mine] == ["event: touched", "event: pulse"]
    assert told(mine[0]) == {"incidents": [1], "sites": []}
    theirs = await read(streams[VIETTEL], 1)
    assert theirs[0].startswith("event: pulse")
    unsubscribe()


async def test_the_feed_outlives_a_bad_turn_counts_it_and_tells_afterwards_what_it_missed(room):
    async def broken(_number, **_options):
        raise OSError("the disk is full")

    stop = asyncio.Event()
    stream = room.deps.hub.watch(VNPT).stream()
    running = asyncio.create_task(room.feed.run(stop))
    assert (await read(stream, 1))[0].startswith("event: snapshot")
    whole, room.deps.records.incident = room.deps.records.incident, broken
    await room.cut("VNPT-RING-947")
    async with asyncio.timeout(SOON):
        while not room.feed.failures:
            await asyncio.sleep(0)
    room.deps.records.incident = whole
    touched = [chunk for chunk in await read(stream, 2) if chunk.startswith("event: touched")]
    assert told(touched[0])["incidents"] == [1]
    stop.set()
    await running
    assert room.feed.last_success is not None


async def test_a_stream_without_a_session_is_refused_and_with_one_ends_at_shutdown(room):
    await room.deps.auth.add("trucban", Role.DUTY_OFFICER, PASSWORD)
    stranger = Visitor(room)
    assert (await stranger.client.get("/events")).status_code == 401
    await stranger.client.aclose()
    async with served(room) as address:
        visitor = Visitor(room)
        await visitor.sign_in("trucban")
        cookie = visitor.client.cookies["thongsuot"]
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
        writer.write(f"GET /events HTTP/1.1\r\nHost: x\r\nCookie: thongsuot={cookie}\r\n\r\n".encode())
        async with asyncio.timeout(SOON):
            answer = await reader.readuntil(b"event: snapshot")
        assert b"text/event-stream" in answer
        began = asyncio.get_running_loop().time()
    async with asyncio.timeout(SOON):
        await reader.read()
    assert asyncio.get_running_loop().time() - began < 1.5
    writer.close()
    await visitor.client.aclose()

"""A carrier's live stream moves only when something of its own does: no event, no pulse, no number tells of others."""

import asyncio

import pytest

from dashboards.feed import Audience
from dashboards.i18n import Language
from inventory.access import Role
from tests.dashboards.conftest import Visitor
from tests.support.duty_room import PASSWORD

SOON = 60.0
BOARD = Audience(Language.VI, None, sees_board=True)
VIETTEL = Audience(Language.VI, "VIETTEL", sees_board=False)
VNPT = Audience(Language.VI, "VNPT", sees_board=False)


class Listener:
    """Hears everything that a stream says, as it comes."""

    def __init__(self, room, audience) -> None:
        self.watcher = room.deps.hub.watch(audience)
        self.heard: list[str] = []
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for chunk in self.watcher.stream():
            self.heard.append(chunk.decode())

    async def settle(self) -> None:
        """Let everything that was given be heard."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def stop(self) -> None:
        self.watcher.close()
        await self._task


@pytest.fixture
async def listen(room):
    made = []

    def begin(audience):
        made.append(Listener(room, audience))
        return made[-1]

    leave = room.alerting.subscribe(room.feed._act), room.monitor.subscribe(room.feed._believe)
    yield begin
    for unsubscribe in leave:
        unsubscribe()
    for each in made:
        await each.stop()


async def told_apart(room, listener):
    """Answer what the listener hears in one turn of the feed."""
    before = len(listener.heard)
    await room.feed.turn()
    await listener.settle()
    return listener.heard[before:]


async def test_a_storm_at_another_carrier_is_not_to_be_heard_at_all(room, listen):
    mine, theirs = listen(VIETTEL), listen(VNPT)
    await room.feed.turn()
    await mine.settle()
    begun = list(mine.heard)
    await room.cut("VNPT-RING-947")
    assert await told_apart(room, mine) == []
    assert any("touched" in chunk for chunk in theirs.heard)
    await room.restore()
    await room.advance(60)
    assert await told_apart(room, mine) == []
    assert mine.heard == begun


async def test_event_ids_of_a_carrier_do_not_count_what_happens_to_others(room, listen):
    mine = listen(VIETTEL)
    board = listen(BOARD)
    await room.feed.turn()
    for _ in range(3):
        await room.cut("VNPT-RING-947")
        await room.feed.turn()
        await room.restore()
        await room.feed.turn()
    await board.settle()
    assert board.watcher.channel.number > 3
    bts = next(c for c, r in room.inventory.risks.items() if r.kind == "bts" and r.owner == "VIETTEL")
    await room.cut(bts)
    touched = [chunk for chunk in await told_apart(room, mine) if "touched" in chunk]
    assert len(touched) == 1
    assert touched[0].split("id: ")[1].split("\n")[0].endswith("-1")


async def test_the_pulse_of_a_carrier_beats_by_the_clock_alone(room, listen, monkeypatch):
    """The feed runs; while another's incidents change all the time, the carrier hears as many pulses as without."""
    monkeypatch.setattr("dashboards.feed._PULSE_SECONDS", 0.2)
    mine = listen(VIETTEL)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    began = loop.time()
    running = asyncio.create_task(room.feed.run(stop))
    await room.cut("VNPT-RING-947")
    [incident] = await room.incidents()
    changes = 0
    async with asyncio.timeout(SOON):
        while loop.time() - began < 1.0 or changes < 3:  # the cut alone may take that second
            await room.alerting.note(incident.id, actor="vnpt", note="đang sửa")
            changes += 1
    stop.set()
    await running
    most = (loop.time() - began) / 0.2 + 1
    pulses = sum("event: pulse" in chunk for chunk in mine.heard)
    assert changes > 0
    assert pulses <= most
    assert not any("touched" in chunk for chunk in mine.heard)


async def test_a_restricted_matter_moves_no_stream_but_is_read_on_its_page(room, listen):
    await room.deps.auth.add("vt", Role.CARRIER, PASSWORD, party="VIETTEL")
    visitor = Visitor(room)
    await visitor.sign_in("vt")
    assert visitor.client.cookies["thongsuot"]
    made = await visitor.send(
        "/incidents",
        {"matter": "security", "note": "lộ mật khẩu", "key": "k" * 32},
        seen_on="/incidents/new",
    )
    assert made.status_code == 200, made.text
    listeners = [listen(audience) for audience in (BOARD, VNPT)]
    for one in listeners:
        assert not [chunk for chunk in await told_apart(room, one) if "touched" in chunk]
    await visitor.client.aclose()

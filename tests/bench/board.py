"""The board of a nation: 11,000 communes, 200 watchers on the live stream, a district cut and mended every two seconds.

The service's pages, belief and database run in a process of their own, whose processor time is what is measured;
the watchers in another; a real browser opens the board and is asked when it painted first, and when a tile turned.
Some of the watchers are a burden: ten stop reading altogether, five read 8 KiB a second, all on a line as Ethernet
has them (a loopback segment is 64 KiB, and the kernel would keep megabytes for each). How soon the others see a change
is measured first without these, then beside them, once so many districts came and went that the service dropped all
ten to a snapshot. Then they wake: each must get that snapshot and be as current as everybody else.

Nothing is missed by being late: a watcher that has not heard within ten seconds counts as that late. Whether anything
was lost is asked of the numbers: every event that any watcher heard after another one's first must have come to that
one too, alone or within a later snapshot.
"""

import asyncio
import contextlib
import json
import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import numpy as np
from playwright.async_api import Page, async_playwright

from inventory.access import Role
from inventory.generate.nation import nation_folder
from inventory.loader import load
from probes.models import Evidence, Flag, Look, Outcome, SampleBatch, batch_of
from tests.dashboards.test_browser import ARGUMENTS, CHROMIUM
from tests.support.duty_room import PASSWORD, DutyRoom, served

__all__ = ["run"]

COMMUNES = 11_000
TARGETS = 145_297
"""As many as make the generator draw 11,000 communes."""
WATCHERS, ASLEEP, SLOW = 200, 10, 5
SLOW_BYTES, SEGMENT = 8192, 1400
"""What a slow reader reads in a second, and what a segment holds on a line that is no loopback."""
ALONE, CUTS = 6, 12
"""Rounds that are measured without slow readers and beside them."""
DROPPING = 60
EVERY_SECONDS = 2.0
LATEST_SECONDS = 10.0
LIMIT_PAINT_SECONDS = LIMIT_VISIBLE_SECONDS = 1.0
LIMIT_CORE = 0.3
READY_SECONDS = 240.0


class NationRoom(DutyRoom):
    """A duty room whose looks are columns: a hundred and forty thousand rows are too many to write one by one."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.turns = asyncio.Lock()
        self.lost: list[int] = []

    def _batch(self, rows: list[int], outcome: Outcome) -> SampleBatch:
        vantage = next(iter(self.inventory.vantages.values()))
        at_ns = int(self.now.timestamp() * 1e9)
        looks = [Look(row, at_ns, outcome, 0.002, evidence=Evidence.PROTOCOL) for row in rows]
        looks += [
            Look(place, at_ns + 1_000_000, Outcome.OK, 0.0004, flags=Flag.CANARY)
            for place in range(len(vantage.canaries))
        ]
        self._sequence += 1
        return batch_of(
            looks, vantage=vantage.code, fleet=self.inventory.digest, epoch=1, sequence=self._sequence
        )

    async def believe_all(self) -> None:
        """Look at everything often enough, and for long enough, for it to be believed up and to be armed."""
        everything = list(range(len(self.inventory.targets)))
        for seconds_ago in (600, 300, 0):
            self.now = datetime.now(UTC) - timedelta(seconds=seconds_ago)
            await self.monitor.take(self._batch(everything, Outcome.OK))

    async def look_on(self) -> None:
        """Let everything that is not cut be seen up every ten seconds, a tenth a second, as a nation's vantage does.

        What nobody looks at grows stale, all at once: that is another storm than the one that is measured here.
        """
        everything = len(self.inventory.targets)
        tenths = [self._batch(list(range(first, everything, 10)), Outcome.OK) for first in range(10)]
        while True:
            for tenth in tenths:
                await asyncio.sleep(1)
                async with self.turns:
                    self._sequence += 1
                    self.now = datetime.now(UTC)
                    await self.monitor.take(_without(tenth, self.lost, self.now, self._sequence))

    async def turn(self, rows: list[int], outcome: Outcome) -> None:
        """Let some targets be seen down or up by as many looks as belief asks for, as if 150 ms apart until now."""
        async with self.turns:
            self.lost = rows if outcome is Outcome.TIMEOUT else []
            for before in reversed(range(8)):
                self.now = datetime.now(UTC) - timedelta(seconds=0.15 * before)
                await self.monitor.take(self._batch(rows, outcome))
                await self.monitor.tick()
                await asyncio.sleep(0.01)


def _without(batch: SampleBatch, lost: list[int], now: datetime, sequence: int) -> SampleBatch:
    """Answer the same looks as if they were begun now, without those at what is cut."""
    kept = ~np.isin(batch.target, lost)
    columns = ("target", "outcome", "rtt", "code", "evidence", "flags", "phases")
    return replace(
        batch,
        sequence=sequence,
        at_ns=np.full(int(kept.sum()), int(now.timestamp() * 1e9), np.int64),
        **{name: getattr(batch, name)[kept] for name in columns},
    )


async def _serve(folder: Path) -> None:
    inventory = load(folder / "nation")
    room = NationRoom(folder, inventory=inventory, at=datetime.now(UTC) - timedelta(minutes=11))
    async with room.database.begin() as connection:
        from inventory.database import metadata  # noqa: PLC0415 - the tables are known once the room is built

        await connection.run_sync(metadata.create_all)
    await room.monitor.start()
    await room.believe_all()
    await room.deps.auth.add("trucban", Role.DUTY_OFFICER, PASSWORD)
    await asyncio.sleep(EVERY_SECONDS)
    codes = {code: row for row, code in enumerate(inventory.targets)}
    topology = room.monitor.topology
    looking = asyncio.create_task(room.look_on())
    async with served(room) as address:
        _tell(ready=address)
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        while line := (await reader.readline()).decode().split():
            if line[0] == "cpu":
                spent = resource.getrusage(resource.RUSAGE_SELF)
                behind = sum(one.is_behind for one in room.deps.hub.open_streams())
                _tell(cpu=spent.ru_utime + spent.ru_stime, at=time.monotonic(), behind=behind)
                continue
            ring = line[1]
            rows = [codes[target] for target in topology.targets_of_risk(ring)]
            _tell(began=time.monotonic(), targets=len(rows))
            await room.turn(rows, Outcome.TIMEOUT if line[0] == "cut" else Outcome.OK)
            _tell(believed=time.monotonic())
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    await room.close()


def _tell(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


class Server:
    """The service in its own process, spoken to line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, line: str) -> None:
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    async def told(self, key: str, seconds: float = 60.0) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            while True:
                line = await self._process.stdout.readline()
                if not line:
                    raise RuntimeError("the service ended")
                if line.startswith(b"{") and key in (facts := json.loads(line)):
                    return facts


@asynccontextmanager
async def _service(folder: Path) -> AsyncIterator[tuple[Server, str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.board",
        str(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None,
        limit=1 << 22,
    )
    server = Server(process)
    try:
        yield server, (await server.told("ready", READY_SECONDS))["ready"]
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


class Watcher:
    """One open stream: when each picture of the board came, by number; a snapshot holds all before it."""

    def __init__(self) -> None:
        self.came: list[float] = []
        self.numbers: set[int] = set()
        self.first = self.whole = -1
        self.snapshots = 0
        self._name = ""

    async def watch(self, client: httpx2.AsyncClient, opened: asyncio.Event) -> None:
        async with client.stream("GET", "/events", timeout=None) as answer:
            async for line in answer.aiter_lines():
                self.take(line)
                if self.came:
                    opened.set()

    def take(self, line: str) -> None:
        """Hear one line of the stream."""
        if line.startswith("event: "):
            self._name = line.removeprefix("event: ")
        elif line.startswith("id: ") and self._name in {"board", "snapshot"}:
            self._hear(self._name, int(line.rpartition("-")[2]))

    def _hear(self, name: str, number: int) -> None:
        self.came.append(time.monotonic())
        self.numbers.add(number)
        self.first = number if self.first < 0 else self.first
        if name == "snapshot":
            self.snapshots += 1
            self.whole = max(self.whole, number)

    def lacks(self, told: set[int]) -> set[int]:
        """Answer what of ``told`` never came, neither alone nor within a snapshot."""
        return {number for number in told if number > max(self.first, self.whole)} - self.numbers


class Sleeper(Watcher):
    """A watcher that reads ``pace`` bytes a second, or nothing, until it is woken."""

    def __init__(self, pace: int) -> None:
        super().__init__()
        self.is_asleep = pace == 0
        self.awake = asyncio.Event()
        self._pace = pace
        self._line = socket.socket()
        self._rest = b""
        # Little fits into the line itself, so that what is not read soon weighs on the service.
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
        self._line.setblocking(False)

    async def open(self, address: str, cookie: str) -> None:
        """Ask for the stream."""
        host, _, port = address.removeprefix("http://").partition(":")
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._line, (host, int(port)))
        asked = f"GET /events HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\n\r\n"
        await loop.sock_sendall(self._line, asked.encode())

    async def read(self) -> None:
        """Read the first picture, then as slowly as it does."""
        while not self.awake.is_set():
            if self.came and self._pace == 0:
                await self.awake.wait()
            elif self.came:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.awake.wait(), 1.0)
            await self._read(65536 if not self.came else SLOW_BYTES)
        while await self._read(65536):
            pass

    async def _read(self, size: int) -> bool:
        read = await asyncio.get_running_loop().sock_recv(self._line, size)
        *lines, self._rest = (self._rest + read).split(b"\n")
        for line in lines:
            self.take(line.decode(errors="replace"))
        return bool(read)

    def close(self) -> None:
        """Hang up."""
        self._line.close()


async def _all_current(sleepers: list[Sleeper], watchers: list[Watcher]) -> int:
    """Wake everybody; answer how many then heard the newest picture that others had, in ten seconds at most."""
    newest = max(max(watcher.numbers) for watcher in watchers)
    for sleeper in sleepers:
        sleeper.awake.set()
    end = time.monotonic() + LATEST_SECONDS
    while time.monotonic() < end and not all(max(one.numbers) >= newest for one in sleepers):
        await asyncio.sleep(0.05)
    return sum(max(one.numbers) >= newest for one in sleepers)


async def _all_heard(watchers: list[Watcher], began: float) -> None:
    """Wait until everybody heard something since ``began``, ten seconds at most."""
    end = time.monotonic() + LATEST_SECONDS
    while time.monotonic() < end and not all(one.came[-1] >= began for one in watchers):
        await asyncio.sleep(0.02)


async def _signed_in(address: str) -> str:
    async with httpx2.AsyncClient(base_url=address, follow_redirects=True) as client:
        page = await client.get("/sign-in")
        token = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)[1]
        form = {"csrf": token, "name": "trucban", "password": PASSWORD, "next": "/duty"}
        await client.post("/sign-in", data=form, headers={"origin": address})
        return f"thongsuot={client.cookies['thongsuot']}"


_PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime / 1000 || null"
_TURNED = """() => { window.turned = []; new MutationObserver(found => { if (found.some(
  one => one.target.classList && one.target.classList.contains('tile'))) requestAnimationFrame(
  () => window.turned.push(performance.timeOrigin + performance.now())); })
  .observe(document.querySelector('svg.tiles'), {attributes: true, subtree: true, attributeFilter: ['class']}); }"""


async def _browse(page: Page, address: str, cookie: str) -> dict[str, float]:
    name, _, value = cookie.partition("=")
    await page.context.add_cookies([{"name": name, "value": value, "url": address}])
    paints = []
    for _ in range(3):
        await page.goto(f"{address}/", wait_until="load")
        # A page may be loaded before it was painted.
        painted = await page.wait_for_function(_PAINTED)
        paints.append(await painted.json_value())
    await page.evaluate(_TURNED)
    return {"first_paint": float(np.median(paints)), "first_paint_worst": max(paints)}


async def _measured(folder: Path) -> dict[str, Any]:
    async with _service(folder) as (server, address), async_playwright() as playwright:
        cookie = await _signed_in(address)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        painted = await _browse(page, address, cookie)
        limits = httpx2.Limits(max_connections=WATCHERS + 10)
        async with httpx2.AsyncClient(base_url=address, headers={"cookie": cookie}, limits=limits) as client:
            watchers = [Watcher() for _ in range(WATCHERS - ASLEEP - SLOW)]
            opened = [asyncio.Event() for _ in watchers]
            tasks = [
                asyncio.create_task(one.watch(client, event))
                for one, event in zip(watchers, opened, strict=True)
            ]
            await asyncio.gather(*(event.wait() for event in opened))
            sleepers = [Sleeper(0) for _ in range(ASLEEP)] + [Sleeper(SLOW_BYTES) for _ in range(SLOW)]
            facts = await _cut_and_mend(server, watchers, sleepers, (address, cookie))
            turned = await page.evaluate("window.turned")
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await browser.close()
    seen = [_after(turned, wall) for wall in facts.pop("walls")]
    return {
        "name": "board",
        "ours": painted["first_paint"],
        "peer": None,
        "limit": LIMIT_PAINT_SECONDS,
        "unit": "s to first paint",
        "ratio": painted["first_paint"] / LIMIT_PAINT_SECONDS,
        **painted,
        "communes": COMMUNES,
        "watchers": WATCHERS,
        **facts,
        "tile_turned_seconds_p95": float(np.percentile(seen, 95)) if seen else float("nan"),
        "limit_visible": LIMIT_VISIBLE_SECONDS,
        "limit_core": LIMIT_CORE,
    }


def _after(turned: list[float], wall: float) -> float:
    later = [one / 1000 - wall for one in turned if one / 1000 >= wall]
    return min(later, default=float("inf"))


async def _drop_sleepers(server: Server) -> int:
    """Let districts come and go until each sleeper has more before it than its line and queue hold; answers how many.

    Sixty of them at most; slow readers fall behind and catch up, so that it must be seen twice.
    """
    seen = 0
    for number in range(DROPPING):
        for act in ("cut", "mend"):
            await _act(server, act, ALONE + number)
        seen = seen + 1 if (await _told_cpu(server))["behind"] >= ASLEEP else 0
        if seen > 1:
            return number + 1
    return DROPPING


async def _act(server: Server, act: str, number: int) -> tuple[float, float]:
    """Cut or mend a district; answer when its looks began to fail or to hold, and when that was believed.

    Each number stands for a district of its own: of a line that just lost looks, more is asked.
    """
    await server.ask(f"{act} VNPT-RING-D{number * 7:03d}")
    began = (await server.told("began"))["began"]
    return began, (await server.told("believed"))["believed"]


async def _told_cpu(server: Server) -> dict[str, Any]:
    await server.ask("cpu")
    return await server.told("cpu")


class _Rounds:
    """What some rounds of cutting and mending came to."""

    def __init__(self, server: Server, watchers: list[Watcher]) -> None:
        self._server = server
        self._watchers = watchers
        self.delays: list[float] = []
        self.believing: list[float] = []
        self.walls: list[float] = []
        self.core = 0.0

    async def run(self, numbers: range) -> None:
        first = await _told_cpu(self._server)
        for number in numbers:
            for act in ("cut", "mend"):
                # From the first failed look: that belief takes several of them is counted in, to our cost.
                began, believed = await _act(self._server, act, number)
                self.walls.append(time.time() - (time.monotonic() - began))
                self.believing.append(believed - began)
                await _all_heard(self._watchers, began)
                await asyncio.sleep(EVERY_SECONDS)
                for watcher in self._watchers:
                    came = [at for at in watcher.came if at >= began]
                    self.delays.append(min(came) - began if came else LATEST_SECONDS)
        last = await _told_cpu(self._server)
        self.core = (last["cpu"] - first["cpu"]) / (last["at"] - first["at"])

    @property
    def p95(self) -> float:
        return float(np.percentile(self.delays, 95))


async def _cut_and_mend(
    server: Server, watchers: list[Watcher], sleepers: list[Sleeper], at: tuple[str, str]
) -> dict[str, Any]:
    alone, beside = _Rounds(server, watchers), _Rounds(server, watchers)
    await alone.run(range(ALONE))
    for sleeper in sleepers:
        await sleeper.open(*at)
    reading = [asyncio.create_task(sleeper.read()) for sleeper in sleepers]
    districts = await _drop_sleepers(server)
    behind = (await _told_cpu(server))["behind"]
    await beside.run(range(ALONE + DROPPING, ALONE + DROPPING + CUTS))
    current = await _all_current(sleepers, watchers)
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    told = set[int]().union(*(watcher.numbers for watcher in watchers))
    for sleeper in sleepers:
        sleeper.close()
    return {
        "visible_seconds_p95": beside.p95,
        "visible_seconds_worst": float(max(beside.delays)),
        "visible_alone_seconds_p95": alone.p95,
        "believed_seconds_worst": max(beside.believing),
        "late": sum(delay > LIMIT_VISIBLE_SECONDS for delay in beside.delays),
        "missed": sum(len(watcher.lacks(told)) for watcher in [*watchers, *sleepers]),
        "snapshots": sum(watcher.snapshots for watcher in watchers) - len(watchers),
        "asleep": ASLEEP,
        "slow": SLOW,
        "behind": behind,
        "districts_until_behind": districts,
        "dropped": sum(one.snapshots > 1 for one in sleepers if one.is_asleep),
        "dropped_slow": sum(one.snapshots > 1 for one in sleepers if not one.is_asleep),
        "current_after_waking": current,
        "core": beside.core,
        "core_alone": alone.core,
        "walls": beside.walls,
    }


def run() -> dict[str, Any]:
    """Draw the nation, serve its board, watch it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        nation_folder(targets=TARGETS).write(folder / "nation")
        return asyncio.run(_measured(folder))


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))

"""A duty room to look at: the sample province believed and acted on for real, under a clock set by hand.

Monitor, alerting, database and pages are the product's own; only the looks are made up. Run it to see the pages:
``python -m tests.support.duty_room --port 8099 --scene during`` (admin / thong-suot-demo).
"""

import argparse
import asyncio
import contextlib
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

import alerting.schema
import inventory.schema
import monitor.schema
from alerting.attachments import EvidenceFolder
from alerting.endpoint_service import EndpointService
from alerting.inspection_service import InspectionPlan
from alerting.inspections import Answer as Found
from alerting.inspections import Result
from alerting.models import CauseClass
from alerting.notify.event import EventChannel
from alerting.service import AlertingService
from alerting.settings import EventSettings
from dashboards.assembly import assemble
from dashboards.feed import Feed
from dashboards.passwords import Passwords
from dashboards.routes import install
from dashboards.settings import PagesSettings
from inventory.access import Role
from inventory.database import open_engine
from inventory.loader import load
from inventory.models import Inventory, Target
from inventory.samples import sample
from inventory.sealing import Sealing
from monitor.look_now import LookNow
from monitor.metrics import ServiceMetrics
from monitor.service import MonitorService
from probes.models import Answer, Evidence, Flag, Look, Outcome, batch_of
from probes.once import OnceSeen
from tests.support import databases
from tests.support.sealing import KeyRing
from tests.support.tables import make_tables

__all__ = ["EVENING", "PASSWORD", "SCENES", "DutyRoom", "a_duty_room", "sample_of", "served"]

EVENING = datetime(2021, 5, 23, 12, 18, 2, tzinfo=UTC)
"""19:18:02 on election day: the polls have just closed and the count has begun."""
PASSWORD = "thong-suot-demo"
ACCOUNTS = (
    ("admin", Role.ADMINISTRATOR, "", ""),
    ("trucban", Role.DUTY_OFFICER, "", "STTTT-OPS-1"),
    ("vnpt", Role.CARRIER, "VNPT", ""),
    ("viettel", Role.CARRIER, "VIETTEL", ""),
    ("ubbc", Role.COMMITTEE, "", ""),
)
_TABLES = (alerting.schema, inventory.schema, monitor.schema)
_EVIDENCE = {"icmp": Evidence.TRANSPORT, "tcp": Evidence.TRANSPORT}


@cache
def sample_of(name: str) -> Inventory:
    """Load a ready-made province once."""
    return load(sample(name))


class DutyRoom:
    """A province whose lines are cut by calling :meth:`cut`. ``now`` is what every clock says."""

    def __init__(
        self,
        folder: Path,
        *,
        province: str = "soc-trang-2021",
        at: datetime = EVENING,
        inventory: Inventory | None = None,
    ) -> None:
        self.now = at
        self.inventory = inventory or sample_of(province)
        self.database = open_engine(databases.at(folder / "room.db"))
        self.monitor = MonitorService(
            database=self.database, inventory=self.inventory, clock=self.clock, metrics=ServiceMetrics()
        )
        self.alerting = AlertingService(
            database=self.database,
            inventory=self.inventory,
            clock=self.clock,
            token=secrets.token_urlsafe,
            public_url="http://127.0.0.1",
            evidence=EvidenceFolder(folder / "evidence"),
        )
        self.asked: list[str] = []
        self.vantage = next(iter(self.inventory.vantages))
        self.seal_keys = KeyRing()
        self.sealing = Sealing(self.seal_keys, clock=self.clock)
        self.deps = assemble(
            look_now=self._looks_now(),
            database=self.database,
            monitor=self.monitor,
            alerting=self.alerting,
            clock=self.clock,
            token=secrets.token_urlsafe,
            sealing=self.sealing,
            settings=PagesSettings(),
            files=EvidenceFolder(folder / "evidence"),
            endpoints=self._endpoints(),
            # The smallest argon2 there is: these passwords guard nothing.
            passwords=Passwords(
                hasher=PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
            ),
        )
        self.feed = Feed(self.deps)
        self.down: set[str] = set()
        self._sequence = 0

    def _endpoints(self) -> EndpointService:
        channel = EventChannel(
            EventSettings(networks=("127.0.0.0/8",)),
            database=self.database,
            sealing=self.sealing,
            clock=self.clock,
            public_url="http://127.0.0.1",
            party_name=str,
        )
        return EndpointService(
            database=self.database,
            sealing=self.sealing,
            clock=self.clock,
            token=secrets.token_urlsafe,
            channel=channel,
        )

    def clock(self) -> datetime:
        return self.now

    def _seconds(self) -> float:
        return self.now.timestamp()

    def app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)
        install(app, self.deps)
        return app

    async def open(self) -> None:
        await make_tables(self.database)
        await self.monitor.start()
        await self.look()

    async def close(self) -> None:
        self.deps.hub.close()
        await self.database.dispose()

    async def add_accounts(self) -> None:
        for name, role, party, person in ACCOUNTS:
            await self.deps.auth.add(name, role, PASSWORD, party=party, person=person)

    async def look(self, *, canaries: bool = True) -> None:
        """Look once at everything, canaries last, so that they vouch for the failures."""
        at_ns = int(self.now.timestamp() * 1e9)
        looks = [self._look(number, code, at_ns) for number, code in enumerate(self.inventory.targets)]
        [vantage] = self.inventory.vantages.values()
        outcome = Outcome.OK if canaries else Outcome.TIMEOUT
        looks += [
            Look(place, at_ns + 1_000_000, outcome, 0.0004, flags=Flag.CANARY)
            for place in range(len(vantage.canaries))
        ]
        self._sequence += 1
        batch = batch_of(
            looks, vantage=vantage.code, fleet=self.inventory.digest, epoch=1, sequence=self._sequence
        )
        await self.monitor.take(batch)

    def _look(self, number: int, code: str, at_ns: int) -> Look:
        target = self.inventory.targets[code]
        if code in self.down:
            return Look(number, at_ns, Outcome.TIMEOUT)
        # A steady, plausible delay for each target, with a slow swell.
        rtt = 0.0008 + (number * 37 % 53) / 9000 + 0.0006 * ((at_ns // 60_000_000_000 + number) % 7)
        return Look(number, at_ns, Outcome.OK, rtt, evidence=_EVIDENCE.get(target.kind, Evidence.PROTOCOL))

    def _looks_now(self) -> LookNow:
        """Answer what looks when a page asks: at the same made-up lines, keeping what was asked in ``asked``."""

        async def look(target: Target, granted: float | None) -> OnceSeen:
            self.asked.append(target.code)
            number = list(self.inventory.targets).index(target.code)
            seen = self._look(number, target.code, int(self.now.timestamp() * 1e9))
            whole = (granted or 0.0) if seen.outcome is Outcome.TIMEOUT else seen.rtt
            answer = Answer(seen.outcome, rtt=seen.rtt, evidence=seen.evidence)
            return OnceSeen(answer, target.address, 0.0, whole)

        return LookNow(
            database=self.database,
            places=lambda: (self.monitor.inventory, self.monitor.topology),
            vantage=lambda: self.vantage,
            look=look,
            clock=self.clock,
            monotonic=self._seconds,
        )

    async def advance(self, seconds: float, *, step: float = 5.0, canaries: bool = True) -> None:
        """Let time pass, looking and acting every ``step`` seconds."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.now = min(end, self.now + timedelta(seconds=step))
            await self.look(canaries=canaries)
            await self.act()

    async def act(self) -> None:
        await self.monitor.tick()
        await self.alerting.absorb()
        await self.alerting.tick()

    async def cut(self, *risks: str) -> None:
        """Cut what hangs on risk groups, and let it be noticed: a few looks and the hold."""
        for risk in risks:
            self.down |= set(self.monitor.topology.targets_of_risk(risk))
        await self._settle()

    async def cut_targets(self, targets: Iterable[str]) -> None:
        self.down |= set(targets)
        await self._settle()

    async def restore(self) -> None:
        self.down.clear()
        await self._settle()

    async def _settle(self) -> None:
        for _ in range(9):
            self.now += timedelta(seconds=1)
            await self.look()
            await self.act()

    async def incidents(self):
        return await self.deps.records.live(owner=None)


async def before(room: DutyRoom) -> None:
    await room.advance(240, step=20)


async def during(room: DutyRoom) -> None:
    await before(room)
    await room.cut("VNPT-RING-947")
    await room.advance(25)


async def field_work(room: DutyRoom) -> None:
    """A visit with its findings, and a drill to come."""
    day, actor = timedelta(days=1), "Thanh tra Sở"
    visits = room.deps.inspections
    visit = await visits.plan(InspectionPlan("947", room.now - 6 * day, (actor,)), actor=actor)
    answers = {"generator": Found(Result.FAULT, "Không nổ khi có tải"), "fuel": Found(Result.OK)}
    await visits.answer(visit.id, answers, hosts=["UBND huyện Mỹ Xuyên"], remarks="")
    for text, owner, due in (("Thay bình khởi động", "VNPT", -day), ("Thêm đường dự phòng", "VIETTEL", day)):
        await visits.find(visit.id, text=text, owner=owner, due_at=room.now + due, actor=actor)
    await room.deps.drills.plan(
        "Diễn tập đứt vòng ring",
        scenario="Vòng ring Mỹ Xuyên đứt lúc 08:00, mưa to.",
        parties=["VNPT", "VIETTEL"],
        starts_at=room.now + 2 * day,
        ends_at=room.now + 2 * day + timedelta(hours=4),
        actor=actor,
    )


async def busy(room: DutyRoom) -> None:
    """Several matters at once, in several states."""
    await field_work(room)
    await before(room)
    bts = [
        code for code, risk in room.inventory.risks.items() if risk.kind == "bts" and risk.owner == "VIETTEL"
    ]
    await room.cut(bts[5])
    await room.advance(30)
    [first] = await room.incidents()
    await room.alerting.acknowledge(first.id, actor="Trực ca Viettel 2", person="VIETTEL-OPS-2")
    await room.alerting.progress(
        first.id,
        actor="Trực ca Viettel 2",
        note="Mất điện lưới, tổ ứng cứu đang mang máy nổ tới trạm.",
        eta=room.now + timedelta(minutes=35),
    )
    await room.advance(40)
    olts = [code for code, risk in room.inventory.risks.items() if risk.kind in {"olt", "ont"}]
    await room.cut(olts[60])
    await room.advance(20)
    await room.cut("VNPT-RING-947")
    mobiles = [
        path
        for path in room.inventory.paths.values()
        if path.medium == "mobile_data" and path.site.startswith("UBBC-317")
    ]
    await room.cut_targets(
        target for path in mobiles[:3] for target in room.monitor.topology.targets_of_path(path.code)
    )
    await room.advance(65)


async def after(room: DutyRoom) -> None:
    await during(room)
    [incident] = await room.incidents()
    await room.alerting.acknowledge(incident.id, actor="Trực ca VNPT 2", person="VNPT-OPS-2")
    await room.advance(120, step=10)
    await room.restore()
    await room.advance(60)


async def closed(room: DutyRoom) -> None:
    await after(room)
    for incident in await room.incidents():
        await room.alerting.close(
            incident.id,
            actor="Trực ban Sở 1",
            cause=CauseClass.FIBRE_CUT,
            note="Xe cẩu làm đứt cáp, đã hàn nối.",
        )


async def long(room: DutyRoom) -> None:
    """An hour on record, with an outage and a time in which the vantage saw nothing."""
    await room.advance(1200, step=12)
    await room.cut("VNPT-RING-947")
    await room.advance(400, step=12)
    await room.restore()
    await room.advance(600, step=12)
    await room.advance(300, step=5, canaries=False)
    await room.advance(1000, step=12)


SCENES = {"long": long, "before": before, "during": during, "busy": busy, "after": after, "closed": closed}


@asynccontextmanager
async def a_duty_room(folder: Path, **options) -> AsyncIterator[DutyRoom]:
    room = DutyRoom(folder, **options)
    await room.open()
    try:
        yield room
    finally:
        await room.close()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):
        yield


@asynccontextmanager
async def served(room: DutyRoom, port: int = 0) -> AsyncIterator[str]:
    """Serve the pages of ``room`` on loopback with the live feed running; answers the address."""
    config = uvicorn.Config(
        room.app(), port=port, log_level="warning", lifespan="off", timeout_graceful_shutdown=2
    )
    server = _Server(config)
    stop = asyncio.Event()
    feeding = asyncio.create_task(room.feed.run(stop))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        bound = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{bound}"
    finally:
        room.deps.hub.close()
        stop.set()
        server.should_exit = True
        await asyncio.gather(serving, feeding)


async def _demonstrate(port: int, scene: str, province: str, *, play: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with a_duty_room(Path(folder), province=province) as room:
            await room.add_accounts()
            await SCENES[scene](room)
            async with served(room, port) as address:
                print(f"{address}  admin / {PASSWORD}", flush=True)
                seconds = 0
                while True:
                    await asyncio.sleep(1)
                    seconds += 1
                    room.now += timedelta(seconds=1)
                    await room.look()
                    await room.act()
                    if play and seconds == 10:
                        await room.cut("VNPT-RING-947")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--scene", choices=SCENES, default="busy")
    parser.add_argument("--province", default="soc-trang-2021")
    parser.add_argument("--play", action="store_true", help="cut a ring after ten seconds")
    chosen = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_demonstrate(chosen.port, chosen.scene, chosen.province, play=chosen.play))


if __name__ == "__main__":
    main()

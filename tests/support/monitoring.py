"""Builders for belief: a small inventory, batches of samples, a service on a real database with a hand-set clock.

The inventory is one district: a VNPT ring with two OLTs of two communes each, every commune with a fixed line and a
fibre line behind its OLT and a Viettel mobile line behind a base station of its own. Codes say where they hang:
``X-31-FIXED`` is the fixed line of commune 31; targets are named after their paths.
"""

from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path as FilePath
from zoneinfo import ZoneInfo

from inventory.database import metadata, open_engine
from inventory.models import (
    Agency,
    Area,
    AreaKind,
    Canary,
    Deadlines,
    Election,
    Inventory,
    LookPolicy,
    Medium,
    Party,
    PartyKind,
    Path,
    Phase,
    PhaseSpan,
    Policy,
    Priority,
    ProbeKind,
    Risk,
    RiskKind,
    Site,
    SiteKind,
    Target,
    Vantage,
)
from monitor import schema
from monitor.metrics import ServiceMetrics
from monitor.service import MonitorService
from probes.models import Evidence, Flag, Look, Outcome, batch_of
from tests.support import databases

__all__ = [
    "COMMUNES",
    "NOON",
    "Duty",
    "HandClock",
    "a_batch",
    "a_deadline",
    "an_inventory",
    "belief_on",
    "ns",
]

NOON = datetime(2021, 5, 23, 5, 0, tzinfo=UTC)
COMMUNES = ("31", "32", "33", "34")
OLT_OF = {"31": "OLT-1", "32": "OLT-1", "33": "OLT-2", "34": "OLT-2"}

_TABLES = schema.__all__


def ns(seconds: float) -> int:
    """Nanoseconds since 1970 of a number of seconds after noon."""
    return int(NOON.timestamp()) * 1_000_000_000 + round(seconds * 1_000_000_000)


def a_deadline() -> Deadlines:
    return Deadlines(timedelta(minutes=10), timedelta(hours=1), timedelta(hours=2))


def an_inventory(
    *,
    look: LookPolicy | None = None,
    hold: float = 1.0,
    quorum: int = 1,
    canaries: int = 0,
    vantages: Sequence[str] = ("V1",),
    without: Sequence[str] = (),
    digest: str = "one",
) -> Inventory:
    """The district described above, less the targets named in ``without``."""
    paths = _paths()
    targets = [
        Target(code, code, ProbeKind.ICMP, f"127.0.{number}.1")
        for number, code in enumerate(paths)
        if code not in without
    ]
    return Inventory(
        election=an_election(),
        policy=Policy(
            looks={},
            default_look=look or LookPolicy(),
            deadlines={},
            default_deadlines=a_deadline(),
            escalation={},
            escalation_repeat=timedelta(minutes=5),
            hold_seconds=hold,
            quorum=quorum,
        ),
        parties={code: Party(code, PartyKind.CARRIER, code.title()) for code in ("VNPT", "VIETTEL")},
        vantages={
            code: Vantage(
                code, code, canaries=tuple(Canary(f"127.1.0.{n}", f"group {n}") for n in range(canaries))
            )
            for code in vantages
        },
        areas=_areas(),
        sites={
            f"X-{c}": Site(f"X-{c}", c, SiteKind.COMMUNE_COMMITTEE, f"UBBC xã {c}", Priority.B)
            for c in COMMUNES
        },
        paths=paths,
        risks=_risks(),
        links={},
        targets={target.code: target for target in targets},
        people={},
        shifts=(),
        digest=digest,
    )


def _areas() -> dict[str, Area]:
    return {
        "P": Area("P", None, AreaKind.PROVINCE, "Tỉnh P"),
        "D": Area("D", "P", AreaKind.RURAL_DISTRICT, "Huyện D"),
        **{c: Area(c, "D", AreaKind.COMMUNE, f"Xã {c}") for c in COMMUNES},
    }


def _paths() -> dict[str, Path]:
    paths: dict[str, Path] = {}
    for commune in COMMUNES:
        behind = (OLT_OF[commune],)
        for name, medium, carrier, risks in (
            ("FIXED", Medium.FIXED_LINE, "VNPT", behind),
            ("FIBRE", Medium.FIBRE, "VNPT", behind),
            ("MOBILE", Medium.MOBILE, "VIETTEL", (f"BTS-{commune}",)),
        ):
            code = f"X-{commune}-{name}"
            paths[code] = Path(code, f"X-{commune}", medium, carrier, risks=risks)
    return paths


def _risks() -> dict[str, Risk]:
    return {
        "CORE": Risk("CORE", RiskKind.CORE, "Mạng lõi VNPT", "VNPT", "P"),
        "RING": Risk("RING", RiskKind.RING, "Vòng ring D", "VNPT", "D", "CORE"),
        "OLT-1": Risk("OLT-1", RiskKind.OLT, "OLT 1", "VNPT", "D", "RING"),
        "OLT-2": Risk("OLT-2", RiskKind.OLT, "OLT 2", "VNPT", "D", "RING"),
        **{f"BTS-{c}": Risk(f"BTS-{c}", RiskKind.BTS, f"BTS {c}", "VIETTEL", "D") for c in COMMUNES},
    }


def an_election() -> Election:
    return Election(
        code="E",
        name="Bầu cử",
        name_en="Election",
        day=date(2021, 5, 23),
        zone=ZoneInfo("Asia/Ho_Chi_Minh"),
        agency=Agency("Sở TTTT", "Department", "STTTT"),
        spans=(PhaseSpan(Phase.POLL, NOON - timedelta(hours=5), NOON + timedelta(hours=9)),),
    )


@dataclass
class HandClock:
    """A clock that stands until it is set."""

    at: datetime = NOON

    def __call__(self) -> datetime:
        return self.at

    def set(self, seconds: float) -> None:
        """Stand at so many seconds after noon."""
        self.at = NOON + timedelta(seconds=seconds)


def a_batch(
    looks: Mapping[str, Outcome] | Sequence[tuple[str, float, Outcome]],
    inventory: Inventory,
    *,
    at: float = 0.0,
    vantage: str = "V1",
    epoch: int = 1,
    sequence: int = 1,
    canaries: Sequence[tuple[int, float, Outcome]] = (),
    flags: Flag = Flag.NONE,
    canary_flags: Flag = Flag.NONE,
    rtt: float = 0.01,
):
    """A batch of looks at targets by code, all at ``at`` seconds after noon or each with its own time."""
    index = {code: place for place, code in enumerate(inventory.targets)}
    rows = [(c, at, o) for c, o in looks.items()] if isinstance(looks, Mapping) else list(looks)

    def look(target: int, seconds: float, outcome: Outcome, flags: Flag) -> Look:
        return Look(
            target=target,
            at_ns=ns(seconds),
            outcome=outcome,
            rtt=rtt if outcome is Outcome.OK else float("nan"),
            evidence=Evidence.TRANSPORT if outcome is Outcome.OK else Evidence.NONE,
            flags=flags,
        )

    taken = [
        look(number, seconds, outcome, Flag.CANARY | canary_flags) for number, seconds, outcome in canaries
    ]
    taken += [look(index[code], seconds, outcome, flags) for code, seconds, outcome in rows]
    return batch_of(taken, vantage=vantage, fleet=inventory.digest, epoch=epoch, sequence=sequence)


@dataclass
class Duty:
    """A service under test, its clock, and the ways to feed it."""

    service: MonitorService
    clock: HandClock
    inventory: Inventory
    metrics: ServiceMetrics
    database: object
    epoch: int = 1
    sequence: int = 0
    heard: list = field(default_factory=list)

    async def look(self, looks, *, at: float, after: float = 0.0, **more) -> None:
        """Take one batch of looks that started at ``at``, ``after`` seconds later."""
        self.sequence += 1
        self.clock.set(at + after)
        batch = a_batch(
            looks,
            more.pop("inventory", self.inventory),
            at=at,
            epoch=self.epoch,
            sequence=self.sequence,
            **more,
        )
        await self.service.take(batch)

    async def all_answer(self, *, at: float, but: Sequence[str] = (), **more) -> None:
        """Every target answers at ``at``, except those that time out."""
        outcomes = {c: Outcome.TIMEOUT if c in but else Outcome.OK for c in self.inventory.targets}
        await self.look(outcomes, at=at, **more)

    async def fall(self, *codes: str, at: float, after: float = 0.0, **more) -> None:
        """Three failures in a row of ``codes``, the first at ``at``, 200 ms apart, in one batch."""
        rows = [(c, at + 0.2 * n, Outcome.TIMEOUT) for n in range(3) for c in codes]
        await self.look(rows, at=at, after=0.4 + after, **more)

    async def rise(self, *codes: str, at: float, **more) -> None:
        """Two answers in a row of ``codes``, the first at ``at``."""
        rows = [(c, at + 0.2 * n, Outcome.OK) for n in range(2) for c in codes]
        await self.look(rows, at=at, after=0.2, **more)

    async def tick(self, *, at: float, **more: bool) -> None:
        self.clock.set(at)
        await self.service.tick(**more)


@asynccontextmanager
async def belief_on(file: FilePath, inventory: Inventory, *, at: float = 0.0, epoch: int = 1, clock=None):
    """A started service over the database in ``file``; leaving it is a kill, not a stop."""
    if clock is None:
        clock = HandClock()
        clock.set(at)
    database = open_engine(databases.at(file))
    async with database.begin() as connection:
        await connection.run_sync(
            lambda plain: metadata.create_all(plain, tables=[getattr(schema, name) for name in _TABLES])
        )
    metrics = ServiceMetrics()
    service = MonitorService(database=database, inventory=inventory, clock=clock, metrics=metrics)
    duty = Duty(service, clock, inventory, metrics, database, epoch=epoch)
    service.subscribe(duty.heard.extend)
    try:
        await service.start()
        yield duty
    finally:
        await database.dispose()


def with_address(inventory: Inventory, target: str, address: str, *, digest: str, **more) -> Inventory:
    """The same inventory with one target moved, or looked at otherwise."""
    moved = replace(inventory.targets[target], address=address, **more)
    return replace(inventory, targets={**inventory.targets, target: moved}, digest=digest)

"""``thongsuot bench report``: a month of 100,000 paths and 50,000 outages to DOCX, PDF and XLSX, against 15 seconds.

The record is made up: every path one target of a province, outages over thirty days at random with a fixed seed, a
tenth of them in incidents. ``ours`` is the time from record to the three files, folding included.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from alerting.models import CauseClass, IncidentState
from dashboards.reports.building import Format, build
from dashboards.reports.order import Kind, Order
from dashboards.reports.record import PathOutage, Record, ReportedIncident, ReportedPath, Unseen
from inventory.loader import load
from inventory.models import Inventory, Medium, Phase, Priority, Severity
from inventory.samples import sample

__all__ = ["made_up", "run"]

_LIMIT = 15.0
_CARRIERS = ("VNPT", "VIETTEL", "MOBIFONE", "FPT")


def made_up(*, paths: int = 100_000, outages: int = 50_000, days: int = 30) -> Record:
    """Make up a month that ends the day after the election."""
    inventory = load(sample("soc-trang-2021"))
    rng = Random(7)
    until = next(span.end for span in inventory.election.spans if span.phase is Phase.TALLY)
    since = until - timedelta(days=days)
    made = tuple(_paths(inventory, rng, count=paths))
    found = tuple(_outages(made, rng, since=since, days=days, count=outages))
    names = {code: (area.name, area.name_en) for code, area in inventory.areas.items()} | {
        code: (party.name, party.name_en) for code, party in inventory.parties.items()
    }
    return Record(
        since=since,
        until=until,
        taken_at=until,
        election=inventory.election,
        paths=made,
        outages=found,
        unseen=tuple(_unseen(since)),
        incidents=tuple(_incidents(found[::500], rng)),
        names=names,
    )


def _paths(inventory: Inventory, rng: Random, *, count: int) -> Iterator[ReportedPath]:
    communes = [area for area in inventory.areas.values() if area.kind.is_commune_level]
    media = list(Medium)
    for number in range(count):
        commune = communes[number % len(communes)]
        yield ReportedPath(
            f"P{number:06}",
            f"S{number // 3:06}",
            f"Điểm {number // 3}",
            rng.choice(_CARRIERS),
            rng.choice(media),
            rng.choice(list(Priority)),
            commune.parent or "",
            commune.code,
            f"w{number % 2}",
        )


def _outages(
    paths: Sequence[ReportedPath], rng: Random, *, since: datetime, days: int, count: int
) -> Iterator[PathOutage]:
    causes = list(CauseClass)
    for number in range(count):
        start = since + timedelta(seconds=rng.random() * days * 86400)
        yield PathOutage(
            f"outage:{number}",
            paths[rng.randrange(len(paths))].code,
            start,
            start + timedelta(seconds=rng.expovariate(1 / 900)),
            rng.choice(causes),
            f"SC-21-{number // 10}" if number % 10 == 0 else "",
        )


def _incidents(outages: Sequence[PathOutage], rng: Random) -> Iterator[ReportedIncident]:
    for number, each in enumerate(outages):
        yield ReportedIncident(
            number=f"SC-21-{number}",
            owner=rng.choice(_CARRIERS),
            title="Mất liên lạc",
            title_en="Lost",
            severity=rng.choice(list(Severity)),
            phase=Phase.POLL,
            priority=rng.choice(list(Priority)),
            state=IncidentState.CLOSED,
            began_at=each.started_at,
            opened_at=each.started_at + timedelta(seconds=12),
            acknowledged_at=each.started_at + timedelta(seconds=100),
            restored_at=each.ended_at,
            cause=each.cause,
        )


def _unseen(since: datetime) -> Iterator[Unseen]:
    for number in range(90):
        start = since + timedelta(hours=number * 7)
        yield Unseen(f"unobserved:{number}", f"w{number % 2}", start, start + timedelta(minutes=9))


def run() -> dict[str, Any]:
    """Build the report once."""
    record = made_up()
    times: list[float] = []
    begun, worked = time.perf_counter(), time.process_time()
    built = build(
        Order(Kind.POST_ELECTION),
        replace(record),
        formats=(Format.PDF, Format.DOCX, Format.XLSX),
        on_step=lambda _done, _of: times.append(time.perf_counter() - begun),
    )
    spent = time.perf_counter() - begun
    steps = [after - before for before, after in zip((0.0, *times), times, strict=False)]
    named = dict(
        zip(("fold_seconds", "compose_seconds", *(each.value for each in built.files)), steps, strict=False)
    )
    sizes = {f"{each.value}_bytes": len(content) for each, content in built.files.items()}
    return {
        "name": "report",
        "ours": round(spent, 2),
        "peer": None,
        "limit": _LIMIT,
        "unit": "s",
        "ratio": round(_LIMIT / spent, 2),
        "cpu_seconds": round(time.process_time() - worked, 2),
        "paths": len(record.paths),
        "outages": len(record.outages),
        **named,
        **sizes,
    }

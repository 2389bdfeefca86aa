"""``thongsuot bench report``: a month of 100,000 paths and 50,000 outages to DOCX, PDF and XLSX, against 15 seconds.

The record is made up: every path one target of a province, outages over thirty days at random with a fixed seed, a
tenth of them in incidents. ``ours`` is the time from record to the three files, folding included.
"""

import time
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from alerting.models import CauseClass, IncidentState
from dashboards.reports.building import Format, build
from dashboards.reports.order import Kind, Order
from dashboards.reports.record import PathOutage, Record, ReportedIncident, ReportedPath, Unseen
from inventory.loader import load
from inventory.models import Medium, Phase, Priority, Severity
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
    communes = [area for area in inventory.areas.values() if area.kind.is_commune_level]
    media, causes = list(Medium), list(CauseClass)
    made = tuple(
        ReportedPath(
            f"P{number:06}",
            f"S{number // 3:06}",
            f"Điểm {number // 3}",
            rng.choice(_CARRIERS),
            rng.choice(media),
            rng.choice(list(Priority)),
            communes[number % len(communes)].parent or "",
            communes[number % len(communes)].code,
            f"w{number % 2}",
        )
        for number in range(paths)
    )
    seconds = days * 86400
    found = []
    for number in range(outages):
        start = since + timedelta(seconds=rng.random() * seconds)
        incident = f"SC-21-{number // 10}" if number % 10 == 0 else ""
        found.append(
            PathOutage(
                f"outage:{number}",
                made[rng.randrange(paths)].code,
                start,
                start + timedelta(seconds=rng.expovariate(1 / 900)),
                rng.choice(causes),
                incident,
            )
        )
    incidents = tuple(
        ReportedIncident(
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
        for number, each in enumerate(found[::500])
    )
    unseen = tuple(
        Unseen(
            f"unobserved:{number}",
            f"w{number % 2}",
            since + timedelta(hours=number * 7),
            since + timedelta(hours=number * 7, minutes=9),
        )
        for number in range(90)
    )
    names = {code: (area.name, area.name_en) for code, area in inventory.areas.items()} | {
        code: (party.name, party.name_en) for code, party in inventory.parties.items()
    }
    return Record(
        since=since,
        until=until,
        taken_at=until,
        election=inventory.election,
        paths=made,
        outages=tuple(found),
        unseen=unseen,
        incidents=incidents,
        names=names,
    )


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

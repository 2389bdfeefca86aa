"""``thongsuot report KIND``: a report from what is stored; ``thongsuot report verify FILE``: whether a file is a frozen one."""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dashboards.i18n import Language
from dashboards.reports.building import Format, build
from dashboards.reports.gathering import assembled, gather
from dashboards.reports.order import Kind, Order, Stage
from dashboards.reports.service import ReportService, window_fault
from dashboards.reports.windows import default_window, moment_of
from inventory.database import open_engine
from inventory.loader import InventoryFaultsError, load
from inventory.models import Inventory
from inventory.rebase import rebased
from inventory.topology import Topology
from monitor.migrations import upgrade
from monitor.settings import Settings, read_settings

__all__ = ["add"]

_VERIFY = "verify"


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("report", help="báo cáo · reports from the record")
    parser.add_argument(
        "what", choices=[*(kind.value for kind in Kind), _VERIFY], help="kind of report, or verify"
    )
    parser.add_argument("file", nargs="?", type=Path, help="file to verify")
    parser.add_argument("--since", help="from, local time: 2021-05-23 or '2021-05-23 07:00'")
    parser.add_argument("--until", help="until, local time; not later than now")
    parser.add_argument("--format", nargs="+", choices=[each.value for each in Format], default=["pdf"])
    parser.add_argument("-o", "--output", type=Path, help="folder, or file where there is one format")
    parser.add_argument("--stage", choices=[stage.value for stage in Stage], default=Stage.INITIAL.value)
    parser.add_argument("--lang", choices=[each.value for each in Language], default=Language.VI.value)
    parser.add_argument("--party", default="", help="carrier or other party; needed for carrier")
    parser.add_argument("--incident", default="", help="number of an incident; needed for dossier")
    parser.add_argument("--area", default="", help="area inspected")
    parser.add_argument("--inventory", type=Path, help="folder of the inventory")
    parser.add_argument("--state", type=Path, help="folder of the database (default: var)")
    parser.add_argument("--json", action="store_true", help="print facts as JSON")
    parser.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    missing = _missing(chosen)
    if missing:
        print(f"{chosen.what}: {missing}", file=sys.stderr)
        return 2
    settings = read_settings(state=chosen.state, inventory=chosen.inventory or _any_inventory(chosen))
    upgrade(settings.url)
    if chosen.what == _VERIFY:
        return asyncio.run(_verify(chosen, settings))
    try:
        inventory = load(settings.inventory)
    except InventoryFaultsError as error:
        print(error, file=sys.stderr)
        return 1
    return asyncio.run(
        _make(chosen, settings, rebased(inventory, settings.day) if settings.day else inventory)
    )


def _any_inventory(chosen: argparse.Namespace) -> Path | None:
    """Answer a folder for verifying, which needs no inventory; everything else reads where it lies from the settings."""
    return Path() if chosen.what == _VERIFY else None


def _missing(chosen: argparse.Namespace) -> str:
    needs = {
        _VERIFY: ("file", "FILE"),
        Kind.CARRIER.value: ("party", "--party"),
        Kind.DOSSIER.value: ("incident", "--incident"),
    }
    name, shown = needs.get(chosen.what, ("", ""))
    return f"{shown} is needed" if name and not getattr(chosen, name) else ""


async def _make(chosen: argparse.Namespace, settings: Settings, inventory: Inventory) -> int:
    kind, now = Kind(chosen.what), datetime.now(UTC)
    zone = inventory.election.zone
    since, until = default_window(kind, inventory.election, now)
    try:
        since = moment_of(chosen.since, zone) if chosen.since else since
        until = min(now, moment_of(chosen.until, zone) if chosen.until else until)
    except ValueError as error:
        print(f"--since, --until: {error}", file=sys.stderr)
        return 2
    if fault := window_fault(since, until):
        print(
            f"--since, --until: {fault} ({since:%Y-%m-%d %H:%M} … {until:%Y-%m-%d %H:%M} UTC)",
            file=sys.stderr,
        )
        return 2
    engine = open_engine(settings.url)
    try:
        rows = await gather(engine, inventory, since, until, incident=chosen.incident)
    finally:
        await engine.dispose()
    record = assembled(rows, inventory, Topology(inventory), since=since, until=until, taken_at=now)
    order = Order(
        kind,
        stage=Stage(chosen.stage),
        language=Language(chosen.lang),
        party=chosen.party,
        incident=chosen.incident,
        area=chosen.area,
    )
    # Without a clock of its own the same record gives the same bytes: what is told is up to the window's end.
    formats = [Format(each) for each in chosen.format]
    built = build(order, replace(record, taken_at=record.until), formats=formats, on_step=_steps(chosen))
    paths = _write(chosen, {form.value: content for form, content in built.files.items()})
    _tell(chosen, {"kind": kind.value, "digest": built.digest, "files": [str(path) for path in paths]})
    return 0


def _steps(chosen: argparse.Namespace) -> Callable[[int, int], None]:
    """Show progress on a terminal, nowhere else."""

    def step(done: int, of: int) -> None:
        if sys.stderr.isatty() and not chosen.json:
            print(f"\r{done}/{of}", end="\n" if done == of else "", file=sys.stderr, flush=True)

    return step


def _write(chosen: argparse.Namespace, files: dict[str, bytes]) -> list[Path]:
    output: Path = chosen.output or Path()
    alone = len(files) == 1 and output.suffix.lstrip(".") in files
    paths = []
    for name, content in files.items():
        path = output if alone else output / f"{chosen.what.replace('_', '-')}.{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        paths.append(path)
    return paths


async def _verify(chosen: argparse.Namespace, settings: Settings) -> int:
    content = chosen.file.read_bytes()
    engine = open_engine(settings.url)

    def nowhere() -> tuple[Inventory, Topology]:
        raise RuntimeError("verifying builds nothing")

    service = ReportService(database=engine, places=nowhere, clock=lambda: datetime.now(UTC))
    try:
        found = await service.verify(content)
    finally:
        await engine.dispose()
    report = found.report
    facts: dict[str, Any] = {"sha256": found.sha256, "holds": found.holds}
    if report is None:
        facts["reason"] = "unknown: this file is none of ours, or it was altered"
    else:
        facts |= {
            "report": report.id,
            "kind": report.kind.value,
            "stage": report.stage.value,
            "digest": report.digest,
        }
        facts["frozen_at"] = report.frozen_at.isoformat() if report.frozen_at else ""
        facts["frozen_by"] = report.frozen_by if report.frozen_at else ""
    if found.broken_at is not None:
        facts["reason"] = f"the chain of seals does not hold from report {found.broken_at}"
    elif report is not None and not report.is_frozen:
        facts["reason"] = "the report is not final"
    _tell(chosen, facts)
    return 0 if found.holds else 1


def _tell(chosen: argparse.Namespace, facts: dict[str, Any]) -> None:
    if chosen.json:
        print(json.dumps(facts, ensure_ascii=False))
        return
    for key, value in facts.items():
        print(f"{key}: {', '.join(value) if isinstance(value, list) else value}")

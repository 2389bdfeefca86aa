"""``thongsuot import planned FILE.ics``: planned work from an iCalendar file, whole or not at all."""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from inventory.database import open_engine
from inventory.loader import InventoryFaultsError, load
from monitor.assembly.clocks import now
from monitor.cli.private import keep_private
from monitor.migrations import upgrade
from monitor.planned_service import Imported, PlannedService
from monitor.settings import Settings, read_settings

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("import", help="nhập dữ liệu từ tệp · take in what a file holds")
    kinds = parser.add_subparsers(title="what", required=True, metavar="WHAT")
    planned = kinds.add_parser(
        "planned", help="công việc theo kế hoạch từ lịch iCalendar · planned work from an iCalendar file"
    )
    planned.add_argument("file", type=Path, help="iCalendar file (.ics); - reads standard input")
    planned.add_argument("--inventory", type=Path, help="inventory folder (or THONGSUOT_INVENTORY)")
    planned.add_argument("--state", type=Path, help="folder of the database (default: var)")
    planned.add_argument("--dry-run", action="store_true", help="only say what would be entered")
    planned.add_argument("--by", default="thongsuot import", help="who enters it, as the record keeps it")
    planned.add_argument("--json", action="store_true", help="print facts as JSON")
    planned.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    try:
        body = sys.stdin.buffer.read() if str(chosen.file) == "-" else chosen.file.read_bytes()
    except OSError as error:
        print(f"{chosen.file}: {error.strerror}", file=sys.stderr)
        return 2
    settings = read_settings(state=chosen.state, inventory=chosen.inventory)
    keep_private(settings)
    try:
        done = asyncio.run(_imported(settings, chosen, body))
    except InventoryFaultsError as error:
        print("\n".join(map(str, error.faults)), file=sys.stderr)
        return 1
    print(_as_json(done) if chosen.json else _as_text(done, is_dry=chosen.dry_run))
    return 1 if done.faults else 0


async def _imported(settings: Settings, chosen: argparse.Namespace, body: bytes) -> Imported:
    inventory = load(settings.inventory)
    await asyncio.to_thread(upgrade, settings.url)
    database = open_engine(settings.url)
    try:
        service = PlannedService(database=database, inventory=lambda: inventory, clock=now)
        return await service.take_calendar(body, chosen.file.name, actor=chosen.by, is_dry=chosen.dry_run)
    finally:
        await database.dispose()


def _as_text(done: Imported, *, is_dry: bool) -> str:
    lines = [f"{fault.shown()} · {fault.shown('en')}" for fault in done.faults]
    lines += [
        f"{w.starts_at.isoformat()} … {w.ends_at.isoformat()}  {w.kind}:{w.subject}  {w.owner}  {w.reference}"
        for w in done.entered
    ]
    did = "sẽ nhập · would enter" if is_dry else "đã nhập · entered"
    lines.append(
        f"{len(done.faults)} lỗi · faults"
        if done.faults
        else f"{did} {len(done.entered)}, không đổi · unchanged {done.unchanged}, hủy · cancelled {done.cancelled}"
    )
    return "\n".join(lines)


def _as_json(done: Imported) -> str:
    facts = {
        "entered": [
            {
                "kind": work.kind.value,
                "subject": work.subject,
                "starts_at": work.starts_at.isoformat(),
                "ends_at": work.ends_at.isoformat(),
                "owner": work.owner,
                "reference": work.reference,
            }
            for work in done.entered
        ],
        "unchanged": done.unchanged,
        "cancelled": done.cancelled,
        "faults": [
            {"file": f.file, "line": f.line, "column": f.column, "value": f.value, "reason": f.reason}
            for f in done.faults
        ],
    }
    return json.dumps(facts, ensure_ascii=False, indent=2)

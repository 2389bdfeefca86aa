"""``thongsuot roster``: take a roster in as an office wrote it, and see what is wrong with the one that stands."""

import argparse
import asyncio
import getpass
import json
import secrets
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alerting.roster import Finding
from alerting.roster_errors import RosterRefusedError
from alerting.roster_imports import Preview, RosterImports
from alerting.roster_service import RosterService
from inventory.database import open_engine
from inventory.kinds import Duty
from inventory.loader import InventoryFaultsError, load
from inventory.models import Inventory
from inventory.rebase import rebased
from monitor.cli.private import keep_private
from monitor.migrations import upgrade
from monitor.settings import Settings, read_settings

__all__ = ["add"]

Answer = tuple[int, dict[str, Any], list[str]]
"""Exit code, facts, and the same as lines."""


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("roster", help="lịch trực · duty rosters")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    taken = verbs.add_parser("import", help="nhập lịch trực từ XLSX, XLS, ODS hoặc CSV · take a roster in")
    taken.add_argument("file", type=Path)
    taken.add_argument("--party", default="", help="party code, where the file does not say it")
    taken.add_argument(
        "--duty", default="", choices=["", *(duty.value for duty in Duty)], help="duty, where it does not say"
    )
    taken.add_argument("--dry-run", action="store_true", help="show what would be taken in, change nothing")
    taken.add_argument(
        "--leave-out", action="store_true", help="take in the rest where cells are not understood"
    )
    wrong = verbs.add_parser(
        "check", help="khoảng trống, trùng ca, người không liên lạc được · what is wrong"
    )
    wrong.add_argument("--party", default="")
    wrong.add_argument("--days", type=int, default=7, help="how many days from now (default: 7)")
    for verb, work in ((taken, _import), (wrong, _check)):
        verb.add_argument("--state", type=Path, default=None, help="folder of the database (default: var)")
        verb.add_argument("--inventory", type=Path, required=True, help="folder of the inventory")
        verb.add_argument("--json", action="store_true", help="print facts as JSON")
        verb.set_defaults(run=_with(work))


def _with(
    work: Callable[[argparse.Namespace, RosterService, Inventory], Awaitable[Answer]],
) -> Callable[[argparse.Namespace], int]:
    def run(chosen: argparse.Namespace) -> int:
        settings = read_settings(state=chosen.state, inventory=chosen.inventory)
        try:
            inventory = load(chosen.inventory)
        except InventoryFaultsError as error:
            print(f"the inventory has faults: {error.faults[0]}", file=sys.stderr)
            return 1
        keep_private(settings)
        upgrade(settings.url)
        try:
            code, facts, lines = asyncio.run(_opened(work, chosen, settings, inventory))
        except (RosterRefusedError, OSError) as error:
            print(error, file=sys.stderr)
            return 1
        print(json.dumps(facts, ensure_ascii=False) if chosen.json else "\n".join(lines))
        return code

    return run


async def _opened(
    work: Callable[[argparse.Namespace, RosterService, Inventory], Awaitable[Answer]],
    chosen: argparse.Namespace,
    settings: Settings,
    inventory: Inventory,
) -> Answer:
    engine = open_engine(settings.url)
    held = rebased(inventory, settings.day) if settings.day else inventory
    service = RosterService(
        database=engine, inventory=lambda: held, clock=_now, token=lambda: secrets.token_urlsafe(16)
    )
    try:
        return await work(chosen, service, held)
    finally:
        await engine.dispose()


def _now() -> datetime:
    return datetime.now(UTC)


async def _import(chosen: argparse.Namespace, service: RosterService, inventory: Inventory) -> Answer:
    imports = RosterImports(service, token=lambda: secrets.token_urlsafe(16))
    content = await asyncio.to_thread(chosen.file.read_bytes)
    duty = Duty(chosen.duty) if chosen.duty else None
    preview = await imports.preview(content, chosen.file.name, scope=None, party=chosen.party, duty=duty)
    facts, lines = _told(preview, inventory)
    faults = preview.understanding.faults
    if chosen.dry_run or (faults and not chosen.leave_out):
        lines.append("Chưa ghi gì. · Nothing was changed.")
        return (1 if faults else 0), {**facts, "taken": 0}, lines
    count = await imports.take(
        preview, actor=f"{getpass.getuser()} (thongsuot roster)", scope=None, leaving_out=chosen.leave_out
    )
    lines.append(f"Đã ghi {count} ca. · {count} shifts taken in.")
    return 0, {**facts, "taken": count}, lines


def _told(preview: Preview, inventory: Inventory) -> tuple[dict[str, Any], list[str]]:
    zone = inventory.election.zone
    understanding = preview.understanding
    shifts = [
        {
            "cell": one.place,
            "party": one.shift.party,
            "duty": one.shift.duty.value,
            "start": one.shift.start.astimezone(zone).isoformat(timespec="minutes"),
            "end": one.shift.end.astimezone(zone).isoformat(timespec="minutes"),
            "person": one.shift.person,
            "name": one.name,
            "substitute": one.substitute_name,
        }
        for one in understanding.shifts
    ]
    doubts = [
        {"cell": d.place, "value": d.text, "vi": d.reason.vi, "en": d.reason.en, "fault": d.is_fault}
        for d in understanding.doubts
    ]
    facts = {
        "shifts": shifts,
        "doubts": doubts,
        "new_people": [
            {"code": p.code, "name": p.name, "contacts": [c.address for c in p.contacts]}
            for p in understanding.people
        ],
        "findings": [_finding(one, inventory) for one in preview.findings],
    }
    lines = [
        f"{s['cell']:<14} {s['party']:<10} {s['duty']:<12} {s['start'][:16]} → {s['end'][:16]}  "
        f"{s['name']}{' / ' + str(s['substitute']) if s['substitute'] else ''}"
        for s in shifts
    ]
    lines += [f"người mới · new: {p.name} ({p.code})" for p in understanding.people]
    lines += [
        f"{'LỖI · FAULT' if d.is_fault else 'lưu ý · note'}  {d.place} “{d.text}”: {d.reason.vi}\n"
        f"             {d.reason.en}"
        for d in understanding.doubts
    ]
    lines += [_line(one, inventory) for one in preview.findings]
    return facts, lines


async def _check(chosen: argparse.Namespace, service: RosterService, inventory: Inventory) -> Answer:
    view = await service.view()
    now = _now()
    found = view.findings(now, now + timedelta(days=chosen.days), chosen.party or None)
    facts = {"findings": [_finding(one, inventory) for one in found]}
    lines = [_line(one, inventory) for one in found] or ["Không thấy gì sai. · Nothing is wrong."]
    return (1 if found else 0), facts, lines


def _finding(one: Finding, inventory: Inventory) -> dict[str, Any]:
    zone = inventory.election.zone
    return {
        "kind": one.kind.value,
        "party": one.party,
        "duty": one.duty.value,
        "start": one.start.astimezone(zone).isoformat(timespec="minutes"),
        "end": one.end.astimezone(zone).isoformat(timespec="minutes"),
        "person": one.person,
        "other": one.other,
    }


def _line(one: Finding, inventory: Inventory) -> str:
    told = _finding(one, inventory)
    return f"{told['kind']:<14} {one.party:<10} {one.duty.value:<12} {told['start'][:16]} → {told['end'][:16]}  {one.person} {one.other}".rstrip()

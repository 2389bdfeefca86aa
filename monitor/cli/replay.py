"""``thongsuot replay``: what would have happened under another policy. Nothing of the service's own is written.

From a record (``thongsuot serve --record DIR``) belief is repeated look by look, so that every rule may differ. Without
one, the causes that the database holds are acted on anew, so that escalation and deadlines may.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from alerting.models import MessageKind
from inventory.document import read_document
from inventory.faults import Faults
from inventory.loader import InventoryFaultsError, load
from inventory.models import Inventory, Policy
from inventory.policy import read_policy
from monitor.assembly.replays import Outcome, from_changes, from_record
from monitor.recording import read_record
from monitor.settings import read_settings
from probes.bus_wire import WireError

__all__ = ["add"]


@dataclass(frozen=True, slots=True)
class _Version:
    """One policy and what came of it."""

    name: str
    outcome: Outcome


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser(
        "replay", help="diễn lại với chính sách khác · what would have happened under another policy"
    )
    parser.add_argument("--record", type=Path, help="folder of a record (thongsuot serve --record)")
    parser.add_argument("--policy", type=Path, help="another policy.yml; without: the inventory's own")
    parser.add_argument("--inventory", type=Path, help="inventory folder (or THONGSUOT_INVENTORY)")
    parser.add_argument("--state", type=Path, help="folder of the database, where there is no record")
    parser.add_argument("--since", type=datetime.fromisoformat, help="only causes from then on (ISO 8601)")
    parser.add_argument("--until", type=datetime.fromisoformat, help="only causes until then (ISO 8601)")
    parser.add_argument("--json", action="store_true", help="print facts as JSON, with every state change")
    parser.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    settings = read_settings(inventory=chosen.inventory, state=chosen.state)
    try:
        inventory = load(settings.inventory)
        other = _policy(chosen.policy, inventory) if chosen.policy else None
    except InventoryFaultsError as error:
        print("\n".join(map(str, error.faults)), file=sys.stderr)
        return 1
    try:
        versions = asyncio.run(_versions(chosen, settings.url, inventory, other))
    except (OSError, WireError) as error:
        print(f"{chosen.record}: {error}", file=sys.stderr)
        return 2
    print(_as_json(versions) if chosen.json else _as_text(versions))
    return 0


def _policy(file: Path, inventory: Inventory) -> Policy:
    faults = Faults()
    policy = read_policy(read_document(file, file.name, faults=faults), vantages=len(inventory.vantages))
    if len(faults):
        raise InventoryFaultsError(faults.all())
    return policy


async def _versions(
    chosen: argparse.Namespace, url: str, inventory: Inventory, other: Policy | None
) -> list[_Version]:
    answer = []
    for name, policy in (("present", None), ("other", other)):
        if name == "other" and policy is None:
            continue
        tried = replace(inventory, policy=policy) if policy is not None else inventory
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder) / "replay.db"
            if chosen.record is not None:
                if not chosen.record.is_dir():
                    raise NotADirectoryError("no record here")
                events = read_record(chosen.record)
                outcome = await from_record(events, tried, scratch, is_same_policy=policy is None)
            else:
                window = (_zoned(chosen.since, inventory), _zoned(chosen.until, inventory))
                outcome = await from_changes(url, tried, scratch, window=window)
        answer.append(_Version(name, outcome))
    return answer


def _zoned(at: datetime | None, inventory: Inventory) -> datetime | None:
    return at.replace(tzinfo=inventory.election.zone) if at is not None and at.tzinfo is None else at


def _as_text(versions: Sequence[_Version]) -> str:
    lines = []
    for version in versions:
        told = (
            "chính sách hiện nay · present policy"
            if version.name == "present"
            else "chính sách khác · other policy"
        )
        outcome = version.outcome
        lines += [
            told,
            (
                f"  {outcome.events} events, {outcome.looks} looks, {len(outcome.changes)} state changes, "
                f"{outcome.outages} outages, {len(outcome.incidents)} incidents, {outcome.pages} pages"
            ),
        ]
        if outcome.unknown_fleets:
            lines.append(f"  {outcome.unknown_fleets} fleets are not known: their looks were left out")
        lines += [
            f"  {i.number}  {i.severity}  {i.owner:<10}  {i.condition:<28}  began {_local(i.began_at, outcome)}  "
            f"opened {_local(i.opened_at, outcome)}  first page {_local(outcome.first_page(i.id), outcome)}  "
            f"ended {_local(i.ended_at, outcome)}  {i.title_en}"
            for i in outcome.incidents
        ]
    return "\n".join(lines)


def _local(at: datetime | None, outcome: Outcome) -> str:
    return "-" if at is None else f"{at.astimezone(outcome.zone):%d/%m %H:%M:%S}"


def _as_json(versions: Sequence[_Version]) -> str:
    return json.dumps(
        {v.name: _facts(v.outcome) for v in versions}, ensure_ascii=False, indent=2, default=str
    )


def _facts(outcome: Outcome) -> dict[str, Any]:
    return {
        "events": outcome.events,
        "looks": outcome.looks,
        "outages": outcome.outages,
        "pages": outcome.pages,
        "unknown_fleets": outcome.unknown_fleets,
        "incidents": [
            {
                "number": i.number,
                "condition": i.condition,
                "owner": i.owner,
                "severity": i.severity,
                "began_at": i.began_at.isoformat(),
                "opened_at": i.opened_at.isoformat(),
                "ended_at": i.ended_at.isoformat() if i.ended_at else None,
                "title": i.title,
                "title_en": i.title_en,
                "messages": [
                    {"kind": m.kind, "person": m.person, "channel": m.channel, "at": m.created_at.isoformat()}
                    for m in outcome.messages
                    if m.incident == i.id and m.kind in set(MessageKind)
                ],
            }
            for i in outcome.incidents
        ],
        "changes": [json.loads(line) for line in outcome.changes],
    }

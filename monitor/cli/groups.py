"""``thongsuot groups``: paths that fall together though no risk group says so, as lines for risks.csv and paths.csv."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from inventory.database import open_engine, reading
from inventory.loader import load
from inventory.models import Inventory
from inventory.topology import Topology
from monitor.assembly.clocks import now
from monitor.cofailure import GroupProposal, lines_to_add, proposals
from monitor.settings import Settings, read_settings
from monitor.store import outages_of

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser(
        "groups",
        help="đề xuất nhóm rủi ro từ các lần cùng hỏng · propose risk groups from what falls together",
    )
    parser.add_argument("--inventory", type=Path, help="inventory folder (or THONGSUOT_INVENTORY)")
    parser.add_argument("--state", type=Path, help="folder of the database (default: var)")
    parser.add_argument("--days", type=int, default=90, help="how far back to look (default: 90)")
    parser.add_argument("--json", action="store_true", help="print facts as JSON")
    parser.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    settings = read_settings(inventory=chosen.inventory, state=chosen.state)
    inventory = load(settings.inventory)
    found = asyncio.run(_found(settings, inventory, timedelta(days=chosen.days)))
    print(_as_json(found, inventory) if chosen.json else _as_text(found, inventory))
    return 0


async def _found(settings: Settings, inventory: Inventory, back: timedelta) -> Sequence[GroupProposal]:
    database, topology, until = open_engine(settings.url), Topology(inventory), now()
    try:
        async with reading(database) as connection:
            outages = await outages_of(connection, tuple(inventory.targets), until - back, until)
    finally:
        await database.dispose()
    return proposals(outages, inventory, topology, since=until - back, until=until)


def _as_text(found: Sequence[GroupProposal], inventory: Inventory) -> str:
    if not found:
        return "# không có đề xuất · nothing to propose"
    lines = []
    for each in found:
        risk, paths = lines_to_add(each, inventory)
        moments = " ".join(
            f"{at.astimezone(inventory.election.zone):%d/%m-%H:%M:%S}" for at in each.moments[-5:]
        )
        lines += [
            (
                f"# {each.code}: {len(each.moments)} lần cùng hỏng · joint failures ({moments}), "
                f"share {each.share:.2f}, chance {each.chance:.1e}"
            ),
            "# risks.csv",
            risk,
            "# paths.csv",
            *paths,
            "",
        ]
    return "\n".join(lines)


def _as_json(found: Sequence[GroupProposal], inventory: Inventory) -> str:
    def facts(each: GroupProposal) -> dict[str, Any]:
        risk, paths = lines_to_add(each, inventory)
        return {
            "code": each.code,
            "paths": dict(zip(each.paths, each.falls, strict=True)),
            "moments": [at.isoformat() for at in each.moments],
            "share": each.share,
            "chance": each.chance,
            "kind": each.kind.value,
            "owner": each.owner,
            "risks.csv": risk,
            "paths.csv": list(paths),
        }

    return json.dumps([facts(each) for each in found], ensure_ascii=False, indent=2)

"""``thongsuot migrate``: bring the database to this version; running it twice does nothing."""

import argparse
import json
from pathlib import Path
from typing import Any

from monitor.cli.private import keep_private
from monitor.migrations import current, upgrade
from monitor.settings import read_settings

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser(
        "migrate", help="nâng cấp cơ sở dữ liệu · bring the database to this version"
    )
    parser.add_argument("--state", type=Path, default=None, help="folder of the database (default: var)")
    parser.add_argument("--json", action="store_true", help="print facts as JSON")
    parser.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    settings = read_settings(state=chosen.state, inventory=Path())
    keep_private(settings)
    before = current(settings.url)
    upgrade(settings.url)
    facts = {"before": before, "now": current(settings.url)}
    print(json.dumps(facts) if chosen.json else f"{facts['before'] or 'empty'} → {facts['now']}")
    return 0

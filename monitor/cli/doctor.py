"""``thongsuot doctor``: what this machine allows, what that means for looking, and how to mend it.

Each finding is ok, a warning (it works, less well) or bad (it will not work, or would lie). The words are in
Vietnamese and in English; ``--json`` gives both. Exit 1 if anything is bad.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from inventory.loader import InventoryFaultsError, load
from monitor.cli.findings import Finding, Level
from monitor.cli.machine import (
    buffers,
    clock,
    descriptors,
    disk,
    echo_sockets,
    filters,
    interpreter,
    raised_buffers,
    resolvers,
)
from monitor.cli.private import modes
from probes.traceroute import first_hops

__all__ = ["add"]

_MARKS = {Level.OK: "ok  ", Level.WARN: "warn", Level.BAD: "BAD "}


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser(
        "doctor", help="máy này cho phép gì · what this machine allows, and how to mend it"
    )
    parser.add_argument("--inventory", type=Path, help="say also which canaries its vantages could have")
    parser.add_argument(
        "--towards", metavar="ADDRESS", help="numeric address to look for the first two routers by"
    )
    parser.add_argument("--state", type=Path, default=Path("var"), help="folder that will hold what changes")
    parser.add_argument("--json", action="store_true", help="print facts as JSON")
    parser.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    checks: list[Callable[[], Finding]] = [
        interpreter,
        echo_sockets,
        raised_buffers,
        buffers,
        descriptors,
        clock,
        resolvers,
        filters,
        lambda: disk(chosen.state),
        lambda: modes(chosen.state),
    ]
    if chosen.towards:
        checks.append(lambda: _canaries(chosen.towards, chosen.inventory))
    findings = [check() for check in checks]
    print(_facts(findings) if chosen.json else _told(findings))
    return 1 if any(finding.level is Level.BAD for finding in findings) else 0


def _canaries(towards: str, folder: Path | None) -> Finding:
    found = first_hops(towards, monotonic=time.monotonic)
    known = _known_canaries(folder) if folder else set()
    missing = [address for address in found if address not in known]
    listed = " ".join(missing) or "-"
    if not found:
        return Finding(
            "canaries", Level.WARN, "-",
            f"không thấy bộ định tuyến nào trên đường tới {towards}", f"no router answers on the way to {towards}",
            "chạy bằng root, hoặc chọn địa chỉ xa hơn", "run as root, or choose an address further away",
        )  # fmt: skip
    return Finding(
        "canaries", Level.OK if not missing else Level.WARN, " ".join(found),
        f"nên có trong vantages.yml: {listed}", f"should stand in vantages.yml: {listed}",
        "canaries: mỗi địa chỉ một dòng" if missing else "", "canaries: one line an address" if missing else "",
    )  # fmt: skip


def _known_canaries(folder: Path) -> set[str]:
    try:
        inventory = load(folder)
    except InventoryFaultsError:
        return set()
    return {canary.address for vantage in inventory.vantages.values() for canary in vantage.canaries}


def _facts(findings: Sequence[Finding]) -> str:
    return json.dumps([finding.facts() for finding in findings], ensure_ascii=False, indent=1)


def _told(findings: Sequence[Finding]) -> str:
    lines = []
    for finding in findings:
        lines.append(f"{_MARKS[finding.level]} {finding.name:14} {finding.value}")
        lines.append(f"{'':20}{finding.vi}")
        lines.append(f"{'':20}{finding.en}")
        if finding.mend_en:
            lines.append(f"{'':20}→ {finding.mend_vi}")
            lines.append(f"{'':20}→ {finding.mend_en}")
    return "\n".join(lines)

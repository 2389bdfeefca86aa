"""``thongsuot check DIR``: every fault and every lint finding of an inventory, before it is loaded."""

import argparse
import json
import re
from pathlib import Path
from typing import Any

from inventory.faults import Faults
from inventory.lint import Finding, lint
from inventory.loader import HEADERS, Examination, Fault, examine
from inventory.models import Inventory
from inventory.spreadsheet import read_sheet
from probes.options import option_reasons

__all__ = ["add"]

_FILE = "targets.csv"
_SECRET = re.compile("pass|key|secret|community")
"""Options whose values are nobody's to read off a terminal."""


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("check", help="kiểm tra danh mục · check an inventory folder")
    parser.add_argument("directory", type=Path, help="folder with election.yml, sites.csv, …")
    parser.add_argument("--json", action="store_true", help="print facts as JSON")
    parser.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    examination = examine(chosen.directory)
    if examination.inventory:
        faults = _option_faults(chosen.directory, examination.inventory)
        examination = Examination(examination.inventory, (*examination.faults, *faults))
    findings = lint(examination.inventory) if examination.inventory else ()
    print(_as_json(examination, findings) if chosen.json else _as_text(examination, findings))
    return 1 if examination.faults else 0


def _option_faults(directory: Path, inventory: Inventory) -> list[Fault]:
    """Find the targets that can never be looked at, with their lines: loading leaves that to each look."""
    found = {code: option_reasons(target, inventory) for code, target in inventory.targets.items()}
    wrong = {code: reasons for code, reasons in found.items() if reasons}
    if not wrong:
        return []
    sheet = read_sheet(directory / _FILE, _FILE, header=HEADERS[_FILE], faults=Faults())
    line_of = dict(zip(sheet.columns["code"], sheet.lines, strict=True))
    return [
        Fault(_FILE, line_of.get(code, 0), "options", _written(inventory, code), reason.vi, reason.en)
        for code, reasons in wrong.items()
        for reason in reasons
    ]


def _written(inventory: Inventory, code: str) -> str:
    options = inventory.targets[code].options
    return " ".join(f"{name}={'…' if _SECRET.search(name) else value}" for name, value in options.items())


def _as_json(examination: Examination, findings: tuple[Finding, ...]) -> str:
    def fault(item: Fault) -> dict[str, Any]:
        return {
            "file": item.file,
            "line": item.line,
            "column": item.column,
            "value": item.value,
            "reason": item.reason,
        }

    return json.dumps(
        {
            "faults": [fault(item) for item in examination.faults],
            "findings": [
                {"rule": f.rule, "subject": f.subject, "vi": f.message_vi, "en": f.message_en}
                for f in findings
            ],
            "counts": _counts(examination),
        },
        ensure_ascii=False,
        indent=2,
    )


def _as_text(examination: Examination, findings: tuple[Finding, ...]) -> str:
    lines = [str(fault) for fault in examination.faults]
    lines += [f"{f.rule}: {f.message_vi} · {f.message_en}" for f in findings]
    if examination.inventory:
        lines.append(", ".join(f"{name} {count}" for name, count in _counts(examination).items()))
    lines.append(f"{len(examination.faults)} lỗi · faults, {len(findings)} lưu ý · findings")
    return "\n".join(lines)


def _counts(examination: Examination) -> dict[str, int]:
    inventory = examination.inventory
    if inventory is None:
        return {}
    names = ("areas", "parties", "sites", "paths", "risks", "links", "targets", "people", "shifts")
    return {name: len(getattr(inventory, name)) for name in names}

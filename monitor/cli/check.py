"""``thongsuot check DIR``: every fault and every lint finding of an inventory, before it is loaded."""

import argparse
import json
from pathlib import Path
from typing import Any

from inventory.lint import Finding, lint
from inventory.loader import Examination, Fault, examine

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("check", help="kiểm tra danh mục · check an inventory folder")
    parser.add_argument("directory", type=Path, help="folder with election.yml, sites.csv, …")
    parser.add_argument("--json", action="store_true", help="print facts as JSON")
    parser.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    examination = examine(chosen.directory)
    findings = lint(examination.inventory) if examination.inventory else ()
    print(_as_json(examination, findings) if chosen.json else _as_text(examination, findings))
    return 1 if examination.faults else 0


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

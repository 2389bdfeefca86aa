"""The faults' log: one JSON object a line, written after a change took effect. It is the ground truth.

``began_at`` is when enforcement was asked for and ``at`` when it was known to hold: the change itself lies between.
Each line names every target it touched, so that nobody has to ask the inventory again what a selector meant.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from probes.lab.faults import Selector

__all__ = ["FaultLog", "FaultRecord"]


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """One change. ``unenforced``: targets that this lab could not touch (see its status)."""

    at: datetime
    began_at: datetime
    action: str
    fault: int
    amount: float
    selector: Selector
    targets: tuple[str, ...]
    addresses: int
    unenforced: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Answer the line's content; times in UTC to the microsecond."""
        facts = asdict(self)
        facts["at"] = self.at.isoformat(timespec="microseconds")
        facts["began_at"] = self.began_at.isoformat(timespec="microseconds")
        facts["selector"] = self.selector.given()
        return facts


class FaultLog:
    """Appends to a file; each line is on its way to the disk before the change is reported done."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, record: FaultRecord) -> None:
        """Append one line."""
        line = json.dumps(record.as_json(), ensure_ascii=False)
        with self.path.open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def last(self, count: int) -> list[dict[str, Any]]:
        """Answer the last lines, oldest first."""
        if not self.path.exists():
            return []
        lines: Iterable[str] = self.path.read_text(encoding="utf-8").splitlines()[-count:]
        return [json.loads(line) for line in lines]

"""An inventory while it is being written: rows by file, documents by name, then all of it on disk."""

import csv
from collections.abc import Mapping
from pathlib import Path

from inventory.loader import HEADERS
from inventory.roster import SHIFT_HEADER

__all__ = ["Folder"]


class Folder:
    """Collects rows and texts, and writes them as a folder that the loader reads."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._rows: dict[str, list[tuple[object, ...]]] = {name: [] for name in HEADERS}

    def add(self, file: str, *cells: object) -> None:
        """Add one row to ``areas``, ``sites``, … or ``shifts/…``; a tuple of codes becomes a list."""
        row = tuple(" ".join(cell) if isinstance(cell, tuple) else cell for cell in cells)
        self._rows.setdefault(f"{file}.csv", []).append(row)

    def write(self, directory: Path) -> None:
        """Write everything below ``directory``, which is made if need be."""
        (directory / "shifts").mkdir(parents=True, exist_ok=True)
        for name, text in self.texts.items():
            (directory / name).write_text(text, encoding="utf-8", newline="\n")
        headers: Mapping[str, tuple[str, ...]] = HEADERS
        for name, rows in self._rows.items():
            with (directory / name).open("w", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow(headers.get(name, SHIFT_HEADER))
                writer.writerows(rows)

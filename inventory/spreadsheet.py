"""A spreadsheet's columns, checked cell by cell; every fault with its line and column.

A sheet is kept as columns, because a column of 140,000 cells is checked and turned into values a distinct
text at a time: most columns hold few distinct texts, and a fault is only looked for where there is one.
"""

import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TypeVar

from inventory.cells import CODES, code, filled, reference
from inventory.csvfile import Columns, read_columns
from inventory.faults import Faults
from inventory.reasons import Reason, UnusableError
from inventory.textfile import decoded

__all__ = ["MAX_BYTES", "Sheet", "read_sheet"]

T = TypeVar("T")

MAX_BYTES = 128 * 1024 * 1024
"""Larger files are refused before they are read."""


class Sheet:
    """One CSV file as columns of stripped, NFC-normalised text. ``lines`` are those in the file, from 1."""

    def __init__(self, file: str, *, header: Sequence[str], faults: Faults) -> None:
        self.file = file
        self.header = tuple(header)
        self.is_sound = False
        self.lines: Sequence[int] = ()
        self.columns: dict[str, list[str]] = {name: [] for name in header}
        self._faults = faults

    def __len__(self) -> int:
        return len(self.lines)

    def fill(self, columns: Columns) -> None:
        """Take the columns in the order of the header; the sheet is sound from now on if none of its rows is lost."""
        self.is_sound = columns.is_whole
        self.lines = columns.lines
        self.columns = dict(zip(self.header, columns.cells, strict=True))

    def report(self, row: int, column: str, reason: Reason) -> None:
        """Note a fault of the cell at ``row`` (from 0) of ``column``."""
        value = self.columns[column][row]
        self._faults.add(reason, file=self.file, line=self.lines[row], column=column, value=value)

    def converted(self, column: str, convert: Callable[[str], T], *, instead: T) -> list[T]:
        """Turn a column into values; a text that cannot be turned is a fault in each of its rows."""
        texts = self.columns[column]
        values: dict[str, T] = {}
        reasons: dict[str, Reason] = {}
        for text in set(texts):
            try:
                values[text] = convert(text)
            except UnusableError as error:
                values[text] = instead
                reasons[text] = error.reason
        if reasons:
            for row, text in enumerate(texts):
                if text in reasons:
                    self.report(row, column, reasons[text])
        return list(map(values.__getitem__, texts))

    def plain(self, column: str, convert: Callable[[str], str], *, whole: re.Pattern[str]) -> list[str]:
        """Turn a column into texts; one pass of ``whole`` over the joined column spares the rest its checks."""
        texts = self.columns[column]
        if whole.fullmatch("\n".join([*texts, ""])):
            return texts
        return self.converted(column, convert, instead="")

    def codes(self) -> list[str]:
        """Check the column ``code`` and answer it; a code that stands twice is a fault with the line of the first."""
        codes = self.columns["code"]
        self.plain("code", code, whole=CODES)
        if len(set(codes)) < len(codes):
            first: dict[str, int] = {}
            for row, text in enumerate(codes):
                line = first.setdefault(text, self.lines[row])
                if line != self.lines[row] and text:
                    vi = f"mã này đã dùng ở dòng {line}; mỗi mã chỉ dùng một lần"
                    self.report(
                        row, "code", Reason(vi, f"this code is taken by line {line}; a code is used once")
                    )
        return codes

    def references(self, column: str, known: Collection[str], *, what: Reason) -> list[str]:
        """Check that each cell is the code of a record that exists, and answer the column."""
        texts = self.columns[column]
        if set(texts).issubset(known):
            return texts
        return self.converted(column, reference(known, what=what), instead="")

    def filled(self, column: str) -> list[str]:
        """Check that no cell is empty, and answer the column."""
        texts = self.columns[column]
        return texts if all(texts) else self.converted(column, filled, instead="")


def read_sheet(path: Path, file: str, *, header: Sequence[str], faults: Faults) -> Sheet:
    """Read a CSV file with exactly the columns ``header``; one that cannot be read yields an empty sheet."""
    sheet = Sheet(file, header=header, faults=faults)
    text = decoded(path, file, most=MAX_BYTES, faults=faults)
    found = None if text is None else read_columns(text, file, header=header, faults=faults)
    if found is not None:
        sheet.fill(found)
    return sheet

"""CSV as offices save it: read whole, checked cell by cell, every fault with its line and column.

A sheet is kept as columns, because a column of 140,000 cells is checked and turned into values a distinct
text at a time: most columns hold few distinct texts, and a fault is only looked for where there is one.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from inventory.cells import CODES, code
from inventory.faults import Faults
from inventory.reasons import Reason, UnusableError, suggestion

__all__ = ["MAX_BYTES", "MAX_ROWS", "Sheet", "decoded", "read_sheet"]

T = TypeVar("T")

MAX_BYTES = 128 * 1024 * 1024
"""Larger files are refused before they are read."""
MAX_ROWS = 1_000_000

_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


class Sheet:
    """One CSV file as columns of stripped, NFC-normalised text. ``lines`` are those in the file, from 1."""

    def __init__(self, file: str, *, header: Sequence[str], faults: Faults) -> None:
        self.file = file
        self.header = tuple(header)
        self.is_sound = False
        self.lines: list[int] = []
        self.columns: dict[str, list[str]] = {name: [] for name in header}
        self._faults = faults

    def __len__(self) -> int:
        return len(self.lines)

    def fill(self, rows: Sequence[Sequence[str]], lines: list[int]) -> None:
        """Take rows that have as many cells as the header; the sheet is sound from now on."""
        self.is_sound = True
        self.lines = lines
        for name, cells in zip(self.header, zip(*rows, strict=True), strict=False):
            self.columns[name] = list(map(str.strip, cells))

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


def read_sheet(path: Path, file: str, *, header: Sequence[str], faults: Faults) -> Sheet:
    """Read a CSV file with exactly the columns ``header``; a file that cannot be read yields an empty sheet."""
    sheet = Sheet(file, header=header, faults=faults)
    text = decoded(path, file, most=MAX_BYTES, faults=faults)
    if text is None:
        return sheet
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)
    try:
        top = next(reader, [])
        if not _header_holds(top, file, header=header, faults=faults):
            return sheet
        rows, lines = _rows(reader, file, width=len(header), faults=faults)
    except csv.Error as error:
        faults.add(
            Reason(f"không đọc được dòng CSV này: {error}", f"this CSV line cannot be read: {error}"),
            file=file,
            line=reader.line_num,
        )
        return sheet
    sheet.fill(rows, lines)
    return sheet


def decoded(path: Path, file: str, *, most: int, faults: Faults) -> str | None:
    """Read a UTF-8 text file (a byte order mark and CRLF are accepted) as NFC; ``None`` and a fault if it is not one."""
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= most else None
    except OSError as error:
        why = error.strerror or type(error).__name__
        faults.add(Reason(f"không mở được tệp: {why}", f"the file cannot be opened: {why}"), file=file)
        return None
    if raw is None:
        faults.add(
            Reason(
                f"tệp lớn hơn {most // 1024} KiB; hãy chia nhỏ hoặc kiểm tra lại có đúng tệp không",
                f"the file is larger than {most // 1024} KiB; split it, or check that it is the right one",
            ),
            file=file,
            value=f"{size} byte",
        )
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        faults.add(
            Reason(
                "không phải UTF-8; trong bảng tính hãy lưu thành “CSV UTF-8”",
                "not UTF-8; in the spreadsheet save as “CSV UTF-8”",
            ),
            file=file,
            line=raw.count(b"\n", 0, error.start) + 1,
            value=f"byte 0x{raw[error.start]:02x}",
        )
        return None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    _report_invisible(text, file, faults)
    return unicodedata.normalize("NFC", text)


def _report_invisible(text: str, file: str, faults: Faults) -> None:
    for found in _INVISIBLE.finditer(text):
        faults.add(
            Reason(
                "có ký tự ẩn; hãy xóa và gõ lại ô này",
                "an invisible character; clear the cell and type it again",
            ),
            file=file,
            line=text.count("\n", 0, found.start()) + 1,
            value=f"U+{ord(found[0]):04X}",
        )


def _header_holds(top: Sequence[str], file: str, *, header: Sequence[str], faults: Faults) -> bool:
    names = [name.strip() for name in top]
    if names == list(header):
        return True
    if len(names) == 1 and ";" in names[0]:
        reason = Reason(
            "các cột ngăn bằng dấu chấm phẩy; hãy lưu lại với dấu phẩy",
            "columns are separated by semicolons; save again with commas",
        )
        faults.add(reason, file=file, line=1, value=names[0])
        return False
    whole = ",".join(header)
    for name in dict.fromkeys(names):
        if name not in header:
            hint = suggestion(name, header)
            reason = Reason(f"cột thừa{hint.vi or '; hãy bỏ'}", f"extra column{hint.en or '; take it out'}")
            faults.add(reason, file=file, line=1, value=name)
        elif names.count(name) > 1:
            faults.add(Reason("cột lặp lại", "the column stands there twice"), file=file, line=1, value=name)
    for name in header:
        if name not in names:
            reason = Reason(
                f"thiếu cột; dòng đầu phải là {whole}", f"missing column; the first line must be {whole}"
            )
            faults.add(reason, file=file, line=1, value=name)
    if sorted(names) == sorted(header):
        reason = Reason(
            f"sai thứ tự cột; dòng đầu phải là {whole}",
            f"columns in another order; the first line must be {whole}",
        )
        faults.add(reason, file=file, line=1, value=",".join(names))
    return False


def _rows(reader: Any, file: str, *, width: int, faults: Faults) -> tuple[list[list[str]], list[int]]:
    """Read the rest; ``reader.line_num`` is the last line of a row, so a row begins after the one before it."""
    rows: list[list[str]] = []
    lines: list[int] = []
    end = reader.line_num
    for row in reader:
        start, end = end + 1, reader.line_num
        if len(row) != width or not any(row):
            # Spreadsheets leave rows of nothing but commas below a list.
            if any(map(str.strip, row)):
                reason = Reason(
                    f"dòng có {len(row)} ô, phải có {width}; ô có dấu phẩy phải đặt trong ngoặc kép",
                    f"the row has {len(row)} cells and must have {width}; quote a cell that holds a comma",
                )
                faults.add(reason, file=file, line=start, value=",".join(row))
            continue
        rows.append(row)
        lines.append(start)
        if len(rows) > MAX_ROWS:
            reason = Reason(
                f"quá {MAX_ROWS} dòng; hãy chia nhỏ", f"more than {MAX_ROWS} rows; split the inventory"
            )
            faults.add(reason, file=file, line=start)
            break
    return rows, lines

"""CSV into columns: the header exactly, every row as wide as it, each with its line in the file.

Most lists hold no quotation mark; those are split whole, without a Python step a row, which is what lets a
nation load in seconds. Whatever is not that plain goes row by row and yields the same columns, or faults.
"""

import csv
import io
from collections.abc import Sequence
from itertools import repeat
from typing import Any, NamedTuple

from inventory.faults import Faults
from inventory.reasons import Reason, suggestion

__all__ = ["MAX_ROWS", "Columns", "read_columns"]

MAX_ROWS = 1_000_000
"""More rows in one file are refused."""


class Columns(NamedTuple):
    """The cells of a list by column, the line of each row, and whether every row could be taken."""

    cells: list[list[str]]
    lines: Sequence[int]
    is_whole: bool = True


def read_columns(text: str, file: str, *, header: Sequence[str], faults: Faults) -> Columns | None:
    """Answer the stripped columns of ``text`` and the line of each row; ``None`` and faults if it is no such list."""
    quick = _quick(text, header)
    if quick is not None:
        return quick
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)
    try:
        if not _header_holds(next(reader, []), file, header=header, faults=faults):
            return None
        return _rows(reader, file, width=len(header), faults=faults)
    except csv.Error as error:
        reason = Reason(
            f"không đọc được tệp đến dòng này; xem lại dấu ngoặc kép ({error})",
            f"the file cannot be read up to this line; check the quotation marks ({error})",
        )
        faults.add(reason, file=file, line=reader.line_num)
        return None


def _quick(text: str, header: Sequence[str]) -> Columns | None:
    """Split a list without quotation marks, blank lines or rows of another width; ``None`` for any other."""
    width, top = len(header), ",".join(header) + "\n"
    if '"' in text or not text.startswith(top):
        return None
    body = text[len(top) :].removesuffix("\n")
    rows = body.count("\n") + 1
    commas = set(map(str.count, body.split("\n"), repeat(",")))
    if commas != {width - 1} or rows > MAX_ROWS:
        return None
    cells = body.replace("\n", ",").split(",")
    if not _is_stripped(body):
        cells = list(map(str.strip, cells))
    columns = [cells[place::width] for place in range(width)]
    # A row of nothing but commas is a row only for a spreadsheet; its code is empty, so look no further.
    return None if "" in columns[0] else Columns(columns, range(2, rows + 2))


def _is_stripped(body: str) -> bool:
    """Whether no cell can have white space at an end: cheap to see where the text is ASCII."""
    if not body.isascii() or "\t" in body or body[:1] == " " or body[-1:] == " ":
        return False
    return not any(pair in body for pair in (" ,", ", ", " \n", "\n "))


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


def _rows(reader: Any, file: str, *, width: int, faults: Faults) -> Columns | None:
    """Read the rest; ``reader.line_num`` is the last line of a row, so a row begins after the one before it."""
    rows: list[list[str]] = []
    lines: list[int] = []
    is_torn = False
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
                is_torn = True
            continue
        rows.append(row)
        lines.append(start)
        if len(rows) > MAX_ROWS:
            reason = Reason(
                f"quá {MAX_ROWS} dòng; hãy chia nhỏ", f"more than {MAX_ROWS} rows; split the inventory"
            )
            faults.add(reason, file=file, line=start)
            return None
    cells = [list(map(str.strip, column)) for column in zip(*rows, strict=True)]
    return Columns(cells or [[] for _ in range(width)], lines, is_whole=not is_torn)

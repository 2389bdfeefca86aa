"""Files that offices send: workbooks and CSV in any of their encodings, as grids of cells with merged cells filled.

A cell keeps its place (``B4``), because whoever mends the file looks for it there. Workbooks are read by calamine;
nothing in a file is executed, and one that is too large is refused before its cells are read.
"""

import csv
import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from python_calamine import CalamineError, CalamineWorkbook

from alerting.roster_words import folded
from inventory.reasons import expected

__all__ = ["MAX_BYTES", "Cell", "Grid", "read_grids"]

MAX_BYTES = 4 * 1024 * 1024
_MAX_CELLS = 100_000
_WORDS = ("ngay", "truc", "ho ten", "ho va ten", "dien thoai", "ghi chu", "lanh dao", "chu nhat", "don vi")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell. ``origin`` is the place of the merged cell that it is part of, else its own."""

    text: str
    value: object
    place: str
    origin: str


@dataclass(frozen=True, slots=True)
class Grid:
    """One sheet. Rows are of one length; an empty cell is None."""

    name: str
    rows: tuple[tuple[Cell | None, ...], ...]


def read_grids(content: bytes, filename: str) -> tuple[Grid, ...]:
    """Read every sheet of a file; raises :class:`~inventory.reasons.UnusableError` when it is none."""
    if len(content) > MAX_BYTES:
        raise expected(
            "tệp lớn hơn 4 MiB; chỉ gửi lịch trực", "the file is larger than 4 MiB; send the roster only"
        )
    if content[:4] in {b"PK\x03\x04", b"\xd0\xcf\x11\xe0"}:
        return _workbook(content)
    if b"\0" in content[:1000] and content[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        raise expected(
            "không phải bảng tính Excel (.xlsx, .xls), OpenDocument (.ods) hay CSV",
            "neither an Excel workbook (.xlsx, .xls), OpenDocument (.ods) nor CSV",
        )
    return (_grid(filename, _table(_decoded(content)), ()),)


def _workbook(content: bytes) -> tuple[Grid, ...]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        found = []
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            if sheet.total_height * sheet.total_width > _MAX_CELLS:
                raise expected(
                    f"trang “{name}” quá lớn; xóa các dòng, cột trống phía sau",
                    f"sheet “{name}” is too large; delete the empty rows and columns behind",
                )
            rows = sheet.to_python(skip_empty_area=False) if sheet.total_height else []
            found.append(_grid(name, rows, sheet.merged_cell_ranges or ()))
    except (CalamineError, OSError, ValueError) as error:
        if hasattr(error, "reason") and not isinstance(error, UnicodeError):
            raise
        raise expected(
            "không mở được bảng tính này (hỏng hoặc có mật khẩu); hãy lưu lại thành .xlsx",
            "this workbook cannot be opened (damaged or with a password); save it again as .xlsx",
        ) from error
    return tuple(found)


def _grid(
    name: str,
    rows: Sequence[Sequence[object]],
    merged: Sequence[tuple[tuple[int, int], tuple[int, int]]],
) -> Grid:
    width = max((len(row) for row in rows), default=0)
    values = [[*row, *[""] * (width - len(row))] for row in rows]
    origins: dict[tuple[int, int], tuple[int, int]] = {}
    for (top, left), (bottom, right) in merged:
        for row in range(top, min(bottom + 1, len(values))):
            for column in range(left, min(right + 1, width)):
                origins[row, column] = (top, left)
    cells = []
    legacy = _is_tcvn3(values)
    for row in range(len(values)):
        line = []
        for column in range(width):
            top, left = origins.get((row, column), (row, column))
            line.append(_cell(values[top][left], (row, column), (top, left), legacy=legacy))
        cells.append(tuple(line))
    return Grid(name, tuple(cells))


def _cell(value: object, at: tuple[int, int], origin: tuple[int, int], *, legacy: bool) -> Cell | None:
    text = _text(value)
    if legacy and isinstance(value, str):
        text = text.translate(_TCVN3)
    text = unicodedata.normalize("NFC", text).strip()
    return Cell(text, value, _place(at), _place(origin)) if text else None


def _text(value: object) -> str:
    if isinstance(value, datetime):
        day = f"{value:%d/%m/%Y}"
        return day if value.time() == time() else f"{value:%H:%M} {day}"
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _place(at: tuple[int, int]) -> str:
    row, column = at
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def _table(text: str) -> list[list[str]]:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    head = text[:5000]
    delimiter = max(",;\t", key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise expected(
            "không đọc được CSV này; hãy lưu lại thành .xlsx", "this CSV cannot be read; save it as .xlsx"
        ) from error
    if sum(map(len, rows)) > _MAX_CELLS:
        raise expected("tệp có quá nhiều ô", "the file has too many cells")
    return rows


def _decoded(content: bytes) -> str:
    """Decode UTF-8 or UTF-16, else whichever of Windows-1258 and TCVN3 makes words of a roster."""
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return content.decode("utf-16", errors="replace")
    try:
        return unicodedata.normalize("NFC", content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        latin = content.decode("latin-1")
        windows = unicodedata.normalize("NFC", content.decode("cp1258", errors="replace"))
        return max((windows, latin.translate(_TCVN3)), key=_likeness)


def _likeness(text: str) -> int:
    plain = folded(text)
    return (
        sum(plain.count(word) for word in _WORDS) * 10
        - sum(not (c.isprintable() or c.isspace()) for c in text)
        - 5 * sum(c in "µ¶¸¹®©ª«¬·¨�" for c in text)
    )


def _is_tcvn3(values: Sequence[Sequence[object]]) -> bool:
    """Whether a sheet was typed with an old font: its letters are Latin signs that no Vietnamese word has."""
    texts = " ".join(value for row in values for value in row if isinstance(value, str))
    return sum(letter in "µ¶¸¹®©ª«¬·¨" for letter in texts) > max(3, len(texts) // 50)


_TCVN3 = {
    ord(old): new
    for old, new in zip(
        "¡¢§£¤¥¦µ¸¶·¹¨»¾¼½Æ©ÇÊÈÉË®ÌÐÎÏÑªÒÕÓÔÖ×ÝØÜÞßãáâä«åèæçé¬êíëìîïóñòô\xadõøö÷ùúýûüþ",
        "ĂÂĐÊÔƠƯàáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ",
        strict=True,
    )
}
"""TCVN 5712:1993 (VN3), as the fonts named .Vn… put it over Latin-1; capitals with tone marks had a font of their own."""

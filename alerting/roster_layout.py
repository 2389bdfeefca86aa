"""Which of a sheet's rows is a heading, and what its columns hold. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, auto

from alerting.roster_sheets import Cell
from alerting.roster_words import clock_of, dates_of, duty_of, folded, labels_of
from inventory.reasons import UnusableError

__all__ = ["Layout", "LayoutKind", "layout_of"]

_HEADS: Mapping[str, tuple[str, ...]] = {
    "date": ("ngay", "ngay truc", "thu, ngay", "thu ngay", "ngay thang", "ngay, thang", "thu"),
    "shift": ("ca", "ca truc", "gio", "gio truc", "thoi gian", "thoi gian truc", "buoi", "kip", "kip truc"),
    "start": ("tu", "bat dau", "tu gio", "tu luc"),
    "end": ("den", "ket thuc", "den gio", "den luc"),
    "name": (
        "ho ten", "ho va ten", "nguoi truc", "can bo truc", "ten", "truc chinh", "nhan vien", "nhan vien truc",
        "ho va ten nguoi truc", "ho ten nguoi truc", "ho va ten can bo", "can bo",
    ),
    "phone": (
        "dien thoai", "sdt", "so dien thoai", "di dong", "so dt", "dt", "so di dong", "dien thoai di dong",
        "dien thoai lien he", "lien he", "dtdd",
    ),
    "position": ("chuc vu", "chuc danh"),
    "duty": ("nhiem vu", "loai truc", "noi dung truc", "bo phan", "vi tri truc", "noi dung", "vi tri"),
    "substitute": ("du phong", "nguoi thay", "nguoi thay the", "truc thay", "truc phu", "nguoi du phong"),
    "party": ("don vi", "doanh nghiep", "nha mang", "co quan"),
    "note": ("ghi chu", "stt", "tt"),
}  # fmt: skip


class LayoutKind(Enum):
    """How a table is laid out."""

    LIST = auto()
    WEEK = auto()
    CALENDAR = auto()


@dataclass(slots=True)
class Layout:
    """A heading. ``days`` and ``hours`` are those of the row before, for cells that do not repeat them."""

    kind: LayoutKind
    columns: Mapping[int, str] = field(default_factory=dict)
    dates: Mapping[int, list[date]] = field(default_factory=dict)
    heads: Mapping[int, Cell] = field(default_factory=dict)
    days: list[date] = field(default_factory=list)
    hours: str = ""

    def of(self, *kinds: str) -> list[int]:
        """Answer the columns of these kinds, in order."""
        return [column for column, kind in self.columns.items() if kind in kinds]


def layout_of(row: Sequence[Cell | None], *, day: date) -> Layout | None:
    """Answer what heading ``row`` is, if it is one."""
    columns = {
        place: kind for place, cell in enumerate(row) if cell is not None and (kind := _kind(cell.text))
    }
    if "name" in columns.values() and len(set(columns.values())) > 1:
        return Layout(LayoutKind.LIST, columns)
    if "date" in columns.values():
        heads = {
            place: cell
            for place, cell in enumerate(row)
            if cell is not None and place not in columns and _is_turn(cell.text)
        }
        if heads:
            return Layout(LayoutKind.CALENDAR, columns, heads=heads)
    dates = {place: days for place, cell in enumerate(row) if cell is not None and (days := _days(cell, day))}
    if len({row[place].origin for place in dates if row[place]}) >= 2:  # type: ignore[union-attr]  # None is filtered on the same line
        return Layout(LayoutKind.WEEK, columns, dates=dates)
    return None


def _kind(text: str) -> str:
    plain = folded(text).strip(" .:*")
    return next((kind for kind, words in _HEADS.items() if plain in words), "")


def _is_turn(text: str) -> bool:
    try:
        return bool(clock_of(text) or labels_of(text) or duty_of(text))
    except UnusableError:
        return False


def _days(cell: Cell, day: date) -> list[date]:
    """Answer the days of a cell that says little else."""
    if len(cell.text) > 40 or _is_turn(cell.text):
        return []
    try:
        return dates_of(cell.text, day=day)
    except UnusableError:
        return []

"""The words of Vietnamese duty rosters: dates, hours, duties, people and numbers, as offices write them. Pure.

Nothing is guessed in silence: what a text leaves open (a year, an hour of “ca 1”) is filled by a rule that is told
beside the result, and what fits no rule is a reason that says how to write it.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

from inventory.models import Duty
from inventory.numbering import parse_number
from inventory.reasons import expected

__all__ = [
    "Clock",
    "Named",
    "clock_of",
    "dates_of",
    "duty_of",
    "folded",
    "hours_of_labels",
    "labels_of",
    "number_of",
    "numbers_of",
    "only_duty_of",
    "people_of",
    "times_of",
]

Clock: TypeAlias = tuple[int, int]
"""Minutes after midnight at which a turn begins and ends; the end may lie beyond 1440."""

_DASH = r"\s*(?:-|–|—|→|->|đến|tới|den|toi)\s*"
_HOUR = r"(\d{1,2})\s*(?:h|g|giờ|gio|:)\s*(\d{2})?\s*(?:phút|p|')?"
_SPAN = re.compile(rf"{_HOUR}{_DASH}{_HOUR}", re.IGNORECASE)
_SHORT_SPAN = re.compile(rf"(?<![\d/])(\d{{1,2}}){_DASH}(\d{{1,2}})\s*(?:h|g|giờ)(?!\w)", re.IGNORECASE)
_TIME = re.compile(_HOUR, re.IGNORECASE)
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_DAY = r"(\d{1,2})\s*[/.\-]\s*(\d{1,2})(?:\s*[/.\-]\s*(\d{4}|\d{2}))?(?!\d)"
_DATE = re.compile(rf"(?<!\d){_DAY}")
_DAYS = re.compile(rf"(?<![\d/])(\d{{1,2}}){_DASH}{_DAY}")
_WEEKDAY = re.compile(r"\b(?:thu\s*(hai|ba|tu|nam|sau|bay|[2-7])|t([2-7])|(chu nhat|cn))\b")
_WEEKDAYS = {"hai": 0, "ba": 1, "tu": 2, "nam": 3, "sau": 4, "bay": 5}
_NAMES = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
_LABEL = re.compile(
    r"\b(?:ca|kip)\s*(?:so\s*)?([1-4]|iv|i{1,3})\b|\b(sang|chieu|toi|dem|ca ngay|ban ngay|24/24|24/7)\b"
)
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
_COMRADE = re.compile(r"(?<!\w)đ\s*/\s*c(?!\w)\.?", re.IGNORECASE)
_TITLES = re.compile(
    r"^(?:(?:đ\.c|đc|đồng chí|ông|bà|anh|chị|ks|ths|ts|cn|bs|kts)(?:\s*[.:]\s*|\s+))+", re.IGNORECASE
)
_NUMBER = re.compile(r"\(?\+?\d[\d .\-()]{7,15}\d")
_APART = re.compile(r"[\n\r;,/+&]|\s+(?:và|va)\s+|\s{3,}")
_DUTIES = (
    (Duty.LEADERSHIP, ("lanh dao",)),
    (Duty.COMMAND, ("chi huy",)),
    (Duty.SECURITY_WATCH, ("an toan thong tin", "attt", "an ninh mang")),
    (Duty.SOFTWARE_SUPPORT, ("phan mem",)),
    (Duty.HOTLINE, ("duong day nong", "hotline", "tong dai")),
    (Duty.RESPONSE, ("ung cuu", "xu ly su co", "co dong")),
    (Duty.POST, ("buu chinh", "buu dien", "buu ta")),
    (Duty.RADIO, ("truyen thanh", "phat thanh")),
    (Duty.OPERATIONS, ("truc ca", "van hanh", "khai thac", "truc ban", "dieu hanh", "ky thuat", "noc")),
)


@dataclass(frozen=True, slots=True)
class Named:
    """A person as a cell writes them: name without title, position in brackets, number as E.164. Either may be empty."""

    name: str
    number: str = ""
    position: str = ""


def folded(text: str) -> str:
    """Answer ``text`` without marks, in small letters, with single spaces: how words are compared."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(bare.casefold().split())


def duty_of(text: str) -> Duty | None:
    """Answer the duty that ``text`` speaks of."""
    plain = folded(text)
    return next((duty for duty, words in _DUTIES if any(word in plain for word in words)), None)


def only_duty_of(text: str) -> Duty | None:
    """Answer the duty that a title speaks of, unless it speaks of several."""
    plain = folded(text)
    found = [duty for duty, words in _DUTIES if any(word in plain for word in words)]
    return found[0] if len(found) == 1 else None


def clock_of(text: str) -> Clock | None:
    """Answer the hours that ``text`` gives (``7h00-19h00``, ``06:00 đến 14:00``, ``6-14h``)."""
    if found := _SPAN.search(text):
        return _ordered(_minutes(found[1], found[2]), _minutes(found[3], found[4]))
    if found := _SHORT_SPAN.search(text):
        return _ordered(_minutes(found[1], None), _minutes(found[2], None))
    return None


def times_of(text: str) -> list[int]:
    """Answer every time of day in ``text``, in minutes after midnight."""
    return [_minutes(found[1], found[2]) for found in _TIME.finditer(text)]


def _minutes(hour: str, minute: str | None) -> int:
    value = int(hour) * 60 + int(minute or 0)
    if value > 24 * 60 or int(minute or 0) > 59:
        raise expected(
            f"không có giờ {hour}:{minute or '00'}; giờ từ 0 đến 24",
            f"there is no hour {hour}:{minute or '00'}; hours go from 0 to 24",
        )
    return value


def _ordered(start: int, end: int) -> Clock:
    return start, end if end > start else end + 24 * 60


def labels_of(text: str) -> list[str]:
    """Answer the names of turns in ``text``: ``ca 1``, ``sang``, ``dem``, ``24`` for the whole day."""
    found = []
    for match in _LABEL.finditer(folded(text)):
        if match[1]:
            found.append(f"ca {_ROMAN.get(match[1], match[1])}")
        else:
            found.append("24" if match[2].startswith(("24", "ca ngay")) else match[2].replace("ban ", ""))
    return found


_HALVES = {"ngay": (420, 1140), "dem": (1140, 1860)}
_THIRDS = {"sang": (360, 840), "chieu": (840, 1320), "toi": (1320, 1800), "dem": (1320, 1800)}
_QUARTERS = {"sang": (360, 720), "chieu": (720, 1080), "toi": (1080, 1440), "dem": (1440, 1800)}


def hours_of_labels(labels: Iterable[str]) -> Mapping[str, Clock]:
    """Answer the hours of turns that a sheet names without hours: together they fill the day and night.

    Two numbered turns change at 7 and 19, three at 6, 14 and 22, four at 6, 12, 18 and 24.
    """
    used = set(labels)
    numbers = max((int(label[3:]) for label in used if label.startswith("ca ")), default=0)
    first, length = (420, 720) if numbers == 2 else (360, 360) if numbers == 4 else (360, 480)
    found: dict[str, Clock] = {
        f"ca {n}": (first + (n - 1) * length, first + n * length) for n in range(1, numbers + 1)
    }
    words = _QUARTERS if {"toi", "dem"} <= used else _HALVES if "ngay" in used else _THIRDS
    found.update({label: words[label] for label in used if label in words})
    if "24" in used:
        found["24"] = (0, 24 * 60)
    return found


def dates_of(text: str, *, day: date) -> list[date]:
    """Answer the days that ``text`` names, in order; ``day`` is the election's, which fills in a year or a week.

    Raises :class:`~inventory.reasons.UnusableError` for a day that does not exist or is not that weekday.
    """
    bare = _SHORT_SPAN.sub(" ", _SPAN.sub(" ", text))
    found = [_date(*map(int, match.groups()), day=day) for match in _ISO.finditer(bare)]
    bare = _ISO.sub(" ", bare)
    if match := _DAYS.search(bare):
        last = _dated(match[2], match[3], match[4], day)
        return _run(last.replace(day=1) + timedelta(days=int(match[1]) - 1), last)
    found += [_dated(match[1], match[2], match[3], day) for match in _DATE.finditer(bare)]
    weekday = _weekday(bare)
    if not found:
        return [] if weekday is None else [day + timedelta(days=(weekday - day.weekday() + 3) % 7 - 3)]
    if weekday is not None and len(found) == 1 and found[0].weekday() != weekday:
        actual = _NAMES[found[0].weekday()]
        raise expected(
            f"{found[0]:%d/%m/%Y} là {actual}, không phải {_NAMES[weekday]}; sửa ngày hoặc thứ",
            f"{found[0]:%d/%m/%Y} is not that weekday; correct the date or the weekday",
        )
    if len(found) == 2 and not _TIME.search(text):
        return _run(found[0], found[1])
    return found


def _dated(first: str, second: str, year: str | None, day: date) -> date:
    if year:
        number = int(year) if len(year) == 4 else 2000 + int(year)
        return _date(number, int(second), int(first), day=day)
    near = []
    for candidate in (day.year - 1, day.year, day.year + 1):
        try:
            near.append(date(candidate, int(second), int(first)))
        except ValueError:
            continue
    if not near:
        return _date(day.year, int(second), int(first), day=day)
    return min(near, key=lambda one: abs(one - day))


def _date(year: int, month: int, number: int, *, day: date) -> date:
    try:
        found = date(year, month, number)
    except ValueError as error:
        raise expected(
            f"không có ngày {number}/{month}/{year}; viết ngày/tháng, ví dụ {day:%d/%m/%Y}",
            f"there is no day {number}/{month}/{year}; write day/month, such as {day:%d/%m/%Y}",
        ) from error
    if abs(found - day) > timedelta(days=200):
        raise expected(
            f"ngày {found:%d/%m/%Y} cách ngày bầu cử {day:%d/%m/%Y} quá xa; xem lại năm",
            f"{found:%d/%m/%Y} is too far from election day {day:%d/%m/%Y}; check the year",
        )
    return found


def _run(first: date, last: date) -> list[date]:
    days = (last - first).days
    if not 0 <= days <= 31:
        raise expected(
            "khoảng ngày ngược hoặc dài hơn một tháng", "the days run backwards or for more than a month"
        )
    return [first + timedelta(days=n) for n in range(days + 1)]


def _weekday(text: str) -> int | None:
    found = _WEEKDAY.search(folded(text))
    if not found:
        return None
    if found[3]:
        return 6
    word = found[1] or found[2]
    return _WEEKDAYS[word] if word in _WEEKDAYS else int(word) - 2


def number_of(value: object) -> str:
    """Answer a telephone number as E.164; a spreadsheet that took it for a number lost its leading zero.

    Raises :class:`~inventory.reasons.UnusableError` for what is none.
    """
    text = str(int(value)) if isinstance(value, float) else str(value).strip()
    digits = re.sub(r"\D", "", re.sub(r"\.0$", "", text))
    if len(digits) == 9 and digits[0] != "0":
        digits = f"0{digits}"
    if len(digits) in {11, 12} and digits.startswith("84"):
        return parse_number(f"+{digits}")
    return parse_number(digits or text)


def numbers_of(text: str) -> list[str]:
    """Answer the telephone numbers of a column of numbers, as E.164; raises for what is none."""
    return [number_of(piece.strip()) for piece in _APART.split(text) if piece.strip()]


def people_of(text: str) -> list[Named]:
    """Answer the people that a cell names, in order; raises for a number that cannot be one."""
    found: list[Named] = []
    for piece in _APART.split(_COMRADE.sub(" ", text)):
        match = _NUMBER.search(piece)
        number = number_of(match[0]) if match else ""
        rest = piece.replace(match[0], " ") if match else piece
        brackets = re.findall(r"\(([^()]*)\)", rest)
        name = re.sub(
            r"\([^()]*\)|^\s*\d+\s*[.)]|(?<!\w)(?:sđt|đt|dđ|tel|số)\s*[:.]?", " ", rest, flags=re.IGNORECASE
        )
        name = _TITLES.sub("", " ".join(name.strip(" -–:.()*").split()).strip(" -–:."))
        position = " ".join(brackets[0].split()) if brackets else ""
        if name:
            found.append(Named(name, number, position))
        elif number and found and not found[-1].number:
            found[-1] = Named(found[-1].name, number, found[-1].position)
        elif number:
            found.append(Named("", number))
    return found

"""``people.csv`` and ``shifts/*.csv``: who can be on duty, how to reach them, and their dated turns."""

import re
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from inventory.cells import listing, one_of, reference
from inventory.models import Contact, ContactChannel, Duty, Person, Shift
from inventory.numbering import parse_number
from inventory.parties import CARRIER, PARTY
from inventory.phases import local_time
from inventory.reasons import Reason, expected, not_allowed, unknown
from inventory.spreadsheet import Sheet

__all__ = ["PEOPLE_HEADER", "SHIFT_HEADER", "read_people", "read_shifts"]

PERSON = Reason("người", "person")
PEOPLE_HEADER = ("code", "party", "name", "position", "contacts")
SHIFT_HEADER = ("party", "duty", "person", "start", "end", "substitute")

_EMAIL = re.compile(r"[^@\s]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)
_URL = re.compile(r"https?://[^\s@]+")
_CHAT = re.compile(r"[a-z0-9_]{1,30}/[^\s@/]{1,80}")
_CARRIER_TAIL = re.compile(r"(.*)@([A-Za-z0-9_-]+)")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?")
_CHANNELS = tuple(one.value for one in ContactChannel if one is not ContactChannel.EVENT)
_NO_CONTACTS: tuple[Contact, ...] = ()
_NO_TIME = datetime(1900, 1, 1, tzinfo=UTC)


def read_people(sheet: Sheet, *, parties: Collection[str], carriers: Collection[str]) -> dict[str, Person]:
    """Build the people, by code."""
    codes = sheet.codes()
    people = map(
        Person,
        codes,
        sheet.references("party", parties, what=PARTY),
        sheet.filled("name"),
        sheet.columns["position"],
        sheet.converted("contacts", listing(lambda word: _contact(word, carriers)), instead=_NO_CONTACTS),
    )
    return dict(zip(codes, people, strict=True))


def _contact(word: str, carriers: Collection[str]) -> Contact:
    """Read ``channel:address`` or ``channel:address@CARRIER``."""
    channel, colon, rest = word.partition(":")
    if not colon:
        raise expected(
            "thiếu kênh; viết như sms:+84912345678@VNPT hoặc email:truc@so.example",
            "there is no channel; write as sms:+84912345678@VNPT or email:duty@office.example",
        )
    if channel not in _CHANNELS:
        raise not_allowed(channel, _CHANNELS)
    kind = ContactChannel(channel)
    rest, carrier = _split(rest, kind)
    if carrier and carrier not in carriers:
        raise unknown(carrier, carriers, what=CARRIER)
    return Contact(kind, _reachable(rest, kind), carrier)


def _split(rest: str, kind: ContactChannel) -> tuple[str, str]:
    """Take the carrier off the end; an e-mail address keeps its own ``@``."""
    if kind is ContactChannel.EMAIL and rest.count("@") < 2:
        return rest, ""
    tail = _CARRIER_TAIL.fullmatch(rest)
    return (tail[1], tail[2]) if tail else (rest, "")


def _reachable(text: str, kind: ContactChannel) -> str:
    if kind is ContactChannel.EMAIL:
        if not _EMAIL.fullmatch(text):
            raise expected("không phải địa chỉ thư điện tử", "not an e-mail address")
        return text
    if kind is ContactChannel.WEBHOOK:
        if not _URL.fullmatch(text):
            raise expected("không phải địa chỉ https://…", "not an https:// address")
        return text
    if kind is ContactChannel.CHAT:
        if not _CHAT.fullmatch(text):
            raise expected(
                "không phải DỊCH_VỤ/TÊN như telegram/123456", "not SERVICE/NAME such as telegram/123456"
            )
        return text
    return parse_number(text)


def read_shifts(
    sheet: Sheet, *, parties: Collection[str], people: Collection[str], zone: ZoneInfo
) -> list[Shift]:
    """Build the shifts of one file; times are local to the election unless they say their own offset."""
    starts = sheet.converted("start", lambda text: _moment(text, zone), instead=_NO_TIME)
    ends = sheet.converted("end", lambda text: _moment(text, zone), instead=_NO_TIME)
    backwards = Reason(
        "phải sau lúc bắt đầu; ca qua đêm kết thúc vào ngày hôm sau",
        "must be after the start; a night shift ends on the next day",
    )
    for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if end <= start and _NO_TIME not in {start, end}:
            sheet.report(place, "end", backwards)
    _report_repeated(sheet)
    person = reference(people, what=PERSON)
    return list(
        map(
            Shift,
            sheet.references("party", parties, what=PARTY),
            sheet.converted("duty", one_of(Duty), instead=Duty.OPERATIONS),
            sheet.converted("person", person, instead=""),
            starts,
            ends,
            sheet.converted("substitute", lambda text: person(text) if text else "", instead=""),
        )
    )


def _moment(text: str, zone: ZoneInfo) -> datetime:
    moment = None
    with suppress(ValueError):
        moment = datetime.fromisoformat(text) if _TIME.fullmatch(text) else None
    if moment is None:
        raise expected(
            "phải là ngày giờ địa phương như 2021-05-23 06:00 (năm-tháng-ngày giờ:phút)",
            "must be a local time such as 2021-05-23 06:00 (year-month-day hour:minute)",
        )
    return moment.astimezone(UTC) if moment.tzinfo else local_time(moment, zone=zone)


def _report_repeated(sheet: Sheet) -> None:
    """Report a row that says again what a row above said: it was pasted twice."""
    first: dict[tuple[str, ...], int] = {}
    for place, row in enumerate(zip(*sheet.columns.values(), strict=True)):
        line = first.setdefault(row, sheet.lines[place])
        if line != sheet.lines[place]:
            sheet.report(
                place, "person", Reason(f"ca này trùng dòng {line}", f"this shift repeats line {line}")
            )

"""iCalendar (RFC 5545) to planned work: what carriers send about their maintenance, every fault explained. Pure.

What an entry (VEVENT) is for is read from the first of these that it has:

* ``X-MAINTNOTE-OBJECT-ID``, once for each subject: the maintenance notices that carriers send one another (the
  "maintnote" convention), whose ``X-MAINTNOTE-PROVIDER``, ``-MAINTENANCE-ID`` and ``-STATUS`` are read too;
* a line ``Đối tượng:`` or ``Subject:`` in DESCRIPTION, several codes separated by spaces or commas;
* LOCATION, where offices write the code when their calendar has no other place for it.

The owner is ``X-MAINTNOTE-PROVIDER``, else a line ``Đơn vị:`` or ``Owner:``, else who answers for the subject; the
reference is ``X-MAINTNOTE-MAINTENANCE-ID``, else a line ``Số:`` or ``Reference:``, else SUMMARY. Times without a
zone, and whole days, are local ones of the election. Repetitions (RRULE) are expanded, at most 200 of them, without
one that never ends; EXDATE leaves days out, and an entry with RECURRENCE-ID stands for one of the repetitions of its UID.
STATUS:CANCELLED cancels what was imported under the same UID, or that one repetition.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from icalendar import Calendar, Event
from icalendar.prop import vBroken

from inventory.faults import Fault, Faults
from inventory.models import Inventory
from inventory.reasons import Reason
from monitor.planned import PlannedWork
from monitor.planned_entry import WorkEntry, read_entry

__all__ = ["LARGEST_CALENDAR", "Import", "read_calendar"]

LARGEST_CALENDAR = 1 << 20
"""Bytes; ten thousand entries are less."""

_MOST_REPEATED = 200
_LABELLED: Mapping[str, re.Pattern[str]] = {
    "subject": re.compile(r"^\s*(?:đối tượng|subject)\s*:\s*(.+)$", re.IGNORECASE | re.MULTILINE),
    "owner": re.compile(r"^\s*(?:đơn vị|owner)\s*:\s*(.+)$", re.IGNORECASE | re.MULTILINE),
    "reference": re.compile(r"^\s*(?:số|reference)\s*:\s*(.+)$", re.IGNORECASE | re.MULTILINE),
}
_PROPERTY: Mapping[str, tuple[str, ...]] = {
    "subject": ("X-MAINTNOTE-OBJECT-ID", "DESCRIPTION", "LOCATION"),
    "owner": ("X-MAINTNOTE-PROVIDER", "DESCRIPTION"),
    "reference": ("X-MAINTNOTE-MAINTENANCE-ID", "SUMMARY"),
    "start": ("DTSTART",),
    "end": ("DTEND", "DURATION"),
    "repeat": ("RRULE", "RDATE"),
    "turn": ("RECURRENCE-ID",),
}


@dataclass(frozen=True, slots=True)
class Import:
    """What a calendar holds: works to enter, UIDs whose works are cancelled or told anew, and every fault.

    ``renewed`` are UIDs whose entry is here whole: what was imported of it before and is not here is off. ``moved`` are
    single repetitions (UID and time) that are cancelled or stand elsewhere now.
    """

    works: tuple[PlannedWork, ...] = ()
    cancelled: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    moved: tuple[tuple[str, datetime], ...] = ()
    faults: tuple[Fault, ...] = ()


def read_calendar(body: bytes, file: str, inventory: Inventory) -> Import:
    """Read a calendar whole. Works are only to be entered if there is no fault."""
    faults = Faults()
    text = _decoded(body, file, faults)
    if text is None:
        return Import(faults=faults.all())
    try:
        calendars = Calendar.from_ical(text, multiple=True)
    except ValueError as error:
        line = _line_of_fault(text, str(error))
        faults.add(
            Reason("không phải lịch iCalendar đúng dạng", "not a well-formed iCalendar"),
            file=file,
            line=line,
            value=str(error),
        )
        return Import(faults=faults.all())
    events = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    if not events:
        faults.add(Reason("lịch không có mục VEVENT nào", "the calendar has no VEVENT"), file=file)
    return _read_events(events, _lines(text), file, inventory, faults)


def _read_events(
    events: list[Any], places: list[dict[str, int]], file: str, inventory: Inventory, faults: Faults
) -> Import:
    works: list[PlannedWork] = []
    entries = [
        _Entry(event, file, places[number] if number < len(places) else {}, inventory.election.zone, faults)
        for number, event in enumerate(events)
    ]
    moved = {(entry.uid, entry.turn) for entry in entries if entry.turn is not None}
    for entry in entries:
        for written in () if entry.is_cancelled else entry.entries(moved):
            work = read_entry(written, inventory, faults)
            if work is not None:
                works.append(work)
    whole = [entry for entry in entries if entry.uid and not entry.is_turn]
    return Import(
        works=tuple(works),
        cancelled=tuple(entry.uid for entry in whole if entry.is_cancelled),
        renewed=tuple(entry.uid for entry in whole if not entry.is_cancelled),
        moved=tuple(sorted(one for one in moved if one[0])),
        faults=faults.all(),
    )


class _Entry:
    """One VEVENT, with the line that each of its properties stands on."""

    def __init__(
        self, event: Event, file: str, lines: Mapping[str, int], zone: ZoneInfo, faults: Faults
    ) -> None:
        self._event = event
        self._file = file
        self._lines = {
            field: next((lines[name] for name in names if name in lines), lines.get("", 0))
            for field, names in _PROPERTY.items()
        } | {"": lines.get("", 0)}
        self._zone = zone
        self._faults = faults
        self.uid = self._text("UID")
        states = {self._text("STATUS").upper(), self._text("X-MAINTNOTE-STATUS").upper()}
        self.is_cancelled = "CANCELLED" in states
        self.is_turn = event.get("RECURRENCE-ID") is not None
        self.turn = self._moment("RECURRENCE-ID", "turn")
        """Which repetition of its UID the entry stands for; ``None``: the entry is whole."""

    def entries(self, moved: Collection[tuple[str, datetime | None]]) -> Iterator[WorkEntry]:
        """Answer one entry a subject and repetition that is not ``moved``; faults of the times are noted."""
        start, end = self._window()
        starts: list[datetime | None] = [None]
        if start is not None:
            starts = [turn for turn in self._repeated(start) if (self.uid, turn) not in moved or self.is_turn]
        is_one = len(starts) == 1 and "RRULE" not in self._event and not self.is_turn
        for subject in self._subjects() or [""]:
            for turn in starts:
                mark = f"#{turn.isoformat()}" if turn is not None and not is_one else ""
                yield WorkEntry(
                    subject=subject,
                    starts_at=turn,
                    ends_at=turn + (end - start) if turn and start and end else end,
                    owner=self._text("X-MAINTNOTE-PROVIDER") or self._labelled("owner"),
                    reference=self._text("X-MAINTNOTE-MAINTENANCE-ID")
                    or self._labelled("reference")
                    or self._text("SUMMARY")[:120],
                    note=self._text("SUMMARY"),
                    uid=f"{self.uid}#{subject}{mark}"[:300] if self.uid else "",
                    file=self._file,
                    lines=self._lines,
                )

    def _subjects(self) -> list[str]:
        given = self._event.get("X-MAINTNOTE-OBJECT-ID")
        if given is not None:
            return [str(one).strip() for one in (given if isinstance(given, list) else [given])]
        written = self._labelled("subject") or self._text("LOCATION")
        return [one for one in re.split(r"[\s,;]+", written) if one]

    def _labelled(self, field: str) -> str:
        found = _LABELLED[field].search(self._text("DESCRIPTION"))
        return found[1].strip() if found else ""

    def _text(self, name: str) -> str:
        value = self._event.get(name)
        first = value[0] if isinstance(value, list) else value
        return unicodedata.normalize("NFC", str(first).strip()) if first is not None else ""

    def _window(self) -> tuple[datetime | None, datetime | None]:
        start, end = self._moment("DTSTART", "start"), self._moment("DTEND", "end")
        length = _meant(self._event.get("DURATION"))
        if end is None and start is not None and isinstance(length, timedelta):
            end = start + length
        is_day = not isinstance(_meant(self._event.get("DTSTART")), datetime)
        if end is None and start is not None and is_day and "DTEND" not in self._event:
            end = start + timedelta(days=1)
        return start, end

    def _moment(self, name: str, column: str) -> datetime | None:
        given = self._event.get(name)
        if given is None:
            return None
        value = _meant(given)
        if isinstance(value, date):
            return self._zoned(value)
        self._fault(column, str(given), Reason("không phải ngày giờ", "not a date and time"))
        return None

    def _repeated(self, start: datetime) -> list[datetime]:
        rule = self._event.get("RRULE")
        if isinstance(rule, list) or "RDATE" in self._event:
            only = Reason("chỉ đọc một RRULE, không đọc RDATE", "only one RRULE is read, and no RDATE")
            self._fault("repeat", "RDATE" if "RDATE" in self._event else "RRULE", only)
            return []
        if rule is None:
            return [start]
        text = self._rule(rule)
        if "COUNT" not in rule and "UNTIL" not in rule:
            self._fault(
                "repeat",
                text,
                Reason("lặp không có hạn; hãy ghi COUNT hoặc UNTIL", "repeats for ever; give an end"),
            )
            return []
        try:
            turns = list(rrulestr(text, dtstart=start).xafter(start, count=_MOST_REPEATED + 1, inc=True))
        except (ValueError, TypeError):
            self._fault("repeat", text, Reason("không hiểu quy tắc lặp", "this repetition is not understood"))
            return []
        if len(turns) > _MOST_REPEATED:
            self._fault("repeat", text, Reason("lặp quá 200 lần", "repeats more than 200 times"))
            return []
        skipped = self._skipped()
        return [turn for turn in turns if turn not in skipped]

    def _rule(self, rule: Any) -> str:
        """Write the rule with its last day in UTC, as expanding from a zoned start asks for."""
        last = next(iter(rule.get("UNTIL", ())), None)
        if last is None or (isinstance(last, datetime) and last.tzinfo is not None):
            return str(rule.to_ical().decode())
        # Like the start, a day alone or a time without a zone is a local one; of a day all is meant.
        local = last if isinstance(last, datetime) else datetime.combine(last, time(23, 59, 59))
        until = local.replace(tzinfo=self._zone).astimezone(UTC)
        return re.sub(r"UNTIL=[^;]*", f"UNTIL={until:%Y%m%dT%H%M%SZ}", rule.to_ical().decode())

    def _skipped(self) -> set[datetime]:
        given = self._event.get("EXDATE")
        lists = given if isinstance(given, list) else [given] if given is not None else []
        return {self._zoned(one.dt) for each in lists for one in getattr(each, "dts", ())}

    def _zoned(self, value: date) -> datetime:
        if not isinstance(value, datetime):
            return datetime.combine(value, time(), self._zone)
        return value.replace(tzinfo=self._zone) if value.tzinfo is None else value

    def _fault(self, column: str, value: str, reason: Reason) -> None:
        self._faults.add(reason, file=self._file, line=self._lines.get(column, 0), column=column, value=value)


def _meant(given: Any) -> object:
    """Answer the date, time or length that a property holds; ``None`` where it holds none that can be read."""
    return None if isinstance(given, vBroken) else getattr(given, "dt", None)


def _decoded(body: bytes, file: str, faults: Faults) -> str | None:
    if len(body) > LARGEST_CALENDAR:
        faults.add(
            Reason("tệp lớn hơn 1 MB", "the file is larger than 1 MB"), file=file, value=str(len(body))
        )
        return None
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        faults.add(
            Reason("không phải UTF-8; hãy lưu lại bằng UTF-8", "not UTF-8; save it again as UTF-8"),
            file=file,
            line=body[: error.start].count(b"\n") + 1,
        )
        return None


def _lines(text: str) -> list[dict[str, int]]:
    """Answer, for each VEVENT, the line on which it begins (under "") and that of the first of each property."""
    found: list[dict[str, int]] = []
    is_inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        word = line.strip().upper()
        if word == "BEGIN:VEVENT":
            found.append({"": number})
            is_inside = True
        elif word == "END:VEVENT":
            is_inside = False
        elif is_inside and line[:1] not in {" ", "\t"}:
            name = re.split(r"[:;]", line, maxsplit=1)[0].strip().upper()
            found[-1].setdefault(name, number)
    return found


def _line_of_fault(text: str, message: str) -> int:
    """Find the line that the parser quotes in its message; 0 where it quotes none."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and f"'{line.strip()}'" in message:
            return number
    return 0

"""Understanding a roster that an office wrote: grids of cells in, shifts and new people out, with every doubt told. Pure.

Three ways of writing are known, and may follow each other on one sheet. A *list* has a heading over names
(``Ngày · Ca · Họ và tên · Điện thoại``); a date that is not repeated holds for the rows below it. A *week* has dates
across and turns or duties down; a *calendar* has dates down and turns or duties across. In both, the cells name people:
the first stands the duty, the second is the substitute.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerting.roster_layout import Layout, LayoutKind, layout_of
from alerting.roster_people import People
from alerting.roster_sheets import Cell, Grid
from alerting.roster_words import (
    Clock,
    Named,
    clock_of,
    dates_of,
    duty_of,
    folded,
    hours_of_labels,
    labels_of,
    numbers_of,
    only_duty_of,
    people_of,
    times_of,
)
from inventory.models import Duty, Inventory, Person, Shift
from inventory.phases import local_time
from inventory.reasons import Reason, UnusableError, expected

__all__ = ["Doubt", "Understanding", "Understood", "understand"]


@dataclass(frozen=True, slots=True)
class Understood:
    """One shift and the cell that it was read from."""

    place: str
    text: str
    shift: Shift
    name: str
    substitute_name: str = ""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A cell that was not understood, or (``is_fault`` false) an assumption that was made there."""

    place: str
    text: str
    reason: Reason
    is_fault: bool = True


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a file says: shifts, people who are new, and every doubt. It can be taken when no doubt is a fault."""

    shifts: tuple[Understood, ...]
    people: tuple[Person, ...]
    doubts: tuple[Doubt, ...]

    @property
    def faults(self) -> tuple[Doubt, ...]:
        """The doubts that must be mended, or left out knowingly."""
        return tuple(doubt for doubt in self.doubts if doubt.is_fault)


@dataclass(slots=True)
class _Slot:
    """A place in the roster that a cell fills: its day, its hours, its party and duty."""

    day: date
    clock: Clock
    party: str
    duty: Duty
    until: tuple[date, int] | None = None


@dataclass(slots=True)
class _Reading:
    """What has been read so far. ``pending`` gathers the people of one slot over several rows."""

    inventory: Inventory
    people: People
    party: str
    sheet: str = ""
    duty: Duty | None = None
    hours: Mapping[str, Clock] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)
    slots: dict[tuple[str, Duty, datetime, datetime], tuple[Cell, list[str], str]] = field(
        default_factory=dict
    )
    told: set[str] = field(default_factory=set)
    seen: set[tuple[str, date, Clock]] = field(default_factory=set)

    @property
    def day(self) -> date:
        return self.inventory.election.day

    @property
    def zone(self) -> ZoneInfo:
        return self.inventory.election.zone

    def doubt(self, cell: Cell, reason: Reason, *, is_fault: bool = True) -> None:
        self.doubts.append(Doubt(self.place(cell), cell.text, reason, is_fault))

    def remark(self, cell: Cell, key: str, vi: str, en: str) -> None:
        """Tell an assumption once a file."""
        if key not in self.told:
            self.told.add(key)
            self.doubt(cell, Reason(vi, en), is_fault=False)

    def place(self, cell: Cell) -> str:
        return f"{self.sheet}!{cell.place}" if self.sheet else cell.place


def understand(
    grids: Sequence[Grid], inventory: Inventory, *, party: str = "", duty: Duty | None = None
) -> Understanding:
    """Read the roster that ``grids`` hold. ``party`` and ``duty`` are for sheets that do not say their own.

    ``inventory`` gives the parties and people known already, day D (the year and week of bare dates) and the zone.
    """
    people = People(inventory)
    reading = _Reading(inventory, people, party)
    for grid in grids:
        _read_sheet(reading, grid, party=party, duty=duty, is_only=len(grids) == 1)
    shifts = tuple(_shifts(reading))
    if not shifts and not reading.doubts:
        empty = Cell("", "", "A1", "A1")
        reading.doubt(empty, Reason(*_NOTHING))
    used = {code for one in shifts for code in (one.shift.person, one.shift.substitute) if code}
    new = tuple(person for person in people.new() if person.code in used)
    for person in new:
        if not person.contacts:
            vi = f"{person.name} chưa có số điện thoại; người này sẽ không được gọi cho đến khi có số"
            en = f"{person.name} has no number; they cannot be called until they have"
            first = next(one for one in shifts if person.code in {one.shift.person, one.shift.substitute})
            reading.doubts.append(Doubt(first.place, person.name, Reason(vi, en), is_fault=False))
    return Understanding(shifts, new, tuple(reading.doubts))


_NOTHING = (
    "không thấy lịch trực; cần một dòng tiêu đề (Ngày, Ca, Họ và tên, Điện thoại) hoặc một dòng các ngày",
    "no roster found; a heading row (Ngày, Ca, Họ và tên, Điện thoại) or a row of dates is needed",
)


def _read_sheet(reading: _Reading, grid: Grid, *, party: str, duty: Duty | None, is_only: bool) -> None:
    reading.sheet = "" if is_only else grid.name
    reading.party = _party_in(grid.name, reading.inventory) or party
    reading.duty = only_duty_of(grid.name) or duty
    reading.hours = _hours(grid)
    layout: Layout | None = None
    for row in grid.rows:
        cells = [cell for cell in row if cell is not None]
        if not cells:
            continue
        found = layout_of(row, day=reading.day)
        if found is not None:
            layout = found
            reading.seen.clear()
        elif layout is None:
            _read_title(reading, cells)
        else:
            _read_row(reading, layout, row)


def _hours(grid: Grid) -> Mapping[str, Clock]:
    """Answer the hours of the sheet's named turns: those that it gives somewhere, else those of the rule."""
    labels: list[str] = []
    given: dict[str, Clock] = {}
    for row in grid.rows:
        for cell in row:
            if cell is None or len(cell.text) > 60:
                continue
            named = labels_of(cell.text)
            labels += named
            try:
                hours = clock_of(cell.text)
            except UnusableError:
                hours = None
            if len(named) == 1 and hours is not None:
                given.setdefault(named[0], hours)
    return {**hours_of_labels(labels), **given}


def _party_in(text: str, inventory: Inventory) -> str:
    plain = f" {folded(text)} "
    for party in inventory.parties.values():
        if f" {folded(party.code)} " in plain or f" {folded(party.name)} " in plain:
            return party.code
    return ""


def _read_title(reading: _Reading, cells: Sequence[Cell]) -> None:
    for cell in cells:
        reading.party = _party_in(cell.text, reading.inventory) or reading.party
        reading.duty = only_duty_of(cell.text) or reading.duty


def _read_row(reading: _Reading, layout: Layout, row: Sequence[Cell | None]) -> None:
    read = {LayoutKind.LIST: _read_list, LayoutKind.WEEK: _read_week, LayoutKind.CALENDAR: _read_calendar}
    read[layout.kind](reading, layout, row)


def _joined(cells: Sequence[Cell | None]) -> str:
    """Answer the texts of cells, each merged cell once."""
    return " ".join({cell.origin: cell.text for cell in cells if cell is not None}.values())


def _slots(reading: _Reading, cell: Cell, text: str, days: Sequence[date], duty: Duty | None) -> list[_Slot]:
    """Answer the slots that ``text`` (hours, a turn's name) makes of ``days``."""
    if not reading.party:
        raise expected(
            "không biết của đơn vị nào; ghi tên đơn vị trên tiêu đề trang, hoặc chọn đơn vị khi nhập",
            "whose roster is this? write the party above the table, or choose it when importing",
        )
    held = duty or duty_of(text) or reading.duty or Duty.OPERATIONS
    if len(days) == 2 and len(moments := times_of(text)) == 2:
        return [_Slot(days[0], (moments[0], 0), reading.party, held, (days[1], moments[1]))]
    clock = clock_of(text)
    if clock is None:
        label = next((one for one in labels_of(text) if one in reading.hours), "")
        clock = reading.hours.get(label, (0, 24 * 60))
        hours = f"{_shown(clock[0])}–{_shown(clock[1])}"
        said = f"“{cell.text}”" if label else "ca không ghi giờ"
        reading.remark(
            cell,
            f"{reading.sheet} {label}",
            f"{said} được hiểu là {hours}; nếu khác, hãy ghi giờ vào ô (ví dụ 7h00-19h00)",
            f"{said if label else 'a turn without hours'} was read as {hours}; write the hours if it is not so",
        )
    return [_Slot(day, clock, reading.party, held) for day in days]


def _shown(minutes: int) -> str:
    return "24:00" if minutes == 24 * 60 else f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def _read_list(reading: _Reading, layout: Layout, row: Sequence[Cell | None]) -> None:
    def at(kind: str) -> Cell | None:
        return next((row[c] for c, k in layout.columns.items() if k == kind and row[c] is not None), None)

    when = [row[c] for c, kind in layout.columns.items() if kind in {"date", "shift", "start", "end"}]
    name = at("name")
    if (party := at("party")) is not None:
        known = _party_in(party.text, reading.inventory)
        if not known:
            reading.doubt(party, Reason(*_PARTY))
            return
        reading.party = known
    first = next((cell for cell in when if cell is not None), None) or name
    if first is None:
        return
    try:
        days = dates_of(_joined(when), day=reading.day) or layout.days
        layout.days = days
        hours = " ".join(
            filter(None, (_joined([row[c]]) for c in layout.of("shift", "start", "end", "date")))
        )
        hours = hours if clock_of(hours) or labels_of(hours) or times_of(hours) else layout.hours
        layout.hours = hours
        if name is None:
            return
        if not days:
            raise expected("không có ngày ở dòng này hay phía trên", "there is no date here or above")
        kind = at("duty")
        duty = duty_of(kind.text) if kind is not None else None
        shift_cell = at("shift") or first
        slots = _slots(reading, shift_cell, hours, days, duty)
        people = _people(name, at("phone"), at("position"))
        spare = at("substitute")
        if spare is not None:
            people = [*people[:1], *people_of(spare.text)]
        for slot in slots:
            _fill(reading, slot, name, people)
    except UnusableError as error:
        reading.doubt(_culprit(first, name, at("phone"), error), error.reason)


_PARTY = (
    "không có đơn vị này trong danh sách; viết mã hoặc tên như trong parties.yml",
    "no such party; write its code or its name as in parties.yml",
)


def _culprit(first: Cell, name: Cell | None, phone: Cell | None, error: UnusableError) -> Cell:
    """Answer the cell to point at: the number's, the name's, else the date's."""
    if "điện thoại" in error.reason.vi or "vùng" in error.reason.vi:
        return phone or name or first
    return name if name is not None and "tên" in error.reason.vi else first


def _people(name: Cell, phone: Cell | None, position: Cell | None) -> list[Named]:
    found = people_of(name.text)
    if phone is not None:
        for place, number in enumerate(numbers_of(phone.text)[: len(found)]):
            found[place] = replace(found[place], number=number)
    if position is not None and len(found) == 1:
        found[0] = replace(found[0], position=position.text)
    return found


def _read_week(reading: _Reading, layout: Layout, row: Sequence[Cell | None]) -> None:
    first = min(layout.dates)
    heads = [cell for cell in row[:first] if cell is not None]
    text = _joined(heads)
    if heads and "dien thoai" in folded(text):
        return
    for column, days in layout.dates.items():
        cell = row[column]
        if cell is None or cell.text in {"-", "–", "x", "X"}:
            continue
        try:
            people = people_of(cell.text)
            for slot in _slots(reading, heads[-1] if heads else cell, text, days, None):
                _fill(reading, slot, cell, people)
        except UnusableError as error:
            reading.doubt(cell, error.reason)


def _read_calendar(reading: _Reading, layout: Layout, row: Sequence[Cell | None]) -> None:
    when = _joined([row[c] for c in layout.of("date")])
    place = next((row[c] for c in layout.of("date") if row[c] is not None), None)
    try:
        days = dates_of(when, day=reading.day) or layout.days
        layout.days = days
    except UnusableError as error:
        if place is not None:
            reading.doubt(place, error.reason)
        layout.days = []
        return
    for column, head in layout.heads.items():
        cell = row[column]
        if cell is None or cell.text in {"-", "–", "x", "X"}:
            continue
        try:
            if not days:
                raise expected("không có ngày ở dòng này", "there is no date in this row")
            for slot in _slots(reading, head, head.text, days, None):
                _fill(reading, slot, cell, people_of(cell.text))
        except UnusableError as error:
            reading.doubt(cell, error.reason)


def _fill(reading: _Reading, slot: _Slot, cell: Cell, people: Sequence[Named]) -> None:
    codes = [reading.people.code_of(person, slot.party) for person in people]
    if not codes:
        raise expected("không thấy họ tên trong ô này", "there is no name in this cell")
    start = _moment(slot.day, slot.clock[0], reading.zone)
    end = _moment(*slot.until, reading.zone) if slot.until else _moment(slot.day, slot.clock[1], reading.zone)
    if end <= start:
        raise expected("lúc kết thúc không sau lúc bắt đầu", "the end is not after the start")
    key = (slot.party, slot.duty, start, end)
    standing = reading.slots.setdefault(key, (cell, [], reading.place(cell)))[1]
    standing += [code for code in codes if code not in standing]
    if len(standing) > 2:
        reading.doubt(
            cell,
            Reason(
                "một ca ghi được một người trực và một người dự phòng; người thứ ba trở đi chưa được ghi",
                "a shift has one person and one substitute; the third person and further were left out",
            ),
            is_fault=False,
        )
        del standing[2:]


def _moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    return local_time(datetime.combine(day, time()) + timedelta(minutes=minutes), zone=zone)


def _shifts(reading: _Reading) -> Iterator[Understood]:
    for (party, duty, start, end), (cell, codes, place) in reading.slots.items():
        substitute = codes[1] if len(codes) > 1 else ""
        yield Understood(
            place,
            cell.text,
            Shift(party, duty, codes[0], start, end, substitute),
            reading.people.name(codes[0]),
            reading.people.name(substitute) if substitute else "",
        )

"""A week of a roster as rows of duties and columns of days; who is missing stands where somebody should."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from alerting.roster import Finding, FindingKind, RosterShift
from alerting.roster_asking import Asked, standing
from alerting.roster_service import RosterView
from dashboards.views.duty import Number, numbers_of
from inventory.models import Duty, Inventory, Person
from inventory.phases import local_time

__all__ = [
    "DayCell",
    "DutyRow",
    "PartyWeek",
    "PhoneLine",
    "Turn",
    "Unheard",
    "days_from",
    "phone_lines",
    "unconfirmed",
    "weeks",
]

_AHEAD = timedelta(days=2)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Turn:
    """A shift, or a stretch that nobody holds (``shift`` None), as far as it lies in one day."""

    start: datetime
    end: datetime
    shift: RosterShift | None = None
    name: str = ""
    substitute: str = ""
    trouble: tuple[FindingKind, ...] = ()
    fill: tuple[datetime, datetime] | None = None
    """Of a stretch that nobody holds: what one person would take on, the whole of it where it is within a day's length."""


@dataclass(frozen=True, slots=True)
class DayCell:
    """One duty on one day."""

    day: date
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class DutyRow:
    """One duty over the days that are shown. ``taken_by`` is empty where the files are the roster."""

    duty: Duty
    cells: tuple[DayCell, ...]
    taken_by: str
    taken_at: datetime | None
    version: int
    """What an edit of this row is made on."""


@dataclass(frozen=True, slots=True)
class PartyWeek:
    """One party's duties."""

    party: str
    name: str
    rows: tuple[DutyRow, ...]
    gap_hours: float

    @property
    def is_empty(self) -> bool:
        """Whether nobody at all stands in it."""
        return not any(turn.shift for row in self.rows for cell in row.cells for turn in cell.turns)


@dataclass(frozen=True, slots=True)
class PhoneLine:
    """A line of the telephone list."""

    name: str
    position: str
    numbers: tuple[Number, ...]
    duties: tuple[Duty, ...]
    next_start: datetime


@dataclass(frozen=True, slots=True)
class Unheard:
    """A shift to come of which nothing was heard, and what was done about it."""

    shift: RosterShift
    name: str
    asked: Asked | None


def unconfirmed(
    view: RosterView, asked: Mapping[object, Asked], parties: Iterable[str], at: datetime
) -> tuple[Unheard, ...]:
    """Answer the shifts of the next two days that nobody confirmed, by start."""
    wanted, people = set(parties), view.inventory.people
    return tuple(
        Unheard(
            shift,
            people[shift.person].name if shift.person in people else shift.person,
            asked.get(standing(shift)),
        )
        for shift in sorted(view.shifts, key=lambda one: (one.start, one.party, one.duty.value))
        if shift.confirmed_at is None and at < shift.start <= at + _AHEAD and shift.party in wanted
    )


def days_from(first: date, count: int) -> tuple[date, ...]:
    """Answer ``count`` days from ``first``."""
    return tuple(first + timedelta(days=number) for number in range(count))


def weeks(view: RosterView, days: Sequence[date], *, parties: Iterable[str]) -> tuple[PartyWeek, ...]:
    """Answer the weeks of ``parties``, in the order of the inventory."""
    edges = [_midnight(day, view.inventory) for day in (*days, days[-1] + timedelta(days=1))]
    found = view.findings(edges[0], edges[-1])
    wrong: dict[tuple[str, Duty, str], set[FindingKind]] = {}
    for finding in found:
        wrong.setdefault((finding.party, finding.duty, finding.person), set()).add(finding.kind)
    wanted = set(parties)
    return tuple(
        _party(view, code, days, edges, wrong, found) for code in view.inventory.parties if code in wanted
    )


def _midnight(day: date, inventory: Inventory) -> datetime:
    return local_time(datetime.combine(day, time()), zone=inventory.election.zone)


def _party(
    view: RosterView,
    party: str,
    days: Sequence[date],
    edges: Sequence[datetime],
    wrong: Mapping[tuple[str, Duty, str], set[FindingKind]],
    found: Sequence[Finding],
) -> PartyWeek:
    known = view.inventory.parties[party]
    mine = [shift for shift in view.shifts if shift.party == party]
    duties = [duty for duty in Duty if duty in known.duties or any(s.duty is duty for s in mine)]
    missing = [one for one in found if one.party == party and one.kind is FindingKind.GAP]
    hours = sum((one.end - one.start).total_seconds() for one in missing) / 3600
    rows = tuple(
        _row(
            view,
            (party, duty),
            [s for s in mine if s.duty is duty],
            list(zip(days, edges[:-1], edges[1:], strict=True)),
            wrong=wrong,
            holes=[one for one in missing if one.duty is duty],
        )
        for duty in duties
    )
    return PartyWeek(party, known.name, rows, hours)


def _row(
    view: RosterView,
    key: tuple[str, Duty],
    shifts: Sequence[RosterShift],
    days: Sequence[tuple[date, datetime, datetime]],
    *,
    wrong: Mapping[tuple[str, Duty, str], set[FindingKind]],
    holes: Sequence[Finding],
) -> DutyRow:
    cells = []
    for day, start, end in days:
        turns = [
            _turn(view, shift, wrong)
            for shift in shifts
            if shift.start < end and shift.end > start and (shift.start >= start or day == days[0][0])
        ]
        turns += [_hole(hole, start, end) for hole in holes if hole.start < end and hole.end > start]
        cells.append(DayCell(day, tuple(sorted(turns, key=lambda turn: (turn.start, turn.name)))))
    kept = view.taken.get(key)
    if kept is None:
        return DutyRow(key[1], tuple(cells), "", None, 0)
    return DutyRow(key[1], tuple(cells), kept.taken_by, kept.taken_at, kept.version)


def _hole(gap: Finding, start: datetime, end: datetime) -> Turn:
    piece = max(gap.start, start), min(gap.end, end)
    return Turn(*piece, fill=(gap.start, gap.end) if gap.end - gap.start <= _DAY else piece)


def _turn(
    view: RosterView, shift: RosterShift, wrong: Mapping[tuple[str, Duty, str], set[FindingKind]]
) -> Turn:
    people = view.inventory.people
    kinds = wrong.get((shift.party, shift.duty, shift.person), set()) - {FindingKind.UNCONFIRMED}
    return Turn(
        shift.start,
        shift.end,
        shift,
        _name(people, shift.person),
        _name(people, shift.substitute) if shift.substitute else "",
        tuple(sorted(kinds - {FindingKind.GAP})),
    )


def _name(people: Mapping[str, Person], code: str) -> str:
    person = people.get(code)
    return person.name if person else code


def phone_lines(
    view: RosterView, since: datetime, until: datetime
) -> tuple[tuple[str, tuple[PhoneLine, ...]], ...]:
    """Answer everybody who holds or stands by for a duty between two moments, by party, who comes first first."""
    found: dict[str, dict[str, tuple[datetime, list[Duty]]]] = {}
    for shift in sorted(view.shifts, key=lambda each: each.start):
        if shift.start >= until or shift.end <= since:
            continue
        for code in filter(None, (shift.person, shift.substitute)):
            _, duties = found.setdefault(shift.party, {}).setdefault(code, (shift.start, []))
            if shift.duty not in duties:
                duties.append(shift.duty)
    parties = view.inventory.parties
    return tuple(
        (
            parties[party].name,
            tuple(_line(view.inventory.people.get(code), code, *told) for code, told in people.items()),
        )
        for party in parties
        if (people := found.get(party))
    )


def _line(person: Person | None, code: str, first: datetime, duties: list[Duty]) -> PhoneLine:
    return PhoneLine(
        person.name if person else code,
        person.position if person else "",
        numbers_of(person),
        tuple(duties),
        first,
    )

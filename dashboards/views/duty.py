"""Who is on duty now, by party and duty; what ends soon and where nobody follows."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerting.oncall import DutyRow, board, gaps
from inventory.models import ContactChannel, Duty, Inventory, PartyKind, Person
from inventory.numbering import shown

__all__ = [
    "DutyLine",
    "Number",
    "Watch",
    "duty_lines",
    "numbers_of",
    "province_name",
    "short_party",
    "watches",
    "watches_of_party",
]

_SOON = timedelta(minutes=30)
_HORIZON = timedelta(hours=8)
_HEADS = (Duty.LEADERSHIP, Duty.COMMAND)
_ORDER = (PartyKind.DEPARTMENT, PartyKind.CARRIER, PartyKind.POWER, PartyKind.POST)


@dataclass(frozen=True, slots=True)
class Number:
    """A telephone number as dialled and as read, and the carrier that it rides on."""

    e164: str
    text: str
    rides_on: str


@dataclass(frozen=True, slots=True)
class Watch:
    """One duty of one party now. In a gap ``person`` is empty and ``until`` is when somebody comes, if ever."""

    party: str
    party_name: str
    duty: Duty
    person: str
    name: str
    position: str
    numbers: tuple[Number, ...]
    substitute_name: str
    since: datetime | None
    until: datetime | None
    is_gap: bool
    is_ending: bool
    gap_from: datetime | None

    @property
    def is_trouble(self) -> bool:
        """Whether somebody has to look for a person now or soon."""
        return self.is_gap or self.gap_from is not None


@dataclass(frozen=True, slots=True)
class DutyLine:
    """One party on the board: its shift, its leader, and the nearest thing to worry about."""

    party: str
    short: str
    shift: Watch | None
    head: Watch | None

    @property
    def worst(self) -> Watch | None:
        """The watch whose end, gap or coming gap is shown."""
        both = [watch for watch in (self.shift, self.head) if watch is not None]
        return min(both, key=_urgency, default=None)


_ABBREVIATIONS = (
    ("Thông tin và Truyền thông", "TT&TT"),
    ("Khoa học và Công nghệ", "KH&CN"),
    ("Bưu chính, Viễn thông", "BCVT"),
    ("Bưu chính Viễn thông", "BCVT"),
    ("Công ty Điện lực", "Điện lực"),
    ("Công an", "CA"),
)


def province_name(inventory: Inventory) -> str:
    """Answer the name of the province that the inventory is about, or nothing where it spans several."""
    found = [area.name for area in inventory.areas.values() if area.kind.is_province_level]
    return found[0] if len(found) == 1 else ""


def short_party(name: str, province: str) -> str:
    """Shorten a party's name for a narrow column: on a province's board everybody knows the province.

    ``Sở Thông tin và Truyền thông tỉnh Sóc Trăng`` reads ``Sở TT&TT``, ``Viettel Sóc Trăng`` reads ``Viettel``.
    """
    bare = re.sub(r"^(Tỉnh|Thành phố)\s+", "", province)
    short = re.sub(rf"\s+(tỉnh\s+|thành phố\s+|TP\s+)?{re.escape(bare)}$", "", name) if bare else name
    for long, abbreviation in _ABBREVIATIONS:
        short = short.replace(long, abbreviation)
    return short or name


def _urgency(watch: Watch) -> tuple[int, float]:
    rank = 0 if watch.is_gap else 1 if watch.gap_from else 2
    at = watch.gap_from or watch.until
    return rank, at.timestamp() if at else float("inf")


def watches(inventory: Inventory, at: datetime) -> tuple[Watch, ...]:
    """Answer every duty that must be held, the department's first, then carriers, then everybody else."""
    return tuple(sorted((_watch(inventory, row, at) for row in board(inventory, at)), key=_place(inventory)))


def watches_of_party(inventory: Inventory, party: str, at: datetime) -> tuple[Watch, ...]:
    """Answer the duties of one party, shifts before leaders."""
    return tuple(watch for watch in watches(inventory, at) if watch.party == party)


def duty_lines(found: Iterable[Watch], inventory: Inventory) -> tuple[DutyLine, ...]:
    """Fold watches to one line a party, in the order in which they come."""
    province = province_name(inventory)
    by_party: dict[str, list[Watch]] = {}
    for watch in found:
        by_party.setdefault(watch.party, []).append(watch)
    return tuple(_line(party, held, province) for party, held in by_party.items())


def _line(party: str, held: list[Watch], province: str) -> DutyLine:
    shift = next((watch for watch in held if watch.duty not in _HEADS), None)
    head = next((watch for watch in held if watch.duty in _HEADS), None)
    return DutyLine(party, short_party(held[0].party_name, province), shift, head)


def _place(inventory: Inventory) -> Callable[[Watch], tuple[int, int, bool]]:
    order = {code: place for place, code in enumerate(inventory.parties)}

    def key(watch: Watch) -> tuple[int, int, bool]:
        party = inventory.parties.get(watch.party)
        kind = _ORDER.index(party.kind) if party and party.kind in _ORDER else len(_ORDER)
        return kind, order.get(watch.party, len(order)), watch.duty in _HEADS

    return key


def _watch(inventory: Inventory, row: DutyRow, at: datetime) -> Watch:
    party = inventory.parties.get(row.party)
    person, substitute = inventory.people.get(row.person), inventory.people.get(row.substitute)
    coming = None if row.gap else _coming_gap(inventory, row, at)
    ends = row.until is not None and not row.gap and row.until - at <= _SOON
    return Watch(
        party=row.party,
        party_name=party.name if party else row.party,
        duty=row.duty,
        person=row.person,
        name=person.name if person else row.person,
        position=person.position if person else "",
        numbers=numbers_of(person),
        substitute_name=substitute.name if substitute else row.substitute,
        since=row.since,
        until=row.until,
        is_gap=row.gap,
        is_ending=ends and coming is None,
        gap_from=coming,
    )


def _coming_gap(inventory: Inventory, row: DutyRow, at: datetime) -> datetime | None:
    found = gaps(inventory.shifts, party=row.party, duty=row.duty, since=at, until=at + _HORIZON)
    return found[0].start if found else None


def numbers_of(person: Person | None) -> tuple[Number, ...]:
    """Answer the numbers that a person can be called at, each once."""
    if person is None:
        return ()
    wanted = (ContactChannel.VOICE, ContactChannel.SMS)
    found = {
        contact.address: Number(contact.address, shown(contact.address), contact.rides_on)
        for channel in wanted
        for contact in person.contacts
        if contact.channel is channel
    }
    return tuple(found.values())

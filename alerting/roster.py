"""The live roster: dated shifts of every party and duty, and what is wrong with them. Pure; times are arguments.

Precedence, decided once and kept everywhere:

- The inventory's shift files are the seed. For a party and duty that nobody edited here, the files *are* the roster,
  and a reload brings what they say now.
- The first edit here (form, import, rotation, override, swap) copies that party's shifts of that duty into the
  database and takes them over: from then on the files are not read for them, neither by a reload nor by a restart.
  Against it: a correction in the file is not seen any more; the roster page says who took the duty over and when,
  and giving it back drops what was edited.
- Confirmations belong to a shift as it stands (party, duty, person, start, end): who confirmed 14:00 to 22:00 has
  not confirmed 14:00 to 06:00.
- People that came with an imported roster join those of ``people.csv``; the same code in the file wins.

Shifts are half open. Where two overlap, the one that began last holds (:mod:`alerting.oncall`); an override cuts
what it covers, so that what is stored is what holds.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from alerting.oncall import PAGE_CHANNELS, gaps
from alerting.roster_errors import ImpossibleShiftError
from inventory.models import Duty, Inventory, PartyKind, Person, Shift
from inventory.phases import DUTY_PHASES
from inventory.reasons import Reason

__all__ = [
    "LONGEST",
    "SHARED",
    "Finding",
    "FindingKind",
    "Origin",
    "RosterShift",
    "changed_places",
    "cut_by",
    "findings",
    "identifier_of",
    "impossibilities",
    "seeded",
]


SHARED = frozenset({Duty.SOFTWARE_SUPPORT})
"""Duties that several people hold at once, each for a place of their own: the software team has one in each district."""


LONGEST = timedelta(days=7)
"""A longer shift is a slip of the keyboard."""


class Origin(StrEnum):
    """How a shift came to be."""

    FILE = "file"
    EDIT = "edit"
    IMPORT = "import"
    ROTATION = "rotation"
    OVERRIDE = "override"
    SWAP = "swap"


class FindingKind(StrEnum):
    """What can be wrong with a roster."""

    GAP = "gap"
    """Nobody holds a duty that must be held."""
    OVERLAP = "overlap"
    """Two people hold one duty at once."""
    DOUBLE_DUTY = "double_duty"
    """One person holds two duties at once."""
    UNKNOWN_PERSON = "unknown_person"
    """The person is in no list of people."""
    NO_CONTACT = "no_contact"
    """No page can be sent to the person at all."""
    OWN_NETWORK = "own_network"
    """Every contact of a carrier's person rides on that carrier: when it fails they cannot be told."""
    UNCONFIRMED = "unconfirmed"
    """The person has not said that they will be there."""


@dataclass(frozen=True, slots=True)
class RosterShift:
    """A dated turn of duty as it stands here. ``confirmed_at`` is when its person said that they will hold it."""

    id: str
    party: str
    duty: Duty
    person: str
    start: datetime
    end: datetime
    substitute: str = ""
    note: str = ""
    origin: Origin = Origin.FILE
    confirmed_at: datetime | None = None

    def plain(self) -> Shift:
        """Answer it as everybody who asks for people on duty knows shifts."""
        return Shift(self.party, self.duty, self.person, self.start, self.end, self.substitute)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and when. ``other`` is the second person (overlap) or the second duty (double duty)."""

    kind: FindingKind
    party: str
    duty: Duty
    start: datetime
    end: datetime
    person: str = ""
    other: str = ""


def identifier_of(shift: Shift) -> str:
    """Answer the id of a shift that a file holds: the same shift has the same id after every reload."""
    parts = (
        shift.party,
        shift.duty.value,
        shift.person,
        shift.start.isoformat(),
        shift.end.isoformat(),
        shift.substitute,
    )
    return "f" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:19]


def seeded(shift: Shift) -> RosterShift:
    """Answer a shift of a file as one of the roster."""
    return RosterShift(
        identifier_of(shift),
        shift.party,
        shift.duty,
        shift.person,
        shift.start,
        shift.end,
        shift.substitute,
    )


def cut_by(
    shifts: Iterable[RosterShift], start: datetime, end: datetime, *, new_id: Iterator[str]
) -> tuple[tuple[RosterShift, ...], tuple[RosterShift, ...], tuple[str, ...]]:
    """Make room from ``start`` to ``end`` in ``shifts`` of one party and duty: answer (changed, added, removed ids).

    What is covered whole goes, what sticks out on one side is shortened, on both sides becomes two.
    """
    changed: list[RosterShift] = []
    added: list[RosterShift] = []
    removed: list[str] = []
    for shift in shifts:
        if shift.end <= start or shift.start >= end:
            continue
        if shift.start < start:
            changed.append(replace(shift, end=start, confirmed_at=None))
            if shift.end > end:
                added.append(replace(shift, id=next(new_id), start=end, confirmed_at=None))
        elif shift.end > end:
            changed.append(replace(shift, start=end, confirmed_at=None))
        else:
            removed.append(shift.id)
    return tuple(changed), tuple(added), tuple(removed)


def findings(
    shifts: Sequence[RosterShift],
    inventory: Inventory,
    *,
    since: datetime,
    until: datetime,
    party: str | None = None,
) -> tuple[Finding, ...]:
    """Answer everything that is wrong between ``since`` and ``until``, of one ``party`` or of all, by time.

    ``inventory`` gives the people, and the duties that each party must keep filled through the phases of duty round
    the clock; any duty that has shifts must be filled between its first and its last.
    """
    inside = [
        shift
        for shift in shifts
        if shift.start < until and shift.end > since and party in {None, shift.party}
    ]
    found = [
        *_gaps(shifts, inventory, since, until, party),
        *_overlaps(inside, since, until),
        *_doubles(inside, since, until),
        *(finding for shift in inside for finding in _about_people(shift, inventory, since, until)),
    ]
    return tuple(
        sorted(set(found), key=lambda one: (one.start, one.party, one.duty.value, one.kind, one.person))
    )


def _gaps(
    shifts: Sequence[RosterShift],
    inventory: Inventory,
    since: datetime,
    until: datetime,
    party: str | None,
) -> Iterator[Finding]:
    held: defaultdict[tuple[str, Duty], list[Shift]] = defaultdict(list)
    for shift in shifts:
        held[shift.party, shift.duty].append(shift.plain())
    owed = {(each.code, duty) for each in inventory.parties.values() for duty in each.duties}
    watch = [(span.start, span.end) for span in inventory.election.spans if span.phase in DUTY_PHASES]
    for key in sorted(owed | held.keys()):
        if party not in {None, key[0]}:
            continue
        turns = held[key]
        windows = [*watch] if key in owed else []
        if turns:
            windows.append((min(turn.start for turn in turns), max(turn.end for turn in turns)))
        for first, last in _joined(windows):
            start, end = max(first, since), min(last, until)
            if start < end:
                for gap in gaps(turns, party=key[0], duty=key[1], since=start, until=end):
                    yield Finding(FindingKind.GAP, *key, gap.start, gap.end)


def _joined(windows: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Answer the times that ``windows`` cover together, in order."""
    found: list[tuple[datetime, datetime]] = []
    for start, end in sorted(windows):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _overlaps(shifts: Sequence[RosterShift], since: datetime, until: datetime) -> Iterator[Finding]:
    alone = [shift for shift in shifts if shift.duty not in SHARED]
    for one, other in _meeting(alone, lambda shift: (shift.party, shift.duty)):
        start, end = max(one.start, other.start, since), min(one.end, other.end, until)
        if start < end:
            yield Finding(FindingKind.OVERLAP, one.party, one.duty, start, end, one.person, other.person)


def _doubles(shifts: Sequence[RosterShift], since: datetime, until: datetime) -> Iterator[Finding]:
    for one, other in _meeting([shift for shift in shifts if shift.person], lambda shift: shift.person):
        if (one.party, one.duty) == (other.party, other.duty):
            continue
        start, end = max(one.start, other.start, since), min(one.end, other.end, until)
        if start < end:
            yield Finding(
                FindingKind.DOUBLE_DUTY, one.party, one.duty, start, end, one.person, other.duty.value
            )


def _meeting(
    shifts: Sequence[RosterShift], key: Callable[[RosterShift], Hashable]
) -> Iterator[tuple[RosterShift, RosterShift]]:
    """Answer every pair with one key that holds at the same time, the earlier one first."""
    groups: defaultdict[Hashable, list[RosterShift]] = defaultdict(list)
    for shift in sorted(shifts, key=lambda each: (each.start, each.end, each.id)):
        groups[key(shift)].append(shift)
    for group in groups.values():
        alive: list[RosterShift] = []
        for shift in group:
            alive = [each for each in alive if each.end > shift.start]
            yield from ((each, shift) for each in alive)
            alive.append(shift)


def _about_people(
    shift: RosterShift, inventory: Inventory, since: datetime, until: datetime
) -> Iterator[Finding]:
    start, end = max(shift.start, since), min(shift.end, until)
    party = inventory.parties.get(shift.party)
    carrier = shift.party if party is not None and party.kind is PartyKind.CARRIER else ""
    for code in (shift.person, *((shift.substitute,) if shift.substitute else ())):
        kind = _reach(inventory.people.get(code), carrier)
        if kind is not None:
            yield Finding(kind, shift.party, shift.duty, start, end, code)
    if shift.confirmed_at is None:
        yield Finding(FindingKind.UNCONFIRMED, shift.party, shift.duty, start, end, shift.person)


def _reach(person: Person | None, carrier: str) -> FindingKind | None:
    if person is None:
        return FindingKind.UNKNOWN_PERSON
    usable = [contact for contact in person.contacts if contact.channel in PAGE_CHANNELS]
    if not usable:
        return FindingKind.NO_CONTACT
    if carrier and all(contact.rides_on == carrier for contact in usable):
        return FindingKind.OWN_NETWORK
    return None


def changed_places(
    one: RosterShift, other: RosterShift
) -> tuple[tuple[RosterShift, RosterShift], tuple[RosterShift, RosterShift]]:
    """Answer two shifts of one party, each before and after their people have changed places.

    Who would then stand in for themselves is stood in for by whom they replace, so exchanging again brings back what
    stood before.
    """
    if one.party != other.party:
        raise ImpossibleShiftError(
            Reason("hai ca phải thuộc cùng đơn vị", "both shifts must belong to the same party")
        )
    if one.person == other.person:
        raise ImpossibleShiftError(
            Reason("hai ca đang do cùng một người trực", "one person holds both shifts")
        )
    return (one, _held_by(one, other.person)), (other, _held_by(other, one.person))


def _held_by(shift: RosterShift, person: str) -> RosterShift:
    substitute = shift.person if shift.substitute == person else shift.substitute
    return replace(shift, person=person, substitute=substitute, origin=Origin.EDIT, confirmed_at=None)


def impossibilities(shift: RosterShift, known: Collection[str]) -> Iterator[Reason]:
    """Answer why ``shift`` cannot be, where ``known`` are the codes of everybody who may stand in it."""
    if shift.person not in known:
        yield Reason(f"không có người mang mã {shift.person!r}", f"nobody has the code {shift.person!r}")
    if shift.substitute and shift.substitute not in known:
        yield Reason(
            f"không có người dự phòng mang mã {shift.substitute!r}",
            f"nobody has the code {shift.substitute!r} of the substitute",
        )
    if shift.substitute == shift.person:
        yield Reason(
            "người dự phòng phải là người khác", "the substitute must be somebody else than the person"
        )
    if shift.end <= shift.start:
        yield Reason(
            "lúc kết thúc phải sau lúc bắt đầu; ca qua đêm kết thúc vào ngày hôm sau",
            "the end must be after the start; a night shift ends on the next day",
        )
    if shift.end - shift.start > LONGEST:
        yield Reason("một ca không dài quá 7 ngày", "a shift is not longer than 7 days")

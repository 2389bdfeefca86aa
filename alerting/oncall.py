"""Who is on duty at a moment, and by which of their contacts to reach them. Pure: the moment is an argument.

Shifts are half open: at the instant of change the incoming person is on duty and the outgoing one is not.
Where shifts overlap, the one that began last holds (that is how an exception is laid over a plan).

Own-network rule: a page about carrier X must not depend on X alone, so contacts that ride on other networks
come first, those whose network nobody wrote down next, and those on X last.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from inventory.models import Contact, ContactChannel, Duty, Inventory, Person, Severity, Shift

__all__ = [
    "PAGE_CHANNELS",
    "DutyRow",
    "Gap",
    "board",
    "contacts_for",
    "gaps",
    "on_duty",
    "reachable",
]

PAGE_CHANNELS = frozenset({ContactChannel.SMS, ContactChannel.EMAIL, ContactChannel.WEBHOOK})
"""Channels that a page always goes over. Voice and chat join them where a gateway is set; else officers call by hand."""

_LOUD = frozenset({Severity.P1, Severity.P2})


@dataclass(frozen=True, slots=True)
class Gap:
    """Half-open interval in which nobody holds a duty that must be held."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class DutyRow:
    """A line of the duty board. In a gap ``person`` is empty; ``since``/``until`` bound the shift or the gap."""

    party: str
    duty: Duty
    person: str
    until: datetime | None
    gap: bool
    since: datetime | None = None
    substitute: str = ""


def on_duty(shifts: Iterable[Shift], *, party: str, duty: Duty, at: datetime) -> Shift | None:
    """Answer the shift that holds ``duty`` of ``party`` at ``at``; None is a gap."""
    holding = [s for s in shifts if s.party == party and s.duty is duty and s.start <= at < s.end]
    return max(holding, key=lambda shift: (shift.start, shift.person), default=None)


def gaps(
    shifts: Iterable[Shift], *, party: str, duty: Duty, since: datetime, until: datetime
) -> tuple[Gap, ...]:
    """Answer, in order, every interval of ``since`` to ``until`` in which nobody holds ``duty``."""
    held = sorted((s.start, s.end) for s in shifts if s.party == party and s.duty is duty)
    found = []
    reached = since
    for start, end in held:
        if start >= until:
            break
        if start > reached:
            found.append(Gap(reached, start))
        reached = max(reached, end)
    if reached < until:
        found.append(Gap(reached, until))
    return tuple(found)


def board(inventory: Inventory, at: datetime) -> tuple[DutyRow, ...]:
    """Answer who holds every duty that a party must keep filled or has shifts for, by party and duty."""
    kept: defaultdict[tuple[str, Duty], list[Shift]] = defaultdict(list)
    for party in inventory.parties.values():
        for duty in party.duties:
            kept[party.code, duty] = []
    for shift in inventory.shifts:
        kept[shift.party, shift.duty].append(shift)
    order = list(Duty)
    keys = sorted(kept, key=lambda key: (key[0], order.index(key[1])))
    return tuple(_row(party, duty, kept[party, duty], at) for party, duty in keys)


def _row(party: str, duty: Duty, shifts: Sequence[Shift], at: datetime) -> DutyRow:
    shift = on_duty(shifts, party=party, duty=duty, at=at)
    if shift is not None:
        return DutyRow(party, duty, shift.person, shift.end, False, shift.start, shift.substitute)
    since = max((s.end for s in shifts if s.end <= at), default=None)
    until = min((s.start for s in shifts if s.start > at), default=None)
    return DutyRow(party, duty, "", until, True, since)


def reachable(person: Person | None) -> bool:
    """Answer whether a page can be sent to ``person`` at all."""
    return person is not None and any(contact.channel in PAGE_CHANNELS for contact in person.contacts)


def contacts_for(
    person: Person,
    *,
    carrier: str,
    severity: Severity,
    channels: frozenset[ContactChannel] = PAGE_CHANNELS,
) -> tuple[Contact, ...]:
    """Choose the contacts for a page about ``carrier``, those that do not ride on it first.

    P1 and P2 use every contact. P3 and P4 go by e-mail, and by one contact more when every e-mail rides on
    the carrier (or there is none) and another does not.
    """
    usable = [contact for contact in person.contacts if contact.channel in channels]
    ordered = tuple(sorted(usable, key=lambda contact: _dependence(contact, carrier)))
    if severity in _LOUD:
        return ordered
    return tuple(c for c in ordered if c is ordered[0] or c.channel is ContactChannel.EMAIL)


def _dependence(contact: Contact, carrier: str) -> tuple[int, int]:
    riding = 2 if contact.rides_on == carrier else 0 if contact.rides_on else 1
    return riding, 0 if contact.channel is ContactChannel.EMAIL else 1

"""Rules of the roster: no hour without a person on duty, and nobody who cannot be called when it counts."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime

from inventory.findings import Finding
from inventory.models import Duty, Inventory, Party, PartyKind, Person, PhaseSpan, Shift
from inventory.phases import DUTY_PHASES, span_of
from inventory.topology import Topology

__all__ = ["ROSTER_RULES", "gaps"]


def gaps(shifts: list[Shift], *, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Answer the intervals of ``start`` to ``end`` that no shift covers, in order."""
    found = []
    covered = start
    for shift in sorted(shifts, key=lambda shift: shift.start):
        if shift.start >= end:
            break
        if shift.start > covered:
            found.append((covered, shift.start))
        covered = max(covered, shift.end)
    if covered < end:
        found.append((covered, end))
    return found


def _duties(inventory: Inventory, _topology: Topology) -> Iterator[Finding]:
    """Ask that every duty of a party is filled round the clock while the election is ready, polls and counts."""
    by_duty: defaultdict[tuple[str, Duty], list[Shift]] = defaultdict(list)
    for shift in inventory.shifts:
        by_duty[shift.party, shift.duty].append(shift)
    found = (span_of(inventory.election, phase) for phase in DUTY_PHASES)
    spans = [span for span in found if span]
    for party in inventory.parties.values():
        for duty in party.duties:
            yield from _unfilled(inventory, party, duty, shifts=by_duty[party.code, duty], spans=spans)


def _unfilled(
    inventory: Inventory, party: Party, duty: Duty, *, shifts: list[Shift], spans: list[PhaseSpan]
) -> Iterator[Finding]:
    """Tell each phase without anybody, and each gap once although phases overlap."""
    told: set[tuple[datetime, datetime]] = set()
    for span in spans:
        open_hours = gaps(shifts, start=span.start, end=span.end)
        if open_hours == [(span.start, span.end)]:
            told.update(open_hours)
            yield Finding(
                "duty-unfilled",
                f"{party.code}/{duty}",
                f"{party.name} không có ai trực {duty} trong giai đoạn {span.phase}",
                f"{party.name} has nobody on {duty} duty in phase {span.phase}",
            )
            continue
        for start, end in open_hours:
            if any(since <= start and end <= until for since, until in told):
                continue
            told.add((start, end))
            hours = _shown(inventory, start, end)
            yield Finding(
                "duty-gap",
                f"{party.code}/{duty}",
                f"{party.name} không có ai trực {duty} từ {hours[0]} đến {hours[1]}",
                f"{party.name} has nobody on {duty} duty from {hours[0]} to {hours[1]}",
            )


def _shown(inventory: Inventory, *moments: datetime) -> list[str]:
    return [f"{moment.astimezone(inventory.election.zone):%H:%M %d/%m/%Y}" for moment in moments]


def _reachability(inventory: Inventory, _topology: Topology) -> Iterator[Finding]:
    """Ask that whoever is on duty can be called, a carrier's people also while their own network is down."""
    on_duty = {person for shift in inventory.shifts for person in (shift.person, shift.substitute) if person}
    for code, person in inventory.people.items():
        if code not in on_duty:
            continue
        if not person.contacts:
            yield Finding(
                "person-unreachable",
                code,
                f"{person.name} có ca trực nhưng không có cách liên hệ nào",
                f"{person.name} is on duty and cannot be contacted",
            )
        elif _rides_home_only(inventory, person):
            yield Finding(
                "own-network-only",
                code,
                f"{person.name} chỉ liên hệ được qua mạng {person.party}; mạng đó hỏng thì không gọi được",
                f"{person.name} can be reached only over {person.party}, the network that may be down",
            )


def _rides_home_only(inventory: Inventory, person: Person) -> bool:
    """Whether no contact is known to ride on another network; one whose network is not known proves nothing."""
    is_carrier = inventory.parties[person.party].kind is PartyKind.CARRIER
    return is_carrier and all(contact.rides_on in {"", person.party} for contact in person.contacts)


def _membership(inventory: Inventory, _topology: Topology) -> Iterator[Finding]:
    """Ask that a party's shift is kept by its own people; another's is likely a slip of the code."""
    told: set[tuple[str, str]] = set()
    for shift in inventory.shifts:
        if shift.substitute == shift.person and ("", shift.person) not in told:
            told.add(("", shift.person))
            name = inventory.people[shift.person].name
            yield Finding(
                "substitute-is-same",
                shift.person,
                f"{name} là người trực và cũng là người thay; cần một người khác",
                f"{name} is on duty and the own substitute; it takes somebody else",
            )
        for code in filter(None, (shift.person, shift.substitute)):
            person = inventory.people[code]
            if person.party != shift.party and (shift.party, code) not in told:
                told.add((shift.party, code))
                yield Finding(
                    "person-of-another-party",
                    code,
                    f"{person.name} thuộc {person.party} nhưng được xếp ca của {shift.party}",
                    f"{person.name} belongs to {person.party} but is on a shift of {shift.party}",
                )


_Rule = Callable[[Inventory, Topology], Iterator[Finding]]
ROSTER_RULES: tuple[_Rule, ...] = (_duties, _reachability, _membership)
"""The rules of this module, for :mod:`inventory.lint`."""

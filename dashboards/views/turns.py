"""Who of one party is on duty now and who comes next, by duty, with numbers. Pure."""

from dataclasses import dataclass
from datetime import datetime

from dashboards.views.duty import Number, Watch, numbers_of, watches_of_party
from inventory.models import Inventory, Shift

__all__ = ["Following", "Turn", "turns_of_party"]


@dataclass(frozen=True, slots=True)
class Following:
    """Who comes next on a duty, and when."""

    person: str
    name: str
    numbers: tuple[Number, ...]
    start: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """One duty: who holds it, and who takes it over; ``following`` is None where nobody is written down."""

    watch: Watch
    following: Following | None


def turns_of_party(inventory: Inventory, party: str, at: datetime) -> tuple[Turn, ...]:
    """Answer the duties of ``party``, shifts before leaders."""
    return tuple(
        Turn(watch, _following(inventory, watch, at)) for watch in watches_of_party(inventory, party, at)
    )


def _following(inventory: Inventory, watch: Watch, at: datetime) -> Following | None:
    coming = [
        shift
        for shift in inventory.shifts
        if shift.party == watch.party and shift.duty is watch.duty and shift.start > at
    ]
    first = min(coming, key=_begins, default=None)
    if first is None:
        return None
    person = inventory.people.get(first.person)
    return Following(
        person=first.person,
        name=person.name if person else first.person,
        numbers=numbers_of(person),
        start=first.start,
    )


def _begins(shift: Shift) -> tuple[datetime, str]:
    return shift.start, shift.person

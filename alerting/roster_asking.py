"""When the person of a shift is asked to confirm it, reminded, and when others are told that nothing was heard. Pure.

    ask ───── remind ───── tell ───── start of the shift
    who holds it is asked, asked once more, then the department opens a matter and the party's own people are told

- A shift that is confirmed, by link, code, page or telephone, is asked about no more; one that changes is asked anew.
- Who says that they cannot come is told of at once, and is not asked again.
- A shift that is entered late is asked about at once; it is not reminded of minutes later.
- What had begun before anybody was asked is left alone: whoever stands there stands there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerting.roster import RosterShift
from inventory.models import Duty

__all__ = ["Asked", "Leads", "Step", "due", "is_unheard", "standing"]

_SHORTEST = timedelta(minutes=10)
"""A person who was asked has at least this long to answer before others are told."""


class Step(StrEnum):
    """What is done about a shift that nobody confirmed."""

    ASK = "ask"
    REMIND = "remind"
    TELL = "tell"


@dataclass(frozen=True, slots=True)
class Leads:
    """How long before a shift each step is taken."""

    ask: timedelta
    remind: timedelta
    tell: timedelta


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of the person of a shift as it stood, and what became of it."""

    party: str
    duty: Duty
    person: str
    start: datetime
    end: datetime
    asked_at: datetime | None = None
    reminded_at: datetime | None = None
    told_at: datetime | None = None
    declined_at: datetime | None = None
    note: str = ""


def standing(shift: RosterShift | Asked) -> tuple[str, str, str, datetime, datetime]:
    """Answer what a confirmation and a question belong to: the shift as it stands."""
    return shift.party, shift.duty.value, shift.person, shift.start, shift.end


def due(shift: RosterShift, asked: Asked | None, leads: Leads, at: datetime) -> Step | None:
    """Answer the step that is due for ``shift`` at ``at``."""
    if shift.confirmed_at is not None or shift.end <= at:
        return None
    if asked is None or (asked.asked_at is None and asked.declined_at is None):
        return Step.ASK if shift.start - leads.ask <= at < shift.start else None
    if asked.told_at is not None:
        return None
    if asked.declined_at is not None or asked.asked_at is None:
        return Step.TELL
    return _next(shift, asked, asked.asked_at, leads, at)


def _next(shift: RosterShift, asked: Asked, asked_at: datetime, leads: Leads, at: datetime) -> Step | None:
    if at >= max(shift.start - leads.tell, asked_at + _SHORTEST):
        return Step.TELL
    reminder = shift.start - leads.remind
    if asked.reminded_at is None and asked_at < reminder <= at < shift.start:
        return Step.REMIND
    return None


def is_unheard(shift: RosterShift, asked: Mapping[object, Asked], at: datetime) -> bool:
    """Answer whether others were told that nothing was heard of ``shift``, and nothing was since."""
    found = asked.get(standing(shift))
    told = found is not None and found.told_at is not None
    return told and shift.confirmed_at is None and at < shift.end

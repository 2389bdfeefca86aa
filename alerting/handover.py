"""Handing a duty over: the outgoing person stays responsible until the incoming one accepts. Pure.

A handover is *offered* with the list of what is open, and *accepted* by the incoming person. While it is offered and
the planned end has passed, pages go to the outgoing person and, as their substitute, to the incoming one: the new
hand closes before the old one opens. When nobody accepts within the grace it is *overdue*, which is told; and when the
incoming turn itself ends without acceptance, it *lapses* and the plan holds again, because nobody can be kept for ever.
A duty for which no handover is offered changes hands by the plan, at the minute that the roster says.

Only the incoming person accepts. Where they cannot sign in, somebody of the department who may edit the roster accepts
on their behalf and is named in the audit; the outgoing person and their colleagues cannot, or a duty could be put
down without anybody having picked it up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from inventory.models import Duty, Shift

__all__ = ["GRACE", "Handover", "HandoverState", "due_at", "held_over"]

GRACE = timedelta(minutes=15)
"""How long after the planned change the incoming person has to accept."""


class HandoverState(StrEnum):
    """Where a handover stands."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Handover:
    """The passing on of one duty. ``matters`` are the open incidents as they stood when it was offered."""

    id: int
    party: str
    duty: Duty
    outgoing: str
    incoming: str
    boundary: datetime
    ends_at: datetime
    offered_at: datetime
    offered_by: str
    due_at: datetime
    state: HandoverState = HandoverState.OFFERED
    note: str = ""
    matters: Sequence[dict[str, Any]] = ()
    accepted_at: datetime | None = None
    accepted_by: str = ""
    escalated_at: datetime | None = None

    def is_open(self, at: datetime) -> bool:
        """Whether it still keeps the outgoing person responsible, or will once the planned end has passed."""
        return self.state is HandoverState.OFFERED and at < self.ends_at

    def is_overdue(self, at: datetime) -> bool:
        """Whether the incoming person should have accepted by now."""
        return self.is_open(at) and at >= self.due_at

    def is_for(self, person: str) -> bool:
        """Whether ``person`` (a code of the roster, empty for a shared account) is who takes over."""
        return person != "" and person == self.incoming


def due_at(boundary: datetime, offered_at: datetime) -> datetime:
    """Answer when acceptance is due: the grace runs from the planned change, or from a later offer."""
    return max(boundary, offered_at) + GRACE


def held_over(shifts: Iterable[Shift], handovers: Iterable[Handover], at: datetime) -> tuple[Shift, ...]:
    """Answer the shifts as they hold at ``at``: an outgoing person whom nobody has relieved goes on."""
    standing = tuple(shifts)
    for handover in handovers:
        if handover.boundary <= at and handover.is_open(at):
            standing = tuple(
                replace(shift, end=handover.boundary) if _is_relieved(shift, handover) else shift
                for shift in standing
            )
            standing = (*(shift for shift in standing if shift.start < shift.end), _kept(handover))
    return standing


def _is_relieved(shift: Shift, handover: Handover) -> bool:
    return (
        (shift.party, shift.duty) == (handover.party, handover.duty)
        and shift.start < handover.ends_at
        and shift.end > handover.boundary
    )


def _kept(handover: Handover) -> Shift:
    return Shift(
        handover.party,
        handover.duty,
        handover.outgoing,
        handover.boundary,
        handover.ends_at,
        handover.incoming,
    )

"""What makes a swap possible: who may take a shift, and what would be wrong with the roster afterwards. Pure.

- A shift is offered to one colleague, or to all: whoever of the same party holds the same duty somewhere in the roster,
  or stands in for it, is a colleague. Anybody else of the party takes it only when a lead (who may edit) says so.
- Nobody is left on two duties at once, and no shift is taken after it began: what would be is refused before anything
  changes. A swap moves people, not hours, so it can leave no gap.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from alerting.roster import Origin, RosterShift
from alerting.roster_errors import ImpossibleShiftError, SettledError
from inventory.models import Person
from inventory.reasons import Reason

__all__ = ["Swap", "SwapState", "check_offer", "check_taker", "colleagues", "exchanged"]


class SwapState(StrEnum):
    """State of an offer."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Swap:
    """An offer of ``shift``, for ``other`` in return where that is given. ``asked`` may accept; empty: any colleague."""

    id: int
    party: str
    shift: str
    other: str
    asked: str
    asked_by: str
    asked_at: datetime
    state: SwapState
    answered_at: datetime | None
    answered_by: str
    note: str


def colleagues(shift: RosterShift, shifts: Iterable[RosterShift]) -> tuple[str, ...]:
    """Answer who else of the party holds the duty of ``shift`` or stands in for it, by code."""
    same = [each for each in shifts if (each.party, each.duty) == (shift.party, shift.duty)]
    found = {code for each in same for code in (each.person, each.substitute) if code}
    return tuple(sorted(found - {shift.person}))


def check_offer(
    mine: RosterShift,
    theirs: RosterShift | None,
    *,
    person: str,
    people: Mapping[str, Person],
    at: datetime,
) -> None:
    """Raise :class:`ImpossibleShiftError` where ``mine`` cannot be offered to ``person`` (empty: to colleagues)."""
    if mine.start <= at or (theirs is not None and theirs.start <= at):
        raise ImpossibleShiftError(
            Reason(
                "chỉ đổi được ca chưa bắt đầu; ca đang trực thì dùng bàn giao",
                "only a shift that has not begun can be offered; hand over one that has",
            )
        )
    if person and (person not in people or people[person].party != mine.party):
        raise ImpossibleShiftError(
            Reason("người được hỏi phải thuộc cùng đơn vị", "the person asked must belong to the same party")
        )
    if person == mine.person or (theirs is not None and theirs.person != person):
        raise ImpossibleShiftError(
            Reason("chỉ đổi ca giữa hai người khác nhau", "a swap is between two different people")
        )
    if theirs is not None and theirs.party != mine.party:
        raise ImpossibleShiftError(
            Reason("hai ca phải thuộc cùng đơn vị", "both shifts must belong to the same party")
        )


def check_taker(
    mine: RosterShift, taker: str, shifts: Sequence[RosterShift], people: Mapping[str, Person]
) -> None:
    """Raise :class:`ImpossibleShiftError` unless ``taker`` is a colleague who may take ``mine`` of their own accord."""
    if taker not in people or people[taker].party != mine.party or taker not in colleagues(mine, shifts):
        raise ImpossibleShiftError(
            Reason(
                "chỉ người cùng đơn vị, cùng nhiệm vụ trực mới tự nhận được ca; nhờ người phụ trách duyệt",
                "only a colleague of the same party and duty can take it; ask who keeps the roster to approve",
            )
        )


def exchanged(
    mine: RosterShift,
    theirs: RosterShift | None,
    *,
    taker: str,
    shifts: Sequence[RosterShift],
    at: datetime,
) -> tuple[tuple[RosterShift, RosterShift], ...]:
    """Answer each shift before and after ``taker`` has taken ``mine``; raises where that cannot be."""
    giver = mine.person
    if mine.start <= at or (theirs is not None and (theirs.person != taker or theirs.start <= at)):
        raise SettledError
    pairs = [(mine, _given(mine, taker, giver))]
    if theirs is not None:
        pairs.append((theirs, _given(theirs, giver, taker)))
    touched = {shift.id for shift, _ in pairs}
    rest = [shift for shift in shifts if shift.id not in touched] + [after for _, after in pairs]
    for _, after in pairs:
        _check_alone(after, rest)
    return tuple(pairs)


def _given(shift: RosterShift, person: str, before: str) -> RosterShift:
    substitute = before if shift.substitute == person else shift.substitute
    return replace(shift, person=person, substitute=substitute, origin=Origin.SWAP, confirmed_at=None)


def _check_alone(shift: RosterShift, others: Iterable[RosterShift]) -> None:
    for other in others:
        meets = other.start < shift.end and other.end > shift.start
        if other.id != shift.id and other.person == shift.person and meets:
            raise ImpossibleShiftError(
                Reason(
                    "người nhận ca sẽ trực hai ca cùng lúc; hãy chọn người khác hoặc ca khác",
                    "the person would hold two shifts at once; choose somebody else or another shift",
                )
            )

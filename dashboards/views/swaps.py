"""Offers of shifts as they are shown: what stands behind each, and what who looks may do with it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alerting.roster import RosterShift
from alerting.roster_service import RosterView
from alerting.swaps import Swap, SwapState, colleagues
from inventory.models import Person

__all__ = ["Offer", "offers"]


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer. ``takers`` are who a lead may name; ``is_for_me``: who looks may take it themselves."""

    swap: Swap
    shift: RosterShift | None
    other: RosterShift | None
    is_open: bool
    is_for_me: bool
    is_mine: bool
    takers: tuple[Person, ...] = ()


def offers(
    swaps: Iterable[Swap], view: RosterView, *, me: str, leads: bool, at: datetime
) -> tuple[Offer, ...]:
    """Answer the offers, those that wait first; one whose shift has begun or is gone waits for nobody."""
    shifts = {shift.id: shift for shift in view.shifts}
    found = [_offer(swap, shifts, view, me=me, leads=leads, at=at) for swap in swaps]
    return tuple(sorted(found, key=lambda each: not each.is_open))


def _offer(
    swap: Swap, shifts: dict[str, RosterShift], view: RosterView, *, me: str, leads: bool, at: datetime
) -> Offer:
    shift, other = shifts.get(swap.shift), shifts.get(swap.other)
    is_open = swap.state is SwapState.ASKED and shift is not None and shift.start > at
    if not is_open or shift is None:
        return Offer(swap, shift, other, is_open=False, is_for_me=False, is_mine=False)
    able = colleagues(shift, view.shifts)
    people = view.inventory.people
    return Offer(
        swap,
        shift,
        other,
        is_open=True,
        is_for_me=bool(me) and (swap.asked == me or (not swap.asked and me in able)),
        is_mine=leads or shift.person == me,
        takers=tuple(people[code] for code in able if code in people) if leads and not swap.asked else (),
    )

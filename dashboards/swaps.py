"""Swapping shifts: what I hold and can offer, what colleagues offer, what a lead may approve, and what became of it."""

from collections.abc import Sequence

from starlette.responses import Response

from alerting.roster import RosterShift
from alerting.roster_service import RosterView
from dashboards.i18n import N_
from dashboards.views.swaps import offers
from dashboards.visit import PageError, Visit
from inventory.access import Right

__all__ = ["act", "swaps"]


async def swaps(visit: Visit) -> Response:
    """Show offers, my shifts to come, and the history."""
    view = await visit.deps.roster.view(scope=visit.scope)
    found = await visit.deps.swapping.swaps(scope=visit.scope)
    shown = offers(found, view, me=visit.who.person, leads=visit.may(Right.EDIT_ROSTER), at=visit.now)
    return visit.page(
        "roster_swaps.html",
        offers=shown,
        mine=_offerable(visit, view, {each.swap.shift for each in shown if each.is_open}),
        people=sorted(view.inventory.people.values(), key=lambda person: (person.party, person.name)),
        names={code: person.name for code, person in view.inventory.people.items()},
        chosen=visit.request.query_params.get("shift", ""),
        leads=visit.may(Right.EDIT_ROSTER),
    )


def _offerable(visit: Visit, view: RosterView, offered: set[str]) -> Sequence[RosterShift]:
    """Answer the shifts to come that who looks may offer: their own, or for who leads everybody's."""
    me, leads = visit.who.person, visit.may(Right.EDIT_ROSTER)
    return sorted(
        (
            shift
            for shift in view.shifts
            if shift.start > visit.now and shift.id not in offered and (leads or shift.person == me)
        ),
        key=lambda shift: (shift.person != me, shift.start, shift.party, shift.id),
    )[:400]


async def act(visit: Visit) -> Response:
    """Offer, accept, decline or withdraw. Who holds no right to edit does so for themselves alone."""
    form, service, leads = visit.form, visit.deps.swapping, visit.may(Right.EDIT_ROSTER)
    action = visit.request.path_params["action"]
    if not leads and not visit.who.person:
        raise PageError(
            403,
            N_("Your account is not tied to a person of the roster."),
            N_("Ask the department's administrator to enter your code in the roster, or your lead to swap."),
        )
    me = None if leads else visit.who.person
    number = form.get("swap", "")
    swap = int(number) if number.isdecimal() and len(number) < 16 else 0
    if action == "offer":
        await service.ask(
            form.get("shift", ""),
            person=form.get("person", ""),
            other=form.get("other", ""),
            note=form.get("note", ""),
            actor=visit.who.name,
            scope=visit.scope,
            mine=me,
        )
    elif action in {"accept", "decline"}:
        own = form.get("as") == "me"
        await service.answer(
            swap,
            accepts=action == "accept",
            actor=visit.who.name,
            scope=visit.scope,
            person=visit.who.person if own and visit.who.person else me,
            taker=form.get("person", ""),
        )
    elif action == "withdraw":
        await service.withdraw(swap, actor=visit.who.name, scope=visit.scope, person=me)
    else:
        raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    return visit.go("/roster/swaps")

"""Confirming one shift by the link or the code of a message: GET shows, POST acts, no account needed.

Mail scanners follow links; so opening one changes nothing. The token is the right to answer for one person about one
shift as it stands, and ends with it; a code is typed by who reads the message on one device and acts on another, and
guessing it is slowed down like guessing passwords.
"""

from datetime import timedelta

from starlette.responses import Response

from alerting.roster import RosterShift
from alerting.roster_asking import standing
from alerting.roster_errors import UnknownRosterLinkError
from alerting.roster_links import Opening, Purpose
from dashboards.i18n import N_
from dashboards.visit import PageError, Visit
from inventory.database import reading

__all__ = ["answer", "answer_by_code", "code_form", "show"]

_CODES = "confirmation codes"


async def show(visit: Visit) -> Response:
    """Show the shift that the link was sent for, with its two answers."""
    return await _page(visit, await _opening(visit))


async def answer(visit: Visit) -> Response:
    """Confirm, or say that one cannot come, as the person that the link was sent to."""
    opening = await _opening(visit)
    await _act(visit, opening, comes=visit.form.get("answer") != "no")
    return await _page(visit, opening)


async def code_form(visit: Visit) -> Response:
    """Ask for the code of a message."""
    return visit.page("roster_code.html", fault="")


async def answer_by_code(visit: Visit) -> Response:
    """Confirm as the person that the code was sent to; doing it twice does nothing more."""
    wait = await visit.deps.auth.attempt(_CODES, visit.address)
    if wait:
        span = visit.moments.span(max(wait, timedelta(seconds=1)))
        fault = visit.words.gettext(N_("Too many attempts. Wait %(span)s and try again."), span=span)
        return visit.page("roster_code.html", status=429, fault=fault)
    deps = visit.deps
    async with reading(deps.roster.database) as connection:
        found = await deps.roster_links.find_code(connection, visit.form.get("code", "")[:40], visit.now)
    if found is None:
        fault = visit.words.gettext(N_("The code is not right, or no longer valid."))
        return visit.page("roster_code.html", status=410, fault=fault)
    await _act(visit, found, comes=True)
    return await _page(visit, found)


async def _opening(visit: Visit) -> Opening:
    deps = visit.deps
    async with reading(deps.roster.database) as connection:
        token = visit.request.path_params["token"][:200]
        found = await deps.roster_links.find(connection, token, Purpose.SHIFT, visit.now)
    if found is None:
        raise UnknownRosterLinkError
    return found


async def _shift(visit: Visit, opening: Opening) -> RosterShift:
    """Find the shift as it was asked about; one that was changed since is not confirmed by an old link."""
    view = await visit.deps.roster.view(scope=opening.party)
    meant = (opening.party, opening.duty, opening.person, opening.start, opening.end)
    found = next((shift for shift in view.shifts if standing(shift) == meant), None)
    if found is None:
        raise PageError(
            410,
            N_("This shift was changed or given to somebody else."),
            N_("A new message comes if you hold another one. Ask the duty officer when in doubt."),
        )
    return found


async def _act(visit: Visit, opening: Opening, *, comes: bool) -> None:
    shift = await _shift(visit, opening)
    people = (await visit.deps.roster.view(scope=opening.party)).inventory.people
    by = people[opening.person].name if opening.person in people else opening.person
    if not comes:
        await visit.deps.roster.decline(shift, by=by, note=visit.form.get("note", ""))
    elif shift.confirmed_at is None:
        await visit.deps.roster.confirm([shift.id], by=by, scope=opening.party, person=opening.person)


async def _page(visit: Visit, opening: Opening) -> Response:
    shift = await _shift(visit, opening)
    view = await visit.deps.roster.view(scope=opening.party)
    asked = (await visit.deps.roster.asked(scope=opening.party)).get(standing(shift))
    people = view.inventory.people
    return visit.page(
        "roster_shift.html",
        shift=shift,
        declined=asked is not None and asked.declined_at is not None and shift.confirmed_at is None,
        name=people[shift.person].name if shift.person in people else shift.person,
        substitute=people[shift.substitute].name if shift.substitute in people else "",
        party=view.inventory.parties[shift.party],
        token=visit.request.path_params.get("token", ""),
    )

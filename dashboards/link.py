"""Acknowledging by the link in a page, or by the code beside it: GET shows, POST acts, no account needed.

Mail scanners follow links; so opening one changes nothing. The token in the address is the right to act, for
one incident and one person, and runs out; it is never logged by us and never leaves the site by Referer.

A code is typed by who reads the message on one device and acts on another. It comes in the body of the request, never
in an address, and guessing is slowed down like guessing passwords.
"""

from datetime import timedelta

from starlette.responses import Response

from alerting.models import ACKNOWLEDGEABLE, Incident
from dashboards.i18n import N_
from dashboards.views.board import incident_row
from dashboards.visit import PageError, Visit
from inventory.models import Person

__all__ = ["acknowledge", "acknowledge_by_code", "code_form", "show"]

_CODES = "acknowledgement codes"


async def show(visit: Visit) -> Response:
    """Show what the link was sent for, with one button."""
    incident, person = await _meant(visit)
    return _page(visit, incident, person, done=False)


async def acknowledge(visit: Visit) -> Response:
    """Acknowledge as the person that the link was sent to; doing it twice does nothing more."""
    incident, _ = await _meant(visit)
    if incident.state in ACKNOWLEDGEABLE:
        await visit.deps.alerting.acknowledge_by_link(visit.request.path_params["token"])
    incident, person = await _meant(visit)
    return _page(visit, incident, person, done=True)


async def code_form(visit: Visit) -> Response:
    """Ask for the code of a message."""
    return visit.page("link_code.html", fault="")


async def acknowledge_by_code(visit: Visit) -> Response:
    """Acknowledge as the person that the code was sent to; doing it twice does nothing more."""
    wait = await visit.deps.auth.attempt(_CODES, visit.address)
    if wait:
        span = visit.moments.span(max(wait, timedelta(seconds=1)))
        fault = visit.words.gettext(N_("Too many attempts. Wait %(span)s and try again."), span=span)
        return visit.page("link_code.html", status=429, fault=fault)
    typed = visit.form.get("code", "")[:40]
    found = await visit.deps.alerting.by_code(typed)
    if found is None:
        fault = visit.words.gettext(N_("The code is not right, or no longer valid."))
        return visit.page("link_code.html", status=410, fault=fault)
    if found[0].state in ACKNOWLEDGEABLE:
        await visit.deps.alerting.acknowledge_by_code(typed)
    incident, person = await visit.deps.alerting.by_code(typed) or found
    return _page(visit, incident, person, done=True)


async def _meant(visit: Visit) -> tuple[Incident, Person]:
    found = await visit.deps.alerting.by_link(visit.request.path_params["token"][:200])
    if found is None:
        raise PageError(
            410,
            N_("This link is not known or no longer valid."),
            N_("Sign in, or call the department's duty officer."),
        )
    return found


def _page(visit: Visit, incident: Incident, person: Person, *, done: bool) -> Response:
    monitor = visit.deps.monitor
    row = incident_row(incident, inventory=monitor.inventory, topology=monitor.topology, words=visit.words)
    token = visit.request.path_params.get("token", "")
    return visit.page("link.html", row=row, incident=incident, person=person, done=done, token=token)

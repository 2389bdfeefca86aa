"""Acknowledging by the link in a page, or by the code beside it: GET shows, POST acts, no account needed.

Mail scanners follow links; so opening one changes nothing. The token in the address is the right to act, on
what one message told and as one person, and runs out; it is never logged by us and never leaves the site by Referer.

A code is typed by who reads the message on one device and acts on another. It comes in the body of the request, never
in an address, and guessing is slowed down like guessing passwords.
"""

from collections.abc import Iterable
from datetime import timedelta

from starlette.responses import Response

from alerting.answers import Meant
from alerting.models import ACKNOWLEDGEABLE, Incident
from dashboards.i18n import N_
from dashboards.portal import department_of
from dashboards.views.board import incident_row, incident_rows
from dashboards.visit import PageError, Visit

__all__ = ["acknowledge", "acknowledge_by_code", "code_form", "show"]

_CODES = "acknowledgement codes"


async def show(visit: Visit) -> Response:
    """Show what the link was sent for, with one button."""
    return _page(visit, await _meant(visit), done=False)


async def acknowledge(visit: Visit) -> Response:
    """Acknowledge as the person that the link was sent to; doing it twice does nothing more."""
    incidents, _ = await _meant(visit)
    if _waiting(incidents):
        await visit.deps.alerting.answers.acknowledge_by_link(visit.request.path_params["token"])
    return _page(visit, await _meant(visit), done=True)


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
    found = await visit.deps.alerting.answers.by_code(typed)
    if found is None:
        fault = visit.words.gettext(N_("The code is not right, or no longer valid."))
        return visit.page("link_code.html", status=410, fault=fault)
    if _waiting(found[0]):
        await visit.deps.alerting.answers.acknowledge_by_code(typed)
    return _page(visit, await visit.deps.alerting.answers.by_code(typed) or found, done=True)


def _waiting(incidents: Iterable[Incident]) -> list[Incident]:
    return [incident for incident in incidents if incident.state in ACKNOWLEDGEABLE]


async def _meant(visit: Visit) -> Meant:
    found = await visit.deps.alerting.answers.by_link(visit.request.path_params["token"][:200])
    if found is None:
        raise PageError(
            410,
            N_("This link is not known or no longer valid."),
            N_("Sign in, or call the department's duty officer."),
        )
    return found


def _page(visit: Visit, meant: Meant, *, done: bool) -> Response:
    monitor = visit.deps.monitor
    incidents, person = meant
    if len(incidents) > 1:
        return _page_of_several(visit, meant)
    [incident] = incidents
    row = incident_row(incident, inventory=monitor.inventory, topology=monitor.topology, words=visit.words)
    token = visit.request.path_params.get("token", "")
    return visit.page(
        "link.html",
        row=row,
        incident=incident,
        person=person,
        done=done,
        token=token,
        back=f"/incidents/{incident.id}",
        hotline=_hotline(visit),
    )


def _hotline(visit: Visit) -> str:
    department = department_of(visit.deps.monitor.inventory)
    return department.hotline or "" if department is not None else ""


def _page_of_several(visit: Visit, meant: Meant) -> Response:
    """Show what a message of a storm was sent for: all of it on one page, with one button."""
    monitor = visit.deps.monitor
    incidents, person = meant
    rows = incident_rows(incidents, inventory=monitor.inventory, topology=monitor.topology, words=visit.words)
    token = visit.request.path_params.get("token", "")
    waiting = len(_waiting(incidents))
    return visit.page(
        "link_several.html",
        rows=rows,
        waiting=waiting,
        token=token,
        action=f"/a/{token}" if token else "/a",
        name=person.name,
        back="/portal",
        hotline=_hotline(visit),
    )

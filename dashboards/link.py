"""Acknowledging by the link in a page: GET shows, POST acts, no account needed.

Mail scanners follow links; so opening one changes nothing. The token in the address is the right to act, for
one incident and one person, and runs out; it is never logged by us and never leaves the site by Referer.
"""

from starlette.responses import Response

from alerting.models import ACKNOWLEDGEABLE, Incident
from dashboards.i18n import N_
from dashboards.views.board import incident_row
from dashboards.visit import PageError, Visit
from inventory.models import Person

__all__ = ["acknowledge", "show"]


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
    token = visit.request.path_params["token"]
    return visit.page("link.html", row=row, incident=incident, person=person, done=done, token=token)

"""Acknowledging everything that waits for one's own party: a page that lists it, and one button that takes it on.

The form names each incident that was read: what opens between reading and pressing is not taken on unseen. Each is
acknowledged by itself, in its own ledger.
"""

from starlette.responses import Response

from alerting.models import ACKNOWLEDGEABLE, Incident
from dashboards.incident_acts import actor_of
from dashboards.views.board import incident_rows
from dashboards.visit import Visit
from inventory.access import Right

__all__ = ["AT_ONCE", "acknowledge", "confirm", "waiting_for"]

AT_ONCE = "/incidents/at-once"
"""Where a party's waiting incidents are acknowledged together."""


def waiting_for(visit: Visit, incidents: tuple[Incident, ...]) -> list[Incident]:
    """Answer which of ``incidents`` wait for the visitor's own party, where the visitor may act."""
    party = visit.who.scope
    if party is None or not visit.may(Right.ACT_ON_INCIDENTS):
        return []
    return [one for one in incidents if one.owner == party and one.state in ACKNOWLEDGEABLE]


async def confirm(visit: Visit) -> Response:
    """List what would be taken on."""
    waiting = await _waiting(visit)
    monitor = visit.deps.monitor
    return visit.page(
        "link_several.html",
        rows=incident_rows(
            waiting, inventory=monitor.inventory, topology=monitor.topology, words=visit.words
        ),
        waiting=len(waiting),
        token="",
        action=AT_ONCE,
        name=visit.who.name,
    )


async def acknowledge(visit: Visit) -> Response:
    """Take on what the form names, as far as it still waits for the visitor's party."""
    named = [one.id for one in await _waiting(visit) if f"i{one.id}" in visit.form]
    await visit.deps.alerting.answers.acknowledge_each(named, actor=actor_of(visit), person=visit.who.person)
    return visit.go("/incidents")


async def _waiting(visit: Visit) -> list[Incident]:
    restricted = visit.may(Right.SEE_RESTRICTED)
    return waiting_for(visit, await visit.deps.records.live(owner=visit.scope, restricted=restricted))

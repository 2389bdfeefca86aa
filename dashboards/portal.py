"""A carrier's portal: what its engineer owes now, by deadline, with one hand; who is on duty; how it did so far.

Everything is read with the visitor's own party as an argument of the query. Who sees every party has the pages of
:mod:`dashboards.carriers` instead, and is sent there.
"""

from starlette.responses import Response

from dashboards.i18n import N_
from dashboards.incidents_at_once import AT_ONCE, waiting_for
from dashboards.views.board import incident_row
from dashboards.views.portal import mine_of
from dashboards.views.score import SCORED, Score, score_of
from dashboards.views.turns import turns_of_party
from dashboards.visit import PageError, Visit
from inventory.access import Right
from inventory.models import Inventory, Party, PartyKind

__all__ = ["PHRASES", "WAITS", "department_of", "party_of", "portal", "score_since"]

PHRASES = (
    N_("On the way."),
    N_("On site, looking for the fault."),
    N_("Found it, mending now."),
    N_("Waiting for power."),
)
"""Progress that is reported with one tap."""

WAITS = (15, 30, 60, 120)
"""Minutes that can be tapped for how long it will take."""

_ENDED = 8


async def portal(visit: Visit) -> Response:
    """Show what the visitor's party owes now, and how it did."""
    party = party_of(visit)
    if party is None:
        return visit.go("/carriers")
    restricted = visit.may(Right.SEE_RESTRICTED)
    records, monitor = visit.deps.records, visit.deps.monitor
    live = await records.live(owner=party.code, restricted=restricted)
    ended = await records.ended(owner=party.code, limit=_ENDED, offset=0, restricted=restricted)
    inventory, topology, words = await visit.deps.roster.living(), monitor.topology, visit.words
    mine = mine_of(
        live, visit.who, inventory=inventory, topology=topology, snapshot=monitor.snapshot(), words=words
    )
    return visit.page(
        "portal.html",
        party=party,
        mine=mine,
        waiting=len(waiting_for(visit, live)),
        at_once=AT_ONCE,
        phrases=PHRASES,
        waits=WAITS,
        turns=turns_of_party(inventory, party.code, visit.now),
        department=department_of(inventory),
        score=await score_since(visit, party.code),
        ended=[incident_row(each, inventory=inventory, topology=topology, words=words) for each in ended],
    )


async def score_since(visit: Visit, party: str) -> Score:
    """Fold how ``party`` answered lately."""
    since = visit.now - SCORED
    found = await visit.deps.records.conducted(owner=party, since=since)
    return score_of(found, since=since, at=visit.now)


def party_of(visit: Visit) -> Party | None:
    """Answer the only party that the visitor sees; None for who sees all."""
    scope = visit.scope
    if scope is None:
        return None
    party = visit.deps.monitor.inventory.parties.get(scope)
    if party is None:
        raise PageError(
            404,
            N_("The inventory knows no party of your account."),
            N_("Ask the department's administrator to mend the account."),
        )
    return party


def department_of(inventory: Inventory) -> Party | None:
    """Answer the department, to be called."""
    return next((each for each in inventory.parties.values() if each.kind is PartyKind.DEPARTMENT), None)

"""Carriers and partners for the department: a table that compares them, and a page on each; risk groups."""

import asyncio

from starlette.responses import Response

from dashboards.i18n import N_
from dashboards.portal import score_since
from dashboards.views.board import incident_row, incident_rows
from dashboards.views.carrier import (
    agreed,
    carrier_lines,
    owing_of,
    standing_of,
    standings_by_area,
    troubles,
)
from dashboards.views.risk import hanging_on, parents_of, targets_on
from dashboards.views.score import SCORED
from dashboards.views.turns import turns_of_party
from dashboards.visit import PageError, Visit
from inventory.access import Right
from inventory.models import Party

__all__ = ["carrier", "carriers", "risk"]

_ENDED = 20


async def carriers(visit: Visit) -> Response:
    """Compare every party: what it owes now, how its paths are, how it answered lately."""
    records, since = visit.deps.records, visit.now - SCORED
    restricted = visit.may(Right.SEE_RESTRICTED)
    # Every path of a nation is counted: beside the loop, so that nobody's board waits for it.
    lines = await asyncio.to_thread(
        carrier_lines,
        await visit.deps.roster.living(),
        visit.deps.monitor.snapshot(),
        await records.live(owner=visit.scope, restricted=restricted),
        await records.conducted(owner=visit.scope, since=since),
        since=since,
        now=visit.now,
    )
    return visit.page("carriers.html", lines=lines)


async def carrier(visit: Visit) -> Response:
    """Show one party: open and past incidents, its paths by area, its people, what was agreed, its score, its aid."""
    party = _wanted(visit)
    restricted = visit.may(Right.SEE_RESTRICTED)
    records, monitor, words = visit.deps.records, visit.deps.monitor, visit.words
    inventory, topology, snapshot = await visit.deps.roster.living(), monitor.topology, monitor.snapshot()
    live = await records.live(owner=party.code, restricted=restricted)
    ended = await records.ended(owner=party.code, limit=_ENDED, offset=0, restricted=restricted)
    phase, owed = agreed(inventory, visit.now)
    troubled, more = troubles(party.code, inventory, topology, snapshot)
    return visit.page(
        "carrier.html",
        party=party,
        owing=owing_of(live, visit.now),
        rows=incident_rows(live, inventory=inventory, topology=topology, words=words),
        ended=[incident_row(each, inventory=inventory, topology=topology, words=words) for each in ended],
        standing=standing_of(party.code, inventory, snapshot),
        areas=standings_by_area(party.code, inventory, topology, snapshot),
        troubled=troubled,
        more=more,
        turns=turns_of_party(inventory, party.code, visit.now),
        phase=phase,
        owed=owed,
        score=await score_since(visit, party.code),
        aids=await visit.deps.aid.aids(party=party.code) if visit.may(Right.SEE_INCIDENTS) else [],
        means=[each for each in inventory.means.values() if each.party == party.code],
    )


def _wanted(visit: Visit) -> Party:
    found = visit.deps.monitor.inventory.parties.get(visit.request.path_params["code"])
    if found is None or not visit.who.sees_party(found.code):
        raise PageError(404, N_("There is no such party."), N_("Look for it by name with the search field."))
    return found


async def risk(visit: Visit) -> Response:
    """Show what fails together with a risk group; its owner sees its own paths on it alone."""
    monitor = visit.deps.monitor
    inventory, topology, snapshot = monitor.inventory, monitor.topology, monitor.snapshot()
    found = inventory.risks.get(visit.request.path_params["code"])
    if found is None or not visit.who.sees_party(found.owner):
        raise PageError(
            404, N_("There is no such risk group."), N_("Look for it by name with the search field.")
        )
    restricted = visit.may(Right.SEE_RESTRICTED)
    live = await visit.deps.records.live(owner=visit.scope, restricted=restricted)
    rows = incident_rows(
        [each for each in live if each.condition == f"risk:{found.code}"],
        inventory=inventory,
        topology=topology,
        words=visit.words,
    )
    above = [each for each in parents_of(found, inventory) if visit.who.sees_party(each.owner)]
    return visit.page(
        "risk.html",
        risk=found,
        area=inventory.areas.get(found.area or ""),
        above=above,
        below=[
            each
            for each in inventory.risks.values()
            if each.parent == found.code and visit.who.sees_party(each.owner)
        ],
        hanging=hanging_on(found.code, inventory, topology, snapshot, scope=visit.scope),
        targets=targets_on(found.code, inventory, snapshot),
        rows=rows,
    )

"""Finding anything by name, number or code, typed with or without diacritics; a party's account finds its own alone.

Scope is an argument of everything that is asked: incidents in the query, people and the inventory in the match. The
guide is everybody's.
"""

import asyncio
import re

from starlette.responses import Response

from dashboards.guide import TOPICS, text_of
from dashboards.i18n import N_
from dashboards.views.search import (
    EXACT,
    Found,
    Group,
    Match,
    hits,
    is_code,
    matches,
    only_one,
    people_found,
    plain,
    rank_of,
)
from dashboards.visit import Visit
from dashboards.wording import label
from inventory.access import Right

__all__ = ["GROUPS", "search"]

GROUPS = {
    Group.INCIDENT: N_("Incidents"),
    Group.AREA: N_("Areas"),
    Group.SITE: N_("Sites"),
    Group.PERSON: N_("People"),
    Group.PARTY: N_("Carriers and partners"),
    Group.RISK: N_("Risk groups"),
    Group.VANTAGE: N_("Where we look from"),
    Group.TARGET: N_("Probed addresses"),
    Group.GUIDE: N_("Guide"),
}
"""What each group is called."""


async def search(visit: Visit) -> Response:
    """List what matches by group; a single match is opened at once."""
    wanted = visit.request.query_params.get("q", "")[:100].strip()
    found = await _found(visit, wanted) if plain(wanted).split() else {}
    if (meant := only_one(found)) is not None:
        return visit.go(meant.url)
    return visit.page("search.html", wanted=wanted, found=hits(found), groups=GROUPS)


async def _found(visit: Visit, wanted: str) -> dict[Group, list[Found]]:
    monitor, found = visit.deps.monitor, dict[Group, list[Found]]()
    if visit.may(Right.SEE_BOARD) or visit.scope is not None:
        # A nation has hundreds of thousands of names: beside the loop, so that nobody's board waits for a search.
        entries = await asyncio.to_thread(visit.deps.index.of, monitor.inventory, monitor.topology)
        found |= await asyncio.to_thread(matches, wanted, entries, monitor.snapshot(), scope=visit.scope)
    if visit.may(Right.SEE_NUMBERS):
        people = await visit.deps.roster.living()
        found[Group.PERSON] = people_found(wanted, people, scope=visit.scope, words=visit.words)
    if visit.may(Right.SEE_INCIDENTS):
        found[Group.INCIDENT] = await _incidents(visit, wanted)
    found[Group.GUIDE] = _guide(visit, wanted)
    return found


async def _incidents(visit: Visit, wanted: str) -> list[Found]:
    known = await visit.deps.records.titles(owner=visit.scope, restricted=visit.may(Right.SEE_RESTRICTED))
    asked, found = plain(wanted).split(), []
    for each in known:
        text = " ".join(plain(f"{each.title} {each.title_en} {each.number}").split())
        if (rank := rank_of(asked, text)) is not None:
            rank = EXACT if is_code(wanted, each.number) else rank
            name = f"{each.number} {visit.words.pick(each.title, each.title_en)}"
            where = f"{each.severity.value} · {label(visit.words, each.state)}"
            found.append(Found(rank, Match(f"/incidents/{each.id}", name, where)))
    return found


def _guide(visit: Visit, wanted: str) -> list[Found]:
    """Answer the topics that are called so, then those whose text holds every word whole."""
    asked, found = plain(wanted).split(), []
    for topic in TOPICS:
        title = visit.words.gettext(topic.title)
        text = re.sub(r"<[^>]+>|[^\w\s]", " ", plain(text_of(topic.key, visit.language)))
        if (rank := rank_of(asked, plain(title))) is None:
            rank = 1 if rank_of(asked, text) == 0 else None
        if rank is not None:
            found.append(Found(rank, Match(f"/guide/{topic.key}", title)))
    return found

"""Roll call: whom to call next, by area and urgency; one tap writes down what was heard."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from alerting.rollcall import RollAnswer, tally
from alerting.rollcall_service import Answered
from dashboards.i18n import N_
from dashboards.views.rollcall import Which, behind_incidents, roll_lines, with_numbers
from dashboards.visit import PageError, Visit
from inventory.access import Right
from inventory.models import PartyKind

__all__ = ["answer", "listing"]

_PIECE = 40
"""Sites on one page: as many as somebody calls in an hour."""
_BACK = (15, 60, 240, 1440)
_DEFAULT_BACK = 60


@dataclass(frozen=True, slots=True)
class Chosen:
    """What part of the roll is looked at. ``network`` is over which carrier the officer calls, kept from call to call."""

    area: str
    which: Which
    minutes: int
    network: str
    start: int

    @property
    def length(self) -> timedelta:
        """How far back an answer counts."""
        return timedelta(minutes=self.minutes)

    def query(self, **changes: str | int) -> str:
        """Answer the same choice, with changes, as the query of an address."""
        kept = {"area": self.area, "which": self.which.value, "back": self.minutes, "network": self.network}
        return urlencode({name: value for name, value in {**kept, **changes}.items() if value not in {"", 0}})


async def listing(visit: Visit) -> Response:
    """List whom to call."""
    return await _list(visit, _chosen(visit, visit.request.query_params))


async def answer(visit: Visit) -> Response:
    """Write down one answer, and go on where the officer was: on the roll, or on the site's page."""
    form = visit.form
    try:
        heard = RollAnswer(form.get("answer", ""))
    except ValueError as error:
        raise PageError(
            422, N_("It was not said what the site answered."), N_("Go back and choose one of the four.")
        ) from error
    given = Answered(
        site=form.get("site", ""),
        answer=heard,
        path=form.get("path", ""),
        network=form.get("network", ""),
        note=form.get("note", ""),
    )
    call = await visit.deps.rollcall.answer(given, actor=visit.who.name)
    if form.get("back_to") == "site":
        return visit.go(f"/sites/{call.site}#roll")
    chosen = _chosen(visit, form)
    return visit.go(f"/rollcall?{chosen.query(done=call.site, start=chosen.start)}")


async def _list(visit: Visit, chosen: Chosen) -> Response:
    monitor = visit.deps.monitor
    inventory, topology = monitor.inventory, monitor.topology
    since = visit.now - timedelta(minutes=chosen.minutes)
    sites = topology.sites_of_area(chosen.area) if chosen.area else tuple(inventory.sites)
    newest = await visit.deps.rollcall.newest(since)
    live = await visit.deps.records.live(owner=visit.scope, restricted=visit.may(Right.SEE_RESTRICTED))
    lines = roll_lines(
        sites,
        inventory=inventory,
        snapshot=monitor.snapshot(),
        behind=behind_incidents(live),
        newest=newest,
        since=since,
        which=chosen.which,
    )
    done = newest.get(visit.request.query_params.get("done", ""))
    return visit.page(
        "rollcall.html",
        lines=with_numbers(lines[chosen.start : chosen.start + _PIECE], inventory, topology),
        total=len(lines),
        piece=_PIECE,
        chosen=chosen,
        choices=tuple(Which),
        tally=tally(sites, newest, since),
        done=done,
        backs=[(minutes, timedelta(minutes=minutes)) for minutes in _BACK],
        answers=tuple(RollAnswer),
        districts=[area for area in inventory.areas.values() if topology.areas_below(area.code)],
        carriers=[party for party in inventory.parties.values() if party.kind is PartyKind.CARRIER],
    )


def _chosen(visit: Visit, given: Mapping[str, str]) -> Chosen:
    inventory = visit.deps.monitor.inventory
    names = ("area", "which", "back", "network", "start")
    area, which, back, network, start = (given.get(name, "") for name in names)
    return Chosen(
        area=area if area in inventory.areas else "",
        which=Which(which) if which in set(Which) else Which.UNHEARD,
        minutes=int(back) if back in {str(each) for each in _BACK} else _DEFAULT_BACK,
        network=network if network in inventory.parties else "",
        start=int(start) if start.isdecimal() and len(start) < 8 else 0,
    )

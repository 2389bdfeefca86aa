"""A site's page: its paths now and over a window, a look at it now, the people to call, the numbers behind the picture."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from starlette.responses import JSONResponse, Response

from alerting.rollcall import RollAnswer, numbers_of
from dashboards.charts import ticks
from dashboards.i18n import N_
from dashboards.looks import Look, look_at
from dashboards.series import Series
from dashboards.views.planned import works_of_targets
from dashboards.views.site import history_rows, path_lines, watches_of_paths
from dashboards.visit import PageError, Visit
from inventory.access import Right
from inventory.models import PartyKind, Site

__all__ = ["history", "look_now", "site"]


_WINDOWS = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
}


async def site(visit: Visit) -> Response:
    """Show one site."""
    return await _shown(visit, Look())


async def look_now(visit: Visit) -> Response:
    """Look at the site, or at one path of it, and show what was seen above everything else that is known."""
    found = _wanted(visit)
    if not visit.may(Right.LOOK_NOW):
        raise PageError(
            403,
            N_("Your account may not have sites looked at."),
            N_("Ask the department's duty officer to do it."),
        )
    look = await look_at(visit, found.code)
    return look.told(await _shown(visit, look))


async def _shown(visit: Visit, look: Look) -> Response:
    found, (name, since, until) = _wanted(visit), _window(visit)
    monitor, records = visit.deps.monitor, visit.deps.records
    inventory, topology, snapshot = monitor.inventory, monitor.topology, monitor.snapshot()
    targets = topology.targets_of_site(found.code)
    series = await records.series(targets, since, until)
    lines = path_lines(
        snapshot.sites.get(found.code),
        snapshot,
        site=found.code,
        inventory=inventory,
        topology=topology,
        outages=await records.outages(targets, since, until),
        unobserved=await records.unobserved(since, until),
        recorded_from=_begun(series),
        since=since,
        until=until,
    )
    return visit.page(
        "site.html",
        status=look.status,
        looked=look.looked,
        refused=look.refused,
        may_look=bool(targets) and visit.may(Right.LOOK_NOW),
        site=found,
        view=snapshot.sites.get(found.code),
        area=inventory.areas.get(topology.commune_of(found.code) or found.area),
        district=inventory.areas.get(topology.district_of(found.area) or ""),
        lines=lines,
        works=works_of_targets(
            await visit.deps.planned.known(), targets, inventory=inventory, topology=topology, now=visit.now
        ),
        ticks=ticks(since, until, inventory.election.zone),
        tables=[(code, history_rows(series[code], since, until)) for code in targets if code in series],
        window=name,
        windows=tuple(_WINDOWS),
        calls=await visit.deps.rollcall.of_site(found.code),
        phones=numbers_of(inventory, topology, found.code) if visit.may(Right.CALL_ROLL) else (),
        answers=tuple(RollAnswer),
        carriers=[party for party in inventory.parties.values() if party.kind is PartyKind.CARRIER],
        watches=watches_of_paths(lines, await visit.deps.roster.living(), visit.now),
    )


async def history(visit: Visit) -> Response:
    """Answer looks by minute as columns, for the chart: seconds since 1970, milliseconds, per cent."""
    found, (_, since, until) = _wanted(visit), _window(visit)
    targets = visit.deps.monitor.topology.targets_of_site(found.code)
    series = await visit.deps.records.series(targets, since, until)
    return JSONResponse({"since": since.timestamp(), "until": until.timestamp(), "targets": _columns(series)})


def _columns(series: Mapping[str, Series]) -> dict[str, dict[str, list[float | None]]]:
    return {
        code: {
            "at": [minute.timestamp() for minute in each.minutes],
            "rtt": [None if value is None else round(value * 1000, 3) for value in each.rtt_mean],
            "loss": [
                round(100 * failed / looks, 1) if looks else None
                for looks, failed in zip(each.looks, each.failures, strict=True)
            ],
        }
        for code, each in series.items()
    }


def _wanted(visit: Visit) -> Site:
    found = visit.deps.monitor.inventory.sites.get(visit.request.path_params["code"])
    if found is None:
        raise PageError(404, N_("There is no such site."), N_("Look for it by name with the search field."))
    return found


def _window(visit: Visit) -> tuple[str, datetime, datetime]:
    name = visit.request.query_params.get("window", "24h")
    name = name if name in _WINDOWS else "24h"
    return name, visit.now - _WINDOWS[name], visit.now


def _begun(series: Mapping[str, Series]) -> dict[str, datetime]:
    return {code: each.minutes[0] for code, each in series.items() if each.minutes}

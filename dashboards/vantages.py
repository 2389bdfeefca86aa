"""Where we look from: whether each vantage sees, what it counts of its own work, and when it could not look."""

from datetime import datetime, timedelta

from starlette.responses import Response

from dashboards.charts import ticks
from dashboards.i18n import N_
from dashboards.views.vantage import Sight, VantageLine, blind_bar, blinds, freshness, vantage_lines
from dashboards.visit import PageError, Visit
from monitor.models import Unobserved

__all__ = ["vantage", "vantages"]

_WINDOWS = {"24h": timedelta(hours=24), "7d": timedelta(days=7)}
_MOST = 50


async def vantages(visit: Visit) -> Response:
    """List every vantage with what it stands on and how it is."""
    since = visit.now - _WINDOWS["24h"]
    unobserved = await visit.deps.records.unobserved(since, visit.now)
    return visit.page("vantages.html", lines=_lines(visit, unobserved, since), Sight=Sight)


async def vantage(visit: Visit) -> Response:
    """Show one vantage."""
    wanted = visit.request.path_params["code"]
    name = visit.request.query_params.get("window", "24h")
    name = name if name in _WINDOWS else "24h"
    since = visit.now - _WINDOWS[name]
    unobserved = await visit.deps.records.unobserved(since, visit.now)
    line = next((each for each in _lines(visit, unobserved, since) if each.vantage.code == wanted), None)
    if line is None:
        raise PageError(
            404, N_("There is no such vantage."), N_("Look for it by name with the search field.")
        )
    monitor = visit.deps.monitor
    dark = blinds(unobserved, wanted, now=visit.now, words=visit.words)
    return visit.page(
        "vantage.html",
        line=line,
        Sight=Sight,
        blinds=dark[:_MOST],
        more=max(0, len(dark) - _MOST),
        bar=blind_bar(dark, since=since, until=visit.now),
        ticks=ticks(since, visit.now, monitor.inventory.election.zone),
        fresh=freshness(monitor.inventory, monitor.snapshot(), wanted),
        window=name,
        windows=tuple(_WINDOWS),
    )


def _lines(visit: Visit, unobserved: tuple[Unobserved, ...], since: datetime) -> tuple[VantageLine, ...]:
    monitor = visit.deps.monitor
    return vantage_lines(
        monitor.inventory,
        monitor.snapshot(),
        visit.deps.figures(),
        unobserved,
        since=since,
        now=visit.now,
        words=visit.words,
    )

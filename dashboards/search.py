"""Finding a site or an area by name, typed with or without diacritics."""

from starlette.responses import Response

from dashboards.views.search import matches
from dashboards.visit import Visit

__all__ = ["search"]


async def search(visit: Visit) -> Response:
    """List what matches; a single match is opened at once."""
    wanted = visit.request.query_params.get("q", "")[:100].strip()
    monitor = visit.deps.monitor
    found = matches(wanted, monitor.inventory, monitor.snapshot())
    if len(found) == 1:
        return visit.go(found[0].url)
    return visit.page("search.html", wanted=wanted, found=found)

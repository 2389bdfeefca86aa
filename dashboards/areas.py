"""An area: its sites (those of a district by commune), each with its verdict."""

from starlette.responses import Response

from dashboards.i18n import N_
from dashboards.views.area import ancestors, children, site_lines
from dashboards.visit import PageError, Visit

__all__ = ["area"]


async def area(visit: Visit) -> Response:
    """List what lies in an area."""
    monitor = visit.deps.monitor
    inventory, topology, snapshot = monitor.inventory, monitor.topology, monitor.snapshot()
    found = inventory.areas.get(visit.request.path_params["code"])
    if found is None:
        raise PageError(404, N_("There is no such area."), N_("Look for it by name with the search field."))
    return visit.page(
        "area.html",
        area=found,
        ancestors=ancestors(found, inventory),
        children=children(found, inventory, snapshot),
        sites=site_lines(topology.sites_of_area(found.code), snapshot, inventory, topology),
    )

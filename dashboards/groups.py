"""Risk groups to propose: what falls together though the inventory does not say why."""

from datetime import timedelta

from starlette.responses import Response

from dashboards.visit import Visit
from monitor.cofailure import lines_to_add, proposals

__all__ = ["groups"]

_BACK = timedelta(days=90)


async def groups(visit: Visit) -> Response:
    """Show every proposal with its evidence, and the lines to add to the inventory by whoever accepts it."""
    monitor = visit.deps.monitor
    inventory, topology = monitor.inventory, monitor.topology
    outages = await visit.deps.records.outages(topology.codes, visit.now - _BACK, visit.now)
    found = proposals(outages, inventory, topology, since=visit.now - _BACK, until=visit.now)
    return visit.page(
        "groups.html",
        groups=[(each, *lines_to_add(each, inventory)) for each in found],
        days=_BACK.days,
    )

"""Capacity and congestion: how busy each link is, what is expected on election day, who could lend, what was congested."""

from datetime import timedelta

from starlette.responses import Response

from dashboards.views.load import congestion_lines, link_lines
from dashboards.visit import Visit

__all__ = ["capacity"]

_BACK = timedelta(days=30)
_MOST_LINKS = 200
_MOST_CONGESTIONS = 50


async def capacity(visit: Visit) -> Response:
    """Show the links within scope, the most pressing first, and the congestions of the last thirty days."""
    inventory, loads = visit.deps.monitor.inventory, visit.deps.loads
    seen = await loads.links(now=visit.now, scope=visit.scope)
    rows = await loads.congestions(
        visit.now - _BACK, visit.now, scope=visit.scope, limit=_MOST_CONGESTIONS + 1
    )
    return visit.page(
        "capacity.html",
        lines=link_lines(seen, inventory)[:_MOST_LINKS],
        total=len(seen),
        more=max(0, len(seen) - _MOST_LINKS),
        measured=sum(each.is_measured for each in seen),
        congested=sum(each.congested_since is not None for each in seen),
        norm=inventory.policy.congestion_norm,
        after=inventory.policy.congestion_after,
        past=congestion_lines(rows[:_MOST_CONGESTIONS], inventory),
        has_more_past=len(rows) > _MOST_CONGESTIONS,
        day=inventory.election.day,
    )

"""Who is on duty now, party by party, with numbers."""

from starlette.responses import Response

from dashboards.views.duty import watches
from dashboards.visit import Visit

__all__ = ["duty"]


async def duty(visit: Visit) -> Response:
    """Show everybody on duty; a carrier's account sees its own people."""
    found = watches(await visit.deps.roster.living(), visit.now)
    seen = [watch for watch in found if visit.who.sees_party(watch.party)]
    parties = {watch.party: watch.party_name for watch in seen}
    return visit.page(
        "duty.html",
        parties=[(name, [watch for watch in seen if watch.party == code]) for code, name in parties.items()],
        gaps=[watch for watch in seen if watch.is_trouble],
    )

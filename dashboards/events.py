"""The live stream at ``/events``: one long answer, resumed by Last-Event-ID, ended at once at shutdown."""

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from dashboards.feed import Audience
from dashboards.live import Hub, HubFullError, Watcher
from dashboards.visit import Visit
from inventory.access import Right

__all__ = ["events"]


async def events(visit: Visit) -> Response:
    """Stream what changes to one page."""
    audience = Audience(visit.language, visit.scope, visit.may(Right.SEE_BOARD))
    last = visit.request.headers.get("last-event-id", "")
    try:
        watcher = visit.deps.hub.watch(audience, last_event_id=last[:80])
    except HubFullError:
        return Response(status_code=503, headers={"Retry-After": "10"})
    # Proxies must pass every line on as it comes.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_left(visit.deps.hub, watcher), media_type="text/event-stream", headers=headers)


async def _left(hub: Hub, watcher: Watcher) -> AsyncIterator[bytes]:
    try:
        async for chunk in watcher.stream():
            yield chunk
    finally:
        hub.leave(watcher)

"""``/probe?target=…&module=…``: one look now, for a Prometheus that has so far asked a blackbox exporter.

Only what stands in the inventory is looked at (:mod:`monitor.asked`), only for who may read belief, each target only so
often, and only so many at once: nobody can make a scanner of it. What is seen answers the question and becomes no belief.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Response

from inventory.models import Target
from monitor.asked import AskedError
from monitor.buckets import Buckets
from monitor.exposition import CONTENT_TYPE
from monitor.probe_page import probe_page
from probes.once import OnceSeen

__all__ = ["router"]

_Words = Annotated[str, Query(max_length=2048, description="A target's code, address, address:port or URL.")]
_Module = Annotated[
    str, Query(max_length=64, description="A kind, or a name that begins with one: tcp_connect, http_2xx.")
]
_Granted = Annotated[float | None, Header(alias="X-Prometheus-Scrape-Timeout-Seconds", gt=0, le=600)]

_RATE = 0.5
_BURST = 5.0
_MOST_AT_ONCE = 64
_ANSWERING_SECONDS = 0.5
"""What the page needs of the time that the asking Prometheus grants, as the exporter reckons."""

_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {}}},
    401: {"description": "A token or a session is needed"},
    403: {"description": "This account may not see the board"},
    400: {"description": "What is not looked at, and why"},
    429: {"description": "This target was asked for too often"},
    503: {"description": "Too many looks at once, or this process does not look"},
}


def router(
    *,
    find: Callable[[str, str], Target],
    look: Callable[[Target, float | None], Awaitable[OnceSeen]],
    monotonic: Callable[[], float],
    guard: Callable[..., Any],
) -> APIRouter:
    """Make the route: ``find`` knows what the words mean, ``look`` looks within seconds (None: the target's own)."""
    routes = APIRouter()
    buckets = Buckets(rate=_RATE, burst=_BURST)
    under_way: set[object] = set()

    @routes.get(
        "/probe",
        tags=["metrics"],
        dependencies=[Depends(guard)],
        response_class=Response,
        responses=_RESPONSES,
    )
    async def probe(target: _Words, module: _Module = "", granted: _Granted = None) -> Response:
        """Look once at a target of the inventory; metrics as blackbox exporter's, in the Prometheus text format."""
        try:
            found = find(target, module)
        except AskedError as error:
            raise HTTPException(400, str(error)) from error
        if len(under_way) >= _MOST_AT_ONCE:
            raise HTTPException(503, "too many looks at once", headers={"Retry-After": "1"})
        if not buckets.take(found.code, monotonic()):
            raise HTTPException(429, "this target was asked for too often", headers={"Retry-After": "2"})
        turn = object()
        under_way.add(turn)
        try:
            seen = await look(found, None if granted is None else max(0.1, granted - _ANSWERING_SECONDS))
        except ConnectionError as error:
            raise HTTPException(503, str(error)) from error
        finally:
            under_way.discard(turn)
        return Response(probe_page(found.kind, seen), media_type=CONTENT_TYPE)

    return routes

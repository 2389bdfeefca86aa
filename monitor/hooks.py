"""What others call: heartbeats of sites, and batches of vantages that look from elsewhere.

``/hooks/heartbeat/{token}`` takes GET, POST and HEAD, so that any tool can ping; its body is read to a bound and not
looked at. An unknown token gets the same 404 as a path that does not exist. ``/hooks/batches`` takes what
``thongsuot worker`` posts; a token there stands for one vantage, and speaks for no other.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Request, Response

from monitor.buckets import Buckets
from monitor.receiving import BatchReceiver, Receipt

__all__ = ["router"]

_HEARTBEAT_BODY = 16_384
_HEARTBEAT_RATE = 1.0
_HEARTBEAT_BURST = 10.0
_METHODS = ("GET", "HEAD", "POST")
_STATUS = {
    Receipt.TAKEN: 204,
    Receipt.UNKNOWN_TOKEN: 401,
    Receipt.ANOTHER_VANTAGE: 403,
    Receipt.UNREADABLE: 422,
    Receipt.NO_ROOM: 503,
}
_BUSY_SECONDS = "2"


def router(
    *,
    ping: Callable[[str], bool],
    monotonic: Callable[[], float],
    receiver: BatchReceiver | None = None,
) -> APIRouter:
    """Make the routes; without a receiver there is no door for batches."""
    routes = APIRouter(prefix="/hooks", tags=["hooks"])
    _add_heartbeat(routes, ping, monotonic)
    if receiver is not None:
        _add_batches(routes, receiver)
    return routes


def _add_heartbeat(routes: APIRouter, ping: Callable[[str], bool], monotonic: Callable[[], float]) -> None:
    buckets = Buckets(rate=_HEARTBEAT_RATE, burst=_HEARTBEAT_BURST)

    async def heartbeat(token: str, request: Request) -> Response:
        """Note that a site lives."""
        await _body(request, _HEARTBEAT_BODY)
        if not buckets.take(sha256(token.encode(errors="replace")).hexdigest(), monotonic()):
            raise HTTPException(429, "too often; once a minute is plenty", headers={"Retry-After": "1"})
        if not ping(token):
            raise HTTPException(404, "Not Found")
        return Response(status_code=204)

    for method in _METHODS:  # one route a method: an operation of the schema has one name
        routes.add_api_route(
            "/heartbeat/{token}",
            heartbeat,
            methods=[method],
            status_code=204,
            responses={404: {"description": "Not Found"}, 413: {}, 429: {}},
        )


def _add_batches(routes: APIRouter, receiver: BatchReceiver) -> None:
    @routes.post(
        "/batches",
        status_code=204,
        responses={401: {}, 403: {}, 413: {}, 422: {"description": "What cannot be read"}, 503: {}},
    )
    async def batches(request: Request, authorization: Annotated[str, Header()] = "") -> Response:
        """Take what a vantage saw: frames of :mod:`probes.bus_wire`, one after another."""
        vantage = receiver.vantage_of(authorization)
        if vantage is None:
            raise HTTPException(
                401, "a bearer token of a vantage is needed", headers={"WWW-Authenticate": "Bearer"}
            )
        body = await _body(request, receiver.largest_body)
        receipt, detail = receiver.take(vantage, body)
        if receipt is not Receipt.TAKEN:
            headers = {"Retry-After": _BUSY_SECONDS} if receipt is Receipt.NO_ROOM else None
            raise HTTPException(_STATUS[receipt], detail, headers=headers)
        return Response(status_code=204)


async def _body(request: Request, most: int) -> bytes:
    """Read the body, but never more than ``most`` bytes of it."""
    said = request.headers.get("content-length", "0")
    if not said.isdigit() or int(said) > most:
        raise HTTPException(413, f"at most {most} bytes")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise HTTPException(413, f"at most {most} bytes")
    return bytes(body)

"""What gateways and other systems call: receipts, typed answers, Alertmanager's alerts.

Every door has a token and is shut while none is set. It comes as ``Authorization: Bearer …``, or where a gateway can
only fill in an address as ``?token=…``. Bodies are read to a bound; fields come by query, form or JSON, by these names:

``/hooks/receipts``  ``key`` (ours) or ``reference`` (theirs), and ``status``: delivered/failed, or Kannel's 1, 2 and
16; every other status is on the way there and changes nothing. ``reason`` is kept.

``/hooks/answers``  ``from`` (the number, if known) and ``text``: eight digits somewhere in it acknowledge, as the
person that they were sent to. The answer is a line of text that the gateway can send or read back.

``/hooks/alertmanager``  Alertmanager's webhook, version 4.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from hmac import compare_digest
from typing import Annotated, Any
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Header, HTTPException, Request
from fastapi.responses import PlainTextResponse
from starlette.responses import Response

from alerting.alertmanager import causes_of
from alerting.errors import RefusedError
from alerting.service import AlertingService
from alerting.worker import OutboxWorker
from monitor.buckets import Buckets

__all__ = ["gateway_routes"]

log = structlog.get_logger(__name__)

_SMALL, _LARGE = 16_384, 1_000_000
_FINAL = {
    "delivered": True, "failed": False, "undelivered": False, "rejected": False,
    "1": True, "2": False, "16": False,
}  # fmt: skip
_CODE = re.compile(r"(?<!\d)\d{4}[ -]?\d{4}(?!\d)")
_EVERYBODY = "everybody"
_METHODS = ("GET", "POST")


def gateway_routes(
    *,
    service: AlertingService,
    outbox: OutboxWorker,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float],
    gateway_token: str,
    alerts_token: str,
) -> APIRouter:
    """Make the routes; an empty token shuts its doors."""
    routes = APIRouter(prefix="/hooks", tags=["hooks"])
    _add_receipts(routes, outbox, gateway_token)
    _add_answers(routes, service, monotonic, gateway_token)
    _add_alerts(routes, service, clock, alerts_token)
    return routes


def _add_receipts(routes: APIRouter, outbox: OutboxWorker, expected: str) -> None:
    async def receipts(request: Request, authorization: Annotated[str, Header()] = "") -> Response:
        """Take a gateway's later word on a message; saying it twice changes nothing."""
        _let_in(request, authorization, expected)
        told = await _fields(request)
        delivered = _FINAL.get(told.get("status", "").lower())
        if delivered is None:
            return Response(status_code=204)
        if not (told.get("key") or told.get("reference")):
            raise HTTPException(422, "key (ours) or reference (the gateway's) is needed")
        await outbox.receipt(
            key=told.get("key", ""),
            reference=told.get("reference", ""),
            delivered=delivered,
            reason=told.get("reason", "")[:200] or f"the gateway reported {told['status'][:40]}",
        )
        return Response(status_code=204)

    _add(routes, "/receipts", receipts)


def _add_answers(
    routes: APIRouter, service: AlertingService, monotonic: Callable[[], float], expected: str
) -> None:
    buckets = Buckets(rate=0.1, burst=5)
    # Loose for everybody together: a storm is answered by many at once, and a million guesses a day are still few.
    together = Buckets(rate=10.0, burst=100)

    async def answers(request: Request, authorization: Annotated[str, Header()] = "") -> Response:
        """Acknowledge by a code that somebody typed in a short message or keyed in on a call."""
        _let_in(request, authorization, expected)
        told = await _fields(request)
        at = monotonic()
        if not buckets.take(told.get("from", "")[:32], at) or not together.take(_EVERYBODY, at):
            raise HTTPException(429, "too often", headers={"Retry-After": "10"})
        found = _CODE.search(told.get("text", ""))
        if found is None:
            return PlainTextResponse("Khong thay ma 8 so. No code of 8 digits found.")
        try:
            taken = await service.answers.acknowledge_by_code(found[0])
        except RefusedError as refused:
            log.info("answer refused", reason=str(refused))
            return PlainTextResponse("Ma khong dung hoac da het han. Code unknown or expired.")
        others = f" (+{len(taken) - 1})" if len(taken) > 1 else ""
        return PlainTextResponse(f"Da tiep nhan {taken[0].number}{others}. Acknowledged.")

    _add(routes, "/answers", answers)


def _add_alerts(
    routes: APIRouter, service: AlertingService, clock: Callable[[], datetime], expected: str
) -> None:
    @routes.post("/alertmanager", status_code=204, responses={401: {}, 413: {}, 422: {}})
    async def alertmanager(request: Request, authorization: Annotated[str, Header()] = "") -> Response:
        """Take Alertmanager's alerts as causes; a repeated call changes nothing."""
        _let_in(request, authorization, expected)
        body = await _body(request, _LARGE)
        try:
            call = json.loads(body)
            causes = causes_of(call if isinstance(call, dict) else {}, clock())
        except ValueError as wrong:
            raise HTTPException(422, str(wrong)) from wrong
        await service.take_causes(causes)
        return Response(status_code=204)


def _add(routes: APIRouter, path: str, serve: Callable[..., Any]) -> None:
    for method in _METHODS:  # one route a method: an operation of the schema has one name
        routes.add_api_route(
            path, serve, methods=[method], response_model=None, responses={401: {}, 413: {}, 422: {}}
        )


def _let_in(request: Request, authorization: str, expected: str) -> None:
    given = authorization.removeprefix("Bearer ") or request.query_params.get("token", "")
    if not expected:
        raise HTTPException(404, "Not Found")
    if not compare_digest(given.encode(), expected.encode()):
        raise HTTPException(401, "a token is needed", headers={"WWW-Authenticate": "Bearer"})


async def _fields(request: Request) -> Mapping[str, str]:
    """Read the fields, wherever the gateway put them; the body wins over the address."""
    body = await _body(request, _SMALL)
    told = dict(request.query_params)
    if not body:
        return told
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            read = json.loads(body)
        except ValueError as wrong:
            raise HTTPException(422, "the body is not JSON") from wrong
        if not isinstance(read, dict):
            raise HTTPException(422, "the body must be an object")
        return told | {str(name): str(value) for name, value in read.items()}
    return told | dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise HTTPException(413, f"at most {most} bytes")
    return bytes(body)

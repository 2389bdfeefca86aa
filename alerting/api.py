"""Incidents over HTTP: read, acknowledge, report, close. Errors are problem documents (RFC 9457).

Who asks is answered by a dependency that is handed in. A carrier sees its own incidents only: the scope is an
argument of every query, and an incident of another party answers exactly as one that does not exist.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from alerting.errors import MissingReasonError, NotAllowedError, RefusedError
from alerting.models import CauseClass, Incident, IncidentEvent, IncidentState, LedgerEntry, Message
from alerting.service import AlertingService
from alerting.store import (
    AffectedTarget,
    ledger_of,
    messages_of,
    outages_of_incident,
)
from alerting.store import (
    incident as read_incident,
)
from alerting.store import (
    incidents as read_incidents,
)
from inventory.access import Right
from inventory.database import reading

__all__ = ["Asking", "problem", "router"]

_Words = Annotated[str, Field(max_length=4000)]


class Asking(Protocol):
    """Who asks: as much of an account as this package needs to know."""

    @property
    def name(self) -> str:
        """What the ledger calls them."""

    @property
    def party(self) -> str:
        """The party that they belong to."""

    @property
    def scope(self) -> str | None:
        """The only party whose incidents they may see; None: all."""

    def may(self, right: Right) -> bool:
        """Answer whether they hold ``right``."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    note: _Words = ""


class _Progress(_Body):
    eta: AwareDatetime | None = None


class _Close(_Body):
    cause: CauseClass


class IncidentPage(BaseModel):
    """One incident with everything that is known of it."""

    incident: Incident
    ledger: Sequence[LedgerEntry]
    outages: Sequence[AffectedTarget]
    messages: Sequence[dict[str, Any]]


def problem(status: int, slug: str, detail: str, **more: Any) -> JSONResponse:
    """Write a problem document."""
    content = {
        "type": f"urn:thongsuot:{slug}",
        "title": slug.replace("-", " "),
        "status": status,
        "detail": detail,
    }
    return JSONResponse({**content, **more}, status_code=status, media_type="application/problem+json")


class _ProblemRoute(APIRoute):
    """Turns refusals of this package into problem documents, whichever application it is mounted in."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except RefusedError as refused:
                more = {"allowed": list(refused.allowed)} if hasattr(refused, "allowed") else {}
                return problem(refused.status, refused.slug, str(refused), **more)
            except RequestValidationError as invalid:
                faults = [{"at": list(one["loc"]), "reason": one["msg"]} for one in invalid.errors()]
                return problem(422, "invalid-request", "the request is not as described", faults=faults)

        return handle


class _Desk:
    """What the routes share: scope first, then right, then the service."""

    def __init__(self, service: AlertingService, database: AsyncEngine) -> None:
        self.service = service
        self.database = database

    async def list(
        self, actor: Asking, states: Sequence[IncidentState] | None, limit: int, offset: int
    ) -> Sequence[Incident]:
        _demand(actor, Right.SEE_INCIDENTS, "see incidents")
        async with reading(self.database) as connection:
            return await read_incidents(
                connection, states=states, owner=actor.scope, limit=limit, offset=offset
            )

    async def page(self, actor: Asking, identifier: int) -> IncidentPage:
        _demand(actor, Right.SEE_INCIDENTS, "see incidents")
        async with reading(self.database) as connection:
            found = await read_incident(connection, identifier, owner=actor.scope)
            return IncidentPage(
                incident=found,
                ledger=await ledger_of(connection, identifier),
                outages=await outages_of_incident(connection, identifier),
                messages=[
                    _shown(message, actor)
                    for message in await messages_of(connection, identifier)
                    if self._is_shown(message, actor)
                ],
            )

    def _is_shown(self, message: Message, actor: Asking) -> bool:
        person = self.service.inventory.people.get(message.person)
        return actor.scope is None or (person is not None and person.party == actor.scope)

    async def seen(self, actor: Asking, identifier: int, right: Right, event: IncidentEvent) -> Incident:
        """Answer the incident that ``actor`` wants to act on, if they can see it and may."""
        async with reading(self.database) as connection:
            found = await read_incident(connection, identifier, owner=actor.scope)
        _demand(actor, right, event.value)
        return found


def _demand(actor: Asking, right: Right, what: str) -> None:
    if not actor.may(right):
        raise NotAllowedError(actor.name, what)


def _shown(message: Message, actor: Asking) -> dict[str, Any]:
    shown = {
        "kind": message.kind,
        "person": message.person,
        "channel": message.channel,
        "state": message.state,
        "attempts": message.attempts,
        "created_at": message.created_at,
        "sent_at": message.sent_at,
        "error": message.error,
    }
    return shown | ({"address": message.address} if actor.may(Right.SEE_NUMBERS) else {})


def router(*, service: AlertingService, database: AsyncEngine, actor: Callable[..., Any]) -> APIRouter:
    """Make the routes; ``actor`` is a dependency that answers who asks (an :class:`Asking`) or refuses."""
    desk = _Desk(service, database)
    routes = APIRouter(prefix="/api/v1/incidents", tags=["incidents"], route_class=_ProblemRoute)
    _add_reading(routes, desk, actor)
    _add_acting(routes, desk, actor)
    _add_closing(routes, desk, actor)
    return routes


def _add_reading(routes: APIRouter, desk: _Desk, actor: Callable[..., Any]) -> None:
    @routes.get("", summary="List incidents, newest first")
    async def listed(
        asking: Annotated[Any, Depends(actor)],
        state: Annotated[list[IncidentState] | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> Sequence[Incident]:
        return await desk.list(asking, state, limit, offset)

    @routes.get("/{incident}", summary="One incident with its ledger, outages and messages")
    async def shown(incident: int, asking: Annotated[Any, Depends(actor)]) -> IncidentPage:
        return await desk.page(asking, incident)


def _add_acting(routes: APIRouter, desk: _Desk, actor: Callable[..., Any]) -> None:
    service, act = desk.service, Right.ACT_ON_INCIDENTS

    @routes.post("/{incident}/acknowledge", summary="Take the incident into one's hands")
    async def acknowledge(incident: int, body: _Body, asking: Annotated[Any, Depends(actor)]) -> Incident:
        found = await desk.seen(asking, incident, act, IncidentEvent.ACKNOWLEDGED)
        if asking.party != found.owner and not body.note.strip():
            # On the owner's behalf: whoever does that says how they know that the owner is at work.
            raise MissingReasonError("acknowledging on the owner's behalf", "a note")
        person = getattr(asking, "person", "")
        return await service.acknowledge(incident, actor=asking.name, person=person, note=body.note)

    @routes.post("/{incident}/progress", summary="Tell what is being done, and until when")
    async def progress(incident: int, body: _Progress, asking: Annotated[Any, Depends(actor)]) -> Incident:
        await desk.seen(asking, incident, act, IncidentEvent.PROGRESS)
        return await service.progress(incident, actor=asking.name, note=body.note, eta=body.eta)

    @routes.post("/{incident}/restored", summary="Claim that service is back; probes verify it")
    async def restored(incident: int, body: _Body, asking: Annotated[Any, Depends(actor)]) -> Incident:
        await desk.seen(asking, incident, act, IncidentEvent.RESTORED)
        return await service.report_restored(incident, actor=asking.name, note=body.note)

    @routes.post("/{incident}/note", summary="Write something down")
    async def note(incident: int, body: _Body, asking: Annotated[Any, Depends(actor)]) -> Incident:
        await desk.seen(asking, incident, act, IncidentEvent.NOTE)
        return await service.note(incident, actor=asking.name, note=body.note)


def _add_closing(routes: APIRouter, desk: _Desk, actor: Callable[..., Any]) -> None:
    service, right = desk.service, Right.CLOSE_INCIDENTS

    @routes.post("/{incident}/close", summary="Sign off with a cause")
    async def close(incident: int, body: _Close, asking: Annotated[Any, Depends(actor)]) -> Incident:
        await desk.seen(asking, incident, right, IncidentEvent.CLOSED)
        return await service.close(incident, actor=asking.name, cause=body.cause, note=body.note)

    @routes.post("/{incident}/cancel", summary="Take back what was no incident")
    async def cancel(incident: int, body: _Body, asking: Annotated[Any, Depends(actor)]) -> Incident:
        await desk.seen(asking, incident, right, IncidentEvent.CANCELLED)
        return await service.cancel(incident, actor=asking.name, note=body.note)

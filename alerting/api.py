"""Incidents over HTTP: read, acknowledge, report, close.

A carrier sees its own incidents only: the scope is an argument of every query, and an incident of another party
answers exactly as one that does not exist. An incident's entity tag is its version; an act with ``If-Match`` is
done only on that version.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.errors import MissingReasonError
from alerting.models import CauseClass, Incident, IncidentEvent, IncidentState, LedgerEntry, Message
from alerting.service import AlertingService
from alerting.store import (
    AffectedTarget,
    ledger_of,
    messages_of,
    outages_of_incident,
    version_of,
)
from alerting.store import (
    incident as read_incident,
)
from alerting.store import (
    incidents as read_incidents,
)
from alerting.web.api import Api, Asking, demand
from alerting.web.cursors import Cursor, Limit, Page, packed, unpacked
from alerting.web.etags import IfMatch, IfNoneMatch, etag, version_in
from alerting.web.problems import answers
from inventory.access import Right
from inventory.database import reading

__all__ = ["router"]

_Words = Annotated[str, Field(max_length=4000)]
Number = Annotated[int, Path(ge=1, le=2**53, description="The incident's id.")]
_MATCH = answers(412)


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


@dataclass(frozen=True, slots=True)
class _Deed:
    """An act as HTTP brings it: by whom, on which version, and the answer that will carry the new version."""

    asking: Asking
    version: int | None
    response: Response
    database: AsyncEngine

    @property
    def name(self) -> str:
        return self.asking.name

    @property
    def person(self) -> str:
        return str(getattr(self.asking, "person", ""))

    async def done(self, work: Awaitable[Incident]) -> Incident:
        """Do ``work`` and put the entity tag of what it made on the answer."""
        incident = await work
        async with reading(self.database) as connection:
            self.response.headers["ETag"] = etag(await version_of(connection, incident.id))
        return incident


class _Desk:
    """What the routes share: scope first, then right, then the service."""

    def __init__(self, api: Api, service: AlertingService) -> None:
        self.actor = api.actor
        self.service = service
        self.database = api.database

        async def deed(
            asking: Annotated[Any, Depends(api.actor)], response: Response, if_match: IfMatch = None
        ) -> _Deed:
            return _Deed(asking, version_in(if_match), response, api.database)

        self.deed = deed

    async def list(
        self, actor: Asking, states: Sequence[IncidentState] | None, limit: int, cursor: str | None
    ) -> Page[Incident]:
        demand(actor, Right.SEE_INCIDENTS, "see incidents")
        after = _place(cursor) if cursor else None
        async with reading(self.database) as connection:
            found = await read_incidents(
                connection,
                states=states,
                owner=actor.scope,
                limit=limit + 1,
                after=after,
                restricted=actor.may(Right.SEE_RESTRICTED),
            )
        items = found[:limit]
        more = packed(items[-1].opened_at, items[-1].id) if len(found) > limit else None
        return Page(items=items, next=more)

    async def page(self, actor: Asking, identifier: int) -> tuple[IncidentPage, int]:
        demand(actor, Right.SEE_INCIDENTS, "see incidents")
        async with reading(self.database) as connection:
            found = await read_incident(
                connection, identifier, owner=actor.scope, restricted=actor.may(Right.SEE_RESTRICTED)
            )
            page = IncidentPage(
                incident=found,
                ledger=await ledger_of(connection, identifier),
                outages=await outages_of_incident(connection, identifier),
                messages=[
                    _shown(message, actor)
                    for message in await messages_of(connection, identifier)
                    if self._is_shown(message, actor)
                ],
            )
            return page, await version_of(connection, identifier)

    def _is_shown(self, message: Message, actor: Asking) -> bool:
        person = self.service.inventory.people.get(message.person)
        return actor.scope is None or (person is not None and person.party == actor.scope)

    async def seen(self, actor: Asking, identifier: int, right: Right, event: IncidentEvent) -> Incident:
        """Answer the incident that ``actor`` wants to act on, if they can see it and may."""
        async with reading(self.database) as connection:
            found = await read_incident(
                connection, identifier, owner=actor.scope, restricted=actor.may(Right.SEE_RESTRICTED)
            )
        demand(actor, right, event.value)
        return found


def _place(cursor: str) -> tuple[datetime, int]:
    opened_at, identifier = unpacked(cursor, datetime, int)
    return opened_at, identifier


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


def router(api: Api, service: AlertingService) -> APIRouter:
    """Make the routes below ``/api/v1/incidents``."""
    desk = _Desk(api, service)
    routes = api.router("/incidents", tag="incidents")
    _add_reading(routes, desk)
    _add_acting(routes, desk)
    _add_closing(routes, desk)
    return routes


def _add_reading(routes: APIRouter, desk: _Desk) -> None:
    @routes.get("", summary="List incidents, newest first")
    async def listed(
        asking: Annotated[Any, Depends(desk.actor)],
        state: Annotated[list[IncidentState] | None, Query()] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Page[Incident]:
        return await desk.list(asking, state, limit, cursor)

    @routes.get(
        "/{incident}",
        response_model=IncidentPage,
        summary="One incident with its ledger, outages and messages",
        responses={304: {"description": "Not changed since the entity tag that was sent."}},
    )
    async def shown(
        incident: Number,
        asking: Annotated[Any, Depends(desk.actor)],
        response: Response,
        if_none_match: IfNoneMatch = None,
    ) -> IncidentPage | Response:
        page, version = await desk.page(asking, incident)
        if if_none_match is not None and version_in(if_none_match) == version:
            return Response(status_code=304, headers={"ETag": etag(version)})
        response.headers["ETag"] = etag(version)
        return page


def _add_acting(routes: APIRouter, desk: _Desk) -> None:
    service, act = desk.service, Right.ACT_ON_INCIDENTS

    @routes.post("/{incident}/acknowledge", summary="Take the incident into one's hands", responses=_MATCH)
    async def acknowledge(
        incident: Number, body: _Body, by: Annotated[_Deed, Depends(desk.deed)]
    ) -> Incident:
        found = await desk.seen(by.asking, incident, act, IncidentEvent.ACKNOWLEDGED)
        if by.asking.party != found.owner and not body.note.strip():
            # On the owner's behalf: whoever does that says how they know that the owner is at work.
            raise MissingReasonError("acknowledging on the owner's behalf", "a note")
        return await by.done(
            service.acknowledge(incident, actor=by.name, person=by.person, note=body.note, version=by.version)
        )

    @routes.post("/{incident}/progress", summary="Tell what is being done, and until when", responses=_MATCH)
    async def progress(
        incident: Number, body: _Progress, by: Annotated[_Deed, Depends(desk.deed)]
    ) -> Incident:
        await desk.seen(by.asking, incident, act, IncidentEvent.PROGRESS)
        return await by.done(
            service.progress(incident, actor=by.name, note=body.note, eta=body.eta, version=by.version)
        )

    @routes.post(
        "/{incident}/restored", summary="Claim that service is back; probes verify it", responses=_MATCH
    )
    async def restored(incident: Number, body: _Body, by: Annotated[_Deed, Depends(desk.deed)]) -> Incident:
        await desk.seen(by.asking, incident, act, IncidentEvent.RESTORED)
        return await by.done(
            service.report_restored(incident, actor=by.name, note=body.note, version=by.version)
        )

    @routes.post("/{incident}/note", summary="Write something down", responses=_MATCH)
    async def note(incident: Number, body: _Body, by: Annotated[_Deed, Depends(desk.deed)]) -> Incident:
        await desk.seen(by.asking, incident, act, IncidentEvent.NOTE)
        return await by.done(service.note(incident, actor=by.name, note=body.note, version=by.version))


def _add_closing(routes: APIRouter, desk: _Desk) -> None:
    service, right = desk.service, Right.CLOSE_INCIDENTS

    @routes.post("/{incident}/close", summary="Sign off with a cause", responses=_MATCH)
    async def close(incident: Number, body: _Close, by: Annotated[_Deed, Depends(desk.deed)]) -> Incident:
        await desk.seen(by.asking, incident, right, IncidentEvent.CLOSED)
        return await by.done(
            service.close(incident, actor=by.name, cause=body.cause, note=body.note, version=by.version)
        )

    @routes.post("/{incident}/cancel", summary="Take back what was no incident", responses=_MATCH)
    async def cancel(incident: Number, body: _Body, by: Annotated[_Deed, Depends(desk.deed)]) -> Incident:
        await desk.seen(by.asking, incident, right, IncidentEvent.CANCELLED)
        return await by.done(service.cancel(incident, actor=by.name, note=body.note, version=by.version))

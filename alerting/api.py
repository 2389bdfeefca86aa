"""Incidents over HTTP: read, acknowledge, report, close.

A carrier sees its own incidents only: the scope is an argument of every query, and an incident of another party
answers exactly as one that does not exist. An incident's entity tag is its version; an act with ``If-Match`` is
done only on that version.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime

from alerting.api_deeds import add_deeds
from alerting.desk import MATCH, Body, Doing, IncidentDesk, IncidentPage, Number
from alerting.errors import MissingReasonError
from alerting.models import CauseClass, Incident, IncidentEvent, IncidentState
from alerting.service import AlertingService
from alerting.web.api import Api
from alerting.web.cursors import Cursor, Limit, Page
from alerting.web.etags import IfNoneMatch, etag, version_in
from inventory.access import Right

__all__ = ["router"]


class _Progress(Body):
    eta: AwareDatetime | None = None


class _Close(Body):
    cause: CauseClass


def router(api: Api, service: AlertingService) -> APIRouter:
    """Make the routes below ``/api/v1/incidents``."""
    desk = IncidentDesk(api, service)
    routes = api.router("/incidents", tag="incidents")
    _add_reading(routes, desk)
    _add_acting(routes, desk)
    _add_closing(routes, desk)
    add_deeds(routes, desk)
    return routes


def _add_reading(routes: APIRouter, desk: IncidentDesk) -> None:
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


def _add_acting(routes: APIRouter, desk: IncidentDesk) -> None:
    service, act = desk.service, Right.ACT_ON_INCIDENTS

    @routes.post("/{incident}/acknowledge", summary="Take the incident into one's hands", responses=MATCH)
    async def acknowledge(incident: Number, body: Body, by: Annotated[Doing, Depends(desk.deed)]) -> Incident:
        found = await desk.seen(by.asking, incident, act, IncidentEvent.ACKNOWLEDGED)
        if by.asking.party != found.owner and not body.note.strip():
            # On the owner's behalf: whoever does that says how they know that the owner is at work.
            raise MissingReasonError("acknowledging on the owner's behalf", "a note")
        return await by.done(
            service.acknowledge(incident, actor=by.name, person=by.person, note=body.note, version=by.version)
        )

    @routes.post("/{incident}/progress", summary="Tell what is being done, and until when", responses=MATCH)
    async def progress(
        incident: Number, body: _Progress, by: Annotated[Doing, Depends(desk.deed)]
    ) -> Incident:
        await desk.seen(by.asking, incident, act, IncidentEvent.PROGRESS)
        return await by.done(
            service.progress(incident, actor=by.name, note=body.note, eta=body.eta, version=by.version)
        )

    @routes.post(
        "/{incident}/restored", summary="Claim that service is back; probes verify it", responses=MATCH
    )
    async def restored(incident: Number, body: Body, by: Annotated[Doing, Depends(desk.deed)]) -> Incident:
        await desk.seen(by.asking, incident, act, IncidentEvent.RESTORED)
        return await by.done(
            service.report_restored(incident, actor=by.name, note=body.note, version=by.version)
        )

    @routes.post("/{incident}/note", summary="Write something down", responses=MATCH)
    async def note(incident: Number, body: Body, by: Annotated[Doing, Depends(desk.deed)]) -> Incident:
        await desk.seen(by.asking, incident, act, IncidentEvent.NOTE)
        return await by.done(service.note(incident, actor=by.name, note=body.note, version=by.version))


def _add_closing(routes: APIRouter, desk: IncidentDesk) -> None:
    service, right = desk.service, Right.CLOSE_INCIDENTS

    @routes.post("/{incident}/close", summary="Sign off with a cause", responses=MATCH)
    async def close(incident: Number, body: _Close, by: Annotated[Doing, Depends(desk.deed)]) -> Incident:
        await desk.seen(by.asking, incident, right, IncidentEvent.CLOSED)
        return await by.done(
            service.close(incident, actor=by.name, cause=body.cause, note=body.note, version=by.version)
        )

    @routes.post("/{incident}/cancel", summary="Take back what was no incident", responses=MATCH)
    async def cancel(incident: Number, body: Body, by: Annotated[Doing, Depends(desk.deed)]) -> Incident:
        await desk.seen(by.asking, incident, right, IncidentEvent.CANCELLED)
        return await by.done(service.cancel(incident, actor=by.name, note=body.note, version=by.version))

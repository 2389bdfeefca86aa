"""Mutual aid over HTTP: list, draft, ask, answer, activate, verify, extend, release, close.

A partner sees what it is asked for: area, need and duration; never the incident or whose it is.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from alerting.aid import Aid, AidEvent, AidKind, AidRefusedError
from alerting.aid_access import deeds_of, seen_by
from alerting.aid_service import AidOrder, AidService
from alerting.errors import NotAllowedError
from alerting.web.api import Api, Asking, demand
from inventory.access import Right

__all__ = ["router"]

Number = Annotated[int, Path(ge=1, le=2**53, description="The aid's id.")]
_Words = Annotated[str, Field(max_length=1000)]
_Minutes = Annotated[int, Field(ge=1, le=20160)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    note: _Words = ""


class _Order(_Body):
    incident: int = Field(ge=1, le=2**53)
    kind: AidKind
    helper: str = Field(max_length=40)
    area: str = Field(max_length=80)
    need: _Words
    minutes: _Minutes
    is_standby: bool = False


class _Terms(_Body):
    lead_minutes: _Minutes | None = None
    valid_minutes: _Minutes | None = None
    capacity: str = Field(default="", max_length=300)

    def offered(self) -> dict[str, Any]:
        """Answer the terms that were given."""
        return self.model_dump(exclude_none=True, exclude={"note"})


class _Verification(_Body):
    by_call: bool = False


class _Extension(_Body):
    minutes: _Minutes


class _Actuals(_Body):
    minutes: int = Field(ge=0)
    users: int | None = Field(default=None, ge=0)
    capacity: str = Field(default="", max_length=300)


class AidList(BaseModel):
    """Aids, what is live and due soonest first."""

    items: list[dict[str, Any]]


class _Desk:
    """Scope first, then right, then the service."""

    def __init__(self, api: Api, service: AidService) -> None:
        self.actor = api.actor
        self.service = service

    async def may(self, asking: Asking, aid: int, event: AidEvent) -> None:
        """Raise unless ``asking`` may do ``event`` to the aid now."""
        found, _ = await self.service.aid(aid, party=asking.scope)
        deeds = deeds_of(
            found,
            scope=asking.scope,
            may_order=asking.may(Right.ORDER_AID),
            may_act=asking.may(Right.ACT_ON_INCIDENTS),
        )
        if event in deeds:
            return
        everything = deeds_of(found, scope=None, may_order=True, may_act=True)
        if event in everything:
            raise NotAllowedError(asking.name, f"aid {event}")
        raise AidRefusedError(found.state, event)

    def shown(self, aid: Aid, asking: Asking) -> dict[str, Any]:
        """Answer an aid as this side sees it."""
        return seen_by(aid, asking.scope)


def router(api: Api, service: AidService) -> APIRouter:
    """Make the routes below ``/api/v1/aid``."""
    desk = _Desk(api, service)
    routes = api.router("/aid", tag="mutual aid")
    _add_reading(routes, desk)
    _add_asking(routes, desk)
    _add_answering(routes, desk)
    _add_ending(routes, desk)
    return routes


def _add_reading(routes: APIRouter, desk: _Desk) -> None:
    @routes.get("", summary="List mutual aid")
    async def listed(
        asking: Annotated[Any, Depends(desk.actor)],
        incident: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    ) -> AidList:
        demand(asking, Right.SEE_INCIDENTS, "see mutual aid")
        found = await desk.service.aids(
            party=asking.scope, incident=incident if asking.scope is None else None
        )
        return AidList(items=[desk.shown(aid, asking) for aid in found])

    @routes.get("/{aid}", summary="One aid with its record")
    async def one(aid: Number, asking: Annotated[Any, Depends(desk.actor)]) -> dict[str, Any]:
        demand(asking, Right.SEE_INCIDENTS, "see mutual aid")
        found, record = await desk.service.aid(aid, party=asking.scope)
        is_partner = asking.scope is not None and asking.scope != found.requester
        entries = [
            {"at": entry.at, "event": entry.event.value, "state": entry.state.value}
            | ({} if is_partner else {"actor": entry.actor, "details": dict(entry.details)})
            for entry in record
            if not is_partner or entry.event is not AidEvent.DRAFTED
        ]
        return {"aid": desk.shown(found, asking), "record": entries}


def _add_asking(routes: APIRouter, desk: _Desk) -> None:
    service = desk.service

    @routes.post("", status_code=201, summary="Draft a request; the department sends it")
    async def drafted(body: _Order, asking: Annotated[Any, Depends(desk.actor)]) -> dict[str, Any]:
        demand(asking, Right.ORDER_AID if asking.scope is None else Right.ACT_ON_INCIDENTS, "draft aid")
        order = AidOrder(**body.model_dump(exclude={"note"}))
        aid = await service.draft(order, actor=asking.name, scope=asking.scope)
        return desk.shown(aid, asking)

    @routes.post("/{aid}/request", summary="Ask the partner (the department)")
    async def requested(aid: Number, asking: Annotated[Any, Depends(desk.actor)]) -> dict[str, Any]:
        await desk.may(asking, aid, AidEvent.REQUESTED)
        return desk.shown(await service.request(aid, actor=asking.name), asking)

    for event in (AidEvent.AGREED, AidEvent.ACTIVATED, AidEvent.WITHDRAWN):
        _add_deed(routes, desk, event)


def _add_deed(routes: APIRouter, desk: _Desk, event: AidEvent) -> None:
    @routes.post(f"/{{aid}}/{_PATHS[event]}", summary=_SUMMARIES[event], name=f"aid_{event.value}")
    async def done(aid: Number, body: _Body, asking: Annotated[Any, Depends(desk.actor)]) -> dict[str, Any]:
        await desk.may(asking, aid, event)
        moved = await desk.service.do(aid, event, actor=asking.name, party=asking.scope, note=body.note)
        return desk.shown(moved, asking)


_PATHS = {
    AidEvent.AGREED: "agree",
    AidEvent.ACTIVATED: "activate",
    AidEvent.WITHDRAWN: "withdraw",
    AidEvent.FAILED: "fail",
    AidEvent.RELEASED: "release",
    AidEvent.NOTE: "note",
    AidEvent.ACCEPTED: "accept",
    AidEvent.COUNTERED: "counter",
    AidEvent.DECLINED: "decline",
}
_SUMMARIES = {
    AidEvent.AGREED: "Agree to other terms (the department)",
    AidEvent.ACTIVATED: "Order the activation (the department)",
    AidEvent.WITHDRAWN: "Withdraw, with a reason",
    AidEvent.FAILED: "Say that it could not be done, with a reason",
    AidEvent.RELEASED: "Release the help",
    AidEvent.NOTE: "Write something down",
    AidEvent.ACCEPTED: "Accept, with terms (the partner)",
    AidEvent.COUNTERED: "Offer other terms, with a reason (the partner)",
    AidEvent.DECLINED: "Decline, with a reason (the partner)",
}


def _add_answering(routes: APIRouter, desk: _Desk) -> None:
    for event in (AidEvent.ACCEPTED, AidEvent.COUNTERED, AidEvent.DECLINED):
        _add_answer(routes, desk, event)


def _add_answer(routes: APIRouter, desk: _Desk, event: AidEvent) -> None:
    @routes.post(f"/{{aid}}/{_PATHS[event]}", summary=_SUMMARIES[event], name=f"aid_{event.value}")
    async def answered(
        aid: Number, body: _Terms, asking: Annotated[Any, Depends(desk.actor)]
    ) -> dict[str, Any]:
        await desk.may(asking, aid, event)
        moved = await desk.service.answer(
            aid, event, actor=asking.name, party=asking.scope, terms=body.offered(), note=body.note
        )
        return desk.shown(moved, asking)


def _add_ending(routes: APIRouter, desk: _Desk) -> None:
    service = desk.service

    @routes.post("/{aid}/verify", summary="Verified by measurement, or by a call that the note tells of")
    async def verified(
        aid: Number, body: _Verification, asking: Annotated[Any, Depends(desk.actor)]
    ) -> dict[str, Any]:
        await desk.may(asking, aid, AidEvent.VERIFIED)
        moved = await service.verify(aid, by_call=body.by_call, note=body.note, actor=asking.name)
        return desk.shown(moved, asking)

    @routes.post("/{aid}/extend", summary="Let active help go on for so many minutes from now")
    async def extended(
        aid: Number, body: _Extension, asking: Annotated[Any, Depends(desk.actor)]
    ) -> dict[str, Any]:
        await desk.may(asking, aid, AidEvent.EXTENDED)
        return desk.shown(await service.extend(aid, minutes=body.minutes, actor=asking.name), asking)

    @routes.post("/{aid}/close", summary="Write down what it really was")
    async def closed(
        aid: Number, body: _Actuals, asking: Annotated[Any, Depends(desk.actor)]
    ) -> dict[str, Any]:
        await desk.may(asking, aid, AidEvent.CLOSED)
        actuals = body.model_dump(exclude_none=True, exclude={"note"})
        moved = await service.close(
            aid, actuals=actuals, actor=asking.name, party=asking.scope, note=body.note
        )
        return desk.shown(moved, asking)

    for event in (AidEvent.FAILED, AidEvent.RELEASED, AidEvent.NOTE):
        _add_deed(routes, desk, event)

"""The roster over HTTP, what people agree on: confirming shifts, and swapping them.

Confirming and answering a swap is for the person concerned, so it asks that the account names them, or that it may edit
the roster (a lead's word).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from alerting.errors import NotAllowedError
from alerting.roster import RosterShift
from alerting.roster_asking import Asked, standing
from alerting.roster_service import RosterService
from alerting.swap_service import SwapService
from alerting.swaps import Swap
from alerting.web.api import Api, Asking, demand
from inventory.access import Right

__all__ = ["router"]

_Note = Annotated[str, Field(max_length=500)]
_Shift = Annotated[str, Field(min_length=1, max_length=24)]
_Number = Annotated[int, Path(ge=1, le=2**53)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Confirmation(_Body):
    """Shifts that their person will hold."""

    shifts: Annotated[tuple[_Shift, ...], Field(min_length=1, max_length=200)]


class SwapOffer(_Body):
    """Offer ``shift`` to ``person`` (empty: to every colleague), or in exchange for their own shift ``other``."""

    shift: _Shift
    person: Annotated[str, Field(max_length=80)] = ""
    other: Annotated[str, Field(max_length=24)] = ""
    note: _Note = ""


class Answer(_Body):
    """Yes or no. A lead who approves what was offered to all names who takes it (``person``)."""

    accept: bool
    person: Annotated[str, Field(max_length=80)] = ""


class Question(BaseModel):
    """A shift to come that nobody confirmed, and what was asked about it."""

    shift: RosterShift
    asked: Asked | None


def router(api: Api, roster: RosterService, swapping: SwapService) -> APIRouter:
    """Make the routes below ``/api/v1/roster``."""
    routes = api.router("/roster", tag="roster")
    _add_confirming(routes, api, roster)
    _add_swapping(routes, api, swapping)
    return routes


def _reader(asking: Asking) -> str | None:
    demand(asking, Right.SEE_NUMBERS, "see the roster")
    return asking.scope


def _person(asking: Asking) -> str | None:
    """Answer whom ``asking`` may speak for: only themselves, or anybody (None) when they may edit."""
    if asking.may(Right.EDIT_ROSTER):
        return None
    person = str(getattr(asking, "person", ""))
    if not person:
        raise NotAllowedError(asking.name, "answer for somebody else")
    return person


def _add_confirming(routes: APIRouter, api: Api, roster: RosterService) -> None:
    @routes.get("/confirmations", summary="Shifts to come that nobody confirmed, by start")
    async def unconfirmed(asking: Annotated[Any, Depends(api.actor)]) -> Sequence[Question]:
        scope, now = _reader(asking), api.clock()
        view, asked = await roster.view(scope=scope), await roster.asked(scope=scope)
        open_ones = (s for s in view.shifts if s.confirmed_at is None and s.start > now)
        return [
            Question(shift=shift, asked=asked.get(standing(shift)))
            for shift in sorted(open_ones, key=_by_start)[:1000]
        ]

    @routes.post("/confirmations", summary="Say that shifts will be held")
    async def confirm(body: Confirmation, asking: Annotated[Any, Depends(api.actor)]) -> list[RosterShift]:
        scope = _reader(asking)
        found = await roster.confirm(body.shifts, by=asking.name, scope=scope, person=_person(asking))
        return list(found)


def _by_start(shift: RosterShift) -> tuple[datetime, str]:
    return shift.start, shift.id


def _add_swapping(routes: APIRouter, api: Api, swapping: SwapService) -> None:
    @routes.get("/swaps", summary="Offers to swap, newest first")
    async def swaps(asking: Annotated[Any, Depends(api.actor)]) -> list[Swap]:
        return list(await swapping.swaps(scope=_reader(asking)))

    @routes.post("/swaps", status_code=201, summary="Offer a shift to a colleague or to all of them")
    async def ask(body: SwapOffer, asking: Annotated[Any, Depends(api.actor)]) -> Swap:
        return await swapping.ask(
            body.shift,
            person=body.person,
            other=body.other,
            actor=asking.name,
            scope=_reader(asking),
            note=body.note,
            mine=_person(asking),
        )

    @routes.post("/swaps/{swap}", summary="Accept or decline an offer")
    async def answer(swap: _Number, body: Answer, asking: Annotated[Any, Depends(api.actor)]) -> Swap:
        return await swapping.answer(
            swap,
            accepts=body.accept,
            actor=asking.name,
            scope=_reader(asking),
            person=_person(asking),
            taker=body.person,
        )

    @routes.post("/swaps/{swap}/withdraw", summary="Take an offer back")
    async def withdraw(swap: _Number, asking: Annotated[Any, Depends(api.actor)]) -> Swap:
        return await swapping.withdraw(swap, actor=asking.name, scope=_reader(asking), person=_person(asking))

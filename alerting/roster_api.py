"""The roster over HTTP: read, edit, confirm, swap, hand over.

A carrier reads and edits its own party's roster only; a shift of another party answers exactly as one that does not
exist. Who may edit holds :attr:`~inventory.access.Right.EDIT_ROSTER`. A handover is accepted by the incoming
person, or on their behalf by who may edit the whole province's roster.

A shift's entity tag is the version of its party's duty: it moves with every change to any shift of that duty, because
the shifts beside it are what an edit was decided on. An edit with ``If-Match`` is done only on that version.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, NaiveDatetime

from alerting.handover import Handover
from alerting.handover_service import HandoverService
from alerting.roster import Finding, RosterShift
from alerting.roster_rotation import Rotation
from alerting.roster_service import RosterService
from alerting.roster_store import Place, RosterChange
from alerting.web.api import Api, Asking, demand
from alerting.web.cursors import Cursor, Limit, Page, packed, unpacked
from alerting.web.etags import IfMatch, IfNoneMatch, etag, version_in
from alerting.web.problems import answers
from inventory.access import Right
from inventory.models import Duty, Shift

__all__ = ["router"]

_Code = Annotated[str, Field(min_length=1, max_length=80)]
_Note = Annotated[str, Field(max_length=500)]
_Identifier = Annotated[str, Path(min_length=1, max_length=24, description="The shift's id.")]
_Number = Annotated[int, Path(ge=1, le=2**53)]
_LONGEST_WINDOW = timedelta(days=400)
_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "It still has that entity tag."}}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewShift(_Body):
    """A shift to add. As an override it takes its time from whoever holds the duty then."""

    party: _Code
    duty: Duty
    person: _Code
    start: AwareDatetime
    end: AwareDatetime
    substitute: Annotated[str, Field(max_length=80)] = ""
    note: _Note = ""
    override: bool = False


class ShiftChange(_Body):
    """What to change of a shift; what is left out stays."""

    person: _Code | None = None
    substitute: Annotated[str, Field(max_length=80)] | None = None
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    note: _Note | None = None


class NewRotation(_Body):
    """People who take turns, written out as shifts. Times are local to the election."""

    party: _Code
    duty: Duty
    people: Annotated[tuple[_Code, ...], Field(min_length=1, max_length=50)]
    start: NaiveDatetime
    until: NaiveDatetime
    hours: Annotated[int, Field(ge=1, le=168)] = 8
    rule: Annotated[str, Field(max_length=200, description="RFC 5545 RRULE in place of `hours`.")] = ""
    replace: bool = True


class HandoverOffer(_Body):
    """Offer a duty to whoever holds it next."""

    party: _Code
    duty: Duty
    note: Annotated[str, Field(max_length=2000)] = ""


class Findings(BaseModel):
    """What is wrong with the roster between two moments."""

    since: datetime
    until: datetime
    findings: Sequence[Finding]


def router(api: Api, roster: RosterService, handing: HandoverService) -> APIRouter:
    """Make the routes below ``/api/v1/roster``."""
    routes = api.router("/roster", tag="roster")
    _add_reading(routes, api, roster)
    _add_single(routes, api, roster)
    _add_editing(routes, api, roster)
    _add_handing_over(routes, api, handing)
    return routes


def _reader(asking: Asking) -> str | None:
    demand(asking, Right.SEE_NUMBERS, "see the roster")
    return asking.scope


def _editor(asking: Asking) -> str | None:
    demand(asking, Right.EDIT_ROSTER, "edit the roster")
    return asking.scope


def _add_reading(routes: APIRouter, api: Api, roster: RosterService) -> None:
    @routes.get("/shifts", summary="Shifts that touch a window, by start")
    async def shifts(
        asking: Annotated[Any, Depends(api.actor)],
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
        party: Annotated[str | None, Query(max_length=80)] = None,
        limit: Limit = 200,
        cursor: Cursor = None,
    ) -> Page[RosterShift]:
        view = await roster.view(scope=_reader(asking))
        after = tuple(unpacked(cursor, datetime, str)) if cursor else None
        found = sorted(
            (
                shift
                for shift in view.shifts
                if (since is None or shift.end > since)
                and (until is None or shift.start < until)
                and party in {None, shift.party}
                and (after is None or (shift.start, shift.id) > after)
            ),
            key=lambda shift: (shift.start, shift.id),
        )
        items = found[:limit]
        return Page(items=items, next=packed(items[-1].start, items[-1].id) if len(found) > limit else None)

    @routes.get("/findings", summary="Gaps, overlaps, double duty and unreachable people in a window")
    async def wrong(
        asking: Annotated[Any, Depends(api.actor)],
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
        party: Annotated[str | None, Query(max_length=80)] = None,
    ) -> Findings:
        begin = since or api.clock()
        end = min(until or begin + timedelta(days=7), _later(begin))
        view = await roster.view(scope=_reader(asking))
        chosen = asking.scope or party
        return Findings(since=begin, until=end, findings=view.findings(begin, end, chosen))

    @routes.get("/changes", summary="Who changed what, newest first")
    async def changes(
        asking: Annotated[Any, Depends(api.actor)], limit: Limit = 100, cursor: Cursor = None
    ) -> Page[RosterChange]:
        found = await roster.changes(
            scope=_reader(asking), limit=limit + 1, before=_place(cursor) if cursor else None
        )
        items = list(found[:limit])
        last = items[-1] if len(found) > limit else None
        return Page(items=items, next=packed(last.at, last.party, last.number) if last else None)


def _place(cursor: str) -> Place:
    at, party, number = unpacked(cursor, datetime, str, int)
    return at, party, number


def _add_single(routes: APIRouter, api: Api, roster: RosterService) -> None:
    @routes.get(
        "/shifts/{shift}",
        response_model=RosterShift,
        summary="One shift, with its entity tag",
        responses=_NOT_MODIFIED,
    )
    async def one(
        shift: _Identifier,
        asking: Annotated[Any, Depends(api.actor)],
        response: Response,
        if_none_match: IfNoneMatch = None,
    ) -> RosterShift | Response:
        found, version = await roster.one(shift, scope=_reader(asking))
        if if_none_match is not None and version_in(if_none_match) == version:
            return Response(status_code=304, headers={"ETag": etag(version)})
        response.headers["ETag"] = etag(version)
        return found


def _later(begin: datetime) -> datetime:
    try:
        return begin + _LONGEST_WINDOW
    except OverflowError:
        return begin


def _add_editing(routes: APIRouter, api: Api, roster: RosterService) -> None:
    @routes.post("/shifts", status_code=201, summary="Add a shift or lay an override")
    async def add(body: NewShift, asking: Annotated[Any, Depends(api.actor)]) -> RosterShift:
        scope = _editor(asking)
        shift = Shift(body.party, body.duty, body.person, body.start, body.end, body.substitute)
        return await roster.add(
            shift, actor=asking.name, scope=scope, note=body.note, as_override=body.override
        )

    @routes.patch("/shifts/{shift}", summary="Change a shift", responses=answers(412))
    async def change(
        shift: _Identifier,
        body: ShiftChange,
        asking: Annotated[Any, Depends(api.actor)],
        response: Response,
        if_match: IfMatch = None,
    ) -> RosterShift:
        changed = await roster.change(
            shift,
            version=version_in(if_match),
            actor=asking.name,
            scope=_editor(asking),
            person=body.person,
            substitute=body.substitute,
            start=body.start,
            end=body.end,
            note=body.note,
        )
        response.headers["ETag"] = etag((await roster.one(shift, scope=asking.scope))[1])
        return changed

    @routes.delete("/shifts/{shift}", status_code=204, summary="Take a shift out", responses=answers(412))
    async def remove(
        shift: _Identifier, asking: Annotated[Any, Depends(api.actor)], if_match: IfMatch = None
    ) -> Response:
        await roster.remove(shift, actor=asking.name, scope=_editor(asking), version=version_in(if_match))
        return Response(status_code=204)

    @routes.post("/rotations", status_code=201, summary="Write a rotation out as shifts")
    async def rotate(body: NewRotation, asking: Annotated[Any, Depends(api.actor)]) -> list[RosterShift]:
        scope = _editor(asking)
        rotation = Rotation(
            body.party, body.duty, body.people, body.start, body.until, hours=body.hours, rule=body.rule
        )
        return list(await roster.rotate(rotation, actor=asking.name, scope=scope, replacing=body.replace))


def _add_handing_over(routes: APIRouter, api: Api, handing: HandoverService) -> None:
    @routes.get("/handovers", summary="Handovers, newest first")
    async def recent(asking: Annotated[Any, Depends(api.actor)]) -> list[Handover]:
        return list(await handing.recent(scope=_reader(asking)))

    @routes.post("/handovers", status_code=201, summary="Offer a duty to whoever holds it next")
    async def offer(body: HandoverOffer, asking: Annotated[Any, Depends(api.actor)]) -> Handover:
        scope = _editor(asking)
        return await handing.offer(body.party, body.duty, actor=asking.name, scope=scope, note=body.note)

    @routes.post("/handovers/{handover}/accept", summary="Take the duty over")
    async def accept(handover: _Number, asking: Annotated[Any, Depends(api.actor)]) -> Handover:
        scope = _reader(asking)
        return await handing.accept(
            handover,
            actor=asking.name,
            scope=scope,
            person=str(getattr(asking, "person", "")),
            on_behalf=scope is None and asking.may(Right.EDIT_ROSTER),
        )

    @routes.post("/handovers/{handover}/withdraw", summary="Take the offer back")
    async def withdraw(handover: _Number, asking: Annotated[Any, Depends(api.actor)]) -> Handover:
        return await handing.withdraw(handover, actor=asking.name, scope=_editor(asking))

"""Planned work over HTTP: list, announce, import a calendar, cancel. A carrier sees and cancels its own only."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from alerting.errors import RefusedError
from alerting.web.api import Api, Asking, demand
from inventory.access import Right
from inventory.faults import Fault
from monitor.planned import PlannedWork
from monitor.planned_calendar import LARGEST_CALENDAR
from monitor.planned_entry import WorkEntry
from monitor.planned_service import ENDLESS, PlannedService

__all__ = ["FaultyWorkError", "UnknownWorkError", "router"]

Number = Annotated[int, Path(ge=1, le=2**53, description="The work's id.")]


def _storable(at: datetime) -> datetime:
    """Refuse the ends of time, which no zone can be taken from."""
    if not 1970 <= at.year <= 9000:
        raise ValueError("the year must lie between 1970 and 9000")
    return at


Moment = Annotated[AwareDatetime, AfterValidator(_storable)]


class UnknownWorkError(RefusedError):
    """There is no such planned work, it is another party's, or it was cancelled before: the answer is the same."""

    slug: ClassVar[str] = "unknown-work"
    status: ClassVar[int] = 404

    def __init__(self, work: int) -> None:
        super().__init__(f"there is no planned work {work} that can be cancelled")


class FaultyWorkError(RefusedError):
    """What was announced cannot be taken; the sentence holds every fault."""

    slug: ClassVar[str] = "faulty-work"
    status: ClassVar[int] = 422

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.shown("en") for fault in faults))
        self.faults = tuple(faults)


class _Announcement(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str = Field(
        max_length=120, description="kind:code (carrier, risk, link, path, site, area, target)."
    )
    starts_at: Moment
    ends_at: Moment
    owner: str = Field(default="", max_length=40, description="Party; empty: who answers for the subject.")
    reference: str = Field(max_length=120, description="Number of the letter or of the notice.")
    note: str = Field(default="", max_length=500)


class WorkList(BaseModel):
    """Planned works by start."""

    items: list[dict[str, Any]]


class ImportResult(BaseModel):
    """What an import did."""

    entered: list[dict[str, Any]]
    unchanged: int
    cancelled: int


def router(api: Api, service: PlannedService) -> APIRouter:
    """Make the routes below ``/api/v1/planned``."""
    routes = api.router("/planned", tag="planned work")
    _add_reading(routes, api, service)
    _add_writing(routes, api, service)
    return routes


def _add_reading(routes: APIRouter, api: Api, service: PlannedService) -> None:
    @routes.get("", summary="List planned work, cancelled ones too")
    async def listed(
        asking: Annotated[Any, Depends(api.actor)],
        since: Annotated[Moment | None, Query(description="Default: a day ago.")] = None,
        until: Annotated[Moment | None, Query(description="Default: without end.")] = None,
    ) -> WorkList:
        demand(asking, Right.SEE_INCIDENTS, "see planned work")
        now = api.clock()
        works = await service.works(since or now - timedelta(days=1), until or now + ENDLESS)
        return WorkList(items=[_item(work, now) for work in works if asking.scope in {None, work.owner}])


def _add_writing(routes: APIRouter, api: Api, service: PlannedService) -> None:
    @routes.post("", status_code=201, summary="Announce planned work")
    async def announced(body: _Announcement, asking: Annotated[Any, Depends(api.actor)]) -> dict[str, Any]:
        demand(asking, Right.PLAN_WORK, "announce planned work")
        entry = WorkEntry(
            subject=body.subject,
            starts_at=body.starts_at,
            ends_at=body.ends_at,
            owner=body.owner,
            reference=body.reference,
            note=body.note,
        )
        work, faults = await service.enter(entry, actor=asking.name)
        if work is None:
            raise FaultyWorkError(faults)
        return _item(work, api.clock())

    @routes.post("/calendar", summary="Import an iCalendar file (the body), whole or not at all")
    async def imported(
        request: Request,
        asking: Annotated[Any, Depends(api.actor)],
        dry_run: Annotated[bool, Query(description="Only say what would be entered.")] = False,  # noqa: FBT002 - a query argument
    ) -> ImportResult:
        demand(asking, Right.PLAN_WORK, "import planned work")
        body = await _body(request)
        done = await service.take_calendar(body, "calendar.ics", actor=asking.name, is_dry=dry_run)
        if done.faults:
            raise FaultyWorkError(done.faults)
        items = [_item(work, api.clock()) for work in done.entered]
        return ImportResult(entered=items, unchanged=done.unchanged, cancelled=done.cancelled)

    @routes.post("/{work}/cancel", summary="Cancel planned work from now on")
    async def cancelled(work: Number, asking: Annotated[Any, Depends(api.actor)]) -> dict[str, Any]:
        demand(asking, Right.PLAN_WORK, "cancel planned work")
        done = await service.cancel(work, actor=asking.name, owner=_scope(asking))
        if done is None:
            raise UnknownWorkError(work)
        return _item(done, api.clock())


def _scope(asking: Asking) -> str | None:
    return asking.scope


async def _body(request: Request) -> bytes:
    """Read the body, but never more than an import takes: what is too long is refused by its reader."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_CALENDAR:
            break
    return bytes(body)


def _item(work: PlannedWork, at: datetime) -> dict[str, Any]:
    values = asdict(work)
    return {**values, "kind": work.kind.value, "is_running": work.is_running(at)}

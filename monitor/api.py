"""Belief over HTTP: health, metrics, and read-only JSON with cursors.

Pages of ``/api/v1`` answer ``{"items": […], "next": cursor}``; ``next`` is ``null`` on the last page, and goes back
in as the cursor of the next request. Times are ISO 8601 in UTC. ``guard``, where one is handed in, must let a
request pass before it may read belief or cause a reload; health and metrics are for machines on the inside, and
the proxy in front decides who reaches them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel

from inventory.database import reading
from monitor import store
from monitor.exposition import CONTENT_TYPE, FleetRenderer
from monitor.metrics import ServiceMetrics
from monitor.models import ChangeReason, State, SubjectKind
from monitor.service import MonitorService

__all__ = ["ReloadResult", "router"]

Limit = Annotated[int, Query(ge=1, le=1000, description="At most so many items.")]
BeforeId = Annotated[int | None, Query(ge=1, description="Cursor: items with a smaller id.")]


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """What a reload did: the digest that is in force now, and every fault if nothing was swapped."""

    digest: str
    faults: tuple[str, ...]


class TargetItem(BaseModel):
    """Belief about one target."""

    target: str
    state: State
    since: datetime | None
    last_result_at: datetime | None
    last_outcome: str | None
    rtt_seconds: float | None
    loss_ratio: float


class TargetPage(BaseModel):
    """Targets in the order of the inventory."""

    at: datetime
    version: int
    items: list[TargetItem]
    next: str | None


class ChangeItem(BaseModel):
    """A belief that changed."""

    id: int
    kind: SubjectKind
    subject: str
    old: str
    new: str
    at: datetime
    noticed_at: datetime
    reason: ChangeReason
    evidence: dict[str, Any]


class ChangePage(BaseModel):
    """Changes, newest first."""

    items: list[ChangeItem]
    next: int | None


class OutageItem(BaseModel):
    """An interval of down; an open one has no end."""

    id: int
    target: str
    started_at: datetime
    noticed_at: datetime
    ended_at: datetime | None
    cause: str


class OutagePage(BaseModel):
    """Outages, newest first."""

    items: list[OutageItem]
    next: int | None


def router(
    *,
    service: MonitorService,
    metrics: ServiceMetrics,
    renderer: FleetRenderer,
    reload: Callable[[], Awaitable[ReloadResult]],
    readiness: Callable[[], Mapping[str, str]],
    guard: Callable[..., Any] | None = None,
) -> APIRouter:
    """Make the routes; ``readiness`` answers what is wrong, by part, and nothing when the service is ready."""
    guards = [Depends(guard)] if guard is not None else []
    routes = APIRouter()
    _add_health(routes, reload, readiness, guards)
    _add_metrics(routes, service, metrics, renderer, guards)
    _add_states(routes, service, guards)
    _add_changes(routes, service, guards)
    _add_outages(routes, service, guards)
    return routes


def _add_health(
    routes: APIRouter,
    reload: Callable[[], Awaitable[ReloadResult]],
    readiness: Callable[[], Mapping[str, str]],
    guards: list[Any],
) -> None:
    @routes.get("/-/healthy", response_class=PlainTextResponse, tags=["health"])
    async def healthy() -> str:
        """Answer that the process answers."""
        return "ok\n"

    @routes.get("/-/ready", tags=["health"], responses={503: {"description": "What is wrong, by part"}})
    async def ready() -> JSONResponse:
        """Answer whether every part works: 200, or 503 with what is wrong."""
        wrong = dict(readiness())
        return JSONResponse({"ready": not wrong, "wrong": wrong}, status_code=503 if wrong else 200)

    @routes.post(
        "/-/reload", tags=["health"], dependencies=guards, responses={422: {"description": "Every fault"}}
    )
    async def reload_now() -> JSONResponse:
        """Load the inventory again: swapped whole, or refused whole with every fault."""
        result = await reload()
        content = {"digest": result.digest, "faults": list(result.faults)}
        return JSONResponse(content, status_code=422 if result.faults else 200)


def _add_metrics(
    routes: APIRouter,
    service: MonitorService,
    metrics: ServiceMetrics,
    renderer: FleetRenderer,
    guards: list[Any],
) -> None:
    @routes.get("/metrics", tags=["metrics"], dependencies=guards)
    async def service_metrics() -> Response:
        """Answer what the service says of itself, in the Prometheus text format."""
        service.snapshot()
        return Response(await asyncio.to_thread(metrics.rendered), media_type=CONTENT_TYPE)

    @routes.get(
        "/metrics/targets",
        tags=["metrics"],
        dependencies=guards,
        responses={503: {"description": "Being swapped"}},
    )
    async def fleet_metrics() -> Response:
        """Answer one series a target and kind, rendered beside the loop; 503 while the inventory is swapped."""
        columns, verdicts = service.columns(), service.verdicts()
        try:
            pieces = await asyncio.to_thread(renderer.render, columns, verdicts)
        except ValueError:
            return PlainTextResponse("the inventory is being swapped\n", status_code=503)
        return StreamingResponse(_each([*pieces, service.measures.render()]), media_type=CONTENT_TYPE)


async def _each(pieces: list[bytes]) -> AsyncIterator[bytes]:
    # A plain iterator would be run in a thread, one hop a piece.
    for piece in pieces:
        yield piece


def _add_states(routes: APIRouter, service: MonitorService, guards: list[Any]) -> None:
    @routes.get("/api/v1/states", tags=["belief"], dependencies=guards)
    async def states(
        limit: Limit = 200,
        after: Annotated[str | None, Query(description="Cursor: targets after this one.")] = None,
        state: State | None = None,
    ) -> TargetPage:
        """Answer what is believed of each target now."""
        snapshot = service.snapshot()
        if after is not None and after not in service.topology.index:
            raise HTTPException(
                422, f"no target is called {after!r}; a cursor comes from 'next' of the page before"
            )
        start = 0 if after is None else service.topology.index[after] + 1
        views = (snapshot.targets[code] for code in islice(service.topology.codes, start, None))
        chosen = list(islice((view for view in views if state in {None, view.state}), limit))
        items = [
            TargetItem(
                target=view.code,
                state=view.state,
                since=view.since,
                last_result_at=view.last_result_at,
                last_outcome=None if view.last_outcome is None else view.last_outcome.name.lower(),
                rtt_seconds=view.rtt_seconds,
                loss_ratio=view.loss,
            )
            for view in chosen
        ]
        cursor = chosen[-1].code if len(chosen) == limit else None
        return TargetPage(at=snapshot.at, version=snapshot.version, items=items, next=cursor)


def _add_changes(routes: APIRouter, service: MonitorService, guards: list[Any]) -> None:
    @routes.get("/api/v1/changes", tags=["belief"], dependencies=guards)
    async def changes(
        limit: Limit = 200,
        before_id: BeforeId = None,
        kind: Annotated[list[SubjectKind] | None, Query()] = None,
    ) -> ChangePage:
        """Answer what changed, newest first."""
        async with reading(service.database) as connection:
            found = await store.recent_changes(connection, limit=limit, kinds=kind, before_id=before_id)
        items = [
            ChangeItem(
                id=c.id,
                kind=c.kind,
                subject=c.subject,
                old=c.old,
                new=c.new,
                at=c.at,
                noticed_at=c.noticed_at,
                reason=c.reason,
                evidence=dict(c.evidence),
            )
            for c in found
        ]
        return ChangePage(items=items, next=items[-1].id if len(items) == limit else None)


def _add_outages(routes: APIRouter, service: MonitorService, guards: list[Any]) -> None:
    @routes.get("/api/v1/outages", tags=["belief"], dependencies=guards)
    async def outages(
        limit: Limit = 200,
        before_id: BeforeId = None,
        is_open: Annotated[bool | None, Query(alias="open")] = None,
    ) -> OutagePage:
        """Answer outages, newest first; ``open=true`` only those that have not ended."""
        async with reading(service.database) as connection:
            found = await store.outage_pages(connection, limit=limit, before_id=before_id, is_open=is_open)
        items = [
            OutageItem(
                id=o.id,
                target=o.target,
                started_at=o.started_at,
                noticed_at=o.noticed_at,
                ended_at=o.ended_at,
                cause=o.cause,
            )
            for o in found
        ]
        return OutagePage(items=items, next=items[-1].id if len(items) == limit else None)

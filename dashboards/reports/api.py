"""Reports over HTTP: order, list, read, download, verify. A carrier orders and sees what is made for it alone."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from alerting.web.api import Api, Asking, demand
from dashboards.i18n import Language
from dashboards.reports.building import FORMATS, Format
from dashboards.reports.errors import ReportRefusedError
from dashboards.reports.models import Report
from dashboards.reports.order import Kind, Order, Stage
from dashboards.reports.service import ReportService
from inventory.access import Right

__all__ = ["router"]

Number = Annotated[int, Path(ge=1, le=2**53, description="The report's id.")]
_OWN_KINDS = frozenset({Kind.CARRIER, Kind.DOSSIER})


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    since: AwareDatetime
    until: AwareDatetime
    language: Language = Language.VI
    party: str = Field(default="", max_length=40, description="Carrier of an annex, party of a handover.")
    incident: str = Field(default="", max_length=24, description="Number of the incident of a dossier.")
    area: str = Field(default="", max_length=40, description="Area of an inspection.")


class ReportEntry(BaseModel):
    """One report: what it tells of, how far it is, its files by format with their SHA-256."""

    id: int
    kind: Kind
    stage: Stage
    language: Language
    since: datetime
    until: datetime
    party: str
    incident: str
    state: str
    error: str
    digest: str
    frozen_at: datetime | None
    seal: str
    files: dict[str, str]


class ReportList(BaseModel):
    """Reports, newest first."""

    items: list[ReportEntry]


def router(api: Api, service: ReportService) -> APIRouter:
    """Make the routes below ``/api/v1/reports``."""
    routes = api.router("/reports", tag="reports")
    Actor = Annotated[Any, Depends(api.actor)]  # noqa: N806 - a type, made from what came in

    @routes.get("", summary="List reports")
    async def listing(actor: Actor, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> ReportList:
        demand(actor, Right.SEE_INCIDENTS, "see reports")
        found = await service.reports(scope=actor.scope, limit=limit)
        return ReportList(items=[_entry(each) for each in found])

    @routes.post("", status_code=202, summary="Order a report; it is built in the background")
    async def order(actor: Actor, wanted: _Wanted) -> ReportEntry:
        identifier = await service.order(
            await _order(actor, wanted, service), wanted.since, wanted.until, by=actor.name
        )
        return _entry(await service.report(identifier, scope=actor.scope))

    @routes.get("/{report}", summary="Read one report")
    async def one(actor: Actor, report: Number) -> ReportEntry:
        demand(actor, Right.SEE_INCIDENTS, "see reports")
        return _entry(await service.report(report, scope=actor.scope))

    @routes.get("/{report}/files/{form}", summary="Download a file", response_class=Response)
    async def download(actor: Actor, report: Number, form: Format) -> Response:
        demand(actor, Right.SEE_INCIDENTS, "see reports")
        found = await service.report(report, scope=actor.scope)
        return Response(await service.content(found, form.value), media_type=FORMATS[form])

    return routes


async def _order(actor: Asking, wanted: _Wanted, service: ReportService) -> Order:
    if actor.scope is None:
        demand(actor, Right.WRITE_REPORTS, "order reports")
    else:
        demand(actor, Right.SEE_INCIDENTS, "order reports")
        if wanted.kind not in _OWN_KINDS:
            raise ReportRefusedError(
                "this account orders its own annex and the dossiers of its own incidents"
            )
    party = wanted.party if actor.scope is None else actor.scope
    if wanted.kind is Kind.CARRIER and not party:
        raise ReportRefusedError("party is needed: the carrier that the annex is for")
    if wanted.kind is Kind.DOSSIER and not await service.knows_incident(wanted.incident, scope=actor.scope):
        raise ReportRefusedError("there is no such incident")
    return Order(
        wanted.kind, language=wanted.language, party=party, incident=wanted.incident, area=wanted.area
    )


def _entry(report: Report) -> ReportEntry:
    return ReportEntry(
        id=report.id,
        kind=report.kind,
        stage=report.stage,
        language=report.language,
        since=report.since,
        until=report.until,
        party=report.party,
        incident=report.incident,
        state=report.state.value,
        error=report.error,
        digest=report.digest,
        frozen_at=report.frozen_at,
        seal=report.seal,
        files={file.format: file.sha256 for file in report.files},
    )

"""Inspections and drills over HTTP. A carrier sees the findings that it must mend and the drills that it takes part in."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from alerting.drill_service import DrillService
from alerting.drills import Drill
from alerting.inspection_service import InspectionPlan, InspectionService
from alerting.inspections import Answer, Finding, Inspection
from alerting.models import Incident
from alerting.planned_api import Moment
from alerting.web.api import Api, Asking, demand
from alerting.web.etags import IfMatch, etag, version_in
from alerting.web.problems import answers
from inventory.access import Right

__all__ = ["router"]

_Number = Annotated[int, Path(ge=1, le=2**53)]
_Name = Annotated[str, Field(min_length=1, max_length=120)]
_Code = Annotated[str, Field(max_length=80)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewDrill(_Body):
    """A drill to plan."""

    name: _Name
    scenario: Annotated[str, Field(max_length=4000)] = ""
    parties: Annotated[tuple[_Code, ...], Field(min_length=1, max_length=100)]
    starts_at: Moment
    ends_at: Moment


class DrillPage(BaseModel):
    """A drill with its incidents."""

    drill: Drill
    incidents: Sequence[Incident]


class NewInspection(_Body):
    """A visit to plan."""

    area: _Code
    site: _Code = ""
    planned_at: Moment
    inspectors: Annotated[tuple[_Name, ...], Field(min_length=1, max_length=20)]


class Answers(_Body):
    """What was found, by the checklist's codes."""

    answers: dict[str, Answer]
    hosts: Annotated[tuple[_Name, ...], Field(max_length=20)] = ()
    remarks: Annotated[str, Field(max_length=4000)] = ""


class NewFinding(_Body):
    """Something to mend, by whom, by when."""

    text: Annotated[str, Field(min_length=1, max_length=500)]
    owner: _Code
    due_at: Moment


class Mended(_Body):
    """What was done about it."""

    note: Annotated[str, Field(max_length=500)] = ""


class Verified(_Body):
    """Whether it is mended, by who looked."""

    holds: bool


def router(api: Api, inspections: InspectionService, drills: DrillService) -> APIRouter:
    """Make the routes below ``/api/v1/inspections`` and ``/api/v1/drills``."""
    routes = api.router("", tag="inspections and drills")
    _add_drills(routes, api, drills)
    _add_inspections(routes, api, inspections)
    _add_findings(routes, api, inspections)
    return routes


def _reader(asking: Asking) -> str | None:
    demand(asking, Right.SEE_INCIDENTS, "see inspections and drills")
    return asking.scope


def _inspector(asking: Asking) -> str:
    demand(asking, Right.INSPECT, "inspect and plan drills")
    return asking.name


def _add_drills(routes: APIRouter, api: Api, drills: DrillService) -> None:
    @routes.get("/drills", summary="Drills, the latest first")
    async def listed(asking: Annotated[Any, Depends(api.actor)]) -> Sequence[Drill]:
        return await drills.drills(scope=_reader(asking))

    @routes.post("/drills", status_code=201, summary="Plan a drill")
    async def planned(body: NewDrill, asking: Annotated[Any, Depends(api.actor)]) -> Drill:
        return await drills.plan(
            body.name,
            scenario=body.scenario,
            parties=body.parties,
            starts_at=body.starts_at,
            ends_at=body.ends_at,
            actor=_inspector(asking),
        )

    @routes.get("/drills/{drill}", summary="A drill with its incidents")
    async def shown(drill: _Number, asking: Annotated[Any, Depends(api.actor)]) -> DrillPage:
        scope, restricted = _reader(asking), asking.may(Right.SEE_RESTRICTED)
        found, incidents = await drills.one(drill, scope=scope, restricted=restricted)
        return DrillPage(drill=found, incidents=incidents)

    @routes.post("/drills/{drill}/end", status_code=204, summary="End a drill, or take it back")
    async def ended(drill: _Number, asking: Annotated[Any, Depends(api.actor)]) -> Response:
        await drills.end(drill, actor=_inspector(asking))
        return Response(status_code=204)


def _add_inspections(routes: APIRouter, api: Api, inspections: InspectionService) -> None:
    @routes.get("/inspections", summary="Inspections, the latest planned first")
    async def listed(asking: Annotated[Any, Depends(api.actor)]) -> Sequence[Inspection]:
        return await inspections.inspections(scope=_reader(asking))

    @routes.post("/inspections", status_code=201, summary="Plan a visit")
    async def planned(body: NewInspection, asking: Annotated[Any, Depends(api.actor)]) -> Inspection:
        plan = InspectionPlan(body.area, body.planned_at, body.inspectors, body.site)
        return await inspections.plan(plan, actor=_inspector(asking))

    @routes.get("/inspections/{inspection}", summary="One inspection, with its entity tag")
    async def shown(
        inspection: _Number, asking: Annotated[Any, Depends(api.actor)], response: Response
    ) -> Inspection:
        found = await inspections.one(inspection, scope=_reader(asking))
        response.headers["ETag"] = etag(found.version)
        return found

    @routes.put(
        "/inspections/{inspection}/answers", summary="Write down what was found", responses=answers(412)
    )
    async def answered(
        inspection: _Number,
        body: Answers,
        asking: Annotated[Any, Depends(api.actor)],
        if_match: IfMatch = None,
    ) -> Inspection:
        _inspector(asking)
        return await inspections.answer(
            inspection,
            body.answers,
            hosts=body.hosts,
            remarks=body.remarks,
            version=version_in(if_match),
        )

    @routes.post(
        "/inspections/{inspection}/close",
        summary="Close a visit of which nothing is left",
        responses=answers(412),
    )
    async def closed(inspection: _Number, asking: Annotated[Any, Depends(api.actor)]) -> Inspection:
        return await inspections.close(inspection, actor=_inspector(asking))


def _add_findings(routes: APIRouter, api: Api, inspections: InspectionService) -> None:
    @routes.post(
        "/inspections/{inspection}/findings",
        status_code=201,
        summary="Write down something to mend",
        responses=answers(412),
    )
    async def found(
        inspection: _Number, body: NewFinding, asking: Annotated[Any, Depends(api.actor)]
    ) -> Inspection:
        return await inspections.find(
            inspection, text=body.text, owner=body.owner, due_at=body.due_at, actor=_inspector(asking)
        )

    @routes.post("/findings/{finding}/fixed", summary="Say that a finding is mended")
    async def fixed(finding: _Number, body: Mended, asking: Annotated[Any, Depends(api.actor)]) -> Finding:
        demand(asking, Right.ACT_ON_INCIDENTS, "mend findings")
        return await inspections.fixed(finding, note=body.note, actor=asking.name, scope=_reader(asking))

    @routes.post("/findings/{finding}/verified", summary="Say whether it is mended, after looking")
    async def verified(
        finding: _Number, body: Verified, asking: Annotated[Any, Depends(api.actor)]
    ) -> Finding:
        return await inspections.verified(finding, holds=body.holds, actor=_inspector(asking))

"""What people do to incidents over HTTP beyond acknowledging and closing, one route a deed.

A party waits, mitigates and disputes; the department directs; the leader decides. An incident is opened for what
somebody told by ``POST /api/v1/incidents``.
"""

import hashlib
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Header, Path, Response, UploadFile
from pydantic import AwareDatetime, Field

from alerting import actions, direction, disputes
from alerting.attachments import LARGEST_FILE, safe_headers
from alerting.desk import MATCH, Body, Doing, IncidentDesk, Number, Words
from alerting.errors import UnknownIncidentError, UnknownPartyError
from alerting.models import CauseClass, DisputeKind, Incident, IncidentEvent, Matter, PendingReason
from alerting.reported import Report
from alerting.reporting_right import owner_allowed
from alerting.service import Deed
from alerting.severity import Impact
from alerting.verification import verify
from alerting.web.api import demand
from alerting.web.problems import answers
from inventory.access import Right
from inventory.models import Severity

__all__ = ["add_deeds"]

_Code = Annotated[str, Field(max_length=80)]


class _Pause(Body):
    reason: PendingReason
    until: AwareDatetime


class _Mitigation(Body):
    until: AwareDatetime | None = None


class _Verification(Body):
    holds: bool = Field(description="Whether the place says that service is back.")


class _Dispute(Body):
    kind: DisputeKind
    cause: CauseClass | None = Field(
        default=None, description="With `cause`: what the party takes for the true one."
    )


class _Decision(Body):
    upheld: bool = Field(description="Whether the party that disputes is right.")
    owner: _Code = Field(default="", description="With `owner`, upheld: whose matter it truly is.")


class _Owner(Body):
    owner: _Code


class _Grade(Body):
    severity: Severity


class _Parent(Body):
    into: int = Field(ge=1, le=2**53, description="Id of the incident that it is merged into.")


class NewIncident(Body):
    """What somebody told: a commune that calls, a post office, an officer."""

    matter: Matter
    text: Words = Field(min_length=1, description="In the caller's words.")
    site: _Code = ""
    area: _Code = ""
    owner: _Code = Field(
        default="", description="Who is accountable; empty: by the matter, else the department."
    )
    caller: str = Field(default="", max_length=120)
    phone: str = Field(default="", max_length=40)
    occurred_at: AwareDatetime | None = None
    impact: Impact | None = Field(default=None, description="How much is lost; empty: as the matter counts.")
    confirmed: bool = Field(
        default=True, description="False: suspected, confirmed later or by the passing of time."
    )


def add_deeds(routes: APIRouter, desk: IncidentDesk) -> None:
    """Add every deed to the routes of incidents."""
    _add_reporting(routes, desk)
    _add_party_deeds(routes, desk)
    _add_disputes(routes, desk)
    _add_direction(routes, desk)
    _add_families(routes, desk)
    _add_evidence(routes, desk)


async def _do(
    desk: IncidentDesk,
    by: Doing,
    incident: int,
    deed: Deed,
    *,
    right: Right = Right.ACT_ON_INCIDENTS,
    event: IncidentEvent,
) -> Incident:
    await desk.seen(by.asking, incident, right, event)
    return await by.done(desk.service.act(incident, deed, version=by.version))


def _add_reporting(routes: APIRouter, desk: IncidentDesk) -> None:
    @routes.post("", status_code=201, summary="Open an incident for what somebody told")
    async def report(
        body: NewIncident,
        by: Annotated[Doing, Depends(desk.deed)],
        idempotency_key: Annotated[str | None, Header(include_in_schema=False)] = None,
    ) -> Incident:
        asking = by.asking
        demand(asking, Right.REPORT_INCIDENTS, "open an incident")
        owner = owner_allowed(asking, body.matter, body.owner)
        scope = desk.scope_of(asking)
        if scope is not None and body.site and body.site not in scope.reached():
            raise UnknownPartyError("site", body.site)
        told = f"{asking.name}\n{idempotency_key}" if idempotency_key else desk.token()
        return await by.done(
            desk.service.report(
                Report(
                    matter=body.matter,
                    text=body.text,
                    reporter=asking.name,
                    key=hashlib.sha256(told.encode()).hexdigest()[:32],
                    site=body.site,
                    area=body.area,
                    owner=owner,
                    caller=body.caller,
                    phone=body.phone,
                    occurred_at=body.occurred_at,
                    impact=body.impact,
                    confirmed=body.confirmed,
                )
            )
        )


def _add_party_deeds(routes: APIRouter, desk: IncidentDesk) -> None:
    @routes.post("/{incident}/start", summary="Say that work has begun", responses=MATCH)
    async def start(incident: Number, body: Body, by: Annotated[Doing, Depends(desk.deed)]) -> Incident:
        deed = partial(actions.start, actor=by.name, note=body.note)
        return await _do(desk, by, incident, deed, event=IncidentEvent.STARTED)

    @routes.post(
        "/{incident}/pause", summary="Let work wait, with a reason and until when at most", responses=MATCH
    )
    async def pause(incident: Number, body: _Pause, by: Annotated[Doing, Depends(desk.deed)]) -> Incident:
        deed = partial(actions.pause, actor=by.name, reason=body.reason, until=body.until, note=body.note)
        return await _do(desk, by, incident, deed, event=IncidentEvent.PAUSED)

    @routes.post(
        "/{incident}/mitigate", summary="Say that service flows another way, and until when", responses=MATCH
    )
    async def mitigate(
        incident: Number, body: _Mitigation, by: Annotated[Doing, Depends(desk.deed)]
    ) -> Incident:
        deed = partial(actions.mitigate, actor=by.name, note=body.note, until=body.until)
        return await _do(desk, by, incident, deed, event=IncidentEvent.MITIGATED)


def _add_disputes(routes: APIRouter, desk: IncidentDesk) -> None:
    @routes.post(
        "/{incident}/dispute",
        summary="Refuse to accept the cause, the owner or the restoration",
        responses=MATCH,
    )
    async def dispute(incident: Number, body: _Dispute, by: Annotated[Doing, Depends(desk.deed)]) -> Incident:
        deed = partial(disputes.dispute, actor=by.name, kind=body.kind, cause=body.cause, note=body.note)
        return await _do(desk, by, incident, deed, event=IncidentEvent.DISPUTED)

    @routes.post("/{incident}/decide", summary="Decide the open dispute, as the leader", responses=MATCH)
    async def decide(incident: Number, body: _Decision, by: Annotated[Doing, Depends(desk.deed)]) -> Incident:
        deed = partial(disputes.decide, actor=by.name, upheld=body.upheld, owner=body.owner, note=body.note)
        right = Right.DECIDE_DISPUTES
        return await _do(desk, by, incident, deed, right=right, event=IncidentEvent.DECIDED)

    @routes.post("/{incident}/countersign", summary="Give the leader's own word", responses=MATCH)
    async def countersign(incident: Number, body: Body, by: Annotated[Doing, Depends(desk.deed)]) -> Incident:
        deed = partial(actions.countersign, actor=by.name, note=body.note)
        right = Right.DECIDE_DISPUTES
        return await _do(desk, by, incident, deed, right=right, event=IncidentEvent.COUNTERSIGNED)


def _add_direction(routes: APIRouter, desk: IncidentDesk) -> None:
    right = Right.CLOSE_INCIDENTS

    @routes.post("/{incident}/verify", summary="Say what a call to the place told", responses=MATCH)
    async def verified(
        incident: Number, body: _Verification, by: Annotated[Doing, Depends(desk.deed)]
    ) -> Incident:
        deed = partial(verify, actor=by.name, holds=body.holds, note=body.note)
        return await _do(desk, by, incident, deed, right=right, event=IncidentEvent.VERIFIED)

    @routes.post("/{incident}/reassign", summary="Make another party accountable", responses=MATCH)
    async def reassign(incident: Number, body: _Owner, by: Annotated[Doing, Depends(desk.deed)]) -> Incident:
        deed = partial(direction.reassign, actor=by.name, owner=body.owner, note=body.note)
        return await _do(desk, by, incident, deed, right=right, event=IncidentEvent.REASSIGNED)

    @routes.post("/{incident}/regrade", summary="Set the severity by hand", responses=MATCH)
    async def regrade(incident: Number, body: _Grade, by: Annotated[Doing, Depends(desk.deed)]) -> Incident:
        deed = partial(direction.regrade, actor=by.name, severity=body.severity, note=body.note)
        return await _do(desk, by, incident, deed, right=right, event=IncidentEvent.REGRADED)

    @routes.post("/{incident}/reopen", summary="Say that it is not over", responses=MATCH)
    async def reopen(incident: Number, body: Body, by: Annotated[Doing, Depends(desk.deed)]) -> Incident:
        deed = partial(direction.reopen, actor=by.name, note=body.note)
        return await _do(desk, by, incident, deed, right=right, event=IncidentEvent.REOPENED)


def _add_evidence(routes: APIRouter, desk: IncidentDesk) -> None:
    service = desk.service

    @routes.post(
        "/{incident}/evidence",
        status_code=201,
        summary="Attach a photograph, a document or text",
        responses=answers(412, 413),
    )
    async def attach(
        incident: Number,
        file: Annotated[UploadFile, File(description="PNG, JPEG, WebP, PDF or UTF-8 text, at most 10 MiB.")],
        by: Annotated[Doing, Depends(desk.deed)],
        note: Annotated[str, Form(max_length=4000)] = "",
    ) -> Incident:
        await desk.seen(by.asking, incident, Right.ACT_ON_INCIDENTS, IncidentEvent.EVIDENCE)
        content = await file.read(LARGEST_FILE + 1)
        return await by.done(
            service.files.attach(
                incident,
                actor=by.name,
                name=file.filename or "",
                content=content,
                note=note,
                version=by.version,
            )
        )

    @routes.get(
        "/{incident}/evidence/{sha256}",
        summary="A file that was attached",
        response_class=Response,
        responses={200: {"content": {"application/octet-stream": {}}, "description": "The file."}},
    )
    async def attached(
        incident: Number,
        sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")],
        asking: Annotated[Any, Depends(desk.actor)],
    ) -> Response:
        await desk.seen(asking, incident, Right.SEE_INCIDENTS, IncidentEvent.EVIDENCE)
        found = await service.files.read(incident, sha256)
        if found is None:
            raise UnknownIncidentError(incident)
        file, content = found
        headers = {**safe_headers(file.name), "X-Evidence-Type": file.media_type}
        return Response(content, media_type="application/octet-stream", headers=headers)


def _add_families(routes: APIRouter, desk: IncidentDesk) -> None:
    service, right = desk.service, Right.CLOSE_INCIDENTS

    @routes.post("/{incident}/merge", summary="Lay it to the cause of another incident", responses=MATCH)
    async def merge(incident: Number, body: _Parent, by: Annotated[Doing, Depends(desk.deed)]) -> Incident:
        for identifier in (incident, body.into):
            await desk.seen(by.asking, identifier, right, IncidentEvent.MERGED)
        return await by.done(
            service.merge(incident, body.into, actor=by.name, note=body.note, version=by.version)
        )

    @routes.post("/{incident}/unmerge", summary="Let it stand alone again", responses=MATCH)
    async def unmerge(incident: Number, body: Body, by: Annotated[Doing, Depends(desk.deed)]) -> Incident:
        await desk.seen(by.asking, incident, right, IncidentEvent.UNMERGED)
        return await by.done(service.unmerge(incident, actor=by.name, note=body.note, version=by.version))

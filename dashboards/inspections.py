"""Inspections: which areas were visited, the checklist filled in on a telephone, findings with owner and due date."""

from datetime import datetime, timedelta

from starlette.responses import Response

from alerting.attachments import safe_headers
from alerting.field_errors import FieldRefusedError
from alerting.inspection_service import InspectionPlan
from alerting.inspections import CHECKLIST, Answer, Result, is_closable
from dashboards.i18n import N_
from dashboards.views.inspections import areas_to_inspect, coverage, open_findings
from dashboards.visit import PageError, Visit
from inventory.access import Right
from inventory.reasons import Reason

__all__ = ["act", "download", "listing", "plan", "show", "take_file"]

_DUE = timedelta(days=3)


async def listing(visit: Visit) -> Response:
    """List inspections, what is left to mend, and how many areas were visited."""
    found = await visit.deps.inspections.inspections(scope=visit.scope)
    inventory = visit.deps.monitor.inventory
    return visit.page(
        "inspections.html",
        inspections=found,
        findings=open_findings(found, visit.now),
        coverage=coverage(found, inventory),
        areas=areas_to_inspect(inventory),
        may_inspect=visit.may(Right.INSPECT),
        me=_name(visit),
    )


async def plan(visit: Visit) -> Response:
    """Plan a visit."""
    names = tuple(filter(None, (part.strip() for part in visit.form.get("inspectors", "").split(","))))
    made = await visit.deps.inspections.plan(
        InspectionPlan(
            visit.form.get("area", ""), _moment(visit, "planned"), names, visit.form.get("site", "")
        ),
        actor=_name(visit),
    )
    return visit.go(f"/inspections/{made.id}")


async def show(visit: Visit) -> Response:
    """Show a visit: for who inspects as a form, for a party its own findings."""
    found = await visit.deps.inspections.one(_number(visit, "id"), scope=visit.scope)
    inventory = visit.deps.monitor.inventory
    zone = inventory.election.zone
    return visit.page(
        "inspection.html",
        inspection=found,
        checklist=[(code, words, found.answers.get(code)) for code, words in CHECKLIST.items()],
        results=tuple(Result),
        parties=inventory.parties.values(),
        due=(visit.now + _DUE).astimezone(zone).strftime("%Y-%m-%d"),
        closable=is_closable(found.state, found.findings),
        is_over=found.closed_at is not None,
        may_inspect=visit.may(Right.INSPECT),
        takes_files=visit.deps.inspections.takes_files,
    )


async def act(visit: Visit) -> Response:
    """Do what a form of a visit asks for."""
    service, form = visit.deps.inspections, visit.form
    number, action = _number(visit, "id"), visit.request.path_params["action"]
    if action == "fixed":
        if not (visit.may(Right.ACT_ON_INCIDENTS) or visit.may(Right.INSPECT)):
            raise _forbidden()
        finding = _digits(form.get("finding", ""))
        await service.fixed(finding, note=form.get("note", ""), actor=_name(visit), scope=visit.scope)
        return visit.go(f"/inspections/{number}")
    if not visit.may(Right.INSPECT):
        raise _forbidden()
    if action == "answers":
        await _answer(visit, number)
    elif action == "finding":
        due = _moment(visit, "due") + timedelta(hours=23, minutes=59)
        owner, text = form.get("owner", ""), form.get("text", "")
        await service.find(number, text=text, owner=owner, due_at=due, actor=_name(visit))
    elif action in {"verify", "refuse"}:
        finding = _digits(form.get("finding", ""))
        await service.verified(finding, holds=action == "verify", actor=_name(visit))
    elif action == "close":
        await service.close(number, actor=_name(visit))
    elif action == "cancel":
        await service.cancel(number, actor=_name(visit))
    else:
        raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    return visit.go(f"/inspections/{number}")


async def _answer(visit: Visit, number: int) -> None:
    form = visit.form
    answers = {
        code: Answer(Result(given), form.get(f"remark-{code}", "")[:300])
        for code in CHECKLIST
        if (given := form.get(f"item-{code}", "")) in set(Result)
    }
    hosts = [part.strip() for part in form.get("hosts", "").split(",") if part.strip()]
    version = _digits(form.get("version", ""))
    await visit.deps.inspections.answer(
        number, answers, hosts=hosts, remarks=form.get("remarks", ""), version=version or None
    )


async def take_file(visit: Visit) -> Response:
    """Keep a photograph or a document of a visit."""
    if visit.upload is None:
        raise PageError(422, N_("No file was chosen."), N_("Go back and choose one."))
    name, content = visit.upload
    number = _number(visit, "id")
    await visit.deps.inspections.attach(number, name=name, content=content, actor=_name(visit))
    return visit.go(f"/inspections/{number}")


async def download(visit: Visit) -> Response:
    """Answer a file of a visit."""
    if visit.scope is not None:
        raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    digest = visit.request.path_params["digest"]
    name, media_type, content = await visit.deps.inspections.file(_number(visit, "id"), digest)
    return Response(content, media_type=media_type, headers=safe_headers(name))


def _name(visit: Visit) -> str:
    person = visit.deps.monitor.inventory.people.get(visit.who.person)
    return person.name if person else visit.who.name


def _number(visit: Visit, name: str) -> int:
    return _digits(visit.request.path_params[name])


def _digits(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 16 else 0


def _moment(visit: Visit, name: str) -> datetime:
    try:
        given = datetime.fromisoformat(visit.form.get(name, ""))
    except ValueError as error:
        raise FieldRefusedError(Reason("thiếu ngày giờ", "a date or time is missing")) from error
    return given.replace(tzinfo=visit.deps.monitor.inventory.election.zone)


def _forbidden() -> PageError:
    return PageError(403, N_("Your account may not do this."), N_("Ask the department's duty officer."))

"""Incidents: the list, one incident with its timeline, and what people do to it."""

from starlette.responses import Response

from alerting.attachments import attachments, safe_headers
from alerting.disputes import open_dispute
from alerting.models import CauseClass, DisputeKind, Incident, PendingReason
from dashboards.i18n import N_
from dashboards.incident_acts import ACTS, right_for, take_evidence
from dashboards.incidents_at_once import AT_ONCE, waiting_for
from dashboards.views.board import IncidentRow, incident_row, incident_rows
from dashboards.views.duty import watches_of_party
from dashboards.views.incident import (
    actions_of,
    actor_name,
    affected,
    message_lines,
    moment_in,
    timeline,
)
from dashboards.views.planned import planned_of
from dashboards.visit import PageError, Visit
from inventory.access import Right
from inventory.models import Inventory, Severity
from monitor.planned import WorkKind
from monitor.planned_entry import known_subjects

__all__ = ["act", "attach", "attachment", "listing", "show"]

_PAGE = 50


async def listing(visit: Visit) -> Response:
    """List what is open and, below it, what is over."""
    start = visit.request.query_params.get("from", "0")
    offset = int(start) if start.isdecimal() and len(start) < 7 else 0
    records, monitor = visit.deps.records, visit.deps.monitor
    live = await records.live(owner=visit.scope, restricted=visit.may(Right.SEE_RESTRICTED))
    ended = await records.ended(
        owner=visit.scope,
        limit=_PAGE + 1,
        offset=offset,
        restricted=visit.may(Right.SEE_RESTRICTED),
    )
    inventory, topology, words = monitor.inventory, monitor.topology, visit.words
    return visit.page(
        "incidents.html",
        waiting=len(waiting_for(visit, live)),
        at_once=AT_ONCE,
        rows=incident_rows(live, inventory=inventory, topology=topology, words=words),
        ended=[
            incident_row(each, inventory=inventory, topology=topology, words=words) for each in ended[:_PAGE]
        ],
        earlier=offset + _PAGE if len(ended) > _PAGE else None,
        offset=offset,
    )


async def show(visit: Visit) -> Response:
    """Show one incident: what, where, who, by when; its timeline; what was sent; what can be done."""
    incident = await _wanted(visit)
    records, monitor = visit.deps.records, visit.deps.monitor
    inventory, topology = await visit.deps.roster.living(), monitor.topology
    row = incident_row(incident, inventory=inventory, topology=topology, words=visit.words)
    entries = await records.ledger(incident.id, owner=visit.scope)
    sent = await records.messages(incident.id, owner=visit.scope)
    return visit.page(
        "incident.html",
        incident=incident,
        row=row,
        acknowledged_by=actor_name(incident.acknowledged_by, inventory),
        restore_by=moment_in(incident.facts, "restore_by") if incident.ended_at is None else None,
        eta=moment_in(incident.facts, "eta") if incident.ended_at is None else None,
        planned=planned_of(incident),
        work_subject=_work_subject(incident, row, inventory),
        actions=actions_of(incident, visit.who),
        reason=_reason(visit, incident),
        is_load=_is_load(incident),
        likely=CauseClass.CONGESTION if _is_load(incident) else None,
        causes=tuple(CauseClass),
        reasons=tuple(PendingReason),
        disputes=tuple(DisputeKind),
        severities=tuple(Severity),
        dispute=(dispute := open_dispute(incident.facts)),
        disputed=DisputeKind(dispute["kind"]) if dispute else None,
        pending=PendingReason(waits) if (waits := incident.facts.get("pending")) else None,
        report=incident.facts.get("report"),
        others=await _others(visit, incident),
        files=attachments(entries),
        sites=affected(row.impact, monitor.snapshot(), inventory, topology, scope=visit.scope),
        timeline=timeline(entries, inventory, visit.words, visit.moments),
        messages=message_lines(sent, inventory, await records.carriers_of(sent, owner=visit.scope)),
        watches=watches_of_party(inventory, incident.owner, visit.now),
    )


def _is_load(incident: Incident) -> bool:
    """Answer whether it was opened for a link that is too busy."""
    return incident.condition.startswith("load:")


def _reason(visit: Visit, incident: Incident) -> str:
    """Answer why one cause was found for what was lost; what else was lost is no matter of a carrier's."""
    told = incident.facts.get("evidence", {}).get("explanation", {})
    if visit.scope is not None and not _is_load(incident):
        return ""
    return visit.words.pick(told.get("vi", ""), told.get("en", ""))


def _work_subject(incident: Incident, row: IncidentRow, inventory: Inventory) -> str:
    """Answer what work on ``incident`` would be announced for: its cause, else its first site, else nothing."""
    kind, _, code = incident.condition.partition(":")
    if any(kind == known.value and code in codes for known, codes in known_subjects(inventory).items()):
        return incident.condition
    return next((f"{WorkKind.SITE.value}:{site}" for site in row.impact.sites if site in inventory.sites), "")


async def _others(visit: Visit, incident: Incident) -> list[Incident]:
    """Answer what ``incident`` could be merged into: live incidents of its owner."""
    if not visit.may(Right.CLOSE_INCIDENTS):
        return []
    live = await visit.deps.records.live(owner=incident.owner, restricted=incident.restricted)
    return [one for one in live if one.id != incident.id and one.restricted is incident.restricted]


async def _wanted(visit: Visit) -> Incident:
    wanted = visit.request.path_params["id"]
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 18 else 0
    incident = await visit.deps.records.incident(
        number, owner=visit.scope, restricted=visit.may(Right.SEE_RESTRICTED)
    )
    if incident is None:
        raise PageError(
            404,
            N_("There is no such incident."),
            N_("It may have been merged; look at the list of incidents."),
        )
    return incident


async def act(visit: Visit) -> Response:
    """Do to an incident what its form asks for."""
    incident = await _wanted(visit)
    name = visit.request.path_params["action"]
    action = ACTS.get(name)
    if action is None:
        raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    if not visit.may(right_for(name)):
        raise PageError(403, N_("Your account may not do this."), N_("Ask the department's duty officer."))
    await action(visit, incident)
    return visit.go(_back(visit, incident))


async def attach(visit: Visit) -> Response:
    """Keep the file of a form as evidence."""
    incident = await _wanted(visit)
    await take_evidence(visit, incident)
    return visit.go(_back(visit, incident))


def _back(visit: Visit, incident: Incident) -> str:
    """Answer where a form leads when it is done: to the incident, or to the portal where it was sent from there."""
    return f"/portal#i{incident.id}" if visit.form.get("from") == "portal" else f"/incidents/{incident.id}"


async def attachment(visit: Visit) -> Response:
    """Hand out a file that was attached, so that no browser runs it in our name."""
    incident = await _wanted(visit)
    found = await visit.deps.alerting.files.read(incident.id, visit.request.path_params["digest"])
    if found is None:
        raise PageError(404, N_("There is no such file."), N_("Go back to the incident."))
    file, content = found
    return Response(content, media_type=file.media_type, headers=safe_headers(file.name))

"""Incidents: the list, one incident with its timeline, and what people do to it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from starlette.responses import Response

from alerting.models import CauseClass, Incident
from dashboards.i18n import N_
from dashboards.views.board import incident_row, incident_rows
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

__all__ = ["act", "listing", "show"]

_PAGE = 50
_LONGEST_NOTE = 2000


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
    return visit.page(
        "incident.html",
        incident=incident,
        row=row,
        acknowledged_by=actor_name(incident.acknowledged_by, inventory),
        restore_by=moment_in(incident.facts, "restore_by") if incident.ended_at is None else None,
        eta=moment_in(incident.facts, "eta") if incident.ended_at is None else None,
        planned=planned_of(incident),
        actions=actions_of(incident, visit.who),
        causes=tuple(CauseClass),
        sites=affected(row.impact, monitor.snapshot(), inventory, topology),
        timeline=timeline(await records.ledger(incident.id), inventory, visit.words, visit.moments),
        messages=message_lines(await records.messages(incident.id), inventory),
        watches=watches_of_party(inventory, incident.owner, visit.now),
    )


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
    action = _ACTIONS.get(name)
    if action is None:
        raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    if not visit.may(Right.CLOSE_INCIDENTS if name == "close" else Right.ACT_ON_INCIDENTS):
        raise PageError(403, N_("Your account may not do this."), N_("Ask the department's duty officer."))
    await action(visit, incident)
    return visit.go(f"/incidents/{incident.id}")


async def _acknowledge(visit: Visit, incident: Incident) -> None:
    who = visit.who
    await visit.deps.alerting.acknowledge(
        incident.id, actor=_actor(visit), person=who.person, note=_note(visit, required=False)
    )


async def _progress(visit: Visit, incident: Incident) -> None:
    note, eta = _note(visit, required=True), _eta(visit)
    await visit.deps.alerting.progress(incident.id, actor=_actor(visit), note=note, eta=eta)


async def _restored(visit: Visit, incident: Incident) -> None:
    note = _note(visit, required=False)
    await visit.deps.alerting.report_restored(incident.id, actor=_actor(visit), note=note)


async def _close(visit: Visit, incident: Incident) -> None:
    wanted = visit.form.get("cause", "")
    if wanted not in set(CauseClass):
        raise PageError(422, N_("Choose the cause before closing."), N_("Go back and choose one."))
    await visit.deps.alerting.close(
        incident.id, actor=_actor(visit), cause=CauseClass(wanted), note=_note(visit, required=True)
    )


async def _annotate(visit: Visit, incident: Incident) -> None:
    await visit.deps.alerting.note(incident.id, actor=_actor(visit), note=_note(visit, required=True))


_ACTIONS: Mapping[str, Callable[[Visit, Incident], Awaitable[None]]] = {
    "acknowledge": _acknowledge,
    "progress": _progress,
    "restored": _restored,
    "close": _close,
    "note": _annotate,
}


def _actor(visit: Visit) -> str:
    """Name who acts, as the ledger keeps it: the person where the account is one person's own."""
    person = visit.deps.monitor.inventory.people.get(visit.who.person)
    return person.name if person else visit.who.name


def _note(visit: Visit, *, required: bool) -> str:
    note = visit.form.get("note", "")
    if required and not note:
        raise PageError(422, N_("A reason is needed."), N_("Go back and write what was done."))
    if len(note) > _LONGEST_NOTE:
        raise PageError(422, N_("The text is too long."), N_("Go back and shorten it to 2,000 letters."))
    return note


def _eta(visit: Visit) -> datetime | None:
    """Read "expected by" as local time of the election, the next time that the clock shows it."""
    given = visit.form.get("eta", "")
    if not given:
        return None
    zone = visit.deps.monitor.inventory.election.zone
    local = visit.now.astimezone(zone)
    try:
        hour, minute = (int(part) for part in given.split(":")[:2])
        eta = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    except ValueError as error:
        raise PageError(422, N_("The time is not a time of day."), N_("Write it as 20:15.")) from error
    return eta if eta > local else eta + timedelta(days=1)

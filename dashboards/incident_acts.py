"""What the forms of an incident's page do: one function a form, named as in its address."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TypeVar

from alerting import actions, direction, disputes
from alerting.drill_service import make_real
from alerting.models import CauseClass, DisputeKind, Incident, PendingReason
from alerting.verification import verify
from dashboards.i18n import N_
from dashboards.visit import PageError, Visit
from inventory.access import Right
from inventory.models import Severity

__all__ = ["ACTS", "actor_of", "note_of", "right_for", "take_evidence", "time_of"]

_LONGEST_NOTE = 2000
_LONGEST_WAIT = 1440
_Choice = TypeVar("_Choice", bound=StrEnum)


async def _acknowledge(visit: Visit, incident: Incident) -> None:
    note = note_of(visit, required=False)
    await visit.deps.alerting.acknowledge(
        incident.id, actor=actor_of(visit), person=visit.who.person, note=note
    )


async def _start(visit: Visit, incident: Incident) -> None:
    deed = partial(actions.start, actor=actor_of(visit), note=note_of(visit, required=False))
    await visit.deps.alerting.act(incident.id, deed)


async def _progress(visit: Visit, incident: Incident) -> None:
    note, eta = note_of(visit, required=True), time_of(visit, "eta") or _within(visit)
    await visit.deps.alerting.progress(incident.id, actor=actor_of(visit), note=note, eta=eta)


async def _pause(visit: Visit, incident: Incident) -> None:
    until = time_of(visit, "until")
    if until is None:
        raise PageError(422, N_("Say until when it waits."), N_("Write it as 20:15."))
    reason = _chosen(visit, "reason", PendingReason)
    note = note_of(visit, required=True)
    deed = partial(actions.pause, actor=actor_of(visit), reason=reason, until=until, note=note)
    await visit.deps.alerting.act(incident.id, deed)


async def _mitigate(visit: Visit, incident: Incident) -> None:
    note, until = note_of(visit, required=True), time_of(visit, "until")
    deed = partial(actions.mitigate, actor=actor_of(visit), note=note, until=until)
    await visit.deps.alerting.act(incident.id, deed)


async def _restored(visit: Visit, incident: Incident) -> None:
    note = note_of(visit, required=False)
    await visit.deps.alerting.report_restored(incident.id, actor=actor_of(visit), note=note)


async def _verify(visit: Visit, incident: Incident) -> None:
    holds = visit.form.get("holds", "") == "yes"
    note = note_of(visit, required=not holds)
    await visit.deps.alerting.act(incident.id, partial(verify, actor=actor_of(visit), holds=holds, note=note))


async def _countersign(visit: Visit, incident: Incident) -> None:
    deed = partial(actions.countersign, actor=actor_of(visit), note=note_of(visit, required=False))
    await visit.deps.alerting.act(incident.id, deed)


async def _dispute(visit: Visit, incident: Incident) -> None:
    kind, note = _chosen(visit, "kind", DisputeKind), note_of(visit, required=True)
    cause = _chosen(visit, "cause", CauseClass) if visit.form.get("cause") else None
    deed = partial(disputes.dispute, actor=actor_of(visit), kind=kind, cause=cause, note=note)
    await visit.deps.alerting.act(incident.id, deed)


async def _decide(visit: Visit, incident: Incident) -> None:
    upheld, note = visit.form.get("upheld", "") == "yes", note_of(visit, required=True)
    owner = visit.form.get("owner", "")
    deed = partial(disputes.decide, actor=actor_of(visit), upheld=upheld, owner=owner, note=note)
    await visit.deps.alerting.act(incident.id, deed)


async def _reassign(visit: Visit, incident: Incident) -> None:
    owner, note = visit.form.get("owner", ""), note_of(visit, required=True)
    deed = partial(direction.reassign, actor=actor_of(visit), owner=owner, note=note)
    await visit.deps.alerting.act(incident.id, deed)


async def _regrade(visit: Visit, incident: Incident) -> None:
    severity, note = _chosen(visit, "severity", Severity), note_of(visit, required=True)
    deed = partial(direction.regrade, actor=actor_of(visit), severity=severity, note=note)
    await visit.deps.alerting.act(incident.id, deed)


async def _reopen(visit: Visit, incident: Incident) -> None:
    deed = partial(direction.reopen, actor=actor_of(visit), note=note_of(visit, required=True))
    await visit.deps.alerting.act(incident.id, deed)


async def _merge(visit: Visit, incident: Incident) -> None:
    into = visit.form.get("into", "")
    if not into.isdecimal() or len(into) > 17:
        raise PageError(422, N_("Choose the incident to merge into."), N_("Go back and choose one."))
    note = note_of(visit, required=True)
    restricted = visit.may(Right.SEE_RESTRICTED)
    if await visit.deps.records.incident(int(into), owner=visit.scope, restricted=restricted) is None:
        raise PageError(404, N_("There is no such incident."), N_("Go back and choose one."))
    await visit.deps.alerting.merge(incident.id, int(into), actor=actor_of(visit), note=note)


async def _unmerge(visit: Visit, incident: Incident) -> None:
    note = note_of(visit, required=True)
    await visit.deps.alerting.unmerge(incident.id, actor=actor_of(visit), note=note)


async def _close(visit: Visit, incident: Incident) -> None:
    wanted = visit.form.get("cause", "")
    if wanted not in set(CauseClass):
        raise PageError(422, N_("Choose the cause before closing."), N_("Go back and choose one."))
    await visit.deps.alerting.close(
        incident.id, actor=actor_of(visit), cause=CauseClass(wanted), note=note_of(visit, required=True)
    )


async def _cancel(visit: Visit, incident: Incident) -> None:
    note = note_of(visit, required=True)
    await visit.deps.alerting.act(incident.id, partial(actions.cancel, actor=actor_of(visit), note=note))


async def take_evidence(visit: Visit, incident: Incident) -> None:
    """Keep the file that a form carries."""
    if visit.upload is None:
        raise PageError(422, N_("Choose a file to attach."), N_("Go back and choose one."))
    name, content = visit.upload
    note = note_of(visit, required=False)
    await visit.deps.alerting.files.attach(
        incident.id, actor=actor_of(visit), name=name, content=content, note=note
    )


async def _annotate(visit: Visit, incident: Incident) -> None:
    await visit.deps.alerting.note(incident.id, actor=actor_of(visit), note=note_of(visit, required=True))


async def _real(visit: Visit, incident: Incident) -> None:
    note = note_of(visit, required=True)
    await visit.deps.alerting.act(incident.id, partial(make_real, actor=actor_of(visit), note=note))


ACTS: Mapping[str, Callable[[Visit, Incident], Awaitable[None]]] = {
    "acknowledge": _acknowledge,
    "start": _start,
    "countersign": _countersign,
    "progress": _progress,
    "pause": _pause,
    "mitigate": _mitigate,
    "restored": _restored,
    "verify": _verify,
    "decide": _decide,
    "close": _close,
    "dispute": _dispute,
    "reassign": _reassign,
    "regrade": _regrade,
    "merge": _merge,
    "unmerge": _unmerge,
    "reopen": _reopen,
    "cancel": _cancel,
    "note": _annotate,
    "real": _real,
}
"""Every form by the last part of its address."""

_DIRECTED = frozenset(
    {"real", "close", "cancel", "verify", "reassign", "regrade", "merge", "unmerge", "reopen"}
)
_LED = frozenset({"decide", "countersign"})


def right_for(act: str) -> Right:
    """Answer the right that a form asks for."""
    if act in _LED:
        return Right.DECIDE_DISPUTES
    return Right.CLOSE_INCIDENTS if act in _DIRECTED else Right.ACT_ON_INCIDENTS


def actor_of(visit: Visit) -> str:
    """Name who acts, as the ledger keeps it: the person where the account is one person's own."""
    person = visit.deps.monitor.inventory.people.get(visit.who.person)
    return person.name if person else visit.who.name


def note_of(visit: Visit, *, required: bool) -> str:
    """Read the words of a form."""
    note = visit.form.get("note", "")
    if required and not note:
        raise PageError(422, N_("A reason is needed."), N_("Go back and write what was done."))
    if len(note) > _LONGEST_NOTE:
        raise PageError(422, N_("The text is too long."), N_("Go back and shorten it to 2,000 letters."))
    return note


def _chosen(visit: Visit, field: str, kind: type[_Choice]) -> _Choice:
    given = visit.form.get(field, "")
    if given not in {member.value for member in kind}:
        raise PageError(422, N_("Something was not chosen."), N_("Go back and choose one."))
    return kind(given)


def _within(visit: Visit) -> datetime | None:
    """Read how many minutes somebody says that it will take, from buttons made for a thumb."""
    given = visit.form.get("minutes", "")
    if given and not (given.isdecimal() and 0 < int(given[:6]) <= _LONGEST_WAIT):
        raise PageError(422, N_("Something was not chosen."), N_("Go back and choose one."))
    return visit.now + timedelta(minutes=int(given)) if given else None


def time_of(visit: Visit, field: str) -> datetime | None:
    """Read a time of day as local time of the election, the next time that the clock shows it."""
    given = visit.form.get(field, "")
    if not given:
        return None
    zone = visit.deps.monitor.inventory.election.zone
    local = visit.now.astimezone(zone)
    try:
        hour, minute = (int(part) for part in given.split(":")[:2])
        meant = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    except ValueError as error:
        raise PageError(422, N_("The time is not a time of day."), N_("Write it as 20:15.")) from error
    return meant if meant > local else meant + timedelta(days=1)

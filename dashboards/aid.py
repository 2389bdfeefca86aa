"""Mutual aid: what is asked of whom, the form to ask from an incident, and what each side can do now."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response

from alerting.aid import Aid, AidEvent, AidKind
from alerting.aid_access import deeds_of
from alerting.aid_service import AidOrder, FaultyAidError, UnknownAidError, UnverifiedAidError
from alerting.models import Incident
from dashboards.i18n import N_
from dashboards.visit import PageError, Visit
from inventory.access import Right
from inventory.models import AreaKind

__all__ = ["act", "form", "listing", "order", "show"]


async def listing(visit: Visit) -> Response:
    """List the aids that this side may see, what is due soonest first."""
    aids = await visit.deps.aid.aids(party=visit.scope)
    return visit.page("aids.html", aids=aids)


async def show(visit: Visit) -> Response:
    """Show one aid with its record and what can be done to it now."""
    aid = await _wanted(visit)
    _, record = await visit.deps.aid.aid(aid.id, party=visit.scope)
    is_partner = visit.scope is not None and visit.scope != aid.requester
    return visit.page(
        "aid.html",
        aid=aid,
        area=visit.deps.monitor.inventory.areas.get(aid.area),
        record=[entry for entry in record if not (is_partner and entry.event is AidEvent.DRAFTED)],
        is_partner=is_partner,
        deeds=[event for event in AidEvent if event in _deeds(visit, aid)],
    )


async def form(visit: Visit) -> Response:
    """Show the form that asks for aid for an incident."""
    return await _form(visit, await _incident(visit, visit.request.query_params.get("incident", "")))


async def _form(visit: Visit, incident: Incident, *, status: int = 200, fault: str = "") -> Response:
    inventory = visit.deps.monitor.inventory
    below_province = [area for area in inventory.areas.values() if area.kind is not AreaKind.COMMUNE]
    return visit.page(
        "aid_form.html",
        status=status,
        fault=fault,
        incident=incident,
        kinds=tuple(AidKind),
        parties=[party for party in inventory.parties.values() if party.code != incident.owner],
        areas=below_province,
        means=_means(visit, incident.owner),
        form=visit.form,
    )


def _means(visit: Visit, owner: str) -> list[Any]:
    """Answer what others have that could help, to who sees every party: a carrier asks the department, which knows."""
    if visit.scope is not None:
        return []
    return [each for each in visit.deps.monitor.inventory.means.values() if each.party != owner]


async def order(visit: Visit) -> Response:
    """Draft what the form asks for; the department's is sent to the partner at once."""
    incident = await _incident(visit, visit.form.get("incident", ""))
    may_order = visit.scope is None and visit.may(Right.ORDER_AID)
    if not may_order and not (visit.scope == incident.owner and visit.may(Right.ACT_ON_INCIDENTS)):
        raise PageError(403, N_("Your account may not do this."), N_("Ask the department's duty officer."))
    given, kind = visit.form, visit.form.get("kind", "")
    if kind not in set(AidKind):
        return await _form(visit, incident, status=422, fault=N_("Choose the kind of help."))
    wanted = AidOrder(
        incident=incident.id,
        kind=AidKind(kind),
        helper=given.get("helper", ""),
        area=given.get("area", ""),
        need=given.get("need", "")[:1000],
        minutes=_number(given.get("minutes", "")) or 0,
        is_standby=given.get("standby") == "yes",
    )
    try:
        aid = await visit.deps.aid.draft(wanted, actor=visit.who.name, scope=visit.scope)
    except FaultyAidError as error:
        return await _form(visit, incident, status=422, fault=visit.words.pick(error.vi, str(error)))
    if may_order:
        await visit.deps.aid.request(aid.id, actor=visit.who.name)
    return visit.go(f"/aid/{aid.id}")


async def act(visit: Visit) -> Response:
    """Do to an aid what its form asks for."""
    aid = await _wanted(visit)
    name = visit.request.path_params["action"]
    event = AidEvent(name) if name in set(AidEvent) else None
    if event is None:
        raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    if event not in _deeds(visit, aid):
        raise PageError(
            409, N_("This cannot be done to the aid now, or not by you."), N_("Look at its record.")
        )
    try:
        await _DEEDS.get(event, _other)(visit, aid, event)
    except FaultyAidError as error:
        raise PageError(422, visit.words.pick(error.vi, str(error)), N_("Go back and correct it.")) from error
    return visit.go(f"/aid/{aid.id}")


async def _request(visit: Visit, aid: Aid, _event: AidEvent) -> None:
    await visit.deps.aid.request(aid.id, actor=visit.who.name)


async def _answer(visit: Visit, aid: Aid, event: AidEvent) -> None:
    terms = {name: _number(visit.form.get(name, "")) for name in ("lead_minutes", "valid_minutes")}
    await visit.deps.aid.answer(
        aid.id,
        event,
        actor=visit.who.name,
        party=visit.scope,
        terms={**terms, "capacity": visit.form.get("capacity", "")},
        note=_words(visit),
    )


async def _verify(visit: Visit, aid: Aid, _event: AidEvent) -> None:
    try:
        await visit.deps.aid.verify(
            aid.id, by_call=visit.form.get("how") == "call", note=_words(visit), actor=visit.who.name
        )
    except UnverifiedAidError as error:
        raise PageError(
            409,
            N_("Measurement still sees sites cut off: nobody may say that the help works."),
            N_("Call one of the sites and write down who answered, or wait for the measurement."),
        ) from error


async def _extend(visit: Visit, aid: Aid, _event: AidEvent) -> None:
    minutes = _number(visit.form.get("minutes", "")) or 0
    await visit.deps.aid.extend(aid.id, minutes=minutes, actor=visit.who.name)


async def _close(visit: Visit, aid: Aid, _event: AidEvent) -> None:
    actuals = {name: _number(visit.form.get(name, "")) for name in ("minutes", "users")}
    actuals_and_words = {**actuals, "capacity": visit.form.get("capacity", "")}
    await visit.deps.aid.close(
        aid.id, actuals=actuals_and_words, actor=visit.who.name, party=visit.scope, note=_words(visit)
    )


async def _other(visit: Visit, aid: Aid, event: AidEvent) -> None:
    await visit.deps.aid.do(aid.id, event, actor=visit.who.name, party=visit.scope, note=_words(visit))


_DEEDS: Mapping[AidEvent, Callable[[Visit, Aid, AidEvent], Awaitable[None]]] = {
    AidEvent.REQUESTED: _request,
    AidEvent.ACCEPTED: _answer,
    AidEvent.COUNTERED: _answer,
    AidEvent.DECLINED: _answer,
    AidEvent.VERIFIED: _verify,
    AidEvent.EXTENDED: _extend,
    AidEvent.CLOSED: _close,
}


def _deeds(visit: Visit, aid: Aid) -> frozenset[AidEvent]:
    return deeds_of(
        aid,
        scope=visit.scope,
        may_order=visit.may(Right.ORDER_AID),
        may_act=visit.may(Right.ACT_ON_INCIDENTS),
    )


async def _wanted(visit: Visit) -> Aid:
    try:
        found, _ = await visit.deps.aid.aid(_number(visit.request.path_params["id"]) or 0, party=visit.scope)
    except UnknownAidError as error:
        raise PageError(404, N_("There is no such aid."), N_("Look at the list.")) from error
    return found


async def _incident(visit: Visit, wanted: str) -> Incident:
    found = await visit.deps.records.incident(_number(wanted) or 0, owner=visit.scope)
    if found is None:
        raise PageError(
            404,
            N_("There is no such incident."),
            N_("It may have been merged; look at the list of incidents."),
        )
    return found


def _words(visit: Visit) -> str:
    return visit.form.get("note", "")[:1000]


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 12 else None

"""How a party is reached: its people's numbers, and the addresses at which its own machines are told.

A carrier's account sets its own party's addresses. Who administers the department opens the page of any party, and of
the department, whose machines hear of the whole province. A secret stands on the page that answers its making, once.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from alerting.endpoint_service import MOST, Editor, Trial
from alerting.endpoints import Dialect, Endpoint, EndpointEvent, EndpointFault
from alerting.errors import RefusedEndpointError, UnknownEndpointError
from dashboards.i18n import N_
from dashboards.portal import party_of
from dashboards.views.portal import reaches
from dashboards.visit import PageError, Visit
from inventory.access import Right
from inventory.models import Party, PartyKind

__all__ = ["act", "add", "settings"]


@dataclass(frozen=True, slots=True)
class _Said:
    """What the page has to say of the deed that it answers."""

    fault: EndpointFault | None = None
    made: Endpoint | None = None
    trial: Trial | None = None
    url: str = ""


async def settings(visit: Visit) -> Response:
    """Show how the visitor's party is reached by people's messages and by machines."""
    party = _party(visit, visit.request.query_params.get("party", ""))
    if party is None:
        return visit.go("/carriers")
    return await _page(visit, party)


async def _page(visit: Visit, party: Party, said: _Said | None = None) -> Response:
    deps = visit.deps
    inventory = await deps.roster.living()
    key = _key(party)
    shown: Mapping[str, Any] = {
        "party": party,
        "is_own": visit.scope is not None,
        "is_province": key == "",
        "reaches": reaches(inventory, party.code, await deps.records.refused_contacts()),
        "tokens": await deps.tokens.of(visit.who.name),
        "public_url": deps.settings.public_url.rstrip("/"),
        "endpoints": await deps.endpoints.of(key),
        "deliveries": await deps.endpoints.deliveries(key),
        "events": tuple(EndpointEvent),
        "event_named": EndpointEvent,
        "tmf621": Dialect.TMF621,
        "most": MOST,
        "said": said or _Said(),
    }
    return visit.page("portal_settings.html", status=422 if said and said.fault else 200, **shown)


async def add(visit: Visit) -> Response:
    """Write an address of a machine down."""
    party = _edited(visit)
    url = visit.form.get("url", "")
    try:
        made = await visit.deps.endpoints.add(_editor(visit, party), url=url, events=_events(visit))
    except RefusedEndpointError as refused:
        return await _page(visit, party, _Said(fault=refused.fault, url=url[:200]))
    return await _page(visit, party, _Said(made=made))


async def act(visit: Visit) -> Response:
    """Change, try or remove an address."""
    party = _edited(visit)
    deed = _DEEDS.get(visit.request.path_params["action"])
    number = visit.request.path_params["id"]
    if deed is None or not number.isdecimal() or len(number) > 15:
        raise _unknown()
    try:
        return await deed(visit, party, int(number))
    except UnknownEndpointError as unknown:
        raise _unknown() from unknown
    except RefusedEndpointError as refused:
        return await _page(visit, party, _Said(fault=refused.fault))


async def _change(visit: Visit, party: Party, number: int) -> Response:
    await visit.deps.endpoints.change(
        _editor(visit, party),
        number,
        url=visit.form.get("url", ""),
        events=_events(visit),
        enabled="enabled" in visit.form,
    )
    return _back(visit, party)


async def _renew(visit: Visit, party: Party, number: int) -> Response:
    made = await visit.deps.endpoints.renew_secret(_editor(visit, party), number)
    return await _page(visit, party, _Said(made=made))


async def _test(visit: Visit, party: Party, number: int) -> Response:
    trial = await visit.deps.endpoints.test(_editor(visit, party), number)
    return await _page(visit, party, _Said(trial=trial))


async def _remove(visit: Visit, party: Party, number: int) -> Response:
    await visit.deps.endpoints.remove(_editor(visit, party), number)
    return _back(visit, party)


_DEEDS: Mapping[str, Callable[[Visit, Party, int], Awaitable[Response]]] = {
    "change": _change,
    "secret": _renew,
    "test": _test,
    "remove": _remove,
}


def _party(visit: Visit, wanted: str) -> Party | None:
    """Answer the party whose page it is: the visitor's own, or for an administrator the ``wanted`` one; None: none."""
    if visit.scope is not None:
        return party_of(visit)
    return visit.deps.monitor.inventory.parties.get(wanted) if visit.may(Right.ADMINISTER) else None


def _edited(visit: Visit) -> Party:
    party = _party(visit, visit.form.get("party", ""))
    if party is None:
        raise PageError(404, N_("There is no such party."), N_("Choose it among the carriers."))
    return party


def _key(party: Party) -> str:
    """Answer whose endpoints the party's are: those of the department hear of the whole province."""
    return "" if party.kind is PartyKind.DEPARTMENT else party.code


def _editor(visit: Visit, party: Party) -> Editor:
    return Editor(visit.who.name, _key(party), visit.address)


def _events(visit: Visit) -> list[EndpointEvent]:
    return [event for event in EndpointEvent if f"event-{event.value}" in visit.form]


def _back(visit: Visit, party: Party) -> Response:
    query = "" if visit.scope is not None else f"?party={party.code}"
    return visit.go(f"/portal/settings{query}#webhooks")


def _unknown() -> PageError:
    return PageError(
        404,
        N_("There is no such address of a machine."),
        N_("Open the page again; it may have been removed."),
    )

"""Trouble tickets (TMF621 v5) over HTTP: a carrier's own system lists, reads, opens and patches the carrier's incidents.

It is the incident machine in other words: every patch is an act of :mod:`alerting.actions` with its rights, its ledger
entry and its entity tag. Scope is an argument of every query, as everywhere: another party's ticket does not exist.
Refusals are problem documents (RFC 9457) that carry TMF630's ``code``, ``reason`` and ``message`` too. Closing and cancelling are the department's, so a patch to them is refused.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from alerting import actions
from alerting.desk import Doing, IncidentDesk, Number, shown_version
from alerting.errors import ImpossibleDeedError, MissingReasonError, NotAllowedError, UnknownPartyError
from alerting.models import ACKNOWLEDGEABLE, Incident, IncidentEvent, PendingReason
from alerting.reported import Report, condition_of_report
from alerting.reporting_right import owner_allowed
from alerting.scoped import incident_for, ledger_for
from alerting.service import AlertingService
from alerting.store import incident as read_incident
from alerting.store import incidents as read_incidents
from alerting.store import ledger_of, with_condition
from alerting.tmf621 import PATH, Ticket, TicketPatch, TicketStatus, states_of, ticket_of, waits_of
from alerting.tmf621_new import NewTicket, impact_of, key_of, matter_of
from alerting.web.api import Api, Asking, demand
from alerting.web.etags import etag
from alerting.web.problems import answers
from inventory.access import Right
from inventory.database import reading

__all__ = ["router"]

_Limit = Annotated[int, Query(ge=1, le=200, description="Most tickets of one answer.")]
_Offset = Annotated[int, Query(ge=0, le=100_000, description="Tickets to pass over, the newest first.")]


def router(api: Api, service: AlertingService, *, public_url: str) -> APIRouter:
    """Make the routes below ``/tmf-api/troubleTicket/v5``."""
    desk = IncidentDesk(api, service)
    routes = api.router_at(PATH, tag="trouble tickets (TMF621)")
    tickets = _Tickets(desk, public_url)

    @routes.get("", summary="List trouble tickets, the newest first", response_model_by_alias=True)
    async def listed(
        asking: Annotated[Any, Depends(desk.actor)],
        response: Response,
        status: TicketStatus | None = None,
        limit: _Limit = 50,
        offset: _Offset = 0,
    ) -> Sequence[Ticket]:
        found = await tickets.several(asking, status, limit, offset)
        response.headers["X-Result-Count"] = str(len(found))
        return found

    @routes.get("/{incident}", summary="One trouble ticket", response_model_by_alias=True)
    async def shown(
        incident: Number, asking: Annotated[Any, Depends(desk.actor)], response: Response
    ) -> Ticket:
        ticket, version = await tickets.one(asking, incident)
        response.headers["ETag"] = etag(version)
        return ticket

    _add_opening(routes, desk, tickets)

    @routes.patch(
        "/{incident}",
        summary="Take on, report progress, wait, or report resolved",
        responses=answers(409, 412),
        response_model_by_alias=True,
    )
    async def patched(
        incident: Number, body: TicketPatch, by: Annotated[Doing, Depends(desk.deed)]
    ) -> Ticket:
        await tickets.patch(by, incident, body)
        ticket, version = await tickets.one(by.asking, incident)
        by.response.headers["ETag"] = etag(version)
        return ticket

    return routes


def _add_opening(routes: APIRouter, desk: IncidentDesk, tickets: "_Tickets") -> None:
    @routes.post(
        "",
        status_code=201,
        summary="Open a ticket; the same externalIdentifier again is the same ticket, answered with 200",
        responses={200: {"model": Ticket, "description": "It was opened before."}},
        response_model_by_alias=True,
    )
    async def opened(body: NewTicket, by: Annotated[Doing, Depends(desk.deed)]) -> Ticket:
        identifier, is_new = await tickets.open(by.asking, body)
        ticket, version = await tickets.one(by.asking, identifier)
        by.response.status_code = 201 if is_new else 200
        by.response.headers["Location"] = f"{PATH}/{identifier}"
        by.response.headers["ETag"] = etag(version)
        return ticket


class _Tickets:
    """Reading and patching with the scope and rights of who asks."""

    def __init__(self, desk: IncidentDesk, public_url: str) -> None:
        self._desk = desk
        self._base = public_url

    async def several(
        self, asking: Asking, status: TicketStatus | None, limit: int, offset: int
    ) -> list[Ticket]:
        demand(asking, Right.SEE_INCIDENTS, "see incidents")
        async with reading(self._desk.database) as connection:
            found = await read_incidents(
                connection,
                states=states_of(status) if status is not None else None,
                owner=asking.scope,
                limit=limit,
                offset=offset,
                restricted=asking.may(Right.SEE_RESTRICTED),
                **(waits_of(status) if status is not None else {}),
            )
            return [
                self._ticket(
                    one, ledger_for(await ledger_of(connection, one.id), self._desk.scope_of(asking)), asking
                )
                for one in found
            ]

    async def one(self, asking: Asking, identifier: int) -> tuple[Ticket, int]:
        demand(asking, Right.SEE_INCIDENTS, "see incidents")
        async with reading(self._desk.database) as connection:
            found = await read_incident(
                connection, identifier, owner=asking.scope, restricted=asking.may(Right.SEE_RESTRICTED)
            )
            entries = ledger_for(await ledger_of(connection, identifier), self._desk.scope_of(asking))
            return self._ticket(found, entries, asking), await shown_version(
                connection, identifier, self._desk.scope_of(asking)
            )

    async def open(self, asking: Asking, body: NewTicket) -> tuple[int, bool]:
        """Open what is told; answers its id, and whether it is new."""
        demand(asking, Right.REPORT_INCIDENTS, "open a ticket")
        matter = matter_of(body)
        owner = owner_allowed(asking, matter, body.owner)
        site, area = self._place(asking, body.place)
        caller = asking.scope if asking.scope is not None else f"\n{asking.name}"
        key = key_of(body, caller, otherwise=self._desk.token())
        async with reading(self._desk.database) as connection:
            known = await with_condition(connection, condition_of_report(key))
        told = Report(
            matter=matter,
            text=body.words,
            reporter=asking.name,
            key=key,
            site=site,
            area=area,
            owner=owner,
            impact=impact_of(body),
            external=body.external,
        )
        incident = await self._desk.service.report(told)
        return incident.id, known is None

    def _place(self, asking: Asking, code: str) -> tuple[str, str]:
        """Answer ``code`` as a site or as an area; a site that the caller may not name is as unknown as none."""
        inventory, scope = self._desk.service.inventory, self._desk.scope_of(asking)
        if code in inventory.areas:
            return "", code
        if code and (code not in inventory.sites or (scope is not None and code not in scope.reached())):
            raise UnknownPartyError("site or area", code)
        return code, ""

    def _ticket(self, incident: Incident, entries: Sequence[Any], asking: Asking) -> Ticket:
        party = self._desk.service.inventory.parties.get(incident.owner)
        name = party.name if party else incident.owner
        return ticket_of(
            incident_for(incident, self._desk.scope_of(asking)), entries, owner_name=name, base=self._base
        )

    async def patch(self, by: Doing, identifier: int, body: TicketPatch) -> None:
        found = await self._desk.seen(by.asking, identifier, Right.ACT_ON_INCIDENTS, IncidentEvent.PROGRESS)
        service = self._desk.service
        words = body.words
        match body.status:
            case None:
                await self._say(by, identifier, body, words)
            case TicketStatus.IN_PROGRESS:
                await self._take_on(by, found, body, words)
            case TicketStatus.PENDING | TicketStatus.HELD:
                await service.act(identifier, _waiting(by, body, words), version=by.version)
            case TicketStatus.RESOLVED:
                await service.report_restored(identifier, actor=by.name, note=words, version=by.version)
            case TicketStatus.ACKNOWLEDGED:
                raise ImpossibleDeedError(
                    "a ticket is acknowledged when it is opened; who takes it on sends inProgress"
                )
            case _:
                raise NotAllowedError(by.name, f"set a ticket to {body.status.value}")

    async def _take_on(self, by: Doing, found: Incident, body: TicketPatch, words: str) -> None:
        service, version = self._desk.service, by.version
        if found.state in ACKNOWLEDGEABLE:
            if by.asking.party != found.owner and not words:
                raise MissingReasonError("acknowledging on the owner's behalf", "a note")
            await service.acknowledge(found.id, actor=by.name, person=by.person, note=words, version=version)
            if body.expected_resolution_date is None:
                return
            version = None
        if body.expected_resolution_date is None:
            begin = partial(actions.start, actor=by.name, note=words)
            await service.act(found.id, begin, version=version)
            return
        await service.progress(
            found.id,
            actor=by.name,
            note=words or "inProgress",
            eta=body.expected_resolution_date,
            version=version,
        )

    async def _say(self, by: Doing, identifier: int, body: TicketPatch, words: str) -> None:
        service = self._desk.service
        if body.expected_resolution_date is not None:
            eta = body.expected_resolution_date
            await service.progress(identifier, actor=by.name, note=words, eta=eta, version=by.version)
        else:
            await service.note(identifier, actor=by.name, note=words, version=by.version)


def _waiting(by: Doing, body: TicketPatch, words: str) -> Any:
    if body.expected_resolution_date is None:
        raise MissingReasonError("a wait", "expectedResolutionDate")
    own = body.status is TicketStatus.HELD
    reason = body.status_change_reason or (PendingReason.PARTS if own else PendingReason.THIRD_PARTY)
    if reason.stops_clock is own:
        raise ImpossibleDeedError("held waits for one's own parts or staff; everything else is pending")
    return partial(
        actions.pause, actor=by.name, reason=reason, until=body.expected_resolution_date, note=words
    )

"""What the routes of incidents share: scope first, then right, then the service; and versions as entity tags."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerting.errors import UnknownIncidentError
from alerting.models import Incident, IncidentEvent, IncidentState, LedgerEntry, Message
from alerting.scoped import Scope, incident_for, ledger_for, scope_of, version_for, version_meant
from alerting.service import AlertingService
from alerting.store import AffectedTarget, ledger_of, messages_of, outages_of_incident, version_of
from alerting.store import incident as read_incident
from alerting.store import incidents as read_incidents
from alerting.web.api import Api, Asking, demand
from alerting.web.cursors import Page, packed, unpacked
from alerting.web.etags import IfMatch, etag, version_in
from alerting.web.problems import answers
from inventory.access import Right
from inventory.database import reading

__all__ = ["MATCH", "Body", "Doing", "IncidentDesk", "IncidentPage", "Number", "Words", "shown_version"]

Words = Annotated[str, Field(max_length=4000)]
Number = Annotated[int, Path(ge=1, le=2**53, description="The incident's id.")]
MATCH = answers(412)
"""Declares that an act may be meant for a version that is past."""


class Body(BaseModel):
    """What every act may carry; fields that nobody knows are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    note: Words = ""


class IncidentPage(BaseModel):
    """One incident with everything that is known of it."""

    incident: Incident
    ledger: Sequence[LedgerEntry]
    outages: Sequence[AffectedTarget]
    messages: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Doing:
    """An act as HTTP brings it: by whom, on which version, and the answer that will carry the new version."""

    asking: Asking
    version: int | None
    response: Response
    database: AsyncEngine
    scope: Scope | None = None
    """What of incidents the caller may see, where that is not everybody's."""

    @property
    def name(self) -> str:
        """What the ledger calls who acts."""
        return self.asking.name

    @property
    def person(self) -> str:
        """Their code in the roster, if the account is one person's own."""
        return str(getattr(self.asking, "person", ""))

    async def done(self, work: Awaitable[Incident]) -> Incident:
        """Do ``work`` and put the entity tag of what it made on the answer."""
        incident = await work
        async with reading(self.database) as connection:
            self.response.headers["ETag"] = etag(await shown_version(connection, incident.id, self.scope))
        return incident_for(incident, self.scope)


class IncidentDesk:
    """What the routes share: scope first, then right, then the service."""

    def __init__(self, api: Api, service: AlertingService) -> None:
        self.actor = api.actor
        self.token = service.token
        self.service = service
        self.database = api.database

        async def deed(
            request: Request,
            asking: Annotated[Any, Depends(api.actor)],
            response: Response,
            if_match: IfMatch = None,
        ) -> Doing:
            version = await self._meant(request.path_params.get("incident", ""), version_in(if_match), asking)
            return Doing(asking, version, response, api.database, self.scope_of(asking))

        self.deed = deed

    def scope_of(self, actor: Asking) -> Scope | None:
        """Answer what of incidents ``actor`` may see."""
        return scope_of(actor.scope, self.service.inventory)

    async def _meant(self, incident: str, shown: int | None, actor: Asking) -> int | None:
        """Answer which stored version ``actor`` means; of an incident that they do not see none, as of no incident."""
        scope = self.scope_of(actor)
        if shown is None or scope is None or not incident.isdecimal():
            return shown
        async with reading(self.database) as connection:
            try:
                found = await read_incident(connection, int(incident), owner=actor.scope, restricted=True)
            except UnknownIncidentError:
                return -1
            return version_meant(shown, await ledger_of(connection, found.id), scope)

    async def list(
        self, actor: Asking, states: Sequence[IncidentState] | None, limit: int, cursor: str | None
    ) -> Page[Incident]:
        """Answer part of the list of what ``actor`` may see."""
        demand(actor, Right.SEE_INCIDENTS, "see incidents")
        after = _place(cursor) if cursor else None
        async with reading(self.database) as connection:
            found = await read_incidents(
                connection,
                states=states,
                owner=actor.scope,
                limit=limit + 1,
                after=after,
                restricted=actor.may(Right.SEE_RESTRICTED),
            )
        scope = self.scope_of(actor)
        items = [incident_for(one, scope) for one in found[:limit]]
        more = packed(items[-1].opened_at, items[-1].id) if len(found) > limit else None
        return Page(items=items, next=more)

    async def page(self, actor: Asking, identifier: int) -> tuple[IncidentPage, int]:
        """Answer one incident as ``actor`` may see it, and its version."""
        demand(actor, Right.SEE_INCIDENTS, "see incidents")
        scope = self.scope_of(actor)
        async with reading(self.database) as connection:
            found = await read_incident(
                connection, identifier, owner=actor.scope, restricted=actor.may(Right.SEE_RESTRICTED)
            )
            page = IncidentPage(
                incident=incident_for(found, scope),
                ledger=ledger_for(await ledger_of(connection, identifier), scope),
                outages=[
                    one
                    for one in await outages_of_incident(connection, identifier)
                    if scope is None or scope.owns_target(one.target)
                ],
                messages=[
                    _shown(message, actor)
                    for message in await messages_of(connection, identifier)
                    if self._is_shown(message, actor)
                ],
            )
            return page, await shown_version(connection, identifier, scope)

    def _is_shown(self, message: Message, actor: Asking) -> bool:
        person = self.service.inventory.people.get(message.person)
        return actor.scope is None or (person is not None and person.party == actor.scope)

    async def seen(self, actor: Asking, identifier: int, right: Right, event: IncidentEvent) -> Incident:
        """Answer the incident that ``actor`` wants to act on, if they can see it and may."""
        async with reading(self.database) as connection:
            found = await read_incident(
                connection, identifier, owner=actor.scope, restricted=actor.may(Right.SEE_RESTRICTED)
            )
        demand(actor, right, event.value)
        return found


async def shown_version(connection: AsyncConnection, identifier: int, scope: Scope | None) -> int:
    """Read the version of an incident as ``scope`` may count it (:func:`alerting.scoped.version_for`)."""
    if scope is None:
        return await version_of(connection, identifier)
    return version_for(await ledger_of(connection, identifier), scope)


def _place(cursor: str) -> tuple[datetime, int]:
    opened_at, identifier = unpacked(cursor, datetime, int)
    return opened_at, identifier


def _shown(message: Message, actor: Asking) -> dict[str, Any]:
    shown = {
        "kind": message.kind,
        "person": message.person,
        "channel": message.channel,
        "state": message.state,
        "attempts": message.attempts,
        "created_at": message.created_at,
        "sent_at": message.sent_at,
        "error": message.error,
    }
    return shown | ({"address": message.address} if actor.may(Right.SEE_NUMBERS) else {})

"""Answers to pages: who holds a message's link, or types its code, takes on what it was sent for.

A message of a storm stands for several incidents: each is acknowledged by itself, in its own ledger, and one that is
over or taken back meanwhile keeps none of the others from being taken on.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerting.errors import RefusedError, UnknownLinkError
from alerting.links import AcknowledgementLinks
from alerting.models import Incident
from alerting.province import Province
from alerting.roster_store import people_of
from alerting.store import incident as read_incident
from inventory.database import reading, transaction
from inventory.models import Person

__all__ = ["Answers", "Meant"]

Meant = tuple[tuple[Incident, ...], Person]
"""What a link or a code stands for: its incidents, the one it was first sent for leading, and who it was sent to."""


class _Acknowledge(Protocol):
    def __call__(self, incident: int, *, actor: str, person: str = "", note: str = "") -> Awaitable[Incident]:
        """Acknowledge one incident."""


class Answers:
    """Knows links and codes again, and acknowledges by them."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        links: AcknowledgementLinks,
        clock: Callable[[], datetime],
        province: Callable[[], Province],
        acknowledge: _Acknowledge,
    ) -> None:
        self._database = database
        self._links = links
        self._clock = clock
        self._province = province
        self._acknowledge = acknowledge

    async def by_link(self, token: str) -> Meant | None:
        """Answer what a link stands for, changing nothing; None when it stands for nothing now."""
        async with reading(self._database) as connection:
            return await self._meant(connection, await self._links.find(connection, token, self._clock()))

    async def by_code(self, typed: str) -> Meant | None:
        """Answer what a typed code stands for, changing nothing; None when it stands for nothing now."""
        async with reading(self._database) as connection:
            return await self._meant(
                connection, await self._links.find_code(connection, typed, self._clock())
            )

    async def _meant(
        self, connection: AsyncConnection, found: tuple[tuple[int, ...], str] | None
    ) -> Meant | None:
        if found is None:
            return None
        person = (await people_of(connection, self._province().inventory)).get(found[1])
        if person is None:
            return None
        return tuple([await read_incident(connection, one) for one in found[0]]), person

    async def acknowledge_by_link(self, token: str) -> tuple[Incident, ...]:
        """Acknowledge as the person whom the link was made for; raises :class:`UnknownLinkError`."""
        meant = await self.by_link(token)
        if meant is None:
            raise UnknownLinkError
        async with transaction(self._database) as connection:
            await self._links.use(connection, token, self._clock())
        return await self._acknowledged(meant)

    async def acknowledge_by_code(self, typed: str) -> tuple[Incident, ...]:
        """Acknowledge as the person whom the code was sent to; raises :class:`UnknownLinkError`."""
        meant = await self.by_code(typed)
        if meant is None:
            raise UnknownLinkError
        return await self._acknowledged(meant)

    async def _acknowledged(self, meant: Meant) -> tuple[Incident, ...]:
        incidents, person = meant
        numbers = [incident.id for incident in incidents]
        return await self.acknowledge_each(numbers, actor=person.name, person=person.code)

    async def acknowledge_each(
        self, incidents: Sequence[int], *, actor: str, person: str = "", note: str = ""
    ) -> tuple[Incident, ...]:
        """Acknowledge every one of ``incidents`` that can be; raises :class:`RefusedError` when none can."""
        taken: list[Incident] = []
        refusal: RefusedError | None = None
        for one in incidents:
            try:
                taken.append(await self._acknowledge(one, actor=actor, person=person, note=note))
            except RefusedError as refused:
                refusal = refused
        if refusal is not None and not taken:
            raise refusal
        return tuple(taken)

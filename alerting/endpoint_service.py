"""What a party's people do to the addresses of its machines: add, change, change the secret, try, remove, look back.

``party`` is an argument of every deed: the caller's own, or empty for the whole province. An endpoint of anybody else
does not exist. A secret is answered once, when it is made, and sealed from then on (:mod:`inventory.sealing`).
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerting import endpoint_store as store
from alerting.endpoint_telling import event_message
from alerting.endpoints import (
    OVERLAP,
    TEST,
    Delivery,
    Dialect,
    Endpoint,
    EndpointEvent,
    EndpointFault,
    Trouble,
    delivery_of,
    receiver_of,
    trouble_of,
)
from alerting.errors import DeliveryError, EndpointConflictError, RefusedEndpointError, UnknownEndpointError
from alerting.message_store import add_messages, events_for
from alerting.models import DeliveryState
from alerting.notify.event import EventChannel
from inventory import audit
from inventory.database import reading, transaction
from inventory.drawn import Draw
from inventory.seal import SealError
from inventory.sealing import Sealing

__all__ = ["MOST", "Editor", "EndpointService", "Trial"]

log = structlog.get_logger(__name__)

MOST = 5
"""Addresses of one party."""
PREFIX = "whs_"
"""What every secret begins with, so that one that leaked into a file or a log is recognised."""
_LOOKED_BACK = 20
_TRY_AFTER = timedelta(seconds=10)
_LONGEST_TRIAL = 15.0


@dataclass(frozen=True, slots=True)
class Editor:
    """Who changes endpoints: the account's name, the party whose endpoints they are, where the request came from."""

    name: str
    party: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """How a test message went: the status where there was an answer, and how long it took, in seconds."""

    endpoint: int
    trouble: Trouble | None
    status: int | None
    seconds: float


class EndpointService:
    """Transactions around endpoints; a test message is the only thing that it sends itself."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        sealing: Sealing,
        clock: Callable[[], datetime],
        token: Callable[[], str],
        channel: EventChannel,
        draw: Draw | None = None,
    ) -> None:
        self._database = database
        self._sealing = sealing
        self._clock = clock
        self._token = token
        self.channel = channel
        self._draw = draw

    async def of(self, party: str) -> Sequence[Endpoint]:
        """Answer the endpoints of ``party``, the oldest first."""
        async with reading(self._database) as connection:
            return await store.endpoints_of(connection, party)

    async def add(
        self,
        by: Editor,
        *,
        url: str,
        events: Collection[EndpointEvent],
        dialect: Dialect = Dialect.OWN,
        query: str = "",
    ) -> Endpoint:
        """Write an address down and answer it with its secret, which is not answered again."""
        if not events:
            raise RefusedEndpointError(EndpointFault.NO_EVENTS)
        await self.channel.reach.look(url)
        clear = PREFIX + self._token()
        made = {
            "party": by.party,
            "dialect": dialect.value,
            "url": url,
            "events": sorted(event.value for event in events),
            "query": query,
            "enabled": True,
            "secret": "",
            "made_at": self._clock(),
            "made_by": by.name,
        }
        async with transaction(self._database) as connection:
            present = await store.endpoints_of(connection, by.party)
            if any(each.url == url and each.dialect is dialect for each in present):
                raise EndpointConflictError(EndpointFault.SAME_ADDRESS)
            if len(present) >= MOST:
                raise EndpointConflictError(EndpointFault.TOO_MANY)
            identifier = await store.add_endpoint(connection, made, draw=self._draw)
            # Sealed for its row, whose number is known only now.
            await store.change_endpoint(
                connection, identifier, await self._sealed(connection, identifier, clear)
            )
            await self._write(connection, by, identifier, f"added {url}")
            return replace(await self._own(connection, by, identifier), secret=clear)

    async def change(
        self, by: Editor, identifier: int, *, url: str, events: Collection[EndpointEvent], enabled: bool
    ) -> Endpoint:
        """Change where an endpoint lies, what it hears and whether it is told; what waits goes to the new address."""
        if not events:
            raise RefusedEndpointError(EndpointFault.NO_EVENTS)
        async with reading(self._database) as connection:
            before = await self._own(connection, by, identifier)
        if url != before.url:
            await self.channel.reach.look(url)
        async with transaction(self._database) as connection:
            before = await self._own(connection, by, identifier)
            others = await store.endpoints_of(connection, by.party)
            if any(
                one.id != identifier and (one.url, one.dialect) == (url, before.dialect) for one in others
            ):
                raise EndpointConflictError(EndpointFault.SAME_ADDRESS)
            told = sorted(event.value for event in events)
            await store.change_endpoint(
                connection, identifier, {"url": url, "events": told, "enabled": enabled}
            )
            told_of = f"{url} {' '.join(told)} {'on' if enabled else 'off'}"
            await self._write(connection, by, identifier, told_of)
            return await self._own(connection, by, identifier)

    async def renew_secret(self, by: Editor, identifier: int) -> Endpoint:
        """Give an endpoint a new secret and answer it; calls are signed with the old one too for :data:`OVERLAP`."""
        async with transaction(self._database) as connection:
            before = await self._own(connection, by, identifier)
            clear = PREFIX + self._token()
            values = await self._sealed(connection, identifier, clear)
            values["previous_secret"] = await self._kept(connection, before)
            values["previous_until"] = self._clock() + OVERLAP
            await store.change_endpoint(connection, identifier, values)
            await self._write(connection, by, identifier, "new secret")
            return replace(await self._own(connection, by, identifier), secret=clear)

    async def _sealed(self, connection: AsyncConnection, identifier: int, clear: str) -> dict[str, Any]:
        place = store.ENDPOINT_SECRET.place(identifier)
        try:
            return {"secret": await self._sealing.seal(connection, clear, place)}
        except SealError as error:
            log.warning("webhook secret not sealed", endpoint=identifier, reason=str(error))
            raise RefusedEndpointError(EndpointFault.NOT_SEALED) from error

    async def _kept(self, connection: AsyncConnection, before: Endpoint) -> str:
        """Answer the present secret sealed as the one before; nothing, where it does not open: a new one mends that."""
        try:
            clear = self._sealing.open(before.secret, store.ENDPOINT_SECRET.place(before.id))
            return await self._sealing.seal(connection, clear, store.PREVIOUS_SECRET.place(before.id))
        except SealError as error:
            log.warning("webhook secret before not kept", endpoint=before.id, reason=str(error))
            return ""

    async def remove(self, by: Editor, identifier: int, *, dialect: Dialect | None = None) -> None:
        """Forget an endpoint (of ``dialect`` only, where one is given); what waits for it is not sent any more."""
        async with transaction(self._database) as connection:
            found = await self._own(connection, by, identifier)
            if dialect is not None and found.dialect is not dialect:
                raise UnknownEndpointError(identifier)
            await store.remove_endpoint(connection, identifier)
            await audit.write(
                connection,
                at=self._clock(),
                actor=by.name,
                act=audit.AuditAct.WEBHOOK_REMOVED,
                subject=str(identifier),
                address=by.address,
                details=found.url,
            )

    async def test(self, by: Editor, identifier: int) -> Trial:
        """Send a test message now and answer how it went; it is told among the deliveries. One in ten seconds."""
        now = self._clock()
        async with transaction(self._database) as connection:
            endpoint = await self._own(connection, by, identifier)
            last = await events_for(connection, [receiver_of(identifier)], limit=1)
            if any(one.body["event"] == TEST and now - one.created_at < _TRY_AFTER for one in last):
                raise RefusedEndpointError(EndpointFault.TOO_SOON)
            body = {"what": "event", "event": TEST, "at": now.isoformat(), "actor": by.name}
            stamp = int(now.timestamp() * 1_000_000)
            key = f"{receiver_of(identifier)}:{TEST}:{stamp}"
            message = event_message(endpoint, key=key, body=body, at=now)
            message = replace(message, attempts=1, state=DeliveryState.FAILED, error="no answer: cut off")
            # Written before it leaves, so that a second press a moment later finds it.
            await add_messages(connection, [message])
        loop = asyncio.get_running_loop()
        began = loop.time()
        error, status = "", None
        try:
            async with asyncio.timeout(_LONGEST_TRIAL):
                status = await self.channel.post(endpoint, message)
        except DeliveryError as failure:
            error = str(failure)
        except TimeoutError:
            error = "the attempt outlasted its deadline"
        seconds = loop.time() - began
        async with transaction(self._database) as connection:
            await store.note_trial(connection, key, error=error, at=self._clock())
        log.info("webhook tried", endpoint=identifier, actor=by.name, error=error)
        answered = delivery_of(replace(message, error=error)).answered if error else status
        return Trial(identifier, trouble_of(error), answered, seconds)

    async def deliveries(self, party: str) -> Sequence[Delivery]:
        """Answer what became of the newest events for the endpoints of ``party``, the newest first."""
        async with reading(self._database) as connection:
            receivers = [receiver_of(each.id) for each in await store.endpoints_of(connection, party)]
            found = await events_for(connection, receivers, limit=_LOOKED_BACK) if receivers else []
        return [delivery_of(message) for message in found]

    async def _own(self, connection: AsyncConnection, by: Editor, identifier: int) -> Endpoint:
        found = await store.endpoint(connection, identifier)
        if found is None or found.party != by.party:
            raise UnknownEndpointError(identifier)
        return found

    async def _write(self, connection: AsyncConnection, by: Editor, identifier: int, details: str) -> None:
        await audit.write(
            connection,
            at=self._clock(),
            actor=by.name,
            act=audit.AuditAct.WEBHOOK_SET,
            subject=f"{identifier} {by.party}".strip(),
            address=by.address,
            details=details,
        )

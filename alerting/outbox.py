"""The outbox: how one message goes from decided to sent, whatever dies on the way.

    pending ──claim──► leased ──send──► sent ──receipt──► delivered | failed
       ▲                 │ └──refused for good, or over──► failed
       └──failed for now─┘ └──nobody waits for it any more────► withdrawn

A claim is a lease with a fence. Before sending, the lease, the incident (still waiting, same generation) and
``not_after`` are looked at once more; the attempt is shorter than the lease; the outcome is written only under
the fence that made it. A page whose lease ran out is sent again: it may arrive twice, it does not get lost. A
notice is marked when its sending starts, and one that is found marked is never sent again. An event (a change told to
a party's machine, :mod:`alerting.endpoint_telling`) may arrive twice like a page; it leaves only after every earlier one
of the same incident and address has left or was given up, and one address never holds up another.

Pages of one person and channel that come faster than the storm budget allows leave in one message
(:mod:`alerting.budget`): each is claimed, looked at again and written down by itself, with the page that carried it.
When one of them is no longer wanted right before they leave, nothing leaves and the others are merged anew.

A gateway's later word (a receipt) only moves a message forward. What a gateway refuses for good marks the contact,
and the next message that it takes clears the mark: the roster's owners are told by the auditor.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerting import message_store as store
from alerting.budget import Budget, is_mergeable, share
from alerting.contact_store import clear_contact, mark_contact
from alerting.errors import DeliveryError
from alerting.links import AcknowledgementLinks, Issued
from alerting.models import DeliveryState, Message, MessageKind
from alerting.notify.channel import Letter
from alerting.run_store import hasten_run
from alerting.store import incident as read_incident
from alerting.timers import is_wanted
from inventory.database import reading, transaction
from inventory.models import ContactChannel

__all__ = ["RETRY_AFTER", "RETRY_LATER", "Occasion", "Outbox", "Outcome"]

log = structlog.get_logger(__name__)

RETRY_AFTER = (timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=45))
"""Waits after the first, second and third attempt that failed for now; a notice's fourth failure is for good.

The person's other contacts were written to at the same time, so waiting for this one holds nobody up.
"""
RETRY_LATER = timedelta(seconds=60)
"""Wait after every further failure of a page. A page is never given up while it is valid, because what failed may have
been us, killed in the middle of each attempt; but the ladder does not wait for one that has failed so often."""

_LONGEST_REFERENCE = 120
_UNKNOWN = "the outcome of an attempt is not known; a notice is not sent twice"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: ``result`` is the word that metrics count it by."""

    result: str
    hastened: bool = False


class Occasion(Protocol):
    """What a kind of notice is about that is no incident: its own link, and whether it still matters."""

    async def is_wanted(self, connection: AsyncConnection, held: Message, at: datetime) -> bool:
        """Answer whether ``held`` is still worth sending."""

    async def issue(self, connection: AsyncConnection, held: Message, at: datetime) -> Issued:
        """Make the link and the code that ``held`` leaves with."""


class Outbox:
    """Transactions around messages; no loop and no network."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        clock: Callable[[], datetime],
        links: AcknowledgementLinks,
        lease: timedelta,
        budget: Budget | None = None,
        occasions: Mapping[str, Occasion] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._links = links
        self._lease = lease
        self._budget = budget or Budget()
        self._occasions = occasions or {}

    async def claim(self, channel: ContactChannel, *, limit: int) -> list[Letter]:
        """Take up to ``limit`` messages of ``channel`` that are due, each with a link made for it if it is a page."""
        async with reading(self._database) as connection:
            seen = await store.ready(connection, channel, self._clock(), limit=limit)
        if not seen:
            return []
        async with transaction(self._database) as connection:
            taken = [await self._taken(connection, await self._share(connection, one)) for one in seen]
        return [letter for letter in taken if letter is not None]

    async def _share(self, connection: AsyncConnection, seen: Message) -> tuple[Message, ...]:
        """Answer what leaves with ``seen`` in one message; nothing when it has to wait, or is taken already."""
        if not is_mergeable(seen):
            return (seen,)
        now = self._clock()
        waiting = await store.waiting_like(connection, seen, now, limit=self._budget.most)
        fresh = next((page for page in waiting if page.id == seen.id), None)
        if fresh is None:
            return ()
        left = await store.left_like(connection, seen, now, since=now - self._budget.window)
        decided = share(fresh, waiting, left, self._budget)
        if decided.wait_until is not None:
            await store.hold(connection, waiting, now, until=decided.wait_until)
        return decided.pages

    async def _taken(self, connection: AsyncConnection, seen: tuple[Message, ...]) -> Letter | None:
        """Claim pages to leave together; those that another worker was faster with are not among them."""
        now = self._clock()
        until = now + self._lease
        taken: list[Message] = []
        for one in seen:
            carrier = taken[0].id if taken else None
            if await store.claim(connection, one, now, until=until, carried_by=carrier):
                taken.append(_held(one, carrier))
        return await self._letter(connection, taken) if taken else None

    async def _letter(self, connection: AsyncConnection, taken: list[Message]) -> Letter | None:
        held, *companions = taken
        if held.kind is MessageKind.NOTICE:
            if held.sent_at is not None:
                await store.finish(connection, held, DeliveryState.FAILED, error=_UNKNOWN)
                return None
            occasion = self._occasions.get(held.body["what"])
            if occasion is None:
                return Letter(held)
            own = await occasion.issue(connection, held, self._clock())
            return Letter(held, own.link, own.code)
        if held.kind is MessageKind.EVENT:
            return Letter(held)
        issued = await self._links.issue(
            connection,
            incident=held.incident,
            person=held.person,
            expires_at=max(one.not_after for one in taken),
            others=[one.incident for one in companions],
        )
        return Letter(held, issued.link, issued.code, tuple(companions))

    async def may_leave(self, letter: Letter) -> bool:
        """Look once more whether ``letter`` is still ours and still wanted; withdraws it where it is not wanted."""
        held = letter.message
        now = self._clock()
        async with reading(self._database) as connection:
            ours = [one for one in letter.messages if await store.is_held(connection, one, now)]
            wanted = [one for one in ours if await self._is_wanted(connection, one, now)]
        if len(wanted) < len(letter.messages):
            async with transaction(self._database) as connection:
                for one in ours:
                    await self._put_back(connection, one, now, wanted=one in wanted)
            return False
        if held.kind is MessageKind.NOTICE:
            async with transaction(self._database) as connection:
                return await store.mark_started(connection, held, now)
        return True

    async def _put_back(
        self, connection: AsyncConnection, held: Message, now: datetime, *, wanted: bool
    ) -> None:
        """Withdraw what is not wanted; what was to leave with it waits again, as if it had not been claimed."""
        if wanted:
            again = {"not_before": now, "attempts": held.attempts - 1}
            await store.finish(connection, held, DeliveryState.PENDING, **again)
        elif now >= held.not_after:
            error = f"its time ran out; {held.error}".rstrip("; ")
            await store.finish(connection, held, DeliveryState.FAILED, error=error)
        else:
            await store.finish(connection, held, DeliveryState.WITHDRAWN)

    async def _is_wanted(self, connection: AsyncConnection, held: Message, now: datetime) -> bool:
        """Answer whether a page's incident still waits in the generation that decided it; a notice is always wanted."""
        if now >= held.not_after:
            return False
        occasion = self._occasions.get(held.body["what"])
        if occasion is not None:
            return await occasion.is_wanted(connection, held, now)
        if not held.incident:
            return True
        return is_wanted(await read_incident(connection, held.incident), held)

    async def sent(self, letter: Letter, reference: str = "") -> Outcome:
        """Write that the next hop took ``letter``, and what it calls it."""
        held = letter.message
        async with transaction(self._database) as connection:
            ours = await store.finish(
                connection,
                held,
                DeliveryState.SENT,
                sent_at=self._clock(),
                error="",
                reference=reference[:_LONGEST_REFERENCE],
            )
            for one in letter.companions:
                # The gateway's reference names its one message, so only the carrier has it.
                await store.finish(connection, one, DeliveryState.SENT, sent_at=self._clock(), error="")
            await clear_contact(connection, held.channel, held.address)
        return Outcome("sent" if ours else "repeated")

    async def failed(self, letter: Letter, failure: DeliveryError) -> Outcome:
        """Write a failed attempt: wait and try again, or give up and let the ladder go on at once."""
        async with transaction(self._database) as connection:
            written = [await self._failed(connection, one, failure) for one in letter.messages]
        return Outcome(written[0].result, any(one.hastened for one in written))

    async def _failed(self, connection: AsyncConnection, held: Message, failure: DeliveryError) -> Outcome:
        now = self._clock()
        lost = held.kind is MessageKind.NOTICE and failure.uncertain
        too_often = held.attempts > len(RETRY_AFTER)
        final = failure.permanent or lost or (too_often and held.kind is MessageKind.NOTICE)
        if not final:
            wait = RETRY_LATER if too_often else RETRY_AFTER[held.attempts - 1]
            again = {"not_before": now + wait, "error": str(failure), "sent_at": None}
            await store.finish(connection, held, DeliveryState.PENDING, **again)
            return Outcome("retried", too_often and await self._hastened(connection, held, now))
        await store.finish(connection, held, DeliveryState.FAILED, error=str(failure), sent_at=None)
        if failure.refused and held.kind is not MessageKind.EVENT:
            await mark_contact(connection, held, reason=str(failure), at=now)
        return Outcome("failed", await self._hastened(connection, held, now))

    async def receipt(
        self, *, key: str = "", reference: str = "", delivered: bool, reason: str = ""
    ) -> Outcome:
        """Take a gateway's later word on a message, named by our key or by the gateway's own reference.

        What it says holds for every page that left with the message. The first final word stands; a message that nobody knows, or that is final already, changes nothing.
        """
        now = self._clock()
        async with transaction(self._database) as connection:
            found = await store.named(connection, key=key, reference=reference)
            if found is None:
                return Outcome("unknown")
            if not await store.receive(connection, found.id, delivered=delivered, reason=reason, at=now):
                return Outcome("repeated")
            others = await store.carried(connection, found.id)
            for one in others:
                await store.receive(connection, one.id, delivered=delivered, reason=reason, at=now)
            if delivered:
                await clear_contact(connection, found.channel, found.address)
                return Outcome("delivered")
            await mark_contact(connection, found, reason=reason, at=now)
            hastened = [await self._hastened(connection, one, now) for one in (found, *others)]
            return Outcome("undelivered", any(hastened))

    async def _hastened(self, connection: AsyncConnection, held: Message, now: datetime) -> bool:
        """Once every page of a step has failed, or fails again and again, nobody is waited for: the next step is due now."""
        stem = held.body.get("dispatched")
        if held.kind is not MessageKind.PAGE or stem is None:
            return False
        if not await store.step_has_failed(connection, held.incident, f"{stem}:", attempts=len(RETRY_AFTER)):
            return False
        return await hasten_run(connection, held.incident, held.generation, step=held.body["step"], at=now)

    async def next_due(self, channel: ContactChannel) -> datetime | None:
        """Answer when :meth:`claim` will have something for ``channel``."""
        async with reading(self._database) as connection:
            return await store.next_due(connection, channel)


def _held(seen: Message, carrier: int | None) -> Message:
    return replace(
        seen,
        state=DeliveryState.LEASED,
        fence=seen.fence + 1,
        attempts=seen.attempts + 1,
        carried_by=carrier,
    )

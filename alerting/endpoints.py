"""Where a party's machines are told of its incidents: addresses, what they hear, what went wrong. Values, pure.

An endpoint is added by the party itself and stands beside the webhook contacts of the inventory's people: those are
paged as before, with a link to acknowledge by, signed with the service's one secret (:mod:`alerting.notify.webhook`).
Neither overrides the other; the same address in both is called for both.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from alerting.models import DeliveryState, Incident, IncidentEvent, LedgerEntry, Message
from alerting.tmf621 import status_of

__all__ = [
    "EVENT_VALID",
    "OVERLAP",
    "TEST",
    "Delivery",
    "Dialect",
    "Endpoint",
    "EndpointEvent",
    "EndpointFault",
    "Trouble",
    "delivery_of",
    "event_of",
    "receiver_of",
    "trouble_of",
]

EVENT_VALID = timedelta(hours=24)
"""How long an event is tried for; a machine that was away longer reads the list of incidents instead."""
OVERLAP = timedelta(hours=24)
"""How long calls are signed with the secret before the present one too."""
TEST = "test"
"""The event of a test message."""


class EndpointEvent(StrEnum):
    """What an endpoint can hear of."""

    OPENED = "opened"
    STATUS = "status"
    CALLED = "called"
    CHANGED = "changed"


class Dialect(StrEnum):
    """In which words an endpoint is told: our own, or those of a TMF621 event."""

    OWN = "own"
    TMF621 = "tmf621"


class EndpointFault(StrEnum):
    """Why an address, or a deed on it, is refused."""

    NO_ADDRESS = "no_address"
    CREDENTIALS = "credentials"
    PLAIN_HTTP = "plain_http"
    UNKNOWN_NAME = "unknown_name"
    FORBIDDEN_NETWORK = "forbidden_network"
    NO_EVENTS = "no_events"
    SAME_ADDRESS = "same_address"
    TOO_MANY = "too_many"
    TOO_SOON = "too_soon"
    NOT_SEALED = "not_sealed"


class Trouble(StrEnum):
    """How an attempt went wrong, as far as who set the address may know: never what lies at an address."""

    NOT_REACHED = "not_reached"
    NO_ANSWER = "no_answer"
    ANSWERED = "answered"
    ADDRESS = "address"
    SEALED = "sealed"
    OFF = "off"
    OVER = "over"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of a party's machine. ``party`` is empty where it hears of the whole province.

    The secrets are sealed as they lie in the database, but in the one answer that shows a new one to who made it.
    """

    id: int
    party: str
    dialect: Dialect
    url: str
    events: frozenset[EndpointEvent]
    query: str
    enabled: bool
    secret: str
    previous_secret: str
    previous_until: datetime | None
    made_at: datetime
    made_by: str

    def secrets_at(self, at: datetime) -> tuple[str, ...]:
        """Answer what a call at ``at`` is signed with, the present secret first."""
        overlaps = self.previous_secret and self.previous_until is not None and at < self.previous_until
        return (self.secret, self.previous_secret) if overlaps else (self.secret,)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one event for one endpoint; ``number`` names the incident, empty for a test message."""

    endpoint: int
    at: datetime
    event: str
    number: str
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    trouble: Trouble | None
    answered: int | None


def receiver_of(endpoint: int) -> str:
    """Answer what the outbox calls an endpoint where it names a person otherwise."""
    return f"endpoint:{endpoint}"


def event_of(
    before: Incident | None, after: Incident, entry: LedgerEntry, dialect: Dialect
) -> EndpointEvent | None:
    """Answer what the change from ``before`` to ``after`` is called in ``dialect``; None: it has no word for it.

    To whom an incident is handed, it opens: the party hears of it for the first time.
    """
    if before is None or before.owner != after.owner:
        return EndpointEvent.OPENED
    if dialect is Dialect.TMF621:
        if status_of(before.state, before.facts) is not status_of(after.state, after.facts):
            return EndpointEvent.STATUS
        return None if entry.event is IncidentEvent.ESCALATED else EndpointEvent.CHANGED
    if before.state is not after.state:
        return EndpointEvent.STATUS
    called = entry.event is IncidentEvent.ESCALATED and "calls" in entry.details
    return EndpointEvent.CALLED if called else EndpointEvent.CHANGED


_TROUBLES: Mapping[str, Trouble] = {
    "not reached": Trouble.NOT_REACHED,
    "no answer": Trouble.NO_ANSWER,
    "the attempt outlasted": Trouble.NO_ANSWER,
    "answered": Trouble.ANSWERED,
    "the address": Trouble.ADDRESS,
    "the secret": Trouble.SEALED,
    "switched off": Trouble.OFF,
    "its time ran out": Trouble.OVER,
}


def trouble_of(error: str) -> Trouble | None:
    """Answer what kind of trouble the outbox's words for a failed attempt tell of; None: of none."""
    found = (trouble for words, trouble in _TROUBLES.items() if error.startswith(words))
    return next(found, Trouble.OTHER) if error else None


def delivery_of(message: Message) -> Delivery:
    """Answer what became of ``message``, an event of the outbox, without what it said."""
    body: Mapping[str, Any] = message.body
    waits = message.state is DeliveryState.PENDING
    told = re.search(r"answered (\d{3})", message.error)
    return Delivery(
        endpoint=int(message.person.rpartition(":")[2]),
        at=message.created_at,
        event=str(body["event"]),
        number=str(body.get("number", "")),
        state=message.state,
        attempts=message.attempts,
        next_at=message.not_before if waits else None,
        trouble=trouble_of(message.error),
        answered=int(told[1]) if told else None,
    )

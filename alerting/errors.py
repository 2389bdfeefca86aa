"""What can go wrong in acting, and whose fault it is.

    AlertingError
    ├── RefusedError                 the caller asked for what cannot be; nothing changed
    │   ├── UnknownIncidentError     there is no such incident, or it is not theirs to see
    │   ├── UnknownLinkError         the acknowledgement link is not known, or its time is over
    │   ├── NotAllowedError          it is theirs to see, not to do
    │   ├── IllegalTransitionError   the incident's state does not allow the event
    │   ├── MissingReasonError       the event needs words that were not given
    │   ├── ImpossibleTimeError      a promise for a time that is already past
    │   ├── ChangedMeanwhileError    the caller looked at a version that is not the present one
    │   ├── UnknownPartyError        a party, site or area that the inventory does not know
    │   ├── ImpossibleDeedError      the incident's state allows it, something else about it does not
    │   ├── RefusedFileError         a file that is not kept as evidence
    │   ├── UnknownEndpointError     there is no such address of a machine, or it is not theirs to see
    │   └── RefusedEndpointError     an address of a machine that is not called, or not now
    ├── StaleIncidentError           somebody else changed the incident first; load it again
    └── DeliveryError                one attempt to deliver one message failed

Each class carries fields and makes its own sentence of them; exceptions are compared and shown as exceptions are; ``slug`` is stable and serves the API.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from typing_extensions import override

from alerting.endpoints import EndpointFault

__all__ = [
    "AlertingError",
    "ChangedMeanwhileError",
    "DeliveryError",
    "EndpointConflictError",
    "IllegalTransitionError",
    "ImpossibleDeedError",
    "ImpossibleTimeError",
    "MissingReasonError",
    "NotAllowedError",
    "RefusedEndpointError",
    "RefusedError",
    "RefusedFileError",
    "StaleIncidentError",
    "UnknownEndpointError",
    "UnknownIncidentError",
    "UnknownLinkError",
    "UnknownPartyError",
]


class AlertingError(Exception):
    """Root of everything that acting raises; ``sentence`` is said of it, with its fields in their places."""

    slug: ClassVar[str] = "alerting"
    sentence: ClassVar[str] = ""

    @override
    def __str__(self) -> str:
        return self.sentence.format_map(vars(self)) if self.sentence else super().__str__()


class RefusedError(AlertingError):
    """The caller asked for something that cannot be; ``status`` is what HTTP calls it."""

    slug: ClassVar[str] = "refused"
    status: ClassVar[int] = 400


@dataclass(eq=False, repr=False)
class UnknownIncidentError(RefusedError):
    """There is no such incident, or it belongs to a party that the caller may not see: the answer is the same."""

    slug: ClassVar[str] = "unknown-incident"
    status: ClassVar[int] = 404
    sentence: ClassVar[str] = "there is no incident {incident}"

    incident: int


class UnknownLinkError(RefusedError):
    """The acknowledgement link was never issued, or has expired."""

    slug: ClassVar[str] = "unknown-link"
    status: ClassVar[int] = 410
    sentence: ClassVar[str] = "this link is not known or no longer valid"


class IllegalTransitionError(RefusedError):
    """``event`` cannot happen in ``state``; ``allowed`` says what can happen instead."""

    slug: ClassVar[str] = "illegal-transition"
    status: ClassVar[int] = 409

    def __init__(self, state: str, event: str, allowed: Iterable[str]) -> None:
        super().__init__(state, event)
        self.state = state
        self.event = event
        self.allowed = tuple(sorted(allowed))

    @override
    def __str__(self) -> str:
        instead = ", ".join(self.allowed) or "nothing"
        return f"an incident that is {self.state} cannot be {self.event}; allowed instead: {instead}"


@dataclass(eq=False, repr=False)
class MissingReasonError(RefusedError):
    """``event`` is refused without the words named in ``missing``."""

    slug: ClassVar[str] = "missing-reason"
    status: ClassVar[int] = 422
    sentence: ClassVar[str] = "{event} needs {missing}"

    event: str
    missing: str


@dataclass(eq=False, repr=False)
class StaleIncidentError(AlertingError):
    """The incident changed between being read and being written; the whole transaction must start again."""

    slug: ClassVar[str] = "stale-incident"
    sentence: ClassVar[str] = "incident {incident} was changed by somebody else meanwhile"

    incident: int


@dataclass(eq=False, repr=False)
class NotAllowedError(RefusedError):
    """The caller may see the incident but not do this to it."""

    slug: ClassVar[str] = "not-allowed"
    status: ClassVar[int] = 403
    sentence: ClassVar[str] = "{actor} may not do this: {event}"

    actor: str
    event: str


class ImpossibleTimeError(RefusedError):
    """A time that must lie ahead is past already, or the other way round (``is_past``)."""

    slug: ClassVar[str] = "impossible-time"
    status: ClassVar[int] = 422

    def __init__(self, given: datetime, now: datetime, *, is_past: bool = False) -> None:
        super().__init__(given, now)
        self.given = given
        self.now = now
        self.is_past = is_past

    @override
    def __str__(self) -> str:
        relation = "earlier" if self.is_past else "later"
        return f"{self.given.isoformat()} is not {relation} than now, {self.now.isoformat()}"


@dataclass(eq=False, repr=False)
class ChangedMeanwhileError(RefusedError):
    """The caller wanted to act on one version of an incident, and it is another by now."""

    slug: ClassVar[str] = "changed-meanwhile"
    status: ClassVar[int] = 412
    sentence: ClassVar[str] = "it was changed meanwhile; look again before acting"

    version: int
    """The present one, as it is stored. It is not said: a party counts its own times alone (:mod:`alerting.scoped`)."""


@dataclass(eq=False, repr=False)
class UnknownPartyError(RefusedError):
    """A party, site or area was named that the inventory does not know."""

    slug: ClassVar[str] = "unknown-party"
    status: ClassVar[int] = 422
    sentence: ClassVar[str] = "the inventory knows no {kind} {code!r}"

    kind: str
    code: str


@dataclass(eq=False, repr=False)
class ImpossibleDeedError(RefusedError):
    """The state would allow it, but something else about the incident does not; ``reason`` says what."""

    slug: ClassVar[str] = "impossible-deed"
    status: ClassVar[int] = 409
    sentence: ClassVar[str] = "{reason}"

    reason: str


@dataclass(eq=False, repr=False)
class RefusedFileError(RefusedError):
    """A file that is not kept as evidence: too large, too many, or of a kind that is not taken."""

    slug: ClassVar[str] = "refused-file"
    status: ClassVar[int] = 422
    sentence: ClassVar[str] = "{reason}"

    reason: str


@dataclass(eq=False, repr=False)
class UnknownEndpointError(RefusedError):
    """There is no such address of a machine, or it belongs to a party that the caller may not see."""

    slug: ClassVar[str] = "unknown-endpoint"
    status: ClassVar[int] = 404
    sentence: ClassVar[str] = "there is no webhook {endpoint}"

    endpoint: int


_ENDPOINT_FAULTS = {
    EndpointFault.NO_ADDRESS: "the address is not one of https://, of at most 200 plain characters",
    EndpointFault.CREDENTIALS: "a name or password must not stand in the address; calls are signed",
    EndpointFault.PLAIN_HTTP: "only https is called there",
    EndpointFault.UNKNOWN_NAME: "the name in the address leads nowhere",
    EndpointFault.FORBIDDEN_NETWORK: "the address lies in a network that this service does not call",
    EndpointFault.NO_EVENTS: "no event is chosen",
    EndpointFault.SAME_ADDRESS: "this address is written down already",
    EndpointFault.TOO_MANY: "there are too many addresses; remove one",
    EndpointFault.TOO_SOON: "a test message was sent a moment ago; wait ten seconds",
}


@dataclass(eq=False, repr=False)
class RefusedEndpointError(RefusedError):
    """An address of a machine that is not called, or a deed on one that cannot be done (now)."""

    slug: ClassVar[str] = "refused-endpoint"
    status: ClassVar[int] = 422

    fault: EndpointFault

    @override
    def __str__(self) -> str:
        return _ENDPOINT_FAULTS[self.fault]


class EndpointConflictError(RefusedEndpointError):
    """An address that is written down already, or for which there is no room."""

    status: ClassVar[int] = 409


class DeliveryError(AlertingError):
    """One attempt failed. ``permanent``: no retry can help. ``uncertain``: the message may have arrived all the same.

    An uncertain page is sent again, because a page must arrive; an uncertain notice is not. ``refused``: it is this
    contact that will never work, not our settings; the contact is marked.
    """

    slug: ClassVar[str] = "delivery"

    def __init__(
        self, reason: str, *, permanent: bool, uncertain: bool = False, refused: bool | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.uncertain = uncertain
        self.refused = permanent if refused is None else refused

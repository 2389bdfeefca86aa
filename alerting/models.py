"""Who must act: incidents, their ledger, pages and notices, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from inventory.models import ContactChannel, Phase, Severity

__all__ = [
    "ACKNOWLEDGEABLE",
    "LIVE",
    "CauseClass",
    "DeliveryState",
    "DisputeKind",
    "Incident",
    "IncidentEvent",
    "IncidentState",
    "LedgerEntry",
    "Matter",
    "Message",
    "MessageKind",
    "PendingReason",
]


class IncidentState(StrEnum):
    """State of an incident (PEERS-INCIDENTS.md, section 12)."""

    SUSPECTED = "suspected"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    PENDING = "pending"
    MITIGATED = "mitigated"
    RESTORED = "restored"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    MERGED = "merged"


LIVE = frozenset(
    {
        IncidentState.SUSPECTED,
        IncidentState.OPEN,
        IncidentState.ACKNOWLEDGED,
        IncidentState.IN_PROGRESS,
        IncidentState.PENDING,
        IncidentState.MITIGATED,
        IncidentState.RESTORED,
        IncidentState.RESOLVED,
    }
)
"""States in which somebody still owes something: each has a running deadline."""

ACKNOWLEDGEABLE = frozenset({IncidentState.SUSPECTED, IncidentState.OPEN})
"""States in which an acknowledgement is awaited."""


class IncidentEvent(StrEnum):
    """What can happen to an incident."""

    SUSPECTED = "suspected"
    OPENED = "opened"
    CONFIRMED = "confirmed"
    ACKNOWLEDGED = "acknowledged"
    COUNTERSIGNED = "countersigned"
    ACK_EXPIRED = "ack_expired"
    STARTED = "started"
    PROGRESS = "progress"
    PAUSED = "paused"
    RESUMED = "resumed"
    MITIGATED = "mitigated"
    MITIGATION_LOST = "mitigation_lost"
    RESTORED = "restored"
    VERIFIED = "verified"
    VERIFY_FAILED = "verify_failed"
    RECURRED = "recurred"
    REOPENED = "reopened"
    GREW = "grew"
    REGRADED = "regraded"
    ESCALATED = "escalated"
    ROSTER_GAP = "roster_gap"
    DISPUTED = "disputed"
    DECIDED = "decided"
    REASSIGNED = "reassigned"
    MERGED = "merged"
    UNMERGED = "unmerged"
    MEASURED = "measured"
    EVIDENCE = "evidence"
    CANCELLED = "cancelled"
    CLOSED = "closed"
    NOTE = "note"


class CauseClass(StrEnum):
    """Why it happened, in the field's list (DOMAIN.md, R11); power first, because that is what broke in 2021."""

    POWER_LOSS = "power_loss"
    FIBRE_CUT = "fibre_cut"
    EQUIPMENT = "equipment"
    CONGESTION = "congestion"
    WEATHER = "weather"
    SOFTWARE = "software"
    SECURITY = "security"
    HUMAN = "human"
    THIRD_PARTY = "third_party"
    UNKNOWN = "unknown"


class Matter(StrEnum):
    """What a person reports (DOMAIN.md, R8, R14, R15, R22 to R24): also what no probe sees."""

    NO_SERVICE = "no_service"
    POOR_SERVICE = "poor_service"
    POWER_LOSS = "power_loss"
    SUSPICIOUS_ITEM = "suspicious_item"
    LATE_EXPRESS = "late_express"
    NETWORK_MISUSE = "network_misuse"
    SECURITY = "security"
    RADIO = "radio"
    OTHER = "other"

    @property
    def is_restricted(self) -> bool:
        """Whether only who holds the right for it may know of it."""
        return self in {Matter.SUSPICIOUS_ITEM, Matter.SECURITY}


class PendingReason(StrEnum):
    """Why work on an incident waits."""

    POWER = "power"
    ACCESS = "access"
    THIRD_PARTY = "third_party"
    WEATHER = "weather"
    SAFETY = "safety"
    INFORMATION = "information"
    PARTS = "parts"
    STAFF = "staff"

    @property
    def stops_clock(self) -> bool:
        """Whether the owner's clock stands meanwhile: it does for what the owner cannot do anything about."""
        return self not in {PendingReason.PARTS, PendingReason.STAFF}


class DisputeKind(StrEnum):
    """What a party does not accept."""

    CAUSE = "cause"
    OWNER = "owner"
    RESTORATION = "restoration"


class MessageKind(StrEnum):
    """A page must be answered; a notice informs a person; an event tells a machine, at least once and in order."""

    PAGE = "page"
    NOTICE = "notice"
    EVENT = "event"


class DeliveryState(StrEnum):
    """State of one message in the outbox; it only moves forward."""

    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Incident:
    """A fold of its ledger. ``condition`` is the cause subject that it was opened for, unique among live ones.

    ``deadline_at`` runs in every live state; ``owner`` is the accountable party, ``assignee`` the person on
    duty that was called last or acknowledged. ``began_at`` and ``ended_at`` are those of the fault itself.
    """

    id: int
    number: str
    condition: str
    owner: str
    state: IncidentState
    severity: Severity
    phase: Phase
    generation: int
    title: str
    title_en: str
    began_at: datetime
    opened_at: datetime
    deadline_at: datetime | None
    assignee: str = ""
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    ended_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    cause: CauseClass | None = None
    restricted: bool = False
    parent: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One link of the hash chain: ``hash`` covers ``previous`` and everything else here."""

    incident: int
    sequence: int
    at: datetime
    event: IncidentEvent
    actor: str
    old: str
    new: str
    details: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one contact, as it lies in the outbox. ``incident`` 0: a notice that is about none (a report)."""

    id: int
    key: str
    kind: MessageKind
    incident: int
    generation: int
    person: str
    channel: ContactChannel
    address: str
    body: Mapping[str, Any]
    state: DeliveryState
    attempts: int
    fence: int
    not_before: datetime
    not_after: datetime
    created_at: datetime
    sent_at: datetime | None = None
    error: str = ""
    reference: str = ""
    delivered_at: datetime | None = None
    carried_by: int | None = None
    """The page of the same person that this one left with, in one message (:mod:`alerting.budget`); None: it left itself."""

"""Incidents in the words of TMF621 (Trouble Ticket, v5): what a carrier's own ticket system speaks. Pure.

    suspected, open                     acknowledged    received and validated: nobody has taken it on yet
    acknowledged, in_progress           inProgress
    mitigated                           inProgress      service flows another way, the fault is still there
    pending                             pending         waits for somebody else; held: for the owner's own parts or staff
    restored, resolved                  resolved        said to be over, verified
    closed                              closed
    cancelled                           cancelled
    merged                              closed          with a relationship to the ticket that carries it on

The trap in the standard's words: its ``acknowledged`` is not our acknowledgement. Who takes an incident on sends
``inProgress``. What the standard has no field for (phase, priority, impact) stands in its characteristics.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypedDict

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from alerting.models import Incident, IncidentState, LedgerEntry, PendingReason

__all__ = [
    "PATH",
    "Ticket",
    "TicketNote",
    "TicketPatch",
    "TicketStatus",
    "Waits",
    "states_of",
    "status_of",
    "ticket_of",
    "waits_of",
]

PATH = "/tmf-api/troubleTicket/v5/troubleTicket"


class TicketStatus(StrEnum):
    """Status of a trouble ticket."""

    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "inProgress"
    PENDING = "pending"
    HELD = "held"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


_STATUS: Mapping[IncidentState, TicketStatus] = {
    IncidentState.SUSPECTED: TicketStatus.ACKNOWLEDGED,
    IncidentState.OPEN: TicketStatus.ACKNOWLEDGED,
    IncidentState.ACKNOWLEDGED: TicketStatus.IN_PROGRESS,
    IncidentState.IN_PROGRESS: TicketStatus.IN_PROGRESS,
    IncidentState.PENDING: TicketStatus.PENDING,
    IncidentState.MITIGATED: TicketStatus.IN_PROGRESS,
    IncidentState.RESTORED: TicketStatus.RESOLVED,
    IncidentState.RESOLVED: TicketStatus.RESOLVED,
    IncidentState.CLOSED: TicketStatus.CLOSED,
    IncidentState.CANCELLED: TicketStatus.CANCELLED,
    IncidentState.MERGED: TicketStatus.CLOSED,
}
_SEVERITY = {"P1": "critical", "P2": "major", "P3": "minor", "P4": "warning"}
_Text = Annotated[str, Field(max_length=4000)]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True, alias_generator=to_camel)


class TicketNote(_Shape):
    """Something that somebody said."""

    id: str = ""
    author: str = ""
    date: datetime | None = None
    text: _Text


class StatusChange(_Shape):
    """One change of status, as the ledger has it."""

    status: TicketStatus
    change_date: datetime
    change_reason: str


class Characteristic(_Shape):
    """What the standard has no field for."""

    name: str
    value: str | int | bool


class Reference(_Shape):
    """Another thing by its id: the party that answers for the ticket, the ticket that it was merged into."""

    id: str
    name: str = ""
    role: str = ""
    relationship_type: str = ""


class Ticket(_Shape):
    """An incident as a trouble ticket."""

    id: str
    href: str
    name: str
    description: str
    severity: str
    ticket_type: str
    status: TicketStatus
    status_change_date: datetime
    status_change_reason: str
    creation_date: datetime
    last_update: datetime
    requested_resolution_date: datetime | None
    expected_resolution_date: datetime | None
    resolution_date: datetime | None
    external_identifier: tuple[Reference, ...]
    status_change_history: tuple[StatusChange, ...]
    note: tuple[TicketNote, ...]
    related_party: tuple[Reference, ...]
    trouble_ticket_relationship: tuple[Reference, ...]
    trouble_ticket_characteristic: tuple[Characteristic, ...]
    kind: str = Field(default="TroubleTicket", alias="@type")


class TicketPatch(_Shape):
    """What a carrier may change of its ticket; what is left out stays. Notes are added, never replaced."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, alias_generator=to_camel, extra="forbid")

    status: TicketStatus | None = None
    status_change_reason: PendingReason | None = Field(
        default=None, description="With `pending` or `held`: what it waits for."
    )
    expected_resolution_date: AwareDatetime | None = Field(
        default=None,
        description="When it should be over; with `pending` or `held`: until when it waits.",
    )
    note: tuple[TicketNote, ...] = Field(default=(), max_length=20)

    @property
    def words(self) -> str:
        """Everything that the patch says, as one note."""
        return "\n".join(each.text.strip() for each in self.note if each.text.strip())[:4000]


def status_of(state: IncidentState, facts: Mapping[str, Any]) -> TicketStatus:
    """Answer what TMF621 calls ``state``."""
    waits_for = facts.get("pending")
    if state is IncidentState.PENDING and waits_for and not PendingReason(waits_for).stops_clock:
        return TicketStatus.HELD
    return _STATUS[state]


def states_of(status: TicketStatus) -> frozenset[IncidentState]:
    """Answer the states that ``status`` may stand for; pending and held are told apart by the facts."""
    wanted = TicketStatus.PENDING if status is TicketStatus.HELD else status
    return frozenset(state for state, told in _STATUS.items() if told is wanted)


class Waits(TypedDict, total=False):
    """Reasons to wait that :func:`alerting.store.incidents` asks for, or leaves out."""

    waiting_for: frozenset[str]
    not_waiting_for: frozenset[str]


def waits_of(status: TicketStatus) -> Waits:
    """Answer which reasons to wait ``status`` asks for or leaves out."""
    held = frozenset(reason.value for reason in PendingReason if not reason.stops_clock)
    if status is TicketStatus.HELD:
        return {"waiting_for": held}
    return {"not_waiting_for": held} if status is TicketStatus.PENDING else {}


def ticket_of(incident: Incident, entries: Sequence[LedgerEntry], *, owner_name: str, base: str) -> Ticket:
    """Write an incident with its ledger (both as the reader may see them) as a ticket below address ``base``."""
    facts = incident.facts
    history = tuple(_history(entries))
    last = entries[-1].at if entries else incident.opened_at
    merged = [Reference(id=str(incident.parent), relationship_type="parent")] if incident.parent else []
    return Ticket(
        id=str(incident.id),
        href=f"{base.rstrip('/')}{PATH}/{incident.id}",
        name=incident.title,
        description=f"{incident.title} · {incident.title_en}",
        severity=_SEVERITY[incident.severity.value],
        ticket_type="report" if "report" in facts else "outage",
        status=status_of(incident.state, facts),
        status_change_date=history[-1].change_date if history else incident.opened_at,
        status_change_reason=history[-1].change_reason if history else "",
        creation_date=incident.opened_at,
        last_update=last,
        requested_resolution_date=_moment(facts.get("restore_by")),
        expected_resolution_date=_moment(facts.get("eta")),
        resolution_date=incident.ended_at,
        external_identifier=tuple(_names(incident)),
        status_change_history=history,
        note=tuple(_notes(entries)),
        related_party=(Reference(id=incident.owner, name=owner_name, role="owner"),),
        trouble_ticket_relationship=tuple(merged),
        trouble_ticket_characteristic=tuple(_characteristics(incident)),
    )


def _names(incident: Incident) -> Iterable[Reference]:
    yield Reference(id=incident.number, name="thongsuot")
    external = incident.facts.get("report", {}).get("external", {})
    if external.get("party") == incident.owner:
        yield Reference(id=external["id"], name=incident.owner)


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None


def _history(entries: Iterable[LedgerEntry]) -> Iterable[StatusChange]:
    before = None
    for entry in entries:
        status = _STATUS[IncidentState(entry.new)]
        if status is not before:
            yield StatusChange(status=status, change_date=entry.at, change_reason=entry.event.value)
        before = status


def _notes(entries: Iterable[LedgerEntry]) -> Iterable[TicketNote]:
    for entry in entries:
        if words := entry.details.get("note"):
            yield TicketNote(
                id=str(entry.sequence), author=entry.actor, date=entry.at, text=str(words)[:4000]
            )


def _characteristics(incident: Incident) -> Iterable[Characteristic]:
    impact = incident.facts.get("impact", {})
    yield Characteristic(name="phase", value=incident.phase.value)
    yield Characteristic(name="priority", value=str(incident.facts.get("priority", "")))
    for name in ("sites", "communes", "voters"):
        if isinstance(impact.get(name), int):
            yield Characteristic(name=name, value=impact[name])
    if incident.facts.get("drill"):
        yield Characteristic(name="drill", value=True)

"""One incident: what can be done to it now and by whom, what it hits, what happened and what was sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerting.case import SYSTEM
from alerting.models import (
    ACKNOWLEDGEABLE,
    DeliveryState,
    Incident,
    IncidentEvent,
    IncidentState,
    LedgerEntry,
    Message,
    MessageKind,
)
from dashboards.i18n import Words
from dashboards.moments import Moments
from dashboards.views.impact import Impact
from dashboards.wording import label
from inventory.access import Actor, Right
from inventory.models import ContactChannel, Duty, Inventory
from inventory.topology import Topology
from monitor.models import Verdict
from monitor.snapshot import Snapshot

__all__ = [
    "AffectedSite",
    "MessageLine",
    "TimelineLine",
    "actions_of",
    "actor_name",
    "affected",
    "event_text",
    "message_lines",
    "moment_in",
    "timeline",
]

_WORKING = {
    IncidentState.ACKNOWLEDGED,
    IncidentState.IN_PROGRESS,
    IncidentState.PENDING,
    IncidentState.MITIGATED,
}
_RESTORABLE = {IncidentState.OPEN, *_WORKING}


@dataclass(frozen=True, slots=True)
class AffectedSite:
    """A site that the incident hits, and how it is now."""

    code: str
    name: str
    area: str
    area_name: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One ledger entry in words."""

    sequence: int
    at: datetime
    event: IncidentEvent
    text: str
    actor: str
    details: tuple[str, ...]
    state: str
    hash: str


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One message: to whom, how, and how far it came."""

    id: int
    kind: MessageKind
    person: str
    channel: ContactChannel
    address: str
    state: DeliveryState
    at: datetime
    attempts: int
    error: str

    @property
    def is_trouble(self) -> bool:
        """Whether it did not arrive."""
        return self.state is DeliveryState.FAILED


def actions_of(incident: Incident, actor: Actor) -> tuple[str, ...]:
    """Answer what ``actor`` can do now, the most needed first."""
    state, found = incident.state, []
    if actor.may(Right.ACT_ON_INCIDENTS):
        if state in ACKNOWLEDGEABLE:
            found.append("acknowledge")
        if state in _WORKING:
            found.append("progress")
        if state in _RESTORABLE:
            found.append("restored")
    if actor.may(Right.CLOSE_INCIDENTS) and state is IncidentState.RESOLVED:
        found.append("close")
    if actor.may(Right.ACT_ON_INCIDENTS):
        found.append("note")
    return tuple(found)


def affected(
    impact: Impact, snapshot: Snapshot, inventory: Inventory, topology: Topology
) -> tuple[AffectedSite, ...]:
    """Answer the sites hit, the worst off first."""
    order = (
        Verdict.DOWN,
        Verdict.AT_RISK,
        Verdict.DEGRADED,
        Verdict.UNKNOWN,
        Verdict.UNTESTED,
        Verdict.READY,
    )
    found = []
    for code in impact.sites:
        site = inventory.sites[code]
        view = snapshot.sites.get(code)
        area = inventory.areas.get(topology.commune_of(code) or site.area)
        verdict = view.verdict if view else Verdict.UNTESTED
        found.append(AffectedSite(code, site.name, site.area, area.name if area else "", verdict))
    return tuple(sorted(found, key=lambda each: (order.index(each.verdict), each.code)))


def actor_name(actor: str, inventory: Inventory) -> str:
    """Answer who ``actor`` is: a person of the roster by code, an account or a person by name, or the service."""
    person = inventory.people.get(actor)
    if person is not None:
        return person.name
    return "Thông Suốt" if actor in {"", SYSTEM} else actor


def event_text(entry: LedgerEntry, words: Words) -> str:
    """Say what happened; service that came back by measurement and a person's claim that it did are two things."""
    if entry.event is IncidentEvent.RESTORED and entry.actor == SYSTEM:
        return words.gettext("Service is back, by measurement")
    return label(words, entry.event)


def timeline(
    entries: Sequence[LedgerEntry], inventory: Inventory, words: Words, moments: Moments
) -> tuple[TimelineLine, ...]:
    """Answer the ledger in words, newest first."""
    return tuple(
        TimelineLine(
            sequence=entry.sequence,
            at=entry.at,
            event=entry.event,
            text=event_text(entry, words),
            actor=actor_name(entry.actor, inventory),
            details=tuple(_details(entry, inventory, words, moments)),
            state=_entered(entry, words),
            hash=entry.hash[:8],
        )
        for entry in reversed(entries)
    )


def _entered(entry: LedgerEntry, words: Words) -> str:
    """Name the state that the entry led to, where its own words do not say it already."""
    if not entry.new or entry.new == entry.old:
        return ""
    state = label(words, IncidentState(entry.new))
    return "" if state == event_text(entry, words) else state


def _details(entry: LedgerEntry, inventory: Inventory, words: Words, moments: Moments) -> Iterable[str]:
    """Say what explains the entry: the words that somebody wrote, whom it called, what was promised."""
    details = entry.details
    if note := details.get("note"):
        yield str(note)
    for route in details.get("routes", ()):
        yield f"{route['target']}: {words.pick(route['vi'], route['en'])}"
        if route["hops"]:
            yield " → ".join(f"{distance} {address} {rtt} ms" for distance, address, rtt in route["hops"])
    facts = details.get("changes", {}).get("facts", {})
    if entry.event is IncidentEvent.PROGRESS and (eta := moment_in(facts, "eta")):
        yield words.gettext("Expected by %(time)s", time=moments.minute(eta))
    for call in details.get("calls", ()):
        yield words.gettext("Called: %(who)s", who=_called(call, inventory, words))
    if entry.event is IncidentEvent.ROSTER_GAP:
        yield _called(details, inventory, words)


def _called(call: Mapping[str, Any], inventory: Inventory, words: Words) -> str:
    """Say whom an escalation step meant: person, party and duty."""
    person, party = inventory.people.get(call.get("person", "")), inventory.parties.get(call.get("party", ""))
    named = [person.name] if person else []
    named += [party.name if party else str(call.get("party", "")), label(words, Duty(call["duty"]))]
    return ", ".join(named)


def moment_in(facts: Mapping[str, Any], name: str) -> datetime | None:
    """Read a time that the facts of an incident keep as ISO 8601 text, if they keep one."""
    value = facts.get(name)
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None


def message_lines(messages: Iterable[Message], inventory: Inventory) -> tuple[MessageLine, ...]:
    """Answer what was sent, newest first."""
    found = [
        MessageLine(
            id=message.id,
            kind=message.kind,
            person=person.name if (person := inventory.people.get(message.person)) else message.person,
            channel=message.channel,
            address=message.address,
            state=message.state,
            at=message.sent_at or message.created_at,
            attempts=message.attempts,
            error=message.error,
        )
        for message in messages
    ]
    return tuple(sorted(found, key=lambda line: (line.at, line.id), reverse=True))

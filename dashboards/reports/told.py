"""From an incident, its ledger and its messages to the moments that figures are made of. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerting.disputes import open_dispute
from alerting.ledger import verify
from alerting.models import CauseClass, Incident, IncidentEvent, IncidentState, LedgerEntry, MessageKind
from dashboards.reports.record import LedgerLine, MessageLine, ReportedIncident, Spell, SpellKind
from inventory.models import Inventory, Priority

__all__ = ["Page", "incident_spells", "reported_incident"]


@dataclass(frozen=True, slots=True)
class Page:
    """A message as it lies in the outbox."""

    kind: str
    person: str
    channel: str
    address: str
    state: str
    created_at: datetime
    sent_at: datetime | None


def reported_incident(
    incident: Incident,
    entries: Sequence[LedgerEntry],
    pages: Sequence[Page],
    inventory: Inventory,
    parent: str,
    *,
    chain: Sequence[LedgerEntry] | None = None,
) -> ReportedIncident:
    """Answer an incident as reports tell it; ``chain`` is its whole ledger, where ``entries`` are only part of it."""
    whole = entries if chain is None else chain
    facts = incident.facts
    sent = [(page.sent_at, _rides_on(page, inventory)) for page in pages if page.kind == MessageKind.PAGE]
    left = [(at, carrier) for at, carrier in sent if at is not None]
    healthy = [at for at, carrier in left if carrier and carrier != incident.owner]
    evidence = facts.get("evidence", {})
    priority = _priority(facts.get("priority", ""))
    return ReportedIncident(
        number=incident.number,
        owner=incident.owner,
        title=incident.title,
        title_en=incident.title_en,
        severity=incident.severity,
        phase=incident.phase,
        priority=priority,
        state=incident.state,
        began_at=incident.began_at,
        opened_at=incident.opened_at,
        first_page_at=min((at for at, _ in left), default=None),
        first_healthy_page_at=min(healthy, default=None),
        acknowledged_at=incident.acknowledged_at,
        acknowledged_by=incident.acknowledged_by,
        mitigated_at=_moment(facts.get("mitigated_at")),
        restored_at=incident.ended_at,
        closed_at=incident.closed_at,
        **_deadlines(incident, priority, inventory),
        deadline_at=incident.deadline_at,
        cause=incident.cause or CauseClass.UNKNOWN,
        condition=incident.condition,
        **_troubles(entries),
        sites=tuple(evidence.get("sites", ())),
        isolated=tuple(evidence.get("isolated", ())),
        communes=int(facts.get("impact", {}).get("communes", 0)),
        measures=str(facts.get("closing_note", "")),
        is_drill=bool(facts.get("drill")),
        is_disputed=open_dispute(facts) is not None,
        parent=parent,
        ledger=tuple(_line(entry) for entry in entries),
        messages=tuple(_message(page, inventory) for page in pages),
        chain_broken_at=verify(whole) if whole else None,
    )


def incident_spells(incident: Incident, entries: Sequence[LedgerEntry], paths: frozenset[str]) -> list[Spell]:
    """Answer when an incident's down time stands apart: with temporary service, or while it is disputed."""
    found = []
    since: datetime | None = None
    for entry in entries:
        entered = entry.new == IncidentState.MITIGATED
        if entered and since is None:
            since = entry.at
        elif not entered and since is not None:
            found.append(Spell(SpellKind.MITIGATED, incident.number, since, entry.at, paths))
            since = None
    if since is not None:
        found.append(Spell(SpellKind.MITIGATED, incident.number, since, None, paths))
    if open_dispute(incident.facts) is not None:
        found.append(Spell(SpellKind.DISPUTED, incident.number, incident.began_at, incident.ended_at, paths))
    return found


def _rides_on(page: Page, inventory: Inventory) -> str:
    """Answer the carrier that a message's contact rides on, where somebody wrote it down."""
    person = inventory.people.get(page.person)
    contacts = person.contacts if person else ()
    return next((each.rides_on for each in contacts if each.address == page.address), "")


def _priority(given: Any) -> Priority:
    return Priority(given) if given in set(Priority) else Priority.C


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _deadlines(incident: Incident, priority: Priority, inventory: Inventory) -> dict[str, Any]:
    """Answer what was owed by when: as the incident keeps it, else as the policy says now."""
    owed = inventory.policy.deadline(incident.phase, priority)
    spans = {"acknowledge_by": owed.acknowledge, "temporary_by": owed.temporary, "restore_by": owed.restore}
    return {
        name: _moment(incident.facts.get(name)) or incident.opened_at + span for name, span in spans.items()
    }


def _troubles(entries: Sequence[LedgerEntry]) -> dict[str, Any]:
    """Count what did not hold."""
    counts = Counter(entry.event for entry in entries)
    return {
        "false_restorations": counts[IncidentEvent.VERIFY_FAILED],
        "recurrences": counts[IncidentEvent.RECURRED] + counts[IncidentEvent.REOPENED],
        "escalations": counts[IncidentEvent.ESCALATED],
        "silences": counts[IncidentEvent.ACK_EXPIRED],
    }


def _message(page: Page, inventory: Inventory) -> MessageLine:
    at = page.sent_at or page.created_at
    return MessageLine(at, page.kind, page.person, page.channel, page.state, _rides_on(page, inventory))


def _line(entry: LedgerEntry) -> LedgerLine:
    note = str(entry.details.get("note", ""))
    return LedgerLine(
        entry.sequence, entry.at, entry.event.value, entry.actor, entry.old, entry.new, note, entry.hash
    )

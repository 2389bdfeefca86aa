"""Turns every entry of a ledger into events for the machines that hear of it, inside the transaction that wrote it.

The key of an event names endpoint, incident and entry, so an entry is told to an endpoint once in the outbox; it may
arrive twice, and the receiver knows the second by its key. What is restricted is told to no machine. An event carries
what the accountable party may see of that entry, and goes only to it and to machines of the whole province: the party
that answered for the incident before hears nothing of what comes after.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.endpoint_store import listening
from alerting.endpoints import EVENT_VALID, Dialect, Endpoint, EndpointEvent, event_of, receiver_of
from alerting.ledger import entries_of
from alerting.message_store import add_messages
from alerting.models import DeliveryState, Incident, LedgerEntry, Message, MessageKind
from alerting.store import ledger_of
from alerting.tmf621 import ticket_of
from inventory.models import ContactChannel

__all__ = ["event_message", "tell_machines"]


async def tell_machines(
    connection: AsyncConnection, before: Incident | None, after: Incident, entry: LedgerEntry
) -> None:
    """Put what ``entry`` changed into the outbox, for every endpoint that asked for it."""
    if after.restricted:
        return
    told = []
    for endpoint in await listening(connection, after.owner):
        event = event_of(before, after, entry, endpoint.dialect)
        if event is not None and event in endpoint.events:
            told.append(_event(endpoint, event, after, await _numbered(connection, endpoint, entry)))
    await add_messages(connection, told)


async def _numbered(connection: AsyncConnection, endpoint: Endpoint, entry: LedgerEntry) -> LedgerEntry:
    """Answer ``entry`` with the number that the party may count it by: how much happened while another was accountable is not told."""
    if not endpoint.party:
        return entry
    own = entries_of(await ledger_of(connection, entry.incident), endpoint.party)
    return replace(entry, sequence=len(own))


def _event(endpoint: Endpoint, event: EndpointEvent, incident: Incident, entry: LedgerEntry) -> Message:
    body: dict[str, Any] = {
        "what": "event",
        "event": event.value,
        "at": entry.at.isoformat(),
        "number": incident.number,
    }
    if endpoint.dialect is Dialect.TMF621:
        ticket = ticket_of(incident, (entry,), owner_name="", base="")
        body |= {"ticket": ticket.model_dump(mode="json", by_alias=True)}
    else:
        body |= {
            "sequence": entry.sequence,
            "deed": entry.event.value,
            "actor": entry.actor,
            "note": str(entry.details.get("note") or ""),
            "incident": _told(incident),
        }
    return event_message(
        endpoint,
        key=f"{receiver_of(endpoint.id)}:{incident.id}:{entry.sequence}",
        body=body,
        at=entry.at,
        incident=incident.id,
        generation=incident.generation,
    )


def _told(incident: Incident) -> dict[str, Any]:
    facts = incident.facts
    moments = {
        name: getattr(incident, name)
        for name in ("began_at", "opened_at", "acknowledged_at", "ended_at", "resolved_at", "closed_at")
    }
    return {
        "id": incident.id,
        "number": incident.number,
        "owner": incident.owner,
        "state": incident.state.value,
        "severity": incident.severity.value,
        "phase": incident.phase.value,
        "title": incident.title,
        "title_en": incident.title_en,
        "deadline_at": _text(incident.deadline_at),
        "restore_by": facts.get("restore_by"),
        "eta": facts.get("eta"),
        "drill": bool(facts.get("drill")),
        **{name: _text(moment) for name, moment in moments.items()},
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def event_message(
    endpoint: Endpoint,
    *,
    key: str,
    body: Mapping[str, Any],
    at: datetime,
    incident: int = 0,
    generation: int = 0,
) -> Message:
    """Make the message that tells ``endpoint`` of ``body``."""
    return Message(
        id=0,
        key=key,
        kind=MessageKind.EVENT,
        incident=incident,
        generation=generation,
        person=receiver_of(endpoint.id),
        channel=ContactChannel.EVENT,
        address=endpoint.url,
        body=body,
        state=DeliveryState.PENDING,
        attempts=0,
        fence=0,
        not_before=at,
        not_after=at + EVENT_VALID,
        created_at=at,
    )

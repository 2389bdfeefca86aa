"""Notices about one shift, for the outbox: who reads it, by which of their contacts, until when it is worth reading."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from alerting.models import DeliveryState, Message, MessageKind
from alerting.oncall import PAGE_CHANNELS
from alerting.roster import RosterShift
from alerting.roster_asking import standing
from alerting.roster_gaps import DUTY_WORDS
from inventory.models import Contact, ContactChannel, Inventory, Person

__all__ = ["notices", "shift_titles"]


def shift_titles(shift: RosterShift, inventory: Inventory) -> tuple[str, str]:
    """Answer what a shift is called, in Vietnamese and English: duty, party, hours of its first day."""
    zone = inventory.election.zone
    start, end = shift.start.astimezone(zone), shift.end.astimezone(zone)
    hours = f"{start:%H:%M}–{end:%H:%M} {start:%d/%m}"
    party = inventory.parties.get(shift.party)
    name = party.name if party else shift.party
    vi, en = DUTY_WORDS[shift.duty]
    return f"ca {vi}, {hours}, {name}", f"{en} shift, {hours}, {name}"


def notices(
    shift: RosterShift,
    what: str,
    people: Iterable[Person],
    inventory: Inventory,
    at: datetime,
    *,
    about: Mapping[str, Any],
    until: datetime,
    mark: str = "",
) -> list[Message]:
    """Write a notice of ``what`` about ``shift`` for ``people``, by up to two ways each.

    ``mark`` tells apart what may be said several times about the same shift.
    """
    digest = hashlib.sha256("\n".join(str(part) for part in standing(shift)).encode()).hexdigest()
    title, title_en = shift_titles(shift, inventory)
    body = {
        "what": what,
        "shift": shift.id,
        "number": f"CA-{digest[:8].upper()}",
        "severity": "CA",
        "title": title[:1].upper() + title[1:],
        "title_en": title_en[:1].upper() + title_en[1:],
        "party": shift.party,
        "duty": shift.duty.value,
        "start": shift.start.isoformat(),
        "end": shift.end.isoformat(),
        "zone": inventory.election.zone.key,
        **about,
    }
    return [
        Message(
            id=0,
            key=f"shift:{digest[:24]}:{what}{mark}:{person.code}:{contact.channel.value}",
            kind=MessageKind.NOTICE,
            incident=0,
            generation=0,
            person=person.code,
            channel=contact.channel,
            address=contact.address,
            body={**body, "person_name": person.name},
            state=DeliveryState.PENDING,
            attempts=0,
            fence=0,
            not_before=at,
            not_after=until,
            created_at=at,
        )
        for person in people
        for contact in _two_ways(person)
    ]


def _two_ways(person: Person) -> list[Contact]:
    """Choose the e-mail and one contact more: what must be answered lies in no mailbox alone."""
    usable = [contact for contact in person.contacts if contact.channel in PAGE_CHANNELS]
    mail = [contact for contact in usable if contact.channel is ContactChannel.EMAIL][:1]
    return mail + [contact for contact in usable if contact.channel is not ContactChannel.EMAIL][:1]

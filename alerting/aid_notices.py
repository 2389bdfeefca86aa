"""Notices of mutual aid: to the partner's duty without a word of the incident, to the department and the requester.

They lie in the outbox as every message does; the key names the aid and its version, so a step is told once.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alerting.aid import Aid, AidEvent
from alerting.case import Case
from alerting.escalation import officers
from alerting.message_store import add_messages
from alerting.models import DeliveryState, Message, MessageKind
from alerting.oncall import PAGE_CHANNELS
from alerting.paging import NOTICE_VALID
from alerting.province import Province
from alerting.roster_store import living
from inventory.models import Contact, ContactChannel, Person

__all__ = ["tell"]

_E = AidEvent
_TO_HELPER = frozenset(
    {_E.REQUESTED, _E.AGREED, _E.ACTIVATED, _E.VERIFIED, _E.EXTENDED, _E.RELEASED, _E.WITHDRAWN, _E.REMINDED}
)
_TO_DEPARTMENT = frozenset(
    {
        _E.ACCEPTED,
        _E.COUNTERED,
        _E.DECLINED,
        _E.FAILED,
        _E.CLOSED,
        _E.LAPSED,
        _E.REMINDED,
        _E.RELEASED,
        _E.VERIFIED,
    }
)
_TO_REQUESTER = frozenset(
    {_E.ACCEPTED, _E.AGREED, _E.DECLINED, _E.FAILED, _E.LAPSED, _E.VERIFIED, _E.RELEASED}
)


async def tell(
    case: Case, aid: Aid, event: AidEvent, province: Province, at: datetime, *, note: str = ""
) -> None:
    """Store the notices that a step owes to each side."""
    inventory = await living(case.connection, province.inventory, at)
    sides = ((_TO_HELPER, aid.helper), (_TO_DEPARTMENT, province.department), (_TO_REQUESTER, aid.requester))
    parties = dict.fromkeys(party for events, party in sides if event in events and party)
    messages = [
        _message(case, aid, person, contact, _facts(aid, event, province, person, note=note), at)
        for party in parties
        for person in officers(inventory, party, at)
        for contact in _contacts(person)
    ]
    await add_messages(case.connection, messages)


def _contacts(person: Person) -> list[Contact]:
    """Choose up to two ways: what is asked of a partner's duty must not lie in a mailbox alone."""
    usable = [contact for contact in person.contacts if contact.channel in PAGE_CHANNELS]
    mail = [contact for contact in usable if contact.channel is ContactChannel.EMAIL][:1]
    return mail + [contact for contact in usable if contact.channel is not ContactChannel.EMAIL][:1]


def _facts(aid: Aid, event: AidEvent, province: Province, person: Person, *, note: str) -> Mapping[str, Any]:
    area = province.inventory.areas.get(aid.area)
    return {
        "what": f"aid_{event.value}",
        "aid": aid.id,
        "number": aid.number,
        "severity": "UC",
        "title": f"{aid.kind.value}, {area.name if area else aid.area}: {aid.need}"[:200],
        "title_en": f"{aid.kind.value}, {(area.name_en or area.name) if area else aid.area}: {aid.need}"[
            :200
        ],
        "minutes": aid.minutes,
        "helper_name": province.party_name(aid.helper),
        "answer_by": aid.deadline_at.isoformat() if aid.deadline_at else None,
        "note": note[:300],
        "person_name": person.name,
        "zone": province.inventory.election.zone.key,
    }


def _message(
    case: Case, aid: Aid, person: Person, contact: Contact, body: Mapping[str, Any], at: datetime
) -> Message:
    place = person.contacts.index(contact)
    return Message(
        id=0,
        key=f"aid:{aid.id}:{aid.version}:{person.code}.{place}:{contact.channel}",
        kind=MessageKind.NOTICE,
        incident=case.incident.id,
        generation=case.incident.generation,
        person=person.code,
        channel=contact.channel,
        address=contact.address,
        body=body,
        state=DeliveryState.PENDING,
        attempts=0,
        fence=0,
        not_before=at,
        not_after=at + NOTICE_VALID,
        created_at=at,
    )

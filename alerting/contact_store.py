"""SQL of contacts that a gateway refused for good: marked until a message gets through, told once. Never commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.models import Message
from alerting.schema import contact_faults
from inventory.models import ContactChannel

__all__ = ["ContactFault", "clear_contact", "faults_of_contacts", "mark_contact", "mark_told"]

_c = contact_faults.c


@dataclass(frozen=True, slots=True)
class ContactFault:
    """A contact that was refused for good while a page for ``incident`` was sent to it."""

    channel: ContactChannel
    address: str
    person: str
    incident: int
    reason: str
    marked_at: datetime
    told_at: datetime | None


async def mark_contact(connection: AsyncConnection, message: Message, *, reason: str, at: datetime) -> bool:
    """Mark the contact that ``message`` was written to; False when it is marked already.

    A message about no incident marks none: the fault would have no ledger to be told in.
    """
    if not message.incident:
        return False
    here = (_c.channel == message.channel.value) & (_c.address == message.address)
    if (await connection.execute(select(_c.address).where(here))).first() is not None:
        await connection.execute(update(contact_faults).where(here).values(reason=reason))
        return False
    await connection.execute(
        insert(contact_faults).values(
            channel=message.channel.value,
            address=message.address,
            person=message.person,
            incident=message.incident,
            reason=reason,
            marked_at=at,
        )
    )
    return True


async def clear_contact(connection: AsyncConnection, channel: ContactChannel, address: str) -> bool:
    """Take the mark off a contact that works; answers whether it had one."""
    here = (_c.channel == channel.value) & (_c.address == address)
    return (await connection.execute(delete(contact_faults).where(here))).rowcount > 0


async def faults_of_contacts(connection: AsyncConnection, *, untold: bool = False) -> Sequence[ContactFault]:
    """Read every marked contact, the oldest mark first; ``untold``: only those that nobody was told of."""
    query = select(contact_faults).order_by(_c.marked_at, _c.channel, _c.address)
    if untold:
        query = query.where(_c.told_at.is_(None))
    return [
        ContactFault(**{**row, "channel": ContactChannel(row["channel"])})
        for row in (await connection.execute(query)).mappings()
    ]


async def mark_told(connection: AsyncConnection, fault: ContactFault, at: datetime) -> bool:
    """Note that people were told; False when somebody else did, or the mark is gone."""
    changed = await connection.execute(
        update(contact_faults)
        .where(_c.channel == fault.channel.value, _c.address == fault.address, _c.told_at.is_(None))
        .values(told_at=at)
    )
    return changed.rowcount == 1

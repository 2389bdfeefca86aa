"""Reports go to their readers through alerting's outbox, as notices: each version to each contact at most once.

A version is the PDF's SHA-256. The message names it, and the file is read when the mail leaves: a report that was made
anew meanwhile does not leave under the old one's name. What failed for good may be sent again by hand. Whoever could
not open the report's page is not sent it: a carrier only what was made for it.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerting.errors import DeliveryError
from alerting.escalation import leader_on_duty, officers
from alerting.message_store import add_messages, messages_by_key
from alerting.models import DeliveryState, Message, MessageKind
from alerting.notify.email import AttachedFile
from alerting.oncall import PAGE_CHANNELS, on_duty, reachable
from alerting.paging import NOTICE_VALID
from alerting.roster_store import living
from dashboards.i18n import Language, words_in
from dashboards.reports import sending_store as sendings
from dashboards.reports import store
from dashboards.reports.building import FORMATS, Format
from dashboards.reports.errors import ReportRefusedError
from dashboards.reports.labels import named
from dashboards.reports.models import BuildState, Report
from dashboards.reports.sending_store import Sending
from inventory.database import reading, transaction
from inventory.models import Contact, ContactChannel, Duty, Inventory, Party, PartyKind, Person

__all__ = ["Reader", "ReportSending", "Sent", "attachment_from", "readers_of"]

log = structlog.get_logger(__name__)

_SLOT_LATE = timedelta(hours=2)
"""A slot's report that was built longer ago is not sent by itself any more."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who may be sent a report. ``duties``: what they hold now."""

    party: Party
    person: Person
    duties: tuple[Duty, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """One sending in a report's history, with what became of it."""

    sending: Sending
    message: Message
    name: str


def readers_of(report: Report, inventory: Inventory, at: datetime) -> tuple[Reader, ...]:
    """Answer everybody who may be sent ``report`` and can be reached, who is on duty first. ``inventory`` is live."""
    found = []
    for person in inventory.people.values():
        party = inventory.parties.get(person.party)
        if party is None or not reachable(person) or not _may_read(report, party):
            continue
        holding = (on_duty(inventory.shifts, party=party.code, duty=duty, at=at) for duty in Duty)
        duties = tuple(shift.duty for shift in holding if shift is not None and shift.person == person.code)
        found.append(Reader(party, person, duties))
    return tuple(
        sorted(
            found,
            key=lambda each: (
                each.party.kind is not PartyKind.DEPARTMENT,
                each.party.code,
                not each.duties,
                each.person.code,
            ),
        )
    )


def _may_read(report: Report, party: Party) -> bool:
    return party.kind is not PartyKind.CARRIER or report.party == party.code


class ReportSending:
    """Transactions around what was sent; no loop and no network."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        inventory: Callable[[], Inventory],
        clock: Callable[[], datetime],
        public_url: str,
    ) -> None:
        self._database = database
        self._inventory = inventory
        self._clock = clock
        self._public_url = public_url.rstrip("/")

    async def readers(self, report: Report) -> tuple[Reader, ...]:
        """Answer who may be sent ``report``."""
        now = self._clock()
        async with reading(self._database) as connection:
            return readers_of(report, await living(connection, self._inventory(), now), now)

    async def history(self, report: Report) -> tuple[Sent, ...]:
        """Answer every sending of ``report``, newest first."""
        async with reading(self._database) as connection:
            found = await sendings.sendings_of(connection, report.id)
            messages = await messages_by_key(connection, [each.key for each in found])
            people = (await living(connection, self._inventory(), self._clock())).people
        return tuple(
            Sent(each, messages[each.key], people[each.person].name if each.person in people else each.person)
            for each in found
            if each.key in messages
        )

    async def send(self, identifier: int, *, people: Collection[str], by: str) -> int:
        """Put a report into the outbox for ``people`` (codes); answers to how many contacts it now goes.

        Raises :class:`ReportRefusedError` where it is not built, or somebody may not read it.
        """
        async with transaction(self._database) as connection:
            now = self._clock()
            report = await store.report(connection, identifier)
            if report is None or report.state is not BuildState.READY or not _version(report):
                raise ReportRefusedError("only a report that is built is sent")
            inventory = await living(connection, self._inventory(), now)
            known = {each.person.code: each.person for each in readers_of(report, inventory, now)}
            if not people or not known.keys() >= set(people):
                raise ReportRefusedError("choose readers who may read this report and can be reached")
            return await self._send(
                connection, report, [known[code] for code in sorted(people)], by=by, at=now
            )

    async def send_slots(self) -> int:
        """Send the slots' reports that nobody was sent yet to whoever leads the department now; answers to how many.

        Where nobody leads, whoever else of the department can be reached is told.
        """
        now = self._clock()
        count = 0
        async with transaction(self._database) as connection:
            waiting = await sendings.unsent_slots(connection, since=now - _SLOT_LATE)
            if not waiting:
                return 0
            inventory = await living(connection, self._inventory(), now)
            readers = _leaders(inventory, now)
            for identifier in waiting:
                report = await store.report(connection, identifier)
                if report is not None and _version(report):
                    count += await self._send(connection, report, readers, by="", at=now)
        if not count:
            log.warning("a slot's report has no reader", reports=list(waiting))
        return count

    async def _send(
        self, connection: AsyncConnection, report: Report, people: Iterable[Person], *, by: str, at: datetime
    ) -> int:
        before = await sendings.sendings_of(connection, report.id)
        known = await messages_by_key(connection, [each.key for each in before])
        made = []
        for person in people:
            contact = _contact(person)
            if contact is None:
                continue
            stem = f"report:{report.id}:{_version(report)[:12]}:{person.code}:{contact.channel.value}:"
            tried = [message for key, message in known.items() if key.startswith(stem)]
            if any(message.state is not DeliveryState.FAILED for message in tried):
                continue
            body = self._body(report, person, contact, by=by)
            made.append(_message(f"{stem}{len(tried)}", person, contact, body, at))
        # Who was faster with the same key has sent it: nobody is written to twice.
        await sendings.add_sendings(
            connection, [Sending(each.key, report.id, each.person, at, by[:120]) for each in made]
        )
        return await add_messages(connection, made)

    def _body(self, report: Report, person: Person, contact: Contact, *, by: str) -> dict[str, Any]:
        attached = contact.channel is ContactChannel.EMAIL
        about = " ".join(each for each in (report.party, report.incident) if each)
        titles = {
            language: f"{named(words_in(language), report.kind)} {about}".strip() for language in Language
        }
        return {
            "what": "report",
            "report": report.id,
            "number": f"BC-{report.id}",
            "severity": "BC",
            "title": titles[Language.VI],
            "title_en": titles[Language.EN],
            "since": report.since.isoformat(),
            "until": report.until.isoformat(),
            "sha256": _version(report),
            "attached": Format.PDF.value if attached else "",
            "page": f"{self._public_url}/reports/{report.id}",
            "by": by,
            "person_name": person.name,
            "zone": self._inventory().election.zone.key,
        }


def attachment_from(database: AsyncEngine) -> Callable[[Message], Awaitable[AttachedFile]]:
    """Answer what reads the file that a message names, right before its mail leaves."""

    async def read(message: Message) -> AttachedFile:
        body = message.body
        try:
            async with reading(database) as connection:
                report = await store.report(connection, body["report"])
                content = await store.content_of(connection, body["report"], body["attached"])
        except SQLAlchemyError as away:
            raise DeliveryError(f"the file was not read: {type(away).__name__}", permanent=False) from away
        if report is None or content is None or _version(report) != body["sha256"]:
            raise DeliveryError(
                "the report was made anew since; send it again", permanent=True, refused=False
            )
        name = f"{report.kind.value.replace('_', '-')}-{report.id}.{body['attached']}"
        return AttachedFile(name, FORMATS[Format(body["attached"])], content)

    return read


def _version(report: Report) -> str:
    return next((file.sha256 for file in report.files if file.format == Format.PDF), "")


def _leaders(inventory: Inventory, at: datetime) -> tuple[Person, ...]:
    departments = sorted(p.code for p in inventory.parties.values() if p.kind is PartyKind.DEPARTMENT)
    if not departments:
        return ()
    leader = leader_on_duty(inventory, departments[0], at)
    return (leader,) if leader else officers(inventory, departments[0], at)


def _contact(person: Person) -> Contact | None:
    """Choose the e-mail, which carries the file; else what carries a link."""
    usable = [contact for contact in person.contacts if contact.channel in PAGE_CHANNELS]
    mail = [contact for contact in usable if contact.channel is ContactChannel.EMAIL]
    return next(iter(mail + usable), None)


def _message(key: str, person: Person, contact: Contact, body: dict[str, Any], at: datetime) -> Message:
    return Message(
        id=0,
        key=key,
        kind=MessageKind.NOTICE,
        incident=0,
        generation=0,
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

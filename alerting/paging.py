"""Pages and notices: turns decisions of the ladder into messages, inside the transaction that took them.

The key of a message names the decision (incident, generation, step, repetition, contact, channel), so the same
decision cannot be stored twice. What is stored are facts; text is made from them when a message is sent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from alerting.case import Case
from alerting.contact_store import ContactFault
from alerting.drills import marked
from alerting.escalation import Call, RosterGap, Run, climb, ladder, leader_on_duty, officers
from alerting.message_store import add_messages, has_withdrawn, withdraw
from alerting.models import LIVE, DeliveryState, Incident, IncidentEvent, IncidentState, Message, MessageKind
from alerting.oncall import PAGE_CHANNELS, contacts_for
from alerting.planned import quiet_until
from alerting.province import Province
from alerting.roster_gaps import condition_of, gap_incident, is_gap
from alerting.roster_store import living
from alerting.run_store import active_run, latest_run, save_run
from alerting.store import latest_of_condition
from alerting.timers import COUNTERSIGN, running, started
from inventory.models import Contact, ContactChannel, Duty, Person

__all__ = [
    "NOTICE_VALID",
    "PAGE_VALID",
    "advance",
    "begin",
    "call_leader",
    "inform",
    "resume",
    "stop",
    "tell",
    "tell_of_contact",
]

PAGE_VALID = timedelta(hours=1)
"""After this a page that has not left is stale; the ladder has called again meanwhile. Its link ends then too."""
RESTRICTED = ("Vụ việc hạn chế, xem trên hệ thống", "Restricted matter, see it after signing in")
NOTICE_VALID = timedelta(hours=6)
"""After this a notice is history, and the ledger tells it better."""


async def begin(case: Case, province: Province, at: datetime) -> None:
    """Start the run of the incident's present generation and take its first step; the run before it ends."""
    await stop(case, at)
    until = quiet_until(case.incident.facts, at)
    if until is not None:
        # Announced work: nobody is called before its window ends. The deadline is the end of the window.
        await case.record(IncidentEvent.ESCALATED, at=at, details={"planned": True}, deadline_at=until)
        await inform(case, "planned", province, at)
        return
    policy = province.inventory.policy
    await _await_leader(case, province, at)
    run = Run(
        incident=case.incident.id,
        generation=case.incident.generation,
        steps=ladder(policy, case.incident.severity, province.phase(at)),
        repeat=policy.escalation_repeat,
        started_at=at,
    )
    await advance(case, run, province, at)


async def _await_leader(case: Case, province: Province, at: datetime) -> None:
    """Wait for a leader's own word where the severity asks for one and none was given for it yet."""
    policy = province.inventory.policy
    graded = case.incident.facts.get("countersigned_by")
    if case.incident.severity not in policy.countersign or graded or COUNTERSIGN in running(case.incident):
        return
    until = at + policy.countersign_within
    await case.record(
        IncidentEvent.NOTE,
        at=at,
        details={"countersign_by": until.isoformat()},
        facts=started(case.incident, COUNTERSIGN, until),
    )


async def call_leader(case: Case, what: str, province: Province, at: datetime) -> None:
    """Page the department's leader on duty for ``what`` (a timer's name), who need not take the incident on for it.

    Where nobody leads now, whoever else of the department can be reached is paged.
    """
    inventory = await living(case.connection, province.inventory, at)
    leader = leader_on_duty(inventory, province.department, at)
    called = (leader,) if leader else officers(inventory, province.department, at)
    stem = f"{case.incident.id}:{case.incident.generation}:~{what}:{case.sequence}"
    about = {"duty": Duty.LEADERSHIP.value, "party": province.department, "answer_by": None}
    pages = [
        _message(
            case,
            MessageKind.PAGE,
            key=f"{stem}:{person.code}",
            person=person,
            contact=contact,
            body=_facts(case, what, province, {**about, "person_name": person.name}),
            at=at,
        )
        for person in called
        for contact in contacts_for(
            person,
            carrier=case.incident.owner,
            severity=case.incident.severity,
            channels=province.channels,
        )
    ]
    await add_messages(case.connection, pages)


async def resume(case: Case, province: Province, at: datetime) -> None:
    """Climb on in a new generation from where the last one stood: a restoration did not hold.

    The clock of the ladder was not stopped by it, or a line that flaps would call the first person for ever
    and the second never. Only when pages of the last step were withdrawn unsent is that step taken again.
    """
    before = await latest_run(case.connection, case.incident.id)
    if before is None or quiet_until(case.incident.facts, at) is not None:
        await begin(case, province, at)
        return
    lost = await has_withdrawn(case.connection, case.incident.id, before.generation)
    run = replace(
        before,
        generation=case.incident.generation,
        step=max(0, before.step - 1) if lost and not before.loop else before.step,
        next_at=at if lost or before.next_at is None else before.next_at,
        ended_at=None,
    )
    await advance(case, run, province, at)


async def stop(case: Case, at: datetime) -> None:
    """End the run, if one climbs, and withdraw the pages that have not left."""
    run = await active_run(case.connection, case.incident.id)
    if run is not None:
        await save_run(case.connection, replace(run, ended_at=at))
    await withdraw(case.connection, case.incident.id)


async def advance(case: Case, run: Run, province: Province, at: datetime) -> None:
    """Take the steps of ``run`` that are due: record them, store their pages, and say where nobody was found."""
    taken = climb(
        run,
        inventory=await living(case.connection, province.inventory, at),
        owner=case.incident.owner,
        department=province.department,
        at=at,
    )
    await save_run(case.connection, taken.run)
    if not taken.calls and not taken.gaps:
        waiting = {"next": taken.run.step, "generation": run.generation}
        await case.record(IncidentEvent.ESCALATED, at=at, details=waiting, deadline_at=taken.run.next_at)
        return
    for gap in taken.gaps:
        if not gap.loop or not taken.calls:
            await _record_gap(case, gap, province, at, due=taken.run.next_at)
    if taken.calls:
        await case.record(
            IncidentEvent.ESCALATED,
            at=at,
            details={"calls": [_told(call) for call in taken.calls], "generation": run.generation},
            assignee=taken.calls[-1].person.code,
            deadline_at=taken.run.next_at,
        )
    pages = [page for call in taken.calls for page in _pages(case, call, province, at, due=taken.run.next_at)]
    await add_messages(case.connection, pages)


def _told(call: Call) -> dict[str, Any]:
    return {
        "person": call.person.code,
        "party": call.party,
        "duty": call.duty.value,
        "step": call.step,
        "loop": call.loop,
    }


async def _record_gap(
    case: Case, gap: RosterGap, province: Province, at: datetime, *, due: datetime | None
) -> None:
    told = {
        "party": gap.party,
        "duty": gap.duty.value,
        "person": gap.person,
        "step": gap.step,
        "loop": gap.loop,
    }
    await case.record(IncidentEvent.ROSTER_GAP, at=at, details=told, deadline_at=due)
    await inform(case, "roster_gap", province, at, about=told, mark=f"{gap.party}.{gap.duty}")
    await _open_gap(case, gap, province, at)


async def _open_gap(case: Case, gap: RosterGap, province: Province, at: datetime) -> None:
    """Open an incident of the department for a duty that nobody could be called for, once while it lasts.

    A gap that is met while a gap is called out opens none: the ladder's last step reaches whoever can be reached.
    """
    if not gap.party:
        return  # an inventory without a department: there is nobody whose duty it would be
    if is_gap(case.incident.condition):
        return
    last = await latest_of_condition(case.connection, condition_of(gap.party, gap.duty))
    if last is not None and last.state in LIVE - {IncidentState.RESOLVED}:
        return
    local = at.astimezone(province.inventory.election.zone)
    opened = await Case.open(
        case.connection,
        gap_incident(
            gap,
            province,
            at,
            identifier=await province.numbers.identifier(case.connection),
            number=await province.numbers.number(case.connection, local),
        ),
        {"met": case.incident.number},
    )
    await begin(opened, province, at)


def _pages(
    case: Case, call: Call, province: Province, at: datetime, *, due: datetime | None
) -> Iterable[Message]:
    incident = case.incident
    stem = f"{incident.id}:{incident.generation}:{call.step}:{call.loop}"
    about = {
        **_told(call),
        "person_name": call.person.name,
        "answer_by": due.isoformat() if due else None,
        "dispatched": stem,
    }
    for contact in contacts_for(
        call.person, carrier=incident.owner, severity=incident.severity, channels=province.channels
    ):
        yield _message(
            case,
            MessageKind.PAGE,
            key=f"{stem}:{call.person.code}",
            person=call.person,
            contact=contact,
            body=_facts(case, "page", province, about),
            at=at,
        )


async def inform(
    case: Case,
    what: str,
    province: Province,
    at: datetime,
    *,
    about: Mapping[str, Any] | None = None,
    mark: str = "",
    told: str = "",
) -> None:
    """Store a notice of ``what`` for the department's officer, unless that is ``told``, who knows it already.

    ``mark`` names the matter where the ledger's sequence does not, so that a repetition is not told twice.
    """
    stem = f"{case.incident.id}:{case.incident.generation}:{what}:{mark or case.sequence}"
    inventory = await living(case.connection, province.inventory, at)
    notices = [
        _message(
            case,
            MessageKind.NOTICE,
            key=f"{stem}:{person.code}",
            person=person,
            contact=contact,
            body=_facts(case, what, province, {**(about or {}), "person_name": person.name}),
            at=at,
        )
        for person in officers(inventory, province.department, at)
        if person.code != told
        for contact in _quiet(person)
    ]
    await add_messages(case.connection, notices)


async def tell(
    case: Case,
    what: str,
    people: Iterable[Person],
    province: Province,
    at: datetime,
    *,
    about: Mapping[str, Any],
    mark: str,
) -> None:
    """Store a notice of ``what`` for ``people``, by up to two ways each: what they must do lies in no mailbox alone."""
    stem = f"{case.incident.id}:{case.incident.generation}:{what}:{mark}"
    notices = [
        _message(
            case,
            MessageKind.NOTICE,
            key=f"{stem}:{person.code}",
            person=person,
            contact=contact,
            body=_facts(case, what, province, {**about, "person_name": person.name}),
            at=at,
        )
        for person in people
        for contact in _two_ways(person)
    ]
    await add_messages(case.connection, notices)


async def tell_of_contact(case: Case, fault: ContactFault, province: Province, at: datetime) -> None:
    """Store a notice for the department's officers that a person's contact was refused for good."""
    person = province.inventory.people.get(fault.person)
    about = {
        "contact": f"{fault.channel.value}:{fault.address}",
        "whose": person.name if person else fault.person,
        "reason": fault.reason[:200],
    }
    mark = f"{fault.person}.{fault.channel.value}.{fault.marked_at:%H%M%S}"
    await inform(case, "contact_refused", province, at, about=about, mark=mark)


def _quiet(person: Person) -> list[Contact]:
    """Choose by e-mail, and where there is none by one contact that can carry text."""
    usable = [contact for contact in person.contacts if contact.channel in PAGE_CHANNELS]
    return [contact for contact in usable if contact.channel is ContactChannel.EMAIL][:1] or usable[:1]


def _two_ways(person: Person) -> list[Contact]:
    usable = [contact for contact in person.contacts if contact.channel in PAGE_CHANNELS]
    mail = [contact for contact in usable if contact.channel is ContactChannel.EMAIL][:1]
    return mail + [contact for contact in usable if contact.channel is not ContactChannel.EMAIL][:1]


def _facts(case: Case, what: str, province: Province, about: Mapping[str, Any]) -> dict[str, Any]:
    incident = case.incident
    return {
        "what": what,
        "number": incident.number,
        "severity": incident.severity.value,
        # What is restricted is read behind a sign-in, not off a telephone's locked screen.
        "title": _hidden(incident, 0) if incident.restricted else incident.title,
        "title_en": _hidden(incident, 1) if incident.restricted else incident.title_en,
        "owner": incident.owner,
        "owner_name": province.party_name(incident.owner),
        "began_at": incident.began_at.isoformat(),
        "ended_at": incident.ended_at.isoformat() if incident.ended_at else None,
        "acknowledged_by": incident.acknowledged_by,
        "zone": province.inventory.election.zone.key,
        **about,
    }


def _hidden(incident: Incident, language: int) -> str:
    words = RESTRICTED[language]
    return marked(words, english=language == 1) if incident.facts.get("drill") else words


def _message(
    case: Case,
    kind: MessageKind,
    *,
    key: str,
    person: Person,
    contact: Contact,
    body: Mapping[str, Any],
    at: datetime,
) -> Message:
    place = person.contacts.index(contact)
    return Message(
        id=0,
        key=f"{key}.{place}:{contact.channel}",
        kind=kind,
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
        not_after=at + (PAGE_VALID if kind is MessageKind.PAGE else NOTICE_VALID),
        created_at=at,
    )

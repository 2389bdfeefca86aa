"""One incident: what can be done to it now and by whom, what it hits, what happened and what was sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerting.case import SYSTEM
from alerting.disputes import open_dispute
from alerting.models import (
    ACKNOWLEDGEABLE,
    LIVE,
    DeliveryState,
    DisputeKind,
    Incident,
    IncidentEvent,
    IncidentState,
    LedgerEntry,
    Message,
    MessageKind,
    PendingReason,
)
from alerting.timers import COUNTERSIGN, running
from dashboards.i18n import Words
from dashboards.moments import Moments
from dashboards.views.impact import Impact
from dashboards.wording import label
from inventory.access import Actor, Right
from inventory.models import ContactChannel, Duty, Inventory
from inventory.topology import Topology
from monitor.models import State, Verdict
from monitor.snapshot import PathView, Snapshot

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
    """A site that the incident hits, and how it is now.

    ``verdict`` rests on everybody's lines, so a party is told ``lines`` instead: how many of its own are down, of how
    many. Who runs no lines is told neither.
    """

    code: str
    name: str
    area: str
    area_name: str
    verdict: Verdict | None
    lines: tuple[int, int] | None = None


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
    """One message: to whom, how, over whose network, and how far it came.

    ``left_with`` names what else its own message spoke of, for a page of a storm that left together with another: the
    incident's number, or "" where that is not the reader's to know; None where it left by itself.
    """

    id: int
    kind: MessageKind
    person: str
    channel: ContactChannel
    address: str
    state: DeliveryState
    at: datetime
    attempts: int
    error: str
    rides_on: str = ""
    left_with: str | None = None

    @property
    def is_trouble(self) -> bool:
        """Whether it did not arrive."""
        return self.state is DeliveryState.FAILED


def actions_of(incident: Incident, actor: Actor) -> tuple[str, ...]:
    """Answer what ``actor`` can do now, the most needed first."""
    found: list[str] = []
    if actor.may(Right.ACT_ON_INCIDENTS):
        found += _party_actions(incident)
    if actor.may(Right.DECIDE_DISPUTES):
        found += _leader_actions(incident)
    if actor.may(Right.CLOSE_INCIDENTS):
        found += _directions(incident)
    if actor.may(Right.ACT_ON_INCIDENTS):
        found += ["evidence", "note"]
    return tuple(sorted(found, key=_ORDER.index))


_ORDER = (
    "acknowledge", "countersign", "decide", "start", "verify", "progress", "restored", "close", "pause", "mitigate",
    "evidence", "note", "dispute", "reassign", "regrade", "merge", "unmerge", "reopen", "cancel",
)  # fmt: skip


def _party_actions(incident: Incident) -> list[str]:
    state, found = incident.state, []
    if state in ACKNOWLEDGEABLE:
        found.append("acknowledge")
    if state is IncidentState.ACKNOWLEDGED or state is IncidentState.PENDING:
        found.append("start")
    if state in _WORKING:
        found.append("progress")
    if state in _WORKING - {IncidentState.MITIGATED}:
        found.append("pause")
    if state in _RESTORABLE:
        found += ["restored", "mitigate"]
    if state in LIVE and open_dispute(incident.facts) is None:
        found.append("dispute")
    return found


def _leader_actions(incident: Incident) -> list[str]:
    found = ["countersign"] if COUNTERSIGN in running(incident) and incident.state in LIVE else []
    return [*found, "decide"] if incident.state in LIVE and open_dispute(incident.facts) else found


def _directions(incident: Incident) -> list[str]:
    state, found = incident.state, []
    if state in LIVE:
        found += ["reassign", "regrade", "merge"]
    if state is IncidentState.RESTORED:
        found.append("verify")
    if state is IncidentState.RESOLVED:
        found.append("close")
    if state in {IncidentState.RESOLVED, IncidentState.CLOSED}:
        found.append("reopen")
    if state is IncidentState.MERGED:
        found.append("unmerge")
    if state in {IncidentState.SUSPECTED, IncidentState.OPEN, IncidentState.ACKNOWLEDGED}:
        found.append("cancel")
    return found


_WORST_FIRST = (
    Verdict.DOWN,
    Verdict.AT_RISK,
    Verdict.DEGRADED,
    Verdict.UNKNOWN,
    Verdict.UNTESTED,
    Verdict.READY,
)
_LOST = frozenset({State.DOWN, State.PARTIAL})


def affected(
    impact: Impact, snapshot: Snapshot, inventory: Inventory, topology: Topology, *, scope: str | None = None
) -> tuple[AffectedSite, ...]:
    """Answer the sites hit, the worst off first; for a party (``scope``) by how its own lines there are."""
    found = []
    for code in impact.sites:
        site = inventory.sites[code]
        view = snapshot.sites.get(code)
        area = inventory.areas.get(topology.commune_of(code) or site.area)
        lines: tuple[int, int] | None = None
        verdict: Verdict | None = view.verdict if view else Verdict.UNTESTED
        if scope is not None:
            verdict, lines = None, _own_lines(view.paths if view else (), inventory, scope)
        found.append(AffectedSite(code, site.name, site.area, area.name if area else "", verdict, lines))
    return tuple(sorted(found, key=_worst_first))


def _own_lines(paths: Iterable[PathView], inventory: Inventory, party: str) -> tuple[int, int] | None:
    own = [path.state for path in paths if inventory.paths[path.code].carrier == party]
    return (sum(state in _LOST for state in own), len(own)) if own else None


def _worst_first(site: AffectedSite) -> tuple[int, str]:
    if site.verdict is not None:
        return _WORST_FIRST.index(site.verdict), site.code
    return (-site.lines[0] if site.lines else 0), site.code


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
    if entry.event is IncidentEvent.ESCALATED and entry.details.get("planned"):
        return words.gettext("Planned work, nobody is called")
    return label(words, entry.event)


def timeline(
    entries: Sequence[LedgerEntry], inventory: Inventory, words: Words, moments: Moments
) -> tuple[TimelineLine, ...]:
    """Answer the ledger in words, newest first; of the service's own book-keeping only what says something."""
    lines = (
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
    silent = (IncidentEvent.NOTE, actor_name("", inventory), ())
    return tuple(line for line in lines if (line.event, line.actor, line.details) != silent)


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
    yield from _explained(details, words)
    for call in details.get("calls", ()):
        yield words.gettext("Called: %(who)s", who=_called(call, inventory, words))
    if entry.event is IncidentEvent.ROSTER_GAP:
        yield _called(details, inventory, words)


def _explained(details: Mapping[str, Any], words: Words) -> Iterable[str]:
    """Say what the deeds of parties and department hold beside words: reasons, files, other incidents, severities."""
    if reason := details.get("reason"):
        clock = words.gettext("the clock runs") if details.get("clock") else words.gettext("the clock stands")
        yield f"{label(words, PendingReason(reason))} · {clock}"
    if kind := details.get("kind"):
        yield label(words, DisputeKind(kind))
    if file := details.get("file"):
        yield str(file["name"])
    for key in ("into", "joined", "left"):
        if number := details.get(key):
            yield str(number)
    if details.get("called"):
        yield words.gettext("The leader on duty was paged")
    if severities := details.get("severity"):
        yield " → ".join(severities)


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


def message_lines(
    messages: Iterable[Message], inventory: Inventory, carried: Mapping[int, str] | None = None
) -> tuple[MessageLine, ...]:
    """Answer what was sent, newest first; ``carried`` names the incidents of messages that carried others."""
    known = carried or {}
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
            rides_on=_rides_on(message, inventory),
            left_with=known.get(message.carried_by, "") if message.carried_by is not None else None,
        )
        for message in messages
    ]
    return tuple(sorted(found, key=lambda line: (line.at, line.id), reverse=True))


def _rides_on(message: Message, inventory: Inventory) -> str:
    """Answer the carrier whose network a message went over, where somebody wrote it down."""
    person = inventory.people.get(message.person)
    contacts = person.contacts if person else ()
    return next((each.rides_on for each in contacts if each.address == message.address), "")

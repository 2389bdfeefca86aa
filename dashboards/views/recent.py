"""What just happened, as lines: changes of belief and acts of people in one stream, newest first.

A cut changes a dozen sites in one second. Those that became the same thing at the same time are one line, so
that the list tells the story instead of scrolling it away.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerting.models import Incident, IncidentEvent, LedgerEntry
from dashboards.i18n import Words
from dashboards.views.duty import province_name, short_party
from dashboards.views.incident import actor_name, event_text
from dashboards.wording import label
from inventory.models import Inventory
from inventory.topology import Topology
from monitor.models import ChangeReason, StateChange, SubjectKind, Verdict

__all__ = ["RecentLine", "change_lines", "recent_lines"]

_TOGETHER = timedelta(seconds=5)
_UNSEEN = {Verdict.UNKNOWN, Verdict.UNTESTED, ""}
_QUIET = {IncidentEvent.GREW, IncidentEvent.NOTE, IncidentEvent.CONFIRMED}


@dataclass(frozen=True, slots=True)
class RecentLine:
    """One line: when, what, how bad (a verdict's name, or empty), and where to read more."""

    key: str
    at: datetime
    text: str
    tone: str
    url: str


def recent_lines(
    changes: Sequence[StateChange],
    acts: Sequence[tuple[Incident, LedgerEntry]],
    *,
    inventory: Inventory,
    topology: Topology,
    words: Words,
    limit: int,
) -> tuple[RecentLine, ...]:
    """Merge both streams, newest first."""
    lines = list(change_lines(changes, inventory=inventory, topology=topology, words=words))
    lines += [
        _act_line(incident, entry, inventory, words) for incident, entry in acts if entry.event not in _QUIET
    ]
    return tuple(sorted(lines, key=lambda line: line.at, reverse=True)[:limit])


def change_lines(
    changes: Iterable[StateChange], *, inventory: Inventory, topology: Topology, words: Words
) -> Iterable[RecentLine]:
    """Answer a line for each change that a person would remark, sites folded together."""
    sites: dict[tuple[str, datetime], list[StateChange]] = {}
    for change in changes:
        if change.kind is SubjectKind.SITE:
            # The first look at a site is no news, and neither is one that finds it as it should be.
            is_begin = change.old in _UNSEEN and change.new in {Verdict.READY, Verdict.UNKNOWN}
            if not is_begin and change.reason is not ChangeReason.FIRST_RESULT:
                sites.setdefault((change.new, _bucket(sites, change)), []).append(change)
        elif change.kind is SubjectKind.CAUSE:
            yield _cause_line(change, words)
        elif change.kind is SubjectKind.VANTAGE:
            yield _vantage_line(change, inventory, words)
    for (verdict, _), together in sites.items():
        yield _sites_line(Verdict(verdict), together, inventory, topology, words)


def _bucket(sites: dict[tuple[str, datetime], list[StateChange]], change: StateChange) -> datetime:
    for verdict, at in sites:
        if verdict == change.new and abs(at - change.at) <= _TOGETHER:
            return at
    return change.at


def _cause_line(change: StateChange, words: Words) -> RecentLine:
    told = change.evidence.get("explanation") or {}
    subject = words.pick(told.get("vi", change.subject), told.get("en", ""))
    down = change.new == "down"
    text = subject if down else words.gettext("Recovered: %(what)s", what=subject)
    return RecentLine(f"c{change.id}", change.at, text, "down" if down else "ready", "/incidents")


def _vantage_line(change: StateChange, inventory: Inventory, words: Words) -> RecentLine:
    vantage = inventory.vantages.get(change.subject)
    name = words.pick(vantage.name, vantage.name_en) if vantage else change.subject
    text = f"{name}: {label(words, change.reason)}"
    return RecentLine(f"c{change.id}", change.at, text, "unknown", "")


def _sites_line(
    verdict: Verdict, together: Sequence[StateChange], inventory: Inventory, topology: Topology, words: Words
) -> RecentLine:
    newest = max(together, key=lambda change: (change.at, change.id))
    what = label(words, verdict)
    known = [inventory.sites[change.subject] for change in together if change.subject in inventory.sites]
    if len(known) == 1:
        return RecentLine(
            f"c{newest.id}", newest.at, f"{known[0].name}: {what}", verdict.value, f"/sites/{known[0].code}"
        )
    districts = {topology.district_of(site.area) for site in known}
    where = ""
    url = ""
    if len(districts) == 1 and (district := inventory.areas.get(districts.pop() or "")) is not None:
        where, url = f" ({district.name})", f"/areas/{district.code}"
    count = words.ngettext("%(num)d site", "%(num)d sites", len(together))
    return RecentLine(f"c{newest.id}", newest.at, f"{count}: {what}{where}", verdict.value, url)


def _act_line(incident: Incident, entry: LedgerEntry, inventory: Inventory, words: Words) -> RecentLine:
    tone = "down" if entry.event in {IncidentEvent.OPENED, IncidentEvent.RECURRED} else ""
    return RecentLine(
        key=f"l{incident.id}-{entry.sequence}",
        at=entry.at,
        text=_told(incident, entry, inventory, words),
        tone=tone,
        url=f"/incidents/{incident.id}",
    )


def _told(incident: Incident, entry: LedgerEntry, inventory: Inventory, words: Words) -> str:
    """Say an act as it would be said in the room: who did what about which incident."""
    # A hyphen that does not break: the number stays in one piece in a narrow column.
    number = incident.number.replace("-", "\N{NON-BREAKING HYPHEN}")
    if entry.event is IncidentEvent.OPENED:
        party = inventory.parties.get(incident.owner)
        owner = short_party(party.name, province_name(inventory)) if party else incident.owner
        return words.gettext("Opened %(number)s for %(owner)s", number=number, owner=owner)
    if entry.event is IncidentEvent.ESCALATED and (calls := entry.details.get("calls")):
        people = [inventory.people.get(call["person"]) for call in calls]
        names = ", ".join(dict.fromkeys(person.name for person in people if person))
        return words.gettext("Called %(who)s about %(number)s", who=names, number=number)
    if entry.event is IncidentEvent.ACKNOWLEDGED:
        who = actor_name(entry.actor, inventory)
        return words.gettext("%(who)s acknowledged %(number)s", who=who, number=number)
    return f"{number}: {event_text(entry, words)}"

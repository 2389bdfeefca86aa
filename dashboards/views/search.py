"""Names as they are typed at three in the morning: without diacritics, without case, words in any order. Pure.

An :class:`Index` holds everything of one inventory that has a name, made once for each inventory; people, incidents and
the guide are matched as they are now. ``scope`` leaves out whatever another party answers for.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from dashboards.i18n import Words
from dashboards.views.duty import Number, numbers_of
from inventory.models import Inventory
from inventory.topology import Topology
from monitor.models import State, Verdict
from monitor.snapshot import Snapshot

__all__ = [
    "EXACT",
    "Entry",
    "Found",
    "Group",
    "Hits",
    "Index",
    "Match",
    "hits",
    "is_code",
    "matches",
    "only_one",
    "people_found",
    "plain",
    "rank_of",
]

_MOST = 12
EXACT = -1
"""Rank of what was named by its code."""


class Group(StrEnum):
    """What something found is, in the order in which the groups are shown."""

    INCIDENT = "incident"
    AREA = "area"
    SITE = "site"
    PERSON = "person"
    PARTY = "party"
    RISK = "risk"
    VANTAGE = "vantage"
    TARGET = "target"
    GUIDE = "guide"


@dataclass(frozen=True, slots=True)
class Match:
    """Something found: where it is, and how it is, where that can be said."""

    url: str
    name: str
    where: str = ""
    verdict: Verdict | None = None
    state: State | None = None
    numbers: tuple[Number, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A match with its rank: -1 where its code was typed, 0 where every word is a whole syllable of it."""

    rank: int
    match: Match


@dataclass(frozen=True, slots=True)
class Hits:
    """What one group shows, and how many more there are."""

    group: Group
    matches: tuple[Match, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One named thing of the inventory. ``owner`` is the party that answers for it, empty where none does."""

    group: Group
    code: str
    url: str
    name: str
    where: str
    owner: str
    text: str
    """Name and code as they are matched."""


def plain(text: str) -> str:
    """Answer ``text`` without diacritics and case: ``Đại Tâm`` reads ``dai tam``."""
    letters = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def rank_of(words: Sequence[str], text: str) -> int | None:
    """Whole syllables rank before parts of one: "My To" is not first "Mỹ Tòng"; None: a word is not there."""
    if not all(word in text for word in words):
        return None
    whole = set(text.split())
    return 0 if all(word in whole for word in words) else 1


@dataclass(slots=True)
class Index:
    """Every named thing of the inventory in use; made anew only when the inventory is another one."""

    _digest: str | None = None
    _entries: tuple[Entry, ...] = field(default=())

    def of(self, inventory: Inventory, topology: Topology) -> tuple[Entry, ...]:
        """Answer the entries of ``inventory``."""
        if self._digest != inventory.digest or not self._entries:
            self._entries, self._digest = tuple(_entries(inventory, topology)), inventory.digest
        return self._entries


def _entries(inventory: Inventory, topology: Topology) -> Iterable[Entry]:
    areas = inventory.areas
    for code, area in areas.items():
        parent = areas.get(area.parent or "")
        yield _entry(Group.AREA, code, area.name, area.name_en, where=parent.name if parent else "")
    for code, site in inventory.sites.items():
        place = areas.get(site.area)
        yield _entry(Group.SITE, code, site.name, where=place.name if place else "")
    for code, party in inventory.parties.items():
        yield _entry(Group.PARTY, code, party.name, party.name_en, where=code, owner=code)
    for code, risk in inventory.risks.items():
        yield _entry(Group.RISK, code, risk.name, where=code, owner=risk.owner)
    for code, vantage in inventory.vantages.items():
        yield _entry(Group.VANTAGE, code, vantage.name, vantage.name_en, where=code)
    for code, target in inventory.targets.items():
        url = _target_url(target.of, inventory)
        text = f"{code} {target.address}".casefold()
        yield Entry(Group.TARGET, code, url, code, target.address, topology.owner_of(code), text)


_PAGES = {
    Group.AREA: "/areas",
    Group.SITE: "/sites",
    Group.PARTY: "/carriers",
    Group.RISK: "/risks",
    Group.VANTAGE: "/vantages",
}


def _entry(group: Group, code: str, name: str, name_en: str = "", *, where: str, owner: str = "") -> Entry:
    text = " ".join(plain(f"{name} {name_en} {code}").split())
    return Entry(group, code, f"{_PAGES[group]}/{code}", name, where, owner, text)


def _target_url(of: str, inventory: Inventory) -> str:
    if of in inventory.paths:
        return f"/sites/{inventory.paths[of].site}"
    return f"/risks/{of}" if of in inventory.risks else f"/carriers/{inventory.links[of].carrier}"


_SCOPED = frozenset({Group.RISK})
"""Groups of the inventory that have a page for whoever sees one party alone."""


def matches(
    wanted: str, entries: Iterable[Entry], snapshot: Snapshot, *, scope: str | None = None
) -> dict[Group, list[Found]]:
    """Answer what of the inventory holds every word of ``wanted``, by group."""
    words = plain(wanted).split()
    found: dict[Group, list[Found]] = {}
    if not words:
        return found
    for entry in entries:
        if scope is not None and (entry.group not in _SCOPED or entry.owner != scope):
            continue
        if (rank := rank_of(words, entry.text)) is not None:
            rank = EXACT if is_code(wanted, entry.code) else rank
            found.setdefault(entry.group, []).append(Found(rank, _match(entry, snapshot)))
    return found


def is_code(wanted: str, code: str) -> bool:
    """Answer whether ``wanted`` is this code or number itself; a bare word such as a carrier's code may mean more."""
    return wanted.strip().casefold() == code.casefold() and any(letter in "-0123456789" for letter in code)


def _match(entry: Entry, snapshot: Snapshot) -> Match:
    verdict: Verdict | None = None
    state: State | None = None
    if entry.group is Group.AREA:
        verdict = snapshot.areas.get(entry.code, Verdict.UNTESTED)
    elif entry.group is Group.SITE:
        site = snapshot.sites.get(entry.code)
        verdict = site.verdict if site else Verdict.UNTESTED
    elif entry.group is Group.TARGET:
        target = snapshot.targets.get(entry.code)
        state = target.state if target else State.UNKNOWN
    return Match(entry.url, entry.name, entry.where, verdict, state)


def people_found(wanted: str, inventory: Inventory, *, scope: str | None, words: Words) -> list[Found]:
    """Answer people by name, code, position or number, with their numbers; with ``scope`` that party's alone."""
    asked, found = plain(wanted).split(), []
    digits = "".join(letter for letter in wanted if letter.isdigit())
    for person in inventory.people.values():
        if scope is not None and person.party != scope:
            continue
        numbers = numbers_of(person)
        rank = rank_of(asked, " ".join(plain(f"{person.name} {person.position} {person.code}").split()))
        if rank is None and len(digits) > 5 and any(digits in _dialled(each) for each in numbers):
            rank = 0
        if rank is not None:
            party = inventory.parties.get(person.party)
            named = words.pick(party.name, party.name_en) if party else person.party
            url = f"/roster?party={person.party}"
            where = ", ".join(part for part in (person.position, named) if part)
            found.append(Found(rank, Match(url, person.name, where, numbers=numbers)))
    return found


def _dialled(number: Number) -> str:
    """Answer a number's digits as stored and as dialled at home, one after the other."""
    return f"{number.e164} " + "".join(letter for letter in number.text if letter.isdigit())


def only_one(found: dict[Group, list[Found]]) -> Match | None:
    """Answer the one match that was meant: the only one there is, or the only one whose code was typed."""
    every = [each for some in found.values() for each in some]
    exact = [each for each in every if each.rank == EXACT]
    meant = exact or every
    return meant[0].match if len(meant) == 1 and not meant[0].match.numbers else None


def hits(found: dict[Group, list[Found]]) -> tuple[Hits, ...]:
    """Answer what is shown of each group, whole syllables first."""
    shown = []
    for group in Group:
        if some := sorted(found.get(group, ()), key=lambda each: each.rank):
            kept = tuple(each.match for each in some[:_MOST])
            shown.append(Hits(group, kept, len(some) - len(kept)))
    return tuple(shown)

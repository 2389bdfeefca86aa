"""Names as they are typed at three in the morning: without diacritics, without case, words in any order."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from inventory.models import Inventory
from monitor.models import Verdict
from monitor.snapshot import Snapshot

__all__ = ["Match", "matches", "plain"]

_MOST = 60


@dataclass(frozen=True, slots=True)
class Match:
    """Something found: where it is, and how it is."""

    url: str
    name: str
    where: str
    verdict: Verdict


def plain(text: str) -> str:
    """Answer ``text`` without diacritics and case: ``Đại Tâm`` reads ``dai tam``."""
    letters = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def matches(wanted: str, inventory: Inventory, snapshot: Snapshot) -> tuple[Match, ...]:
    """Answer areas, then sites, whose name or code holds every word of ``wanted``."""
    words = plain(wanted).split()
    if not words:
        return ()
    found: list[tuple[int, Match]] = []
    for code, area in inventory.areas.items():
        parent = inventory.areas.get(area.parent or "")
        if (rank := _rank(words, code, area.name)) is not None:
            verdict = snapshot.areas.get(code, Verdict.UNTESTED)
            found.append((rank, Match(f"/areas/{code}", area.name, parent.name if parent else "", verdict)))
    for code, site in inventory.sites.items():
        if (rank := _rank(words, code, site.name)) is not None:
            view, place = snapshot.sites.get(code), inventory.areas.get(site.area)
            verdict = view.verdict if view else Verdict.UNTESTED
            found.append((rank + 2, Match(f"/sites/{code}", site.name, place.name if place else "", verdict)))
    found.sort(key=lambda pair: pair[0])
    return tuple(match for _, match in found[:_MOST])


def _rank(words: Iterable[str], code: str, name: str) -> int | None:
    """Whole syllables rank before parts of one: "My To" is not first "Mỹ Tòng"."""
    syllables = plain(name).split()
    whole, joined = {*syllables, code.casefold()}, " ".join(syllables) + " " + code.casefold()
    if all(word in whole for word in words):
        return 0
    return 1 if all(word in joined for word in words) else None

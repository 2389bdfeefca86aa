"""Roll call (điểm danh): sites are called by telephone, and what they say is a sample from a human vantage. Pure.

What an answer is worth (DESIGN.md, sections 6 and 7; ``human_confirmed`` is the highest rank of evidence):

============ ==========================================================================================
``clear``    somebody there says that everything works: each path of the site was confirmed by a person
``partial``  something is lost there: the path that the call came over was confirmed, the others were not
``lost``     everything is said to be lost: nothing is proven, and nothing is disproven
``no_contact`` nobody answered: as little
============ ==========================================================================================

* It is **evidence, never a state**. Where the inventory has a target of kind ``rollcall`` for a path, a confirmation
  travels to belief over the bus like every sample, and the path keeps its rank and age. The state of the path is that
  of its machines' targets alone: an answer never turns what machines see as up down, and never counts as up for what
  they see as down. A path that no machine looks at stays unknown, with a confirmation and its age beside it.
* A call that nobody answered speaks of a person, not of a line; what is said to be lost is opened as an incident by
  whoever heard it (``/incidents/new``), with a name behind it.
* An answer ages: how many of how many sites answered is always said for a time back from now.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from inventory.models import Inventory, ProbeKind, SiteKind
from inventory.topology import Topology

__all__ = ["CONFIRMING", "Number", "RollAnswer", "RollCall", "Tally", "confirmed", "numbers_of", "tally"]


class RollAnswer(StrEnum):
    """What a call brought."""

    CLEAR = "clear"
    PARTIAL = "partial"
    LOST = "lost"
    NO_CONTACT = "no_contact"


CONFIRMING = frozenset({RollAnswer.CLEAR, RollAnswer.PARTIAL})
"""Answers that confirm a path, or every one."""


@dataclass(frozen=True, slots=True)
class RollCall:
    """One call. ``path`` is the site's path whose number was called, ``network`` the carrier it was made over; may be empty."""

    id: int
    site: str
    answer: RollAnswer
    path: str
    network: str
    note: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number to call about a site, E.164; ``site`` and ``path`` say whose it is."""

    number: str
    site: str
    path: str
    carrier: str


@dataclass(frozen=True, slots=True)
class Tally:
    """Of ``sites``, how many were reached since ``since``, and how many gave each newest answer."""

    since: datetime
    sites: int
    answered: int
    counts: Mapping[RollAnswer, int]

    @property
    def uncalled(self) -> int:
        """Sites that nobody called since then."""
        return self.sites - sum(self.counts.values())


def numbers_of(inventory: Inventory, topology: Topology, site: str) -> tuple[Number, ...]:
    """Answer the numbers of a site's own paths, then those of the commune's committee where it is another site."""
    found = inventory.sites.get(site)
    if found is None:
        return ()
    commune = [
        code
        for code in topology.sites_of_area(found.area)
        if code != site
        and inventory.sites[code].kind is SiteKind.COMMUNE_COMMITTEE
        and inventory.sites[code].area == found.area
    ]
    return tuple(
        Number(path.number, code, path.code, path.carrier)
        for code in (site, *commune)
        for path in (inventory.paths[each] for each in topology.paths_of_site(code))
        if path.number
    )


def tally(sites: Iterable[str], newest: Mapping[str, RollCall], since: datetime) -> Tally:
    """Count the newest answers of ``sites`` that are not older than ``since``; who was not reached has not answered."""
    asked = list(sites)
    fresh = [newest[site].answer for site in asked if site in newest and newest[site].at >= since]
    counts = {answer: fresh.count(answer) for answer in RollAnswer}
    return Tally(since, len(asked), len(fresh) - counts[RollAnswer.NO_CONTACT], counts)


def confirmed(call: RollCall, inventory: Inventory, topology: Topology) -> Sequence[str]:
    """Answer the ``rollcall`` targets whose paths the answer confirms."""
    if call.answer not in CONFIRMING:
        return ()
    paths = topology.paths_of_site(call.site)
    return [
        target
        for path in paths
        if call.answer is RollAnswer.CLEAR or path == call.path
        for target in topology.targets_of_path(path)
        if inventory.targets[target].kind is ProbeKind.ROLLCALL
    ]

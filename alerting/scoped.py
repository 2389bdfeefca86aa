"""What of an incident a party may see that is kept to its own matters. Pure.

A party sees everything that is held against it: when, where, what was measured, who was called. It does not see what
would tell of another: which of its sites have nothing else left (that is the others' state), whose lines hang on its
trunk and which places only those reach, who announced work there, who was accountable before it and what they did and
said, nor numbers that count through everybody's records: entries of the ledger and the incident's version are numbered
as if the party's own times were all there was. A party that runs no lines of its own (a power company) sees the places
that its fault hit, and nobody's lines.

Two things it does see although others have a part in them, because they are held against it (DESIGN.md, section 10: "the
same evidence the department has"), and it could not dispute what it was not told:

* How many sites, communes and voters a fault of its own hit, and whose lines its title names: that is why the fault is
  as grave as it is, and a deadline rests on that. For a trunk these count sites that only another's lines reach; which
  ones those are it is not told, and who leased a trunk out knows whom it carries.
* The grade itself. "Isolated" says that a site had nothing else left, of whoever's; it is told of the whole incident,
  never of one site.

How a site is as a whole rests on everybody's lines, so no page of a party shows it: it shows how the party's own are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alerting.evidence import TRACED
from alerting.ledger import entries_of
from alerting.models import Incident, LedgerEntry
from inventory.models import Inventory, PartyKind
from monitor.planned import MARK

__all__ = ["Scope", "incident_for", "ledger_for", "scope_of", "version_for", "version_meant"]

_OTHERS_STATE = frozenset({"isolated", "last_path"})


@dataclass(frozen=True, slots=True)
class Scope:
    """The one party whose matters may be seen, and the inventory that says what is its own."""

    party: str
    inventory: Inventory

    def owns_path(self, code: str) -> bool:
        """Answer whether the path is the party's."""
        path = self.inventory.paths.get(code)
        return path is not None and path.carrier == self.party

    def owns_target(self, code: str) -> bool:
        """Answer whether the target speaks for a path, link or risk group of the party's."""
        target = self.inventory.targets.get(code)
        of = target.of if target is not None else ""
        link, risk = self.inventory.links.get(of), self.inventory.risks.get(of)
        owner = link.carrier if link else risk.owner if risk else ""
        return self.owns_path(of) or owner == self.party

    @property
    def runs_lines(self) -> bool:
        """Whether the party is a carrier, to whom another's customers are none of its business."""
        known = self.inventory.parties.get(self.party)
        return known is not None and known.kind is PartyKind.CARRIER

    def reached(self) -> frozenset[str]:
        """Answer the sites that the party may name: those that a carrier's own lines reach, for others every one."""
        if not self.runs_lines:
            return frozenset(self.inventory.sites)
        paths = self.inventory.paths.values()
        return frozenset(path.site for path in paths if path.carrier == self.party)

    def sites(self, sites: Sequence[str], paths: Sequence[str]) -> list[str]:
        """Answer which of the sites that a cause hit through ``paths`` the party's own lines reach."""
        if not paths or not self.runs_lines:
            return list(sites)
        reached = {self.inventory.paths[code].site for code in paths if self.owns_path(code)}
        return [site for site in sites if site in reached]


def scope_of(party: str | None, inventory: Inventory) -> Scope | None:
    """Answer the scope of an account that is kept to ``party``; None: it sees everybody's matters."""
    return None if party is None else Scope(party, inventory)


def incident_for(incident: Incident, scope: Scope | None) -> Incident:
    """Answer ``incident`` as a party (None: everybody's matters) may see it."""
    return incident if scope is None else replace(incident, facts=_facts(incident.facts, scope))


def ledger_for(entries: Sequence[LedgerEntry], scope: Scope | None) -> list[LedgerEntry]:
    """Answer the entries of the times in which the party was accountable, and of its becoming so."""
    if scope is None:
        return list(entries)
    return [
        replace(entry, sequence=place, details=_details(entry.details, scope))
        for place, entry in enumerate(entries_of(entries, scope.party), 1)
    ]


def version_for(entries: Sequence[LedgerEntry], scope: Scope | None) -> int:
    """Answer the version of an incident as a party may count it: the number of its last entry in :func:`ledger_for`."""
    if scope is not None:
        return len(entries_of(entries, scope.party))
    return entries[-1].sequence if entries else 0


def version_meant(shown: int, entries: Sequence[LedgerEntry], scope: Scope | None) -> int:
    """Answer which version a party means that was shown ``shown``; -1, which no incident has: none that it was shown."""
    if scope is None:
        return shown
    mine = entries_of(entries, scope.party)
    return mine[shown - 1].sequence if 0 < shown <= len(mine) else -1


def _details(details: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    shown = {key: value for key, value in details.items() if key != "change"}
    changes = dict(shown.get("changes", {}))
    if "facts" in changes:
        changes["facts"] = _facts(changes["facts"], scope)
    if "routes" in shown:
        shown["routes"] = [route for route in shown["routes"] if scope.owns_target(route["target"])]
    return {**shown, "changes": changes}


def _facts(facts: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    shown = dict(facts)
    if "evidence" in shown:
        shown["evidence"] = _evidence(shown["evidence"], scope)
    if "impact" in shown:
        shown["impact"] = _impact(shown["impact"], scope)
    if TRACED in shown:
        shown[TRACED] = [code for code in shown[TRACED] if scope.owns_target(code)]
    told = shown.get("report")
    if told and told.get("external", {}).get("party", scope.party) != scope.party:
        # The number in another's ticket system, who reported it before it was handed over.
        shown["report"] = {name: value for name, value in told.items() if name != "external"}
    dispute = shown.get("dispute")
    if dispute and dispute.get("owner") != scope.party:
        del shown["dispute"]
    return shown


def _impact(impact: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    shown = _without_others_state(impact)
    if "tally_sites" in shown:
        reached = scope.reached()
        shown["tally_sites"] = [code for code in shown["tally_sites"] if code in reached]
    return shown


def _evidence(evidence: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    shown = _without_others_state(evidence)
    paths = shown.get("paths", ())
    if "sites" in shown:
        shown["sites"] = scope.sites(shown["sites"], paths)
    if "paths" in shown:
        shown["paths"] = [code for code in paths if scope.owns_path(code)]
    if "targets" in shown:
        shown["targets"] = [code for code in shown["targets"] if scope.owns_target(code)]
    if shown.get(MARK):
        works = [work for work in shown[MARK]["works"] if work["owner"] == scope.party]
        shown[MARK] = {**shown[MARK], "works": works}
    return shown


def _without_others_state(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in _OTHERS_STATE}

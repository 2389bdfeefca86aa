"""What of an incident a party may see that is kept to its own matters. Pure.

A party sees everything that is held against it: when, where, what was measured, who was called. It does not see what
would tell of another: which of its sites have nothing else left (that is the others' state), who was accountable
before it and what they did and said, nor numbers that count through everybody's records.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from alerting.models import Incident, LedgerEntry

__all__ = ["incident_for", "ledger_for"]

_OTHERS_STATE = frozenset({"isolated", "last_path"})


def incident_for(incident: Incident, scope: str | None) -> Incident:
    """Answer ``incident`` as a party (``scope``; None: everybody's matters) may see it."""
    return incident if scope is None else replace(incident, facts=_facts(incident.facts, scope))


def ledger_for(entries: Sequence[LedgerEntry], scope: str | None) -> list[LedgerEntry]:
    """Answer the entries of the times in which ``scope`` was accountable, and of its becoming so."""
    if scope is None:
        return list(entries)
    found, owner = [], ""
    for entry in entries:
        owner = entry.details.get("changes", {}).get("owner", owner)
        if owner == scope:
            found.append(replace(entry, details=_details(entry.details, scope)))
    return found


def _details(details: Mapping[str, Any], scope: str) -> dict[str, Any]:
    shown = {key: value for key, value in details.items() if key != "change"}
    changes = dict(shown.get("changes", {}))
    if "facts" in changes:
        changes["facts"] = _facts(changes["facts"], scope)
    return {**shown, "changes": changes}


def _facts(facts: Mapping[str, Any], scope: str) -> dict[str, Any]:
    shown = dict(facts)
    for key in ("evidence", "impact"):
        if key in shown:
            shown[key] = {name: value for name, value in shown[key].items() if name not in _OTHERS_STATE}
    dispute = shown.get("dispute")
    if dispute and dispute.get("owner") != scope:
        del shown["dispute"]
    return shown

"""The ledger: an append-only chain of what happened, of which every incident is a fold.

An entry's ``details`` hold ``changes``, the fields that the event changed with their new values, and beside it
whatever explains the event (a note, the step, the row of belief that caused it). ``facts`` change key by key.
``hash`` is SHA-256 over canonical JSON (sorted keys, no spaces, UTF-8) of everything else in the entry and of
the entry before, so that a row cut out, put in or altered later shows.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from alerting.incident import find
from alerting.models import CauseClass, Incident, IncidentEvent, IncidentState, LedgerEntry
from inventory.models import Phase, Severity

__all__ = ["GENESIS", "append", "changes_between", "entries_of", "fold", "verify"]

GENESIS = "0" * 64
"""What the first entry of an incident has for its predecessor."""

_FIELDS = tuple(field.name for field in fields(Incident))
_ENUMS = {"state": IncidentState, "severity": Severity, "phase": Phase, "cause": CauseClass}


def append(
    previous: LedgerEntry | None,
    *,
    incident: int,
    at: datetime,
    event: IncidentEvent,
    actor: str,
    old: str,
    new: str,
    details: Mapping[str, Any],
) -> LedgerEntry:
    """Forge the entry that follows ``previous``."""
    entry = LedgerEntry(
        incident=incident,
        sequence=previous.sequence + 1 if previous else 1,
        at=at.astimezone(UTC),
        event=event,
        actor=actor,
        old=old,
        new=new,
        details=json.loads(_canonical(details)),
        previous=previous.hash if previous else GENESIS,
        hash="",
    )
    return replace(entry, hash=_hash(entry))


def verify(entries: Sequence[LedgerEntry]) -> int | None:
    """Answer the sequence number of the first entry that does not hold, or None when the chain is whole."""
    previous = GENESIS
    for expected, entry in enumerate(entries, start=1):
        if entry.sequence != expected or entry.previous != previous or entry.hash != _hash(entry):
            return expected
        previous = entry.hash
    return None


def fold(entries: Sequence[LedgerEntry]) -> Incident:
    """Rebuild the incident from its entries alone; raises if an entry was not allowed where it stands."""
    if not entries or entries[0].old:
        raise ValueError("a ledger begins with the opening of its incident")
    held: dict[str, Any] = {"id": entries[0].incident, "facts": {}}
    for entry in entries:
        source = IncidentState(held["state"]) if "state" in held else None
        row = find(source, entry.event, acknowledged=held.get("acknowledged_at") is not None)
        if (entry.old, entry.new) != (source or "", row.target):
            raise ValueError(f"entry {entry.sequence} says {entry.old} to {entry.new} where {source} stood")
        changes = dict(entry.details.get("changes", {}))
        held["facts"] = {**held["facts"], **changes.pop("facts", {})}
        held |= {name: _decoded(name, value) for name, value in changes.items()}
    return Incident(**held)


def changes_between(old: Incident | None, new: Incident) -> dict[str, Any]:
    """Answer the fields that differ, as JSON values; of ``facts`` only the keys that differ."""
    changes: dict[str, Any] = {}
    for name in _FIELDS:
        after = getattr(new, name)
        if name not in {"id", "facts"} and (old is None or getattr(old, name) != after):
            changes[name] = _encoded(after)
    before = old.facts if old else {}
    facts = {key: value for key, value in new.facts.items() if key not in before or before[key] != value}
    return changes | ({"facts": facts} if facts else {})


def _encoded(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.value if isinstance(value, Enum) else value


def _decoded(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name.endswith("_at"):
        return datetime.fromisoformat(value)
    return _ENUMS[name](value) if name in _ENUMS else value


def _canonical(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_encoded)
    return text.encode()


def _hash(entry: LedgerEntry) -> str:
    """Hash everything but the hash itself."""
    content = {
        field.name: _encoded(getattr(entry, field.name)) for field in fields(entry) if field.name != "hash"
    }
    return hashlib.sha256(_canonical(content)).hexdigest()


def entries_of(entries: Sequence[LedgerEntry], party: str) -> list[LedgerEntry]:
    """Answer the entries of the times in which ``party`` was accountable, as they are."""
    found, owner = [], ""
    for entry in entries:
        owner = entry.details.get("changes", {}).get("owner", owner)
        if owner == party:
            found.append(entry)
    return found

"""Whose clock ran when: the time of an incident, parted by accountable party, as a fold of its ledger. Pure.

Every instant from the opening to the end (or to ``until``) belongs to exactly one party and one kind, so the parts sum
to the whole; a report that holds time against a carrier leads back to the entries between which it ran.

- *running*: the party owed work or a word, from suspicion on, also while service flows another way (the repair goes on).
- *paused*: it waited for what the party can do nothing about, or the incident was merged into another.
- *settled*: restored or resolved, closed or cancelled; what runs then is verification and the department's signing off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from alerting.models import IncidentState, LedgerEntry

__all__ = ["Clock", "Span", "clocks", "spans"]


class Clock(StrEnum):
    """What kind of time it is."""

    RUNNING = "running"
    PAUSED = "paused"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open interval in which one party's clock stood as ``clock`` says; ``sequence`` is the entry that began it."""

    owner: str
    clock: Clock
    start: datetime
    end: datetime
    sequence: int


_SETTLED = frozenset(
    {
        IncidentState.RESTORED,
        IncidentState.RESOLVED,
        IncidentState.CLOSED,
        IncidentState.CANCELLED,
    }
)


def _clock(state: IncidentState, facts: Mapping[str, Any]) -> Clock:
    if state in _SETTLED:
        return Clock.SETTLED
    waits = state is IncidentState.PENDING and bool(facts.get("clock_stopped_at"))
    return Clock.PAUSED if waits or state is IncidentState.MERGED else Clock.RUNNING


def spans(entries: Sequence[LedgerEntry], until: datetime) -> tuple[Span, ...]:
    """Answer the intervals of an incident in order, from its opening to ``until`` without a hole."""
    found: list[Span] = []
    owner, facts = "", dict[str, Any]()
    for place, entry in enumerate(entries):
        changes = entry.details.get("changes", {})
        owner = changes.get("owner", owner)
        facts |= changes.get("facts", {})
        end = entries[place + 1].at if place + 1 < len(entries) else until
        clock = _clock(IncidentState(entry.new), facts)
        last = found[-1] if found else None
        if last is not None and (last.owner, last.clock) == (owner, clock):
            found[-1] = Span(owner, clock, last.start, max(end, last.start), last.sequence)
        else:
            found.append(Span(owner, clock, entry.at, max(end, entry.at), entry.sequence))
    return tuple(found)


def clocks(entries: Sequence[LedgerEntry], until: datetime) -> dict[tuple[str, Clock], timedelta]:
    """Answer how long each party's clock ran, stood and was settled until ``until``."""
    sums: dict[tuple[str, Clock], timedelta] = {}
    for span in spans(entries, until):
        key = (span.owner, span.clock)
        sums[key] = sums.get(key, timedelta()) + (span.end - span.start)
    return sums

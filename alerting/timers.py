"""Timers beside the deadline: what an incident waits for besides the next word of whoever holds it.

They lie in its facts under ``timers`` by name, so that they are part of the ledger's fold. Pure.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from alerting.models import ACKNOWLEDGEABLE, LIVE, Incident, Message, MessageKind

__all__ = ["COUNTERSIGN", "DECIDE", "due", "is_wanted", "running", "soonest", "started", "stopped"]

COUNTERSIGN = "countersign"
"""A leader's own word on the gravest incidents."""
DECIDE = "decide"
"""A leader's decision on a dispute."""


def running(incident: Incident) -> dict[str, datetime]:
    """Answer the timers that run, by name."""
    kept: Mapping[str, str] = incident.facts.get("timers", {})
    return {name: datetime.fromisoformat(moment) for name, moment in kept.items()}


def soonest(incident: Incident) -> datetime | None:
    """Answer when the next timer of a live incident runs out."""
    return min(running(incident).values(), default=None) if incident.state in LIVE else None


def due(incident: Incident, at: datetime) -> tuple[str, ...]:
    """Answer the timers that have run out at ``at``."""
    return tuple(name for name, moment in running(incident).items() if moment <= at)


def started(incident: Incident, name: str, until: datetime) -> dict[str, Any]:
    """Answer the facts with the timer ``name`` running until ``until``."""
    timers = {**incident.facts.get("timers", {}), name: until.astimezone(UTC).isoformat()}
    return {"timers": timers}


def stopped(incident: Incident, name: str) -> dict[str, Any]:
    """Answer the facts without the timer ``name``; nothing to change when it does not run."""
    kept = incident.facts.get("timers", {})
    if name not in kept:
        return {}
    return {"timers": {other: moment for other, moment in kept.items() if other != name}}


def is_wanted(incident: Incident, message: Message) -> bool:
    """Answer whether ``message`` about ``incident`` should still leave; looked at right before it does.

    A notice and an event always. A page for a leader's word while that word is waited for, whoever holds the incident. Any other
    page while the incident waits to be acknowledged in the generation that decided the page.
    """
    if message.kind is not MessageKind.PAGE:
        return True
    what = message.body.get("what")
    if what in {COUNTERSIGN, DECIDE}:
        return incident.state in LIVE and what in running(incident)
    return incident.state in ACKNOWLEDGEABLE and incident.generation == message.generation

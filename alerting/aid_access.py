"""Who may do what to an aid, and what of it each side sees. Pure."""

from dataclasses import asdict
from typing import Any

from alerting.aid import TRANSITIONS, Aid, AidEvent, AidState

__all__ = ["CLOCKWORK", "deeds_of", "seen_by"]

CLOCKWORK = frozenset({AidEvent.DRAFTED, AidEvent.LAPSED, AidEvent.REMINDED})
"""Events that nobody can ask for."""

_HELPER = frozenset(
    {
        AidEvent.ACCEPTED,
        AidEvent.COUNTERED,
        AidEvent.DECLINED,
        AidEvent.FAILED,
        AidEvent.CLOSED,
        AidEvent.NOTE,
    }
)
_REQUESTER = frozenset({AidEvent.WITHDRAWN, AidEvent.RELEASED, AidEvent.NOTE})


def deeds_of(aid: Aid, *, scope: str | None, may_order: bool, may_act: bool) -> frozenset[AidEvent]:
    """Answer what somebody may do to ``aid`` now; ``scope`` None is the department, which may act for anybody."""
    possible = frozenset(event for state, event in TRANSITIONS if state is aid.state) - CLOCKWORK
    if scope is None:
        return possible if may_order else frozenset()
    if not may_act:
        return frozenset()
    if scope == aid.helper and aid.state is not AidState.DRAFT:
        return possible & _HELPER
    return possible & _REQUESTER if scope == aid.requester else frozenset()


def seen_by(aid: Aid, scope: str | None) -> dict[str, Any]:
    """Answer an aid as JSON values; the partner sees area, need and duration, and nothing of the incident."""
    values = {name: value for name, value in asdict(aid).items() if name != "version"}
    values |= {"kind": aid.kind.value, "state": aid.state.value}
    if scope is not None and scope != aid.requester:
        for name in ("incident", "requester"):
            del values[name]
    return values

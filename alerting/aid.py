"""Mutual aid (ứng cứu lẫn nhau): one party's help for another's incident, as a table of events and timers. Pure.

Requests go through the department: an owner drafts, the department asks. The partner sees the area, the need and for
how long, and nothing else of the incident. Help that is *standing by* (pre-armed) is accepted before it is needed and
waits until its validity ends. Help is active only when somebody verified it, by measurement or by a call; at the end
the helper says what it really was (users, minutes, capacity).

Rules kept by :func:`apply` for every caller: a live aid has a deadline, one that is over has none; every deadline that
passes is an event (:func:`expiry`): an unanswered request ends, whatever is under way is reminded of, for ever.

::

    (new)       drafted            draft
    draft       requested          requested
    requested   accepted           accepted
    requested   countered          countered
    countered   agreed             accepted
    requested   declined           declined
    countered   declined           declined
    accepted    activated          activating
    activating  verified           active
    accepted    failed             releasing
    activating  failed             releasing
    active      released           releasing
    releasing   closed             closed
    draft       withdrawn          withdrawn
    requested   withdrawn          withdrawn
    countered   withdrawn          withdrawn
    accepted    withdrawn          withdrawn
    draft       lapsed             expired
    requested   lapsed             expired
    countered   lapsed             expired
    accepted    lapsed             expired
    =           extended           active
    =           reminded           accepted activating active releasing
    =           note               every state
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from alerting.errors import RefusedError

__all__ = [
    "ANSWER_WITHIN",
    "LEAD_TIMES",
    "LIVE_AIDS",
    "TRANSITIONS",
    "Aid",
    "AidEvent",
    "AidKind",
    "AidRefusedError",
    "AidState",
    "apply",
    "deadline_of",
    "diagram",
    "expiry",
    "find",
]


class AidKind(StrEnum):
    """What one party can lend another (DOMAIN.md, R16)."""

    ROAMING = "roaming"
    CAPACITY = "capacity"
    SITE_SHARING = "site_sharing"
    GENERATOR = "generator"
    VEHICLE = "vehicle"
    TEAM = "team"
    SATELLITE = "satellite"
    FIBRE_CORE = "fibre_core"


class AidState(StrEnum):
    """How far it has come."""

    DRAFT = "draft"
    REQUESTED = "requested"
    COUNTERED = "countered"
    ACCEPTED = "accepted"
    ACTIVATING = "activating"
    ACTIVE = "active"
    RELEASING = "releasing"
    CLOSED = "closed"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class AidEvent(StrEnum):
    """What can happen to it."""

    DRAFTED = "drafted"
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    COUNTERED = "countered"
    AGREED = "agreed"
    DECLINED = "declined"
    ACTIVATED = "activated"
    VERIFIED = "verified"
    FAILED = "failed"
    RELEASED = "released"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    EXTENDED = "extended"
    REMINDED = "reminded"
    NOTE = "note"


_S, _E = AidState, AidEvent

LIVE_AIDS = frozenset(
    {_S.DRAFT, _S.REQUESTED, _S.COUNTERED, _S.ACCEPTED, _S.ACTIVATING, _S.ACTIVE, _S.RELEASING}
)
"""States in which somebody still owes something: each has a running deadline."""

_MINUTE = timedelta(minutes=1)

ANSWER_WITHIN: Mapping[AidState, timedelta] = {
    _S.DRAFT: 60 * _MINUTE,
    _S.REQUESTED: 10 * _MINUTE,
    _S.COUNTERED: 10 * _MINUTE,
    _S.ACCEPTED: 15 * _MINUTE,
    _S.RELEASING: 60 * _MINUTE,
}
"""How long each state may last before its deadline; the partner's duty is asked as an owner of an incident is."""

LEAD_TIMES: Mapping[AidKind, timedelta] = {
    AidKind.ROAMING: 30 * _MINUTE,
    AidKind.CAPACITY: 30 * _MINUTE,
    AidKind.SITE_SHARING: 120 * _MINUTE,
    AidKind.GENERATOR: 120 * _MINUTE,
    AidKind.VEHICLE: 240 * _MINUTE,
    AidKind.TEAM: 60 * _MINUTE,
    AidKind.SATELLITE: 60 * _MINUTE,
    AidKind.FIBRE_CORE: 120 * _MINUTE,
}
"""From the order to help that works. Roaming: 30 minutes is what the ministry orders (DOMAIN.md, R16); the others are
proposals that the parties may shorten in their answer."""

_ASKED = (_S.REQUESTED, _S.COUNTERED)
_UNDER_WAY = (_S.ACCEPTED, _S.ACTIVATING, _S.ACTIVE, _S.RELEASING)

TRANSITIONS: Mapping[tuple[AidState | None, AidEvent], AidState] = {
    (None, _E.DRAFTED): _S.DRAFT,
    (_S.DRAFT, _E.REQUESTED): _S.REQUESTED,
    (_S.REQUESTED, _E.ACCEPTED): _S.ACCEPTED,
    (_S.REQUESTED, _E.COUNTERED): _S.COUNTERED,
    (_S.COUNTERED, _E.AGREED): _S.ACCEPTED,
    **{(state, _E.DECLINED): _S.DECLINED for state in _ASKED},
    (_S.ACCEPTED, _E.ACTIVATED): _S.ACTIVATING,
    (_S.ACTIVATING, _E.VERIFIED): _S.ACTIVE,
    **{(state, _E.FAILED): _S.RELEASING for state in (_S.ACCEPTED, _S.ACTIVATING)},
    (_S.ACTIVE, _E.RELEASED): _S.RELEASING,
    (_S.RELEASING, _E.CLOSED): _S.CLOSED,
    **{(state, _E.WITHDRAWN): _S.WITHDRAWN for state in (_S.DRAFT, *_ASKED, _S.ACCEPTED)},
    **{(state, _E.LAPSED): _S.EXPIRED for state in (_S.DRAFT, *_ASKED, _S.ACCEPTED)},
    (_S.ACTIVE, _E.EXTENDED): _S.ACTIVE,
    **{(state, _E.REMINDED): state for state in _UNDER_WAY},
    **{(state, _E.NOTE): state for state in _S},
}
"""The whole machine (PEERS-INCIDENTS.md, section 12.2)."""


class AidRefusedError(RefusedError):
    """An aid's state does not allow what was asked for."""

    slug = "aid-refused"
    status = 409

    def __init__(self, state: str, event: AidEvent) -> None:
        super().__init__(f"an aid that is {state} cannot be {event}")
        self.allowed = sorted(each for one, each in TRANSITIONS if one == state)


@dataclass(frozen=True, slots=True)
class Aid:
    """One aid. ``terms`` is what the helper offered, ``actuals`` what it was in the end; JSON values both.

    ``requester`` is the owner of the incident; a partner is never shown it, nor the incident.
    """

    id: int
    number: str
    incident: int
    kind: AidKind
    requester: str
    helper: str
    area: str
    need: str
    minutes: int
    state: AidState
    deadline_at: datetime | None
    created_at: datetime
    is_standby: bool = False
    ordered_by: str = ""
    terms: Mapping[str, Any] = field(default_factory=dict)
    verified_by: str = ""
    actuals: Mapping[str, Any] = field(default_factory=dict)
    requested_at: datetime | None = None
    accepted_at: datetime | None = None
    activated_at: datetime | None = None
    active_at: datetime | None = None
    released_at: datetime | None = None
    ended_at: datetime | None = None
    version: int = 0


_STAMPS: Mapping[AidEvent, str] = {
    _E.REQUESTED: "requested_at",
    _E.ACCEPTED: "accepted_at",
    _E.AGREED: "accepted_at",
    _E.ACTIVATED: "activated_at",
    _E.VERIFIED: "active_at",
    _E.RELEASED: "released_at",
    _E.FAILED: "released_at",
}


def find(state: AidState | None, event: AidEvent) -> AidState:
    """Answer what ``event`` makes of ``state``; raises :class:`AidRefusedError` where it cannot happen."""
    target = TRANSITIONS.get((state, event))
    if target is None:
        raise AidRefusedError(state or "new", event)
    return target


def apply(aid: Aid, event: AidEvent, at: datetime, **changes: Any) -> Aid:
    """Answer ``aid`` after ``event`` at ``at``, with its next deadline; raises :class:`AidRefusedError`."""
    target = find(aid.state, event)
    stamp = {_STAMPS[event]: at} if event in _STAMPS else {}
    moved = replace(aid, **{**stamp, **changes, "state": target, "version": aid.version + 1})
    if target not in LIVE_AIDS:
        return replace(moved, deadline_at=None, ended_at=aid.ended_at or at)
    if event is _E.NOTE:
        return moved
    return replace(moved, deadline_at=deadline_of(moved, at, event=event))


def deadline_of(aid: Aid, at: datetime, *, event: AidEvent) -> datetime:
    """Answer when the next word about a live aid is due that has just come to its state by ``event`` at ``at``.

    What is reminded of is asked again after a quarter of an hour. Help that stands by waits for as long as it was
    offered; help that is active for as long as it was asked for.
    """
    if event is _E.REMINDED:
        return at + ANSWER_WITHIN[_S.ACCEPTED]
    if aid.state is _S.ACCEPTED and aid.is_standby:
        return at + int(aid.terms.get("valid_minutes", aid.minutes)) * _MINUTE
    if aid.state is _S.ACTIVATING:
        promised = aid.terms.get("lead_minutes")
        lead = LEAD_TIMES[aid.kind]
        return at + (min(lead, int(promised) * _MINUTE) if promised else lead)
    if aid.state is _S.ACTIVE:
        return at + aid.minutes * _MINUTE
    return at + ANSWER_WITHIN[aid.state]


def expiry(aid: Aid) -> AidEvent:
    """Answer what the passing of its deadline is: the end of what waits for an answer, else a reminder."""
    waits = aid.state in {_S.DRAFT, *_ASKED} or (aid.state is _S.ACCEPTED and aid.is_standby)
    return _E.LAPSED if waits else _E.REMINDED


def diagram() -> str:
    """Draw :data:`TRANSITIONS` as text: moves one a line, then the events that leave a state as it is."""
    moves = [(s, e, t) for (s, e), t in TRANSITIONS.items() if s is not t]
    lines = [f"{source or '(new)':<11} {event:<18} {target}" for source, event, target in moves]
    kept: dict[AidEvent, list[str]] = {}
    for (source, event), target in TRANSITIONS.items():
        if source is target:
            kept.setdefault(event, []).append(str(target))
    for event, states in kept.items():
        lines.append(
            f"{'=':<11} {event:<18} {'every state' if len(states) == len(AidState) else ' '.join(states)}"
        )
    return "\n".join(lines)

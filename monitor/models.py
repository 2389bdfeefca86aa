"""What it means: views, states, verdicts, and the change rows that are both history and queue.

``monitor`` and ``alerting`` meet only in stored :class:`StateChange` rows, so nothing here knows of people.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

__all__ = ["ChangeReason", "Outage", "State", "StateChange", "SubjectKind", "Unobserved", "Verdict", "View"]


class View(StrEnum):
    """Belief about one target from one vantage."""

    UNKNOWN = "unknown"
    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"


class State(StrEnum):
    """Belief about one target over all vantages."""

    UNKNOWN = "unknown"
    UP = "up"
    DEGRADED = "degraded"
    PARTIAL = "partial"
    DOWN = "down"


class Verdict(StrEnum):
    """Whether a site can report results now, over its independent paths."""

    READY = "ready"
    DEGRADED = "degraded"
    AT_RISK = "at_risk"
    DOWN = "down"
    UNKNOWN = "unknown"
    UNTESTED = "untested"


class SubjectKind(StrEnum):
    """What a change row speaks of."""

    TARGET = "target"
    PATH = "path"
    SITE = "site"
    CAUSE = "cause"
    """One explanation of one or more outages: a risk group, or a single path. Incidents open on these alone."""
    VANTAGE = "vantage"


class ChangeReason(StrEnum):
    """Why a belief changed: a closed set, shown on pages."""

    FAILURES_IN_A_ROW = "failures_in_a_row"
    FAILURES_IN_WINDOW = "failures_in_window"
    ANSWERS_IN_A_ROW = "answers_in_a_row"
    SLOW_OR_LOSSY = "slow_or_lossy"
    WELL_AGAIN = "well_again"
    NOT_ARMED = "not_armed"
    STALE = "stale"
    FIRST_RESULT = "first_result"
    RECOMPUTED = "recomputed"
    EXPLAINED = "explained"
    ABSORBED = "absorbed"
    RECOVERED = "recovered"
    CONGESTED = "congested"
    EASED = "eased"
    ISOLATED = "isolated"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class StateChange:
    """A belief that changed. ``at`` is when it became true (first failed, first good sample), not when noticed.

    For a CAUSE, ``subject`` is ``risk:CODE`` or ``path:CODE``, ``old``/``new`` are ``up`` and ``down``, and
    ``evidence`` holds ``owner`` (party code), ``sites`` ``paths`` ``targets`` (codes), ``priority`` (highest
    of the sites), ``last_path`` (sites on their last path) ``isolated`` (sites with none), ``flapping`` (targets that
    came and went often lately) and ``explanation`` (``{"vi": …, "en": …}``). A cause that a wider one took over stays
    ``down``, for the reason ``absorbed``; ``into`` names the wider cause, which has a row of its own just before.
    A congested link is a cause ``load:CODE`` under which nothing is down: it has no sites, and ``degraded`` is true.
    """

    kind: SubjectKind
    subject: str
    old: str
    new: str
    at: datetime
    noticed_at: datetime
    reason: ChangeReason
    evidence: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0


@dataclass(frozen=True, slots=True)
class Outage:
    """Interval of down: from the first failed sample to the first good one. Half open; UTC."""

    id: int
    target: str
    started_at: datetime
    noticed_at: datetime
    ended_at: datetime | None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Unobserved:
    """Interval in which a vantage could not look; never counted as up or as down."""

    vantage: str
    started_at: datetime
    ended_at: datetime | None
    reason: str

"""What one batch decided, as rows to be written together or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.models import StateChange

__all__ = [
    "CauseRow",
    "ClosedOutage",
    "Decisions",
    "LateOutage",
    "OpenedOutage",
    "TargetRow",
    "UnobservedRow",
    "VantageRow",
]


@dataclass(frozen=True, slots=True)
class OpenedOutage:
    """An outage that began."""

    target: str
    started_at: datetime
    noticed_at: datetime


@dataclass(frozen=True, slots=True)
class ClosedOutage:
    """An outage that ended."""

    target: str
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class LateOutage:
    """An outage that was over before we heard of it."""

    target: str
    started_at: datetime
    ended_at: datetime
    noticed_at: datetime


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A view as it is kept for a restart."""

    target: str
    vantage: str
    view: str
    since: datetime
    last_result_at: datetime | None
    last_ok_at: datetime | None
    evidence: int
    evidence_at: datetime | None
    armed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CauseRow:
    """A live cause as it is kept for a restart; ``targets`` maps each target to when its outage began (UTC ns).

    ``told`` counts the targets that the last change row spoke of; ``absorbed_by`` names the wider cause that took over.
    """

    subject: str
    owner: str
    since: datetime
    noticed_at: datetime
    targets: Mapping[str, int]
    told: int
    absorbed_by: str = ""


@dataclass(frozen=True, slots=True)
class UnobservedRow:
    """Time in which a vantage could not look; an open one has no end yet."""

    vantage: str
    started_at: datetime
    ended_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class VantageRow:
    """The last batch taken from a vantage, and when: the heartbeat that bounds unobserved time."""

    code: str
    epoch: int
    sequence: int
    seen_at: datetime


@dataclass(slots=True)
class Decisions:
    """Rows in the order in which they must be written: outages, as they happened, before the causes that name them.

    ``explained`` pairs a cause with targets whose open outage it explains; a cause that maps to ``None`` is over;
    ``released`` ends open unobserved time (vantage, reason, end); ``forgotten`` targets left the inventory,
    and ``departed`` vantages: what they saw last says nothing of the day on which they are entered again.
    """

    changes: list[StateChange] = field(default_factory=list)
    outages: list[OpenedOutage | ClosedOutage] = field(default_factory=list)
    explained: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    targets: dict[tuple[str, str], TargetRow] = field(default_factory=dict)
    verdicts: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    causes: dict[str, CauseRow | None] = field(default_factory=dict)
    unobserved: list[UnobservedRow] = field(default_factory=list)
    released: list[tuple[str, str, datetime]] = field(default_factory=list)
    vantages: dict[str, VantageRow] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    departed: list[str] = field(default_factory=list)
    set_back: tuple[datetime, timedelta] | None = None
    """The clock was set back to this time, by so much: what is open and dated later began by so much earlier."""
    late: list[LateOutage] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return any(
            (
                self.changes,
                self.outages,
                self.explained,
                self.targets,
                self.verdicts,
                self.causes,
                self.unobserved,
                self.released,
                self.vantages,
                self.forgotten,
                self.departed,
                self.set_back,
                self.late,
            )
        )

"""What is believed now, as one immutable value that pages, metrics and the API read without a lock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.models import State, Verdict
from probes.models import Evidence, Outcome

__all__ = ["CauseView", "PathView", "SiteView", "Snapshot", "TargetView", "VantageView"]


@dataclass(frozen=True, slots=True)
class TargetView:
    """Belief about one target. ``rtt_seconds`` is that of the last good look; ``loss`` that of the last 20 looks.

    ``is_flapping`` says that it came and went often lately (:mod:`monitor.flapping`); it is a label only. What is not
    armed has not been up for long enough yet to be believed down (:mod:`monitor.state`). ``is_unreliable`` says that the
    newest look failed while the vantage could not believe itself, so that it did not count (:mod:`monitor.doubt`).
    """

    code: str
    state: State
    since: datetime | None
    last_result_at: datetime | None
    last_outcome: Outcome | None
    rtt_seconds: float | None
    loss: float
    is_flapping: bool = False
    is_armed: bool = True
    is_unreliable: bool = False
    lost_from: tuple[str, ...] = ()
    """Carriers through which alone a partial target is lost (:func:`monitor.quorum.seen_from`)."""


@dataclass(frozen=True, slots=True)
class PathView:
    """Belief about one path: the best of its targets, with the highest evidence proven and when."""

    code: str
    state: State
    since: datetime | None
    evidence: Evidence
    evidence_at: datetime | None


@dataclass(frozen=True, slots=True)
class SiteView:
    """Verdict about one site and the paths that it rests on; ``independent_up`` counts independent paths left.

    A site with one independent path declared is ready while it is up, and ``independent_declared`` says that it
    has no spare. ``is_unreliable``: a target of one of its paths is.
    """

    code: str
    verdict: Verdict
    since: datetime | None
    independent_up: int
    paths: tuple[PathView, ...]
    independent_declared: int = 0
    is_unreliable: bool = False


@dataclass(frozen=True, slots=True)
class VantageView:
    """Whether a vantage still looks, whether it can see at all, and when a look of its own last did not count.

    ``clock_age_seconds`` is how long ago its clock was last set right, where it knows; ``held`` counts failed looks that
    wait for proof that it can see.
    """

    code: str
    seen_at: datetime | None
    is_isolated: bool
    canaries_up: int
    canaries: int
    unreliable_at: datetime | None = None
    clock_age_seconds: float | None = None
    held: int = 0


@dataclass(frozen=True, slots=True)
class CauseView:
    """A live explanation of outages: ``subject`` is ``risk:CODE`` or ``path:CODE``."""

    subject: str
    owner: str
    since: datetime
    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything believed at ``at``. ``version`` grows with every change, so that watchers can skip the same."""

    at: datetime
    version: int
    targets: Mapping[str, TargetView]
    sites: Mapping[str, SiteView]
    areas: Mapping[str, Verdict]
    vantages: Mapping[str, VantageView]
    causes: Mapping[str, CauseView]
    last_result_at: datetime | None

"""How a party answered over a while: deadlines kept by priority, times to act, what did not hold. Pure.

The figures are those of the reports (:mod:`dashboards.reports.responses`), folded from the same rows, so that what a
carrier reads here is what the department's report will say.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.reports.arithmetic import Share
from dashboards.reports.facts import ResponseFacts
from dashboards.reports.record import ReportedIncident
from dashboards.reports.responses import counted_incidents, owed, responses
from inventory.models import Priority

__all__ = ["SCORED", "Kept", "Score", "score_of"]

SCORED = timedelta(days=30)
"""How far back a score looks."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Deadlines kept by incidents of one priority, over every phase."""

    priority: Priority
    incidents: int
    acknowledge: Share
    temporary: Share
    restore: Share


@dataclass(frozen=True, slots=True)
class Score:
    """One party's figures since ``since``."""

    since: datetime
    response: ResponseFacts
    kept: tuple[Kept, ...]

    @property
    def late(self) -> tuple[str, ...]:
        """Numbers of incidents that missed a deadline, each once."""
        shares = [share for each in self.kept for share in (each.acknowledge, each.temporary, each.restore)]
        return tuple(sorted({number for share in shares for number in share.late}))

    @property
    def on_time(self) -> Share:
        """Every deadline of every priority taken together."""
        shares = [share for each in self.kept for share in (each.acknowledge, each.temporary, each.restore)]
        return _sum(shares)


def score_of(incidents: Iterable[ReportedIncident], *, since: datetime, at: datetime) -> Score:
    """Fold a party's incidents from ``since`` to ``at``; what was cancelled, merged or a drill does not count."""
    counted = counted_incidents(incidents, since=since, until=at)
    return Score(since, responses(counted, at=at), tuple(_kept(counted, at)))


def _kept(incidents: list[ReportedIncident], at: datetime) -> Iterable[Kept]:
    found = owed(incidents, at=at)
    for priority in Priority:
        some = [each for each in found if each.priority is priority]
        if some:
            yield Kept(
                priority=priority,
                incidents=sum(each.incidents for each in some),
                acknowledge=_sum(each.acknowledge for each in some),
                temporary=_sum(each.temporary for each in some),
                restore=_sum(each.restore for each in some),
            )


def _sum(shares: Iterable[Share]) -> Share:
    met = of = 0
    late: list[str] = []
    sources: list[str] = []
    for each in shares:
        met, of = met + each.met, of + each.of
        late += each.late
        sources += each.sources
    return Share(met, of, tuple(sorted(late)), tuple(sorted(sources)))

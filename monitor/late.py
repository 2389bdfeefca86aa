"""Looks that come late, replayed from a vantage's spool: they mend the record and never wake anybody.

What they say about now is nothing, so belief does not hear of them: no view turns, no change is told, no cause opens
and nobody is paged. What they say about then is kept: minutes of history, and outages that began and ended while the
line was cut. The rules are those of :func:`monitor.state.observe`, and a vantage's own canaries vouch for its failures
as they do for live ones. An outage that was still going on when the replay ended is dated by the live looks.

No SQL, no clock. Only targets with a failure are followed one by one, so that an hour of answers costs nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.decisions import Decisions, LateOutage
from monitor.ingest import Rows, rounds
from monitor.intake import Intake
from monitor.models import View
from monitor.moments import NEVER, moment
from monitor.state import ViewPolicy, ViewRecord, observe
from probes.models import Flag, Look, Outcome, SampleBatch

__all__ = ["LateLooks", "apart"]

_WELL = ViewRecord(view=View.UP, settled=View.UP, armed_ns=NEVER + 1)
"""What a target is taken for before its first late failure; one that was down before has its outage already."""


def apart(
    batch: SampleBatch, target: npt.NDArray[np.intp], known: npt.NDArray[np.bool_]
) -> tuple[Rows, npt.NDArray[np.uint8], Rows]:
    """Answer the looks at known targets that came in time, with their flags, and those that came late."""
    late = (batch.flags & Flag.REPLAYED) != 0
    chosen = known & ((batch.flags & Flag.CANARY) == 0)
    rows = Rows.of(batch, target)
    return rows[chosen & ~late], batch.flags[chosen & ~late], rows[chosen & late]


@dataclass(slots=True)
class _Way:
    """What one vantage replayed so far."""

    intake: Intake
    records: dict[int, ViewRecord]


class LateLooks:
    """Folds replayed looks into outages that are over. ``policies`` is asked once, when the first of them comes."""

    def __init__(self, codes: Sequence[str], policies: Callable[[], list[ViewPolicy]]) -> None:
        self._codes = codes
        self._policies_of = policies
        self._policies: list[ViewPolicy] = []
        self._ways: dict[str, _Way] = {}
        self.taken = 0

    def take(self, batch: SampleBatch, rows: Rows, now_ns: int, out: Decisions, like: Intake) -> Rows:
        """Fold the replayed ``rows`` of a batch; answers those that count, for the history."""
        if not (batch.flags & Flag.REPLAYED).any():
            return rows
        way = self._ways.setdefault(
            batch.vantage, _Way(Intake(batch.vantage, like.sight.groups, is_late=True), {})
        )
        counted = way.intake.sift(batch, rows, now_ns, Decisions())
        self._policies = self._policies or self._policies_of()
        self.taken += len(counted)
        for part in rounds(counted[counted.outcome != Outcome.ERROR]):
            out.late.extend(self._ended(way, part, now_ns))
        return counted

    def _ended(self, way: _Way, rows: Rows, now_ns: int) -> list[LateOutage]:
        failed = rows.outcome != Outcome.OK
        followed = failed | np.isin(rows.target, list(way.records))
        answer = []
        for target, at_ns, outcome in zip(
            rows.target[followed].tolist(),
            rows.at_ns[followed].tolist(),
            rows.outcome[followed].tolist(),
            strict=True,
        ):
            before = way.records.get(target, _WELL)
            look = Look(target=target, at_ns=at_ns, outcome=Outcome(outcome))
            after, change = observe(before, look, self._policies[target])
            way.records[target] = after
            if change is not None and change.old is View.DOWN and change.new is View.UP:
                code = self._codes[target]
                answer.append(LateOutage(code, moment(before.since_ns), moment(change.at_ns), moment(now_ns)))
            if after.view is View.UP and not after.run and after.is_answering:
                del way.records[target]
        return answer

"""The fast path from batches to views: columns for what merely repeats, one by one only what may change a mind.

A look is *steady* if it repeats what is believed: an answer of a target that is up, a failure of one that is down,
with no run under way and no m of n to weigh it by. Steady looks cost vectorised updates only, so that all-down costs what all-up does. All
others go through :func:`monitor.state.observe`, which holds every rule; nothing is decided here.

Looks at the same target inside one batch are taken in the order of their start, in rounds that hold every target
at most once, because a column can be assigned only once a round.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from monitor.models import ChangeReason, View
from monitor.moments import NEVER, SECOND
from monitor.quality import LOSS_WINDOW, QualityTable
from monitor.state import ViewChange, ViewPolicy, ViewRecord, grow_stale, observe, patience
from probes.models import Look, Outcome, SampleBatch

__all__ = ["LOSS_WINDOW", "NO_OUTCOME", "OUTAGE_NS", "VIEWS", "Rows", "TargetChange", "ViewTable", "rounds"]

NO_OUTCOME = 255
"""Column value of a target that was never looked at."""

VIEWS = (View.UNKNOWN, View.UP, View.DEGRADED, View.DOWN)
"""A view's number in columns is its place here."""

_NUMBER = {view: number for number, view in enumerate(VIEWS)}
_UNKNOWN, _UP, _DEGRADED, _DOWN = range(4)
_OF_POLICY = frozenset({"_stale_ns", "_is_weighed", "_arm_ns"})
"""Columns that a policy gives, not a past."""

OUTAGE_NS = 5 * SECOND
"""What was silent for so long was cut, not losing packets: when it is back, its silence is no loss of the line's."""

_Some = TypeVar("_Some", bound=tuple[object, ...])


Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns of looks at targets, by fleet index of the receiver."""

    target: Indices
    at_ns: npt.NDArray[np.int64]
    outcome: npt.NDArray[np.uint8]
    rtt: npt.NDArray[np.float32]
    evidence: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, chosen: npt.NDArray[np.bool_] | Indices) -> "Rows":
        return Rows(
            self.target[chosen],
            self.at_ns[chosen],
            self.outcome[chosen],
            self.rtt[chosen],
            self.evidence[chosen],
        )

    @classmethod
    def of(cls, batch: SampleBatch, target: Indices) -> "Rows":
        """Take from a batch the columns that belief needs; ``target`` is its own column, translated."""
        return cls(target, batch.at_ns, batch.outcome, batch.rtt, batch.evidence)

    @classmethod
    def joined(cls, parts: "list[Rows]") -> "Rows":
        """Put rows one after the other."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.target for part in parts]),
            np.concatenate([part.at_ns for part in parts]),
            np.concatenate([part.outcome for part in parts]),
            np.concatenate([part.rtt for part in parts]),
            np.concatenate([part.evidence for part in parts]),
        )


@dataclass(frozen=True, slots=True)
class TargetChange:
    """A view that changed, by fleet index. ``figures`` are what a judgement on quality rests on."""

    target: int
    change: ViewChange
    figures: Mapping[str, float] = field(default_factory=dict)


def rounds(rows: Rows) -> Iterator[Rows]:
    """Split rows so that every target occurs at most once in each part, older looks in earlier parts."""
    if not len(rows):
        return
    order = np.lexsort((rows.at_ns, rows.target))
    target = rows.target[order]
    first = np.flatnonzero(np.r_[True, target[1:] != target[:-1]])
    if len(first) == len(target):
        yield rows[order]
        return
    occurrences = np.diff(np.r_[first, len(target)])
    rank = np.arange(len(target)) - np.repeat(first, occurrences)
    for turn in range(int(occurrences.max())):
        yield rows[order[rank == turn]]


class ViewTable:
    """What one vantage believes of every target, as columns by fleet index."""

    def __init__(self, policies: list[ViewPolicy]) -> None:
        size = len(policies)
        self.view = np.zeros(size, np.uint8)
        self.settled = np.zeros(size, np.uint8)
        self.since_ns = np.full(size, NEVER, np.int64)
        self.last_result_ns = np.full(size, NEVER, np.int64)
        self.last_ok_ns = np.full(size, NEVER, np.int64)
        self.last_failure_ns = np.full(size, NEVER, np.int64)
        self.outcome = np.full(size, NO_OUTCOME, np.uint8)
        self.rtt = np.full(size, np.nan, np.float32)
        self.evidence = np.zeros(size, np.uint8)
        self.evidence_ns = np.full(size, NEVER, np.int64)
        self.quality = QualityTable(size)
        self.armed_ns = np.full(size, NEVER, np.int64)
        self.doubted_ns = np.full(size, NEVER, np.int64)
        self._newly_armed: list[int] = []
        self.lossy: dict[int, float] = {}
        """What is down, and lost looks before it went: how many times as many failures were asked of it."""
        self._is_moving = np.zeros(size, np.bool_)
        self.runs: dict[int, tuple[int, ...]] = {}
        self.recent: dict[int, tuple[tuple[int, bool], ...]] = {}
        self.govern(policies)

    def __len__(self) -> int:
        return len(self.view)

    def govern(self, policies: list[ViewPolicy]) -> None:
        """Believe by other policies from now on (a phase of the election began); beliefs and runs stay."""
        self._policies = policies
        self._stale_ns = np.fromiter((p.stale_ns for p in policies), np.int64, len(policies))
        self._arm_ns = np.fromiter((p.arm_ns for p in policies), np.int64, len(policies))
        self._is_weighed = np.fromiter((p.down_m > 0 for p in policies), np.bool_, len(policies))
        self.quality.govern([p.quality for p in policies])

    def take(self, rows: Rows) -> list[TargetChange]:
        """Take looks into account; answers the views that changed, in order."""
        changes: list[TargetChange] = []
        for part in rounds(rows[rows.outcome != Outcome.ERROR]):
            changes.extend(self._take_round(part))
        return changes

    def grow_stale(self, now_ns: int, *, not_before_ns: int) -> list[TargetChange]:
        """Turn unknown whatever had no result for its time; nothing is stale before ``not_before_ns`` plus it.

        ``not_before_ns`` is when looking began: after a restart nobody can have answered yet.
        """
        heard = np.maximum(self.last_result_ns, not_before_ns)
        late = np.flatnonzero((self.view != 0) & (heard + self._stale_ns < now_ns))
        changes = []
        for target in late.tolist():
            record, change = grow_stale(self.record(target), int(heard[target] + self._stale_ns[target]))
            self._put(target, record)
            if change is not None:
                changes.append(TargetChange(target, change))
        return changes

    def doubt(self, rows: Rows) -> None:
        """Remember failures that do not count, so that nobody takes what is believed for fresh."""
        self.doubted_ns[rows.target] = np.maximum(self.doubted_ns[rows.target], rows.at_ns)

    def loss(self) -> npt.NDArray[np.float32]:
        """Share of failures in the last :data:`LOSS_WINDOW` looks, by target; 0 where there was none, 1 while down."""
        loss: npt.NDArray[np.float32] = np.where(self.view == _DOWN, np.float32(1), self.quality.loss())
        return loss

    def is_suspect(self) -> npt.NDArray[np.bool_]:
        """Targets whose newest look failed but that are not believed to be down."""
        suspect: npt.NDArray[np.bool_] = (self.last_failure_ns > self.last_ok_ns) & (self.view != _DOWN)
        return suspect

    def record(self, target: int) -> ViewRecord:
        """Answer the belief about one target as a value."""
        return ViewRecord(
            view=VIEWS[self.view[target]],
            settled=VIEWS[self.settled[target]],
            since_ns=int(self.since_ns[target]),
            last_ok_ns=int(self.last_ok_ns[target]),
            last_failure_ns=int(self.last_failure_ns[target]),
            run=self.runs.get(target, ()),
            recent=self.recent.get(target, ()),
            armed_ns=int(self.armed_ns[target]),
        )

    def restore(
        self, target: int, *, view: View, since_ns: int, last_result_ns: int, last_ok_ns: int
    ) -> None:
        """Take over what was believed before a restart; what was settled is what was believed."""
        self.view[target] = self.settled[target] = _NUMBER[view]
        self.since_ns[target] = since_ns
        self.last_result_ns[target] = last_result_ns
        self.last_ok_ns[target] = last_ok_ns
        if view is View.DOWN:
            self.last_failure_ns[target] = max(last_result_ns, since_ns)

    def arm(self, target: int, at_ns: int) -> None:
        """Take over when a target was armed before a restart."""
        self.armed_ns[target] = at_ns

    def take_newly_armed(self) -> list[int]:
        """Answer the targets armed since this was asked last: that is to be written down."""
        newly, self._newly_armed = self._newly_armed, []
        return newly

    def prove(self, target: int, evidence: int, at_ns: int) -> None:
        """Take over the highest evidence that was proven before a restart, and when."""
        self.evidence[target], self.evidence_ns[target] = evidence, at_ns

    def settle_down(self, target: int) -> None:
        """Remember that a target of unknown view was down when it was last known (its outage is open, so it counts)."""
        if self.view[target] == _UNKNOWN:
            self.settled[target] = _DOWN
        if self.armed_ns[target] == NEVER:
            self.armed_ns[target] = self.since_ns[target]

    def inherit(self, old: "ViewTable", pairs: tuple[Indices, Indices]) -> None:
        """Take over the rows of ``old`` for targets that did not change; ``pairs`` is (mine, theirs)."""
        mine, theirs = pairs
        for name, column in vars(self).items():
            if isinstance(column, np.ndarray) and name not in _OF_POLICY:
                column[mine] = getattr(old, name)[theirs]
        position = dict(zip(theirs.tolist(), mine.tolist(), strict=True))
        self.runs = {position[n]: run for n, run in old.runs.items() if n in position}
        self.lossy = {position[n]: asked for n, asked in old.lossy.items() if n in position}
        self.quality.inherit(old.quality, pairs)
        self.recent = {position[n]: recent for n, recent in old.recent.items() if n in position}

    def _take_round(self, rows: Rows) -> list[TargetChange]:
        target = rows.target
        is_ok = rows.outcome == Outcome.OK
        newest = rows.at_ns >= self.last_result_ns[target]
        self._note(rows, is_ok, newest)
        view = self.view[target]
        still = ~self._is_moving[target]
        up = still & is_ok & ((view == _UP) | (view == _DEGRADED)) & ~self._is_weighed[target]
        is_new = self.armed_ns[target] == NEVER
        quiet = (view == _DOWN) | ((view == _UNKNOWN) & is_new & (self._arm_ns[target] > 0))
        down = still & ~is_ok & quiet
        self.last_ok_ns[target[up]] = np.maximum(self.last_ok_ns[target[up]], rows.at_ns[up])
        self.last_failure_ns[target[down]] = np.maximum(self.last_failure_ns[target[down]], rows.at_ns[down])
        changes = []
        unusual = np.flatnonzero(~(up | down))
        for number, at_ns, outcome in zip(
            target[unusual].tolist(),
            rows.at_ns[unusual].tolist(),
            rows.outcome[unusual].tolist(),
            strict=True,
        ):
            look = Look(target=number, at_ns=at_ns, outcome=Outcome(outcome))
            policy = self._policy(number)
            was = self.record(number)
            record, change = observe(was, look, policy)
            self._put(number, record)
            if change is not None:
                changes.append(TargetChange(number, change))
                self._turned(number, was, change, policy)
        self._arm(rows[up & is_new])
        self._newly_armed += target[is_new & (self.armed_ns[target] > NEVER)].tolist()
        changes.extend(self._judge(rows[is_ok]))
        return changes

    def _turned(self, target: int, was: ViewRecord, change: ViewChange, policy: ViewPolicy) -> None:
        if change.new is View.UP:
            is_outage = was.settled is View.DOWN and change.at_ns - was.since_ns >= OUTAGE_NS
            self.quality.begin(target, forgets_outage=is_outage)
        asked = policy.down_after / self._policies[target].down_after
        if change.new is View.DOWN and asked > 1:
            self.lossy[target] = asked
        else:
            self.lossy.pop(target, None)

    def _policy(self, target: int) -> ViewPolicy:
        """Answer the policy that a target is believed by now: one that loses anyway is given more patience."""
        policy = self._policies[target]
        if policy.down_after_lossy <= policy.down_after or self.view[target] == _DOWN:
            return policy
        lost, of = self.quality.lost_before(target)
        return _with_patience(policy, patience(policy, lost=lost, of=of)) if lost else policy

    def _arm(self, rows: Rows) -> None:
        """Arm what only repeats that it is up, as :func:`monitor.state.observe` does for all others."""
        target = rows.target
        due = (self.view[target] == _UP) & (rows.at_ns - self.since_ns[target] >= self._arm_ns[target])
        self.armed_ns[target[due]] = rows.at_ns[due]

    def _judge(self, rows: Rows) -> list[TargetChange]:
        """Turn what answers, but not well, to degraded, and back."""
        if not (self.quality.is_on or (self.view[rows.target] == _DEGRADED).any()):
            return []
        settled = rows[~self._is_moving[rows.target]]
        view = self.view[settled.target]
        is_bad, is_well = self.quality.judge(settled.target)
        turns = np.flatnonzero(((view == _UP) & is_bad) | ((view == _DEGRADED) & is_well))
        return [self._regrade(int(settled.target[n]), int(settled.at_ns[n])) for n in turns]

    def _regrade(self, target: int, at_ns: int) -> TargetChange:
        old = VIEWS[self.view[target]]
        new, reason = (
            (View.DEGRADED, ChangeReason.SLOW_OR_LOSSY)
            if old is View.UP
            else (View.UP, ChangeReason.WELL_AGAIN)
        )
        at_ns = max(at_ns, int(self.since_ns[target]))
        self.view[target] = self.settled[target] = _NUMBER[new]
        self.since_ns[target] = at_ns
        loss, rtt, jitter = self.quality.figures(np.array([target], np.intp))[0].tolist()
        figures = {"loss": loss, "rtt_seconds": rtt, "jitter_seconds": jitter}
        known = {name: round(figure, 6) for name, figure in figures.items() if not np.isnan(figure)}
        return TargetChange(target, ViewChange(old, new, at_ns, reason), known)

    def _note(self, rows: Rows, is_ok: npt.NDArray[np.bool_], newest: npt.NDArray[np.bool_]) -> None:
        target = rows.target
        self.last_result_ns[target[newest]] = rows.at_ns[newest]
        self.outcome[target[newest]] = rows.outcome[newest]
        measured = is_ok & newest & ~np.isnan(rows.rtt)
        self.rtt[target[measured]] = rows.rtt[measured]
        present = (rows.at_ns >= self.since_ns[target]) & (self.view[target] != _DOWN)
        self.quality.add(target[present], is_ok=is_ok[present], rtt=rows.rtt[present])
        proven = is_ok & (rows.evidence >= self.evidence[target]) & (rows.evidence > 0)
        self.evidence[target[proven]] = rows.evidence[proven]
        self.evidence_ns[target[proven]] = np.maximum(self.evidence_ns[target[proven]], rows.at_ns[proven])

    def _put(self, target: int, record: ViewRecord) -> None:
        self.view[target] = _NUMBER[record.view]
        self.settled[target] = _NUMBER[record.settled]
        self.since_ns[target] = record.since_ns
        self.last_ok_ns[target] = record.last_ok_ns
        self.last_failure_ns[target] = record.last_failure_ns
        self.armed_ns[target] = record.armed_ns
        self._is_moving[target] = bool(record.run)
        _keep(self.runs, target, record.run)
        _keep(self.recent, target, record.recent)


@lru_cache(maxsize=1024)
def _with_patience(policy: ViewPolicy, down_after: int) -> ViewPolicy:
    return replace(policy, down_after=down_after)


def _keep(known: dict[int, _Some], target: int, value: _Some) -> None:
    """Remember what is worth it: nearly every target has nothing under way."""
    if value:
        known[target] = value
    else:
        known.pop(target, None)

"""What may count of a vantage's batches: each batch once, canaries first, failures only once sight is proven.

One :class:`Intake` a vantage. It holds failed looks that no canary answer covers yet, drops those from blind time,
and writes down when the vantage could not look (:mod:`monitor.isolation` decides). No SQL, no clock.
"""

from collections import deque
from collections.abc import Sequence
from math import isnan

import numpy as np
import numpy.typing as npt

from monitor.decisions import Decisions, UnobservedRow, VantageRow
from monitor.ingest import Rows
from monitor.isolation import Gap, Sight, SightChange, proves_sight, watch
from monitor.models import ChangeReason, StateChange, SubjectKind
from monitor.moments import NEVER, SECOND, moment
from monitor.snapshot import VantageView
from probes.models import Flag, Outcome, SampleBatch

__all__ = ["ISOLATED", "NOT_RUNNING", "SILENT", "Intake"]

ISOLATED = "isolated"
NOT_RUNNING = "not_running"
SILENT = "silent"

_SILENT_AFTER_NS = 15 * SECOND
_MOST_HELD = 200_000
_GAPS_KEPT = 64


class Intake:
    """The way in for one vantage's batches."""

    def __init__(
        self, vantage: str, groups: Sequence[str], *, is_late: bool = False, was_isolated: bool = False
    ) -> None:
        self.vantage = vantage
        # What a canary said then vouches for looks of then, and says nothing of now; and the other way round.
        self._is_late = is_late
        self.sight = Sight.over(groups)
        self.heard_ns = NEVER
        self.epoch = -1
        self.sequence = -1
        self.seen_ns = NEVER
        self.unreliable_ns = NEVER
        self.clock_age = float("nan")
        self.dropped_blind = 0
        self.dropped_overflow = 0
        self._has_begun = False
        self._was_isolated = was_isolated
        self._held: list[Rows] = []
        self._gaps: deque[Gap] = deque(maxlen=_GAPS_KEPT)

    @property
    def held(self) -> int:
        """How many failed looks wait for proof of sight."""
        return sum(len(rows) for rows in self._held)

    def resume(self, row: VantageRow, seen_ns: int, *, was_isolated: bool) -> None:
        """Go on after a restart: batches up to the stored one were taken, and nobody looked since ``seen_ns``."""
        self.epoch, self.sequence, self.seen_ns = row.epoch, row.sequence, seen_ns
        self._was_isolated = was_isolated

    def replace_canaries(self, groups: Sequence[str]) -> None:
        """Begin anew with other canaries (a swap of the inventory)."""
        if tuple(groups) != self.sight.groups:
            self._was_isolated |= self.sight.is_isolated
            self.sight = Sight.over(groups)
            self._held.clear()

    def end(self, now_ns: int, out: Decisions) -> None:
        """Write down that a vantage which left the inventory is isolated no more."""
        if self.sight.is_isolated or self._was_isolated:
            self._release(now_ns, now_ns, out)

    def forget_future(self, now_ns: int) -> None:
        """Date what is remembered of the time after ``now_ns`` as of then: the clock was set back."""
        self.seen_ns, self.heard_ns = min(self.seen_ns, now_ns), min(self.heard_ns, now_ns)
        self.sight = self.sight.not_after(now_ns)
        self._held.clear()
        self._gaps.clear()

    def is_new(self, batch: SampleBatch) -> bool:
        """Whether a batch was not taken before; an epoch is one life of a vantage, sequences grow in it."""
        return (batch.epoch, batch.sequence) > (self.epoch, self.sequence)

    def begin(self, batch: SampleBatch, now_ns: int, out: Decisions) -> None:
        """Note that a batch came, and the time without looks that it ends.

        The time between the last heartbeat and the first look after a restart was not observed; so was a silence
        of more than 15 s while we ran.
        """
        first_ns = min(now_ns, int(batch.at_ns.min(initial=now_ns)))
        if self._was_isolated:
            self._release(self.seen_ns, now_ns, out)
            self._was_isolated = False
        if not self._has_begun and NEVER < self.seen_ns < first_ns:
            out.unobserved.append(self._gap_row(first_ns, NOT_RUNNING))
        elif self._has_begun and first_ns - self.seen_ns > _SILENT_AFTER_NS:
            out.unobserved.append(self._gap_row(first_ns, SILENT))
        self._has_begun = True
        self.clock_age = batch.clock_age
        self.epoch, self.sequence, self.seen_ns = batch.epoch, batch.sequence, now_ns
        self.heard_ns = max(self.heard_ns, int(batch.at_ns.max(initial=NEVER)))

    def row(self) -> VantageRow:
        """Answer the heartbeat as it is stored."""
        return VantageRow(self.vantage, self.epoch, self.sequence, moment(self.seen_ns))

    def shown(self) -> VantageView:
        """Answer what pages show of this vantage."""
        sight = self.sight
        return VantageView(
            code=self.vantage,
            seen_at=moment(self.seen_ns) if self.seen_ns > NEVER else None,
            is_isolated=sight.is_isolated,
            canaries_up=sight.up,
            canaries=len(sight.canaries),
            unreliable_at=moment(self.unreliable_ns) if self.unreliable_ns > NEVER else None,
            clock_age_seconds=None if isnan(self.clock_age) else self.clock_age,
            held=self.held,
        )

    def sift(self, batch: SampleBatch, rows: Rows, now_ns: int, out: Decisions) -> Rows:
        """Answer the looks that count now: ``rows`` are those at targets, in the receiver's numbering.

        Held failures that have been proven since come first; a replayed look changes history only.
        """
        self._look_at_canaries(batch, now_ns, out)
        failed = (rows.outcome != Outcome.OK) & (rows.outcome != Outcome.ERROR)
        if not self.sight.canaries or not (self._held or failed.any()):
            return rows
        doubtful = Rows.joined([*self._held, rows[failed]])
        seen = doubtful[~self._is_blind(doubtful.at_ns)]
        self.dropped_blind += len(doubtful) - len(seen)
        proven = seen.at_ns <= self.sight.sighted_ns
        self._hold(seen[~proven])
        return Rows.joined([seen[proven], rows[~failed]])

    def _look_at_canaries(self, batch: SampleBatch, now_ns: int, out: Decisions) -> None:
        is_late = (batch.flags & Flag.REPLAYED) != 0
        numbers = np.flatnonzero(((batch.flags & Flag.CANARY) != 0) & (is_late == self._is_late))
        for row in numbers[np.argsort(batch.at_ns[numbers], kind="stable")].tolist():
            canary = int(batch.target[row])
            if canary >= len(self.sight.canaries):
                continue
            answered = proves_sight(Outcome(int(batch.outcome[row])))
            if not answered and batch.flags[row] & Flag.UNRELIABLE:
                continue  # a loss of our own making is no proof of blindness
            self.sight, gap, change = watch(self.sight, canary, int(batch.at_ns[row]), is_answered=answered)
            if gap is not None:
                self._gaps.append(gap)
            if change is not None:
                self._note(change, now_ns, out)

    def _is_blind(self, at_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        blind = np.zeros(len(at_ns), np.bool_)
        for gap in self._gaps:
            blind |= (at_ns > gap.start_ns) & (at_ns < gap.end_ns)
        return blind

    def _hold(self, rows: Rows) -> None:
        if len(rows) > _MOST_HELD:
            self.dropped_overflow += len(rows) - _MOST_HELD
            rows = rows[np.argsort(rows.at_ns, kind="stable")[-_MOST_HELD:]]
        self._held = [rows] if len(rows) else []

    def _note(self, change: SightChange, now_ns: int, out: Decisions) -> None:
        if not change.is_isolated:
            self._release(change.at_ns, now_ns, out)
            return
        out.unobserved.append(UnobservedRow(self.vantage, moment(change.at_ns), None, ISOLATED))
        out.changes.append(self._change(("seeing", ISOLATED), change.at_ns, now_ns, ChangeReason.ISOLATED))

    def _release(self, at_ns: int, now_ns: int, out: Decisions) -> None:
        out.released.append((self.vantage, ISOLATED, moment(at_ns)))
        out.changes.append(self._change((ISOLATED, "seeing"), at_ns, now_ns, ChangeReason.RELEASED))

    def _change(self, beliefs: tuple[str, str], at_ns: int, now_ns: int, reason: ChangeReason) -> StateChange:
        return StateChange(
            kind=SubjectKind.VANTAGE,
            subject=self.vantage,
            old=beliefs[0],
            new=beliefs[1],
            at=moment(at_ns),
            noticed_at=moment(now_ns),
            reason=reason,
            evidence={"canaries": len(self.sight.canaries), "canaries_up": self.sight.up},
        )

    def _gap_row(self, until_ns: int, reason: str) -> UnobservedRow:
        return UnobservedRow(self.vantage, moment(self.seen_ns), moment(until_ns), reason)

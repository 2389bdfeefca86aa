"""How well a target answers while it answers: loss, delay and jitter over its last looks, and when that is degraded.

Columns by fleet index; every figure is over the last ``degraded_after`` looks (at most :data:`LOSS_WINDOW`):

* **loss**: the share of looks that failed;
* **delay**: the median round trip of the good ones, so that one straggler proves nothing;
* **jitter**: the mean difference of round trips of neighbouring good looks (RFC 3550 section 6.4.1 takes it of
  transit times, which one side alone cannot measure).

A view is degraded when a figure is over its threshold and well again when all are at most three quarters of it
(hysteresis). Only an answer is judged, and only once the target has been up for a whole window: so what is going
down goes down and never passes through degraded, and what came back is not held to account for its outage. Looks
that started before the present belief began are left out, and so are all looks at what is believed down. Looks count here in the order in which they were taken in,
not in which they started: over a window that makes no difference worth the memory.

Every target costs five bytes; 80 more where a policy has a threshold for delay or jitter.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["LOSS_WINDOW", "MEMORY", "OFF", "QualityPolicy", "QualityTable"]

LOSS_WINDOW = 20
"""Looks over which the quality of a target is judged."""

MEMORY = 32
"""Looks that are remembered: what came before a run of failures says how many of them would be mere chance."""

_RING = np.uint32((1 << LOSS_WINDOW) - 1)
_WELL = 0.75

Indices = npt.NDArray[np.intp]
_Mask = npt.NDArray[np.bool_]
_Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class QualityPolicy:
    """What is not well any more: ratio and seconds, infinite where nothing is too much; ``after`` is in looks."""

    loss: float = np.inf
    rtt: float = np.inf
    jitter: float = np.inf
    after: int = LOSS_WINDOW

    @classmethod
    def of(cls, *, loss: float, rtt: float, jitter: float, after: int) -> "QualityPolicy":
        """Take from the inventory's policy, in which 0 leaves a threshold out."""
        return cls(loss or np.inf, rtt or np.inf, jitter or np.inf, after)


OFF = QualityPolicy()
"""Nothing is ever degraded."""


class QualityTable:
    """What one vantage remembers of how well every target answered."""

    def __init__(self, size: int) -> None:
        self._ring = np.zeros(size, np.uint32)
        self._looks = np.zeros(size, np.uint8)
        self._fresh = np.zeros(size, np.uint8)
        self._place = np.zeros(size, np.uint8)
        self._rtts: _Floats | None = None
        self.govern([OFF] * size)

    def govern(self, policies: list[QualityPolicy]) -> None:
        """Judge by other policies from now on; what is remembered stays."""
        size = len(policies)
        self._after = np.fromiter((p.after for p in policies), np.uint8, size)
        self._limits = np.array([(p.loss, p.rtt, p.jitter) for p in policies], np.float32).reshape(size, 3)
        self.is_on = bool(np.isfinite(self._limits).any())
        if self._rtts is None and bool(np.isfinite(self._limits[:, 1:]).any()):
            self._rtts = np.full((size, LOSS_WINDOW), np.nan, np.float32)

    def add(self, target: Indices, *, is_ok: _Mask, rtt: _Floats) -> None:
        """Remember one look at each of these targets, no target twice."""
        self._ring[target] = (self._ring[target] << np.uint32(1)) | ~is_ok
        self._looks[target] = np.minimum(self._looks[target] + 1, MEMORY)
        self._fresh[target] = np.minimum(self._fresh[target] + 1, LOSS_WINDOW)
        if self._rtts is not None:
            self._rtts[target, self._place[target]] = np.where(is_ok, rtt, np.nan)
            self._place[target] = (self._place[target] + 1) % LOSS_WINDOW

    def begin(self, target: int, *, forgets_outage: bool = False) -> None:
        """Judge anew from here: the target has just come up.

        With ``forgets_outage`` the failures that the memory ends with are no loss of the line's: they were an outage,
        which is on record as such.
        """
        self._fresh[target] = 0
        if forgets_outage:
            run = self._run(target)
            self._ring[target] >>= np.uint32(run)
            self._looks[target] -= run

    def loss(self) -> _Floats:
        """Share of failures in the last :data:`LOSS_WINDOW` looks remembered, by target; 0 where there was none."""
        failed = np.bitwise_count(self._ring & _RING).astype(np.float32)
        looks = np.minimum(self._looks, LOSS_WINDOW)
        loss: _Floats = np.divide(failed, looks, out=np.zeros_like(failed), where=looks > 0)
        return loss

    def lost_before(self, target: int) -> tuple[int, int]:
        """Answer how many looks failed before the failures that the memory ends with, and of how many."""
        ring, run = int(self._ring[target]), self._run(target)
        return (ring >> run).bit_count(), int(self._looks[target]) - run

    def _run(self, target: int) -> int:
        """Count the failures that the memory ends with."""
        ring = int(self._ring[target])
        return min((~ring & (ring + 1)).bit_length() - 1, int(self._looks[target]))

    def judge(self, target: Indices) -> tuple[_Mask, _Mask]:
        """Answer which of these targets are not well, and which are well beyond doubt; between them lies neither."""
        whole = self._fresh[target] >= self._after[target]
        figures, limits = self.figures(target), self._limits[target]
        # A figure that nothing was measured for (NaN) is neither over its threshold nor a reason to doubt.
        is_bad = (figures > limits).any(axis=1)
        is_doubtful = (figures > limits * np.float32(_WELL)).any(axis=1)
        return whole & is_bad, whole & ~is_doubtful

    def figures(self, target: Indices) -> _Floats:
        """Loss, delay and jitter of these targets, a row each; NaN where nothing was measured."""
        after = self._after[target].astype(np.int64)
        window = ((1 << after) - 1).astype(np.uint32)
        answer = np.full((len(target), 3), np.nan, np.float32)
        answer[:, 0] = np.bitwise_count(self._ring[target] & window) / after
        if self._rtts is not None:
            newest = self._place[target].astype(np.int64) - 1
            newest_first = (newest[:, None] - np.arange(LOSS_WINDOW)) % LOSS_WINDOW
            rtts = np.take_along_axis(self._rtts[target], newest_first, axis=1)
            rtts[np.arange(LOSS_WINDOW) >= after[:, None]] = np.nan
            answer[:, 1] = _median(rtts)
            answer[:, 2] = _mean(np.abs(np.diff(rtts, axis=1)))
        return answer

    def inherit(self, old: "QualityTable", pairs: tuple[Indices, Indices]) -> None:
        """Take over the rows of ``old`` for targets that did not change; ``pairs`` is (mine, theirs)."""
        mine, theirs = pairs
        for name in ("_ring", "_looks", "_fresh", "_place", "_rtts"):
            column, given = getattr(self, name), getattr(old, name)
            if column is not None and given is not None:
                column[mine] = given[theirs]


def _median(rows: _Floats) -> _Floats:
    """Median of each row, NaN left out (``numpy.nanmedian`` takes ten times as long and warns)."""
    ordered = np.sort(rows, axis=1)
    known = np.count_nonzero(~np.isnan(rows), axis=1)
    each = np.arange(len(rows))
    low, high = ordered[each, np.maximum(known - 1, 0) // 2], ordered[each, known // 2]
    return np.where(known > 0, (low + high) / 2, np.nan).astype(np.float32)


def _mean(rows: _Floats) -> _Floats:
    known = np.count_nonzero(~np.isnan(rows), axis=1)
    answer = np.full(len(rows), np.nan, np.float32)
    np.divide(np.nansum(rows, axis=1), known, out=answer, where=known > 0)
    return answer

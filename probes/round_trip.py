"""How long an answer may take before its absence is odd: RFC 6298's estimator, one row a slot."""

import numpy as np
import numpy.typing as npt

__all__ = ["RoundTripEstimate"]

_ALPHA, _BETA, _K = 1 / 8, 1 / 4, 4
_FIRST_NS = 1_000_000_000
_FLOOR_NS = 200_000_000


class RoundTripEstimate:
    """Smoothed round trip and its variation by slot, in nanoseconds; unmeasured slots count as RFC 6298 section 2.1.

    The floor is 200 ms, not the RFC's second: being wrong costs a confirming look, not a congested network.
    Karn's rule is not needed, since every answer names its own look.
    """

    def __init__(self, slots: int) -> None:
        self._smoothed = np.full(slots, np.nan, np.float32)
        self._variation = np.full(slots, np.nan, np.float32)

    def update(self, slots: npt.NDArray[np.uint32], rtt_ns: npt.NDArray[np.int64]) -> None:
        """Take in new measurements; of several of one slot at once, the last counts."""
        rtt = rtt_ns.astype(np.float32)
        smoothed = self._smoothed[slots]
        is_first = np.isnan(smoothed)
        variation = self._variation[slots]
        variation += _BETA * (np.abs(smoothed - rtt) - variation)
        smoothed += _ALPHA * (rtt - smoothed)
        self._smoothed[slots] = np.where(is_first, rtt, smoothed)
        self._variation[slots] = np.where(is_first, rtt / 2, variation)

    def overdue_after_ns(self, slots: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """Return how long after its transmission a look at each slot is overdue."""
        limit = self._smoothed[slots] + _K * self._variation[slots]
        return np.maximum(np.where(np.isnan(limit), _FIRST_NS, limit), _FLOOR_NS).astype(np.int64)

    def adopt(
        self, other: "RoundTripEstimate", *, new: npt.NDArray[np.intp], old: npt.NDArray[np.intp]
    ) -> None:
        """Carry over what ``other`` knew of its slots ``old``, which are the slots ``new`` here."""
        self._smoothed[new] = other._smoothed[old]  # noqa: SLF001 - the same class
        self._variation[new] = other._variation[old]  # noqa: SLF001 - the same class

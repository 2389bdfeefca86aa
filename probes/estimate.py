"""When is an answer overdue? RFC 6298's retransmission estimator, over columns of slots.

SRTT and RTTVAR per slot as in RFC 6298 section 2 (alpha 1/8, beta 1/4, K 4), in seconds; before a first
answer the wait is the RFC's 1 s; never below the floor, which keeps a fast line from crying over a hiccup.
"""

import numpy as np
import numpy.typing as npt

__all__ = ["FLOOR_SECONDS", "RttEstimator"]

FLOOR_SECONDS = 0.2
_INITIAL_SECONDS = 1.0


class RttEstimator:
    """Round-trip history of many slots."""

    def __init__(self, count: int) -> None:
        self._srtt = np.full(count, np.nan)
        self._rttvar = np.zeros(count)

    def learn(self, slot: int, rtt: float) -> None:
        """Take one measured round trip, in seconds."""
        known = self._srtt[slot]
        if np.isnan(known):
            self._srtt[slot], self._rttvar[slot] = rtt, rtt / 2
            return
        self._rttvar[slot] += (abs(known - rtt) - self._rttvar[slot]) / 4
        self._srtt[slot] += (rtt - known) / 8

    def patience(self, slots: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """Seconds after which an answer from each slot is overdue."""
        wait = self._srtt[slots] + 4 * self._rttvar[slots]
        return np.where(np.isnan(wait), _INITIAL_SECONDS, np.maximum(wait, FLOOR_SECONDS))

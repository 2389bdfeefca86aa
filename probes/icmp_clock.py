"""From the kernel's receive stamps to the monotonic clock, and the notice of a clock that was set.

The kernel stamps what it receives with CLOCK_REALTIME. Slewing moves that clock and CLOCK_MONOTONIC alike, so
the distance between the two stays the same until somebody sets the time; a duration that such a step may lie
in is not recorded.
"""

from collections.abc import Callable

__all__ = ["StampClock"]

_TIGHT_NS = 20_000
_TRIES = 4
_STEP_NS = 100_000


class StampClock:
    """Keeps the distance between UTC and the monotonic clock, in nanoseconds, and counts its steps."""

    def __init__(self, *, monotonic_ns: Callable[[], int], wall_ns: Callable[[], int]) -> None:
        self._monotonic_ns = monotonic_ns
        self._wall_ns = wall_ns
        self.steps = 0
        self.stepped_at_ns = -1
        """Monotonic time at which the last step was noticed: no duration begun before it can be trusted."""
        self.offset_ns = wall_ns() - monotonic_ns()
        self._is_settled = False
        self.sample()

    def sample(self) -> int:
        """Compare the clocks; return the monotonic time. Call it after stamps are taken and before they are used."""
        for _ in range(_TRIES):
            before = self._monotonic_ns()
            wall = self._wall_ns()
            after = self._monotonic_ns()
            # A thread switched out between two readings would look like a step.
            if after - before <= _TIGHT_NS:
                self._settle(wall - (before + after) // 2, after)
                break
        return after

    def _settle(self, offset_ns: int, now_ns: int) -> None:
        if self._is_settled and abs(offset_ns - self.offset_ns) > _STEP_NS:
            self.steps += 1
            self.stepped_at_ns = now_ns
        self.offset_ns = offset_ns
        self._is_settled = True

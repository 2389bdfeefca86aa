"""What others would have believed of the same faults: rules of so many failures in a row, as their manuals give them.

* Gatus (README, "Alerting"): ``failure-threshold`` 3 by default; every look comes at the interval, failing or not.
* Icinga 2 (documentation, "Hard and Soft States"): ``max_check_attempts`` 3 by default; after the first failure a
  check is repeated ``retry_interval`` after its result. One second here, the shortest that makes sense beside a
  timeout of one second.
"""

import zlib
from dataclasses import dataclass

import numpy as np

__all__ = ["GATUS", "ICINGA", "InARow"]

DAY = 86_400


@dataclass(frozen=True, slots=True)
class InARow:
    """Down after ``attempts`` failed looks; ``retry`` seconds from a failed result to the next look, 0: at the cadence."""

    name: str
    attempts: int = 3
    retry: float = 0.0
    timeout: float = 1.0

    def noticed(self, target, began, cadence):
        """When a target cut at ``began`` (Unix seconds) would be called down: its looks keep a phase of their own."""
        phase = zlib.crc32(target.encode()) / 2**32 * cadence
        first = began + (phase - began) % cadence
        between = self.timeout + self.retry if self.retry else cadence
        return first + (self.attempts - 1) * between + self.timeout

    def false_outages(self, *, targets, loss, cadence, rng, seconds=DAY):
        """Outages that random loss alone makes, drawn look by look."""
        looks = round(seconds / cadence)
        if self.retry:
            first = int(rng.binomial(looks * targets, loss))
            return int(rng.binomial(first, loss ** (self.attempts - 1)))
        false = 0
        for _ in range(targets):
            lost = rng.random(looks) < loss
            run = lost.copy()
            for back in range(1, self.attempts):
                run[back:] &= lost[:-back]
                run[:back] = False
            false += int(np.count_nonzero(run[1:] & ~run[:-1])) + int(run[0])
        return false


GATUS = InARow("gatus")
ICINGA = InARow("icinga", retry=1.0)

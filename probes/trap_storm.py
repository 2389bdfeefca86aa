"""Bounding storms: a token bucket for every source and one for all; what does not pass is counted, not decoded.

When a ring fails, hundreds of devices tell it in one second, many times each. The first word of each is what
hastens the looks; the hundredth costs a millisecond of decoding that the looks need.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

__all__ = ["Bucket", "StormGuard"]

_MOST_SOURCES: Final = 65_536


@dataclass(slots=True)
class Bucket:
    """Holds at most ``burst`` tokens, refilled at ``rate`` a second; begins full."""

    rate: float
    burst: float
    tokens: float
    at: float

    def take(self, now: float) -> bool:
        """Take a token where there is one."""
        self.refill(now)
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True

    def refill(self, now: float) -> None:
        """Add what time has brought; a clock that does not move forward brings nothing."""
        self.tokens = min(self.burst, self.tokens + max(0.0, now - self.at) * self.rate)
        self.at = max(self.at, now)


class StormGuard:
    """Says which datagrams may be decoded. A loud source spends its own tokens before those of all."""

    def __init__(
        self,
        *,
        now: float,
        source_rate: float = 5.0,
        source_burst: float = 20.0,
        rate: float = 100.0,
        burst: float = 400.0,
    ) -> None:
        self._source_rate = source_rate
        self._source_burst = source_burst
        self._all = Bucket(rate, burst, burst, now)
        self._sources: OrderedDict[str, Bucket] = OrderedDict()
        self.dropped_by_source = 0
        self.dropped_overall = 0

    def allows(self, source: str, now: float) -> bool:
        """Whether a datagram from ``source`` may pass; one that may not is counted."""
        bucket = self._sources.get(source)
        if bucket is None:
            bucket = self._sources[source] = Bucket(
                self._source_rate, self._source_burst, self._source_burst, now
            )
            if len(self._sources) > _MOST_SOURCES:
                self._sources.popitem(last=False)
        self._sources.move_to_end(source)
        if not bucket.take(now):
            self.dropped_by_source += 1
            return False
        if not self._all.take(now):
            self.dropped_overall += 1
            return False
        return True

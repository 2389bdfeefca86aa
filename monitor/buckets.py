"""Token buckets by key: how often one caller may come, kept for a bounded number of callers. Pure."""

from collections import OrderedDict
from typing import Final

__all__ = ["Buckets"]

_MOST_KEYS: Final = 65_536


class Buckets:
    """Each key may come ``burst`` times at once and ``rate`` times a second; the longest unseen are forgotten."""

    def __init__(self, *, rate: float, burst: float, most_keys: int = _MOST_KEYS) -> None:
        self._rate = rate
        self._burst = burst
        self._most_keys = most_keys
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def wait(self, key: str, now: float) -> float:
        """Answer after how many seconds ``key`` may take a token; zero: now. Takes nothing."""
        level, at = self._levels.get(key, (self._burst, now))
        level = min(self._burst, level + max(0.0, now - at) * self._rate)
        return max(0.0, 1.0 - level) / self._rate

    def take(self, key: str, now: float) -> bool:
        """Take one token of ``key`` at ``now`` (monotonic seconds); answer whether there was one."""
        level, at = self._levels.pop(key, (self._burst, now))
        level = min(self._burst, level + max(0.0, now - at) * self._rate)
        is_there = level >= 1.0
        self._levels[key] = (level - 1.0 if is_there else level, now)
        if len(self._levels) > self._most_keys:
            self._levels.popitem(last=False)
        return is_there

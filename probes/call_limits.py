"""When a test call may be made at all: so many a minute to one gateway, within the hours that were agreed. Pure.

A gateway has few lines and its owner answers for each call on its bill; a call at night wakes somebody. Both limits
hold here, apart from any schedule, so that no confirming look, no reload and no second target can get round them.
"""

import re
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Final

__all__ = ["RATE_CAPPED", "CallLimits", "parse_hours"]

RATE_CAPPED: Final = "rate-capped"
"""Why a call may not be made now, where it may be a little later."""

_SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_DAY: Final = 24 * 60
_MOST_GATEWAYS = 10_000

Spans = tuple[tuple[int, int], ...]


def parse_hours(text: str) -> Spans:
    """Read ``07:00-21:00`` or ``07:00-11:30,22:00-02:00`` as minutes of the day; ValueError where it is neither."""
    spans = []
    for part in text.split(","):
        found = _SPAN.fullmatch(part.strip())
        if found is None:
            raise ValueError(f"hours are written 07:00-21:00: {text!r}")
        begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
        if max(begin, end) > _DAY or begin == end:
            raise ValueError(f"hours are written 07:00-21:00: {text!r}")
        spans.append((begin, end))
    return tuple(spans)


class CallLimits:
    """Grants calls. ``interval`` is seconds a gateway's calls lie apart on average, ``burst`` how many may come at once."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        clock: Callable[[], datetime],
        zone: tzinfo,
        interval: float = 60.0,
        burst: int = 1,
    ) -> None:
        self._monotonic = monotonic
        self._clock = clock
        self._zone = zone
        self._interval = interval
        self._burst = burst
        self._full_at: dict[str, float] = {}

    def refusal(self, gateway: str, hours: Spans) -> str:
        """Answer why no call may be made now, or an empty text: then one call of the gateway's is spent."""
        if hours and not self._is_within(hours):
            return "outside-hours"
        now = self._monotonic()
        # A token bucket told by the time at which it will be full again.
        full_at = max(self._full_at.get(gateway, now), now)
        if full_at - now > self._interval * (self._burst - 1) + 1e-9:
            return RATE_CAPPED
        if len(self._full_at) >= _MOST_GATEWAYS:
            self._forget(now)
        self._full_at[gateway] = full_at + self._interval
        return ""

    def _is_within(self, hours: Spans) -> bool:
        local = self._clock().astimezone(self._zone)
        minute = local.hour * 60 + local.minute
        return any(
            begin <= minute < end if begin < end else minute >= begin or minute < end for begin, end in hours
        )

    def _forget(self, now: float) -> None:
        self._full_at = {gateway: at for gateway, at in self._full_at.items() if at > now}

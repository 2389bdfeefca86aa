"""From counters to rates: wraps, reboots and cached counters never become a spike; where in doubt there is no rate.

What an agent gives is a running count of octets and the time since it began. Between two readings the count may
wrap (32 bits: every 34 s on a busy gigabit), begin anew with the agent, lose its thread (ifCounterDiscontinuityTime,
RFC 2863 section 3.1.5), or simply not have been refreshed, since agents keep interface tables for seconds. Each of
these taken for traffic is an alarm that nobody can explain, so :func:`advance` gives a rate only where one reading
follows from the other.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["Rates", "Reading", "advance", "has_begun_anew"]

SHORTEST_SECONDS: Final = 1.0
"""Looks closer than this measure the agent's clock more than the line."""

STILL_SECONDS: Final = 30.0
"""Counts that stand still so long are an idle line; before that they may be the agent's cache."""

_TICKS = 100
"""sysUpTime counts hundredths of a second, in 32 bits."""
_UPTIME_SPAN = 2**32
_SLACK_SECONDS = 2.0
_SLACK_RATIO = 0.02
_MARGIN = 1.1
"""Lines carry a little more than they say: preambles are not counted, speeds are rounded."""
_FASTEST_BITS = 1e13
_UNKNOWN_NARROW_SECONDS = 30.0
"""In which a line of unknown speed, up to a gigabit, cannot have wrapped 32 bits of octets."""
_LARGEST_GAUGE = 2**32 - 1
"""An ifSpeed that only says "more than I can say"."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters of one interface at one time. ``at`` is monotonic seconds, ``uptime`` hundredths of a second.

    ``bits`` is the width of the counters, ``speed_bits`` the line's own word, 0 if not known.
    """

    at: float
    inward: int
    outward: int
    bits: int = 64
    uptime: int | None = None
    boots: int | None = None
    discontinuity: int | None = None
    speed_bits: float = 0.0


@dataclass(frozen=True, slots=True)
class Rates:
    """Bits a second in each direction, averaged over ``seconds``."""

    in_bits: float
    out_bits: float
    seconds: float


def advance(base: Reading | None, now: Reading) -> tuple[Reading, Rates | None]:
    """Answer the reading to measure from next time, and the rates since ``base`` where they are known."""
    if base is None or now.at < base.at or not _follows(base, now):
        return now, None
    elapsed = now.at - base.at
    if elapsed < SHORTEST_SECONDS:
        return base, None
    stands_still = (base.inward, base.outward) == (now.inward, now.outward)
    if stands_still and elapsed < STILL_SECONDS:
        return base, None
    octets_in = _octets(base.inward, now.inward, base, now)
    octets_out = _octets(base.outward, now.outward, base, now)
    if octets_in is None or octets_out is None:
        return now, None
    return now, Rates(octets_in * 8 / elapsed, octets_out * 8 / elapsed, elapsed)


def has_begun_anew(base: Reading, now: Reading) -> bool:
    """Whether the agent started again between two readings (and may have renumbered its interfaces)."""
    if base.boots is not None and now.boots is not None and base.boots != now.boots:
        return True
    if base.uptime is None or now.uptime is None:
        return False
    elapsed = now.at - base.at
    slack = _slack(elapsed)
    # Not merely "went back": it also wraps after 497 days, and a young agent may restart and still read higher.
    astray = (now.uptime - base.uptime - elapsed * _TICKS) % _UPTIME_SPAN
    return min(astray, _UPTIME_SPAN - astray) > slack


def _follows(base: Reading, now: Reading) -> bool:
    return base.bits == now.bits and not has_begun_anew(base, now) and not _has_lost_thread(base, now)


def _has_lost_thread(base: Reading, now: Reading) -> bool:
    told = base.discontinuity is not None and now.discontinuity is not None
    return told and base.discontinuity != now.discontinuity


def _octets(before: int, after: int, base: Reading, now: Reading) -> int | None:
    """Count what passed between two counts, None where that cannot be told."""
    elapsed = now.at - base.at
    span = 1 << now.bits
    passed = (after - before) % span
    if after < before and not _can_only_have_wrapped(base, now):
        return None
    most = _most_octets(now, elapsed, wrapped=after < before)
    return passed if most is not None and most < span and passed <= most else None


def _can_only_have_wrapped(base: Reading, now: Reading) -> bool:
    """Whether a count that went back must have wrapped: a restart soon after a start leaves no mark on the uptime."""
    if now.uptime is None or base.uptime is None:
        return False
    return base.uptime > _slack(now.at - base.at)


def _slack(elapsed: float) -> float:
    """By how many ticks an uptime may be astray without a restart."""
    return (_SLACK_SECONDS + _SLACK_RATIO * elapsed) * _TICKS


def _most_octets(now: Reading, elapsed: float, *, wrapped: bool) -> float | None:
    is_narrow = now.bits == 32
    speed = _FASTEST_BITS if is_narrow and now.speed_bits >= _LARGEST_GAUGE else now.speed_bits
    if speed > 0 and (wrapped or is_narrow):
        return speed * _MARGIN * elapsed / 8
    if not is_narrow:
        # Tunnels and bridges tell a speed that they exceed: believe the wide counter, up to what no line reaches.
        return _FASTEST_BITS * elapsed / 8
    return None if wrapped or elapsed > _UNKNOWN_NARROW_SECONDS else float((1 << 32) - 1)

"""Points in time as the two forms that belief needs: whole nanoseconds inside, zoned datetimes in rows and views.

Samples carry UTC nanoseconds and databases keep microseconds; the conversion is exact integer arithmetic, so
that a time that was stored and loaded again compares equal to itself.
"""

from datetime import UTC, datetime, timedelta

__all__ = ["NEVER", "SECOND", "moment", "nanoseconds", "seconds", "span"]

SECOND = 1_000_000_000
"""Nanoseconds in a second."""

NEVER = 0
"""The nanosecond that stands for "not yet": no look starts in 1970."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def moment(at_ns: int) -> datetime:
    """Answer the UTC time of ``at_ns`` nanoseconds since 1970, cut to the microsecond."""
    return _EPOCH + timedelta(microseconds=int(at_ns) // 1000)


def nanoseconds(at: datetime) -> int:
    """Answer the nanoseconds since 1970 of a zoned time."""
    return (at - _EPOCH) // _MICROSECOND * 1000


def span(length_ns: int) -> timedelta:
    """Answer a length of time in nanoseconds, cut to the microsecond."""
    return timedelta(microseconds=length_ns // 1000)


def seconds(count: float) -> int:
    """Answer a number of seconds as whole nanoseconds."""
    return round(count * SECOND)

"""How busy a link will be on a day to come, from its busy hours so far. Pure.

The busy hour of a day is the one with the highest mean load in either direction (ITU-T E.600 speaks of it so for
telephones; links are sized by it as well). Its course over the days is a straight line by Theil and Sen: the median of
the slopes between all pairs of days, which a few days of an outage or a festival do not bend. Weekdays are not told
apart: over the weeks before an election there are too few of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import combinations
from statistics import median

__all__ = ["BusyHour", "Forecast", "forecast"]

_LEAST_DAYS = 5
_MOST_DAYS = 60
"""How far ahead it is said when the norm will be reached; beyond that nobody can."""


@dataclass(frozen=True, slots=True)
class BusyHour:
    """The busiest hour of a day: when it began, and its mean load."""

    at: datetime
    load: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Load of the busy hour on ``day``; ``reached`` is the first day, if near, on which it would be at the norm."""

    day: date
    load: float
    a_day: float
    reached: date | None


def forecast(days: Mapping[date, BusyHour], day: date, *, norm: float) -> Forecast | None:
    """Answer what is to be expected on ``day``; None with fewer than five days to go by, or for a day that is past."""
    if len(days) < _LEAST_DAYS or day < max(days):
        return None
    points = sorted((each.toordinal(), found.load) for each, found in days.items())
    slope = median((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2))
    height = median(y - slope * x for x, y in points)
    last = max(days)
    reached = None
    for ahead in range(1, _MOST_DAYS + 1):
        if height + slope * (last.toordinal() + ahead) >= norm:
            reached = last + timedelta(days=ahead)
            break
    return Forecast(day, max(0.0, height + slope * day.toordinal()), slope, reached)

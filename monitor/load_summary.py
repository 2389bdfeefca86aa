"""What is known of the load of each link: now, at its busiest, on election day, and how much it could lend. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from inventory.models import Inventory, Link
from monitor.congestion import Congestion, Line
from monitor.load import Direction, Reading
from monitor.load_forecast import BusyHour, Forecast, forecast
from monitor.moments import moment, nanoseconds, seconds

__all__ = ["BUSY_WITHIN", "LinkLoad", "link_loads"]

BUSY_WITHIN = timedelta(days=7)
"""How far back the busiest hour is looked for."""
_FRESH_SECONDS = 900.0
"""How old a figure may be to be what is carried now."""


@dataclass(frozen=True, slots=True)
class LinkLoad:
    """One link. Loads are shares of its capacity. ``is_measured``: something looks at it; figures may still be missing."""

    link: Link
    is_measured: bool
    inward: float | None
    outward: float | None
    busiest: BusyHour | None
    congested_since: datetime | None
    expected: Forecast | None
    norm: float

    @property
    def spare_mbps(self) -> float | None:
        """What it could carry besides, at its busiest hour of the last days, without passing the norm; None: unknown."""
        if self.busiest is None or not self.link.capacity_mbps:
            return None
        if self.congested_since is not None:
            return 0.0
        return max(0.0, self.norm - self.busiest.load) * self.link.capacity_mbps

    @property
    def load(self) -> float:
        """The higher of both directions now, and where neither is known that of the busiest hour; else 0."""
        known = [each for each in (self.inward, self.outward) if each is not None]
        return max(known) if known else self.busiest.load if self.busiest else 0.0


def link_loads(
    inventory: Inventory,
    days: Mapping[str, Mapping[date, BusyHour]],
    *,
    newest: Mapping[Line, Reading],
    lasting: Mapping[Line, Congestion],
    measured: frozenset[str],
    now: datetime,
    day: date,
    scope: str | None,
) -> list[LinkLoad]:
    """Answer the links of ``scope`` (None: of all), those that are congested first, then the busiest.

    ``days`` are the busiest hours of each day, by link.
    """
    fresh_ns = nanoseconds(now) - seconds(_FRESH_SECONDS)
    loads: defaultdict[str, dict[Direction, float]] = defaultdict(dict)
    for (link, direction), seen in newest.items():
        if seen.at_ns >= fresh_ns:
            loads[link][direction] = seen.load
    begun: defaultdict[str, list[int]] = defaultdict(list)
    for (link, _), each in lasting.items():
        begun[link].append(each.started_ns)
    found = []
    for known in inventory.links.values():
        if scope is None or known.carrier == scope:
            own = days.get(known.code, {})
            seen_now = LinkLoad(
                link=known,
                is_measured=known.code in measured,
                inward=loads[known.code].get(Direction.IN),
                outward=loads[known.code].get(Direction.OUT),
                busiest=_busiest(own.values(), now),
                congested_since=moment(min(begun[known.code])) if known.code in begun else None,
                expected=forecast(own, day, norm=inventory.policy.congestion_norm),
                norm=inventory.policy.congestion_norm,
            )
            found.append(seen_now)
    return sorted(found, key=lambda each: (each.congested_since is None, -each.load, each.link.code))


def _busiest(days: Iterable[BusyHour], now: datetime) -> BusyHour | None:
    late = [each for each in days if each.at > now - BUSY_WITHIN]
    return max(late, key=lambda each: (each.load, each.at), default=None)

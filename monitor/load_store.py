"""SQL of loads: hours of links, and when links were congested. Never commits, never asks for the time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from sqlalchemy import Row, and_, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.congestion import Congestion
from monitor.load import Direction, Slot
from monitor.load_forecast import BusyHour
from monitor.moments import moment, nanoseconds
from monitor.schema import congestions, link_hours
from monitor.store import upsert

__all__ = [
    "CongestionRow",
    "LinkHour",
    "add_slots",
    "busy_hours",
    "change_congestion",
    "congestions_between",
    "hours_between",
    "lasting_congestions",
    "measured_links",
    "open_congestion",
]

_HOUR = timedelta(hours=1)
_c, _h = congestions.c, link_hours.c


@dataclass(frozen=True, slots=True)
class LinkHour:
    """An hour of one direction of a link: measured slots, their mean and highest load, and how many were busy."""

    link: str
    direction: Direction
    hour: datetime
    slots: int
    load: float
    peak: float
    busy: int


@dataclass(frozen=True, slots=True)
class CongestionRow:
    """A congestion as it is kept: half open, UTC; ``ended_at`` is None while it lasts; ``norm`` is that of its time."""

    id: int
    link: str
    direction: Direction
    carrier: str
    started_at: datetime
    until: datetime
    ended_at: datetime | None
    peak: float
    norm: float


async def add_slots(connection: AsyncConnection, slots: Iterable[Slot], *, norm: float, zone: tzinfo) -> None:
    """Add slots to the hours that they lie in, whose days are those of ``zone``; each must be given once."""
    hours: dict[tuple[str, str, datetime], list[float]] = {}
    for slot in slots:
        start = moment(slot.start_ns)
        key = slot.link, slot.direction.value, start.replace(minute=0, second=0, microsecond=0)
        hours.setdefault(key, []).append(slot.load)
    if not hours:
        return
    within = and_(_h.hour >= min(key[2] for key in hours), _h.hour <= max(key[2] for key in hours))
    known = {
        (r.link, r.direction, r.hour): r for r in await connection.execute(select(link_hours).where(within))
    }
    await upsert(
        connection,
        link_hours,
        [_hour(key, loads, known.get(key), norm, zone) for key, loads in hours.items()],
    )


def _hour(
    key: tuple[str, str, datetime],
    loads: Sequence[float],
    before: Row[tuple[object, ...]] | None,
    norm: float,
    zone: tzinfo,
) -> dict[str, object]:
    slots, mean, peak, busy = (
        (before.slots, before.load, before.peak, before.busy) if before else (0, 0.0, 0.0, 0)
    )
    number = slots + len(loads)
    return {
        "link": key[0],
        "direction": key[1],
        "hour": key[2],
        "day": key[2].astimezone(zone).date(),
        "slots": number,
        "load": (mean * slots + sum(loads)) / number,
        "peak": max(peak, *loads),
        "busy": busy + sum(load >= norm for load in loads),
    }


async def hours_between(
    connection: AsyncConnection, since: datetime, until: datetime, *, link: str | None = None
) -> list[LinkHour]:
    """Answer the hours that began from ``since`` to before ``until``, of one link or of all, oldest first."""
    query = select(link_hours).where(_h.hour >= since, _h.hour < until)
    query = query.where(_h.link == link) if link is not None else query
    rows = await connection.execute(query.order_by(_h.hour, _h.link, _h.direction))
    return [LinkHour(r.link, Direction(r.direction), r.hour, r.slots, r.load, r.peak, r.busy) for r in rows]


async def busy_hours(
    connection: AsyncConnection, since: datetime, until: datetime
) -> dict[str, dict[date, BusyHour]]:
    """Answer the busiest hour of each local day of a window, of either direction, by link."""
    place = func.row_number().over(partition_by=(_h.link, _h.day), order_by=(_h.load.desc(), _h.hour.desc()))
    ranked = (
        select(_h.link, _h.day, _h.hour, _h.load, place.label("place"))
        .where(_h.hour >= since, _h.hour < until)
        .subquery()
    )
    found: dict[str, dict[date, BusyHour]] = {}
    for row in await connection.execute(select(ranked).where(ranked.c.place == 1)):
        found.setdefault(row.link, {})[row.day] = BusyHour(row.hour, row.load)
    return found


async def measured_links(connection: AsyncConnection, since: datetime, until: datetime) -> frozenset[str]:
    """Answer the links of which anything was measured in a window."""
    query = select(_h.link).where(_h.hour > since - _HOUR, _h.hour < until).distinct()
    return frozenset((await connection.execute(query)).scalars())


async def open_congestion(
    connection: AsyncConnection, found: Congestion, *, carrier: str, norm: float
) -> None:
    """Write down a congestion that began; it may have ended already."""
    await connection.execute(
        insert(congestions).values(
            link=found.link,
            direction=found.direction.value,
            carrier=carrier,
            started_at=moment(found.started_ns),
            norm=norm,
            **_extent(found),
        )
    )


async def change_congestion(connection: AsyncConnection, found: Congestion) -> None:
    """Write down how long a congestion has been seen, its peak, and its end if it ended."""
    same = (
        _c.link == found.link,
        _c.direction == found.direction.value,
        _c.started_at == moment(found.started_ns),
        _c.ended_at.is_(None),
    )
    await connection.execute(update(congestions).where(*same).values(**_extent(found)))


def _extent(found: Congestion) -> Mapping[str, object]:
    ended = None if found.ended_ns is None else moment(found.ended_ns)
    return {"until": moment(found.until_ns), "ended_at": ended, "peak": found.peak}


async def lasting_congestions(connection: AsyncConnection) -> list[Congestion]:
    """Answer what had not ended when it was last written."""
    rows = await connection.execute(select(congestions).where(_c.ended_at.is_(None)).order_by(_c.id))
    return [
        Congestion(r.link, Direction(r.direction), nanoseconds(r.started_at), nanoseconds(r.until), r.peak)
        for r in rows
    ]


async def congestions_between(
    connection: AsyncConnection,
    since: datetime,
    until: datetime,
    *,
    carrier: str | None = None,
    limit: int | None = None,
) -> list[CongestionRow]:
    """Answer the congestions, of one carrier or of all, that touch the time from ``since`` to before ``until``, newest first."""
    touches = (_c.started_at < until, or_(_c.ended_at.is_(None), _c.ended_at > since))
    query = select(congestions).where(*touches).order_by(_c.started_at.desc(), _c.id.desc())
    query = query.where(_c.carrier == carrier) if carrier is not None else query
    rows = await connection.execute(query.limit(limit) if limit is not None else query)
    return [
        CongestionRow(
            r.id, r.link, Direction(r.direction), r.carrier, r.started_at, r.until, r.ended_at, r.peak, r.norm
        )
        for r in rows
    ]

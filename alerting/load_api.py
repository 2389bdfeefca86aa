"""Loads of links over HTTP, for reading: how busy each is, its hours, and when it was congested. A carrier reads its own."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel

from alerting.errors import RefusedError
from alerting.web.api import Api, demand
from inventory.access import Right
from monitor.load import Direction
from monitor.load_reading import LoadReading
from monitor.load_summary import LinkLoad

__all__ = ["UnknownLinkError", "router"]

_MOST_DAYS = 92
_MOST_ROWS = 1000
_Days = Annotated[int, Query(ge=1, le=_MOST_DAYS, description="How many days back.")]


class UnknownLinkError(RefusedError):
    """There is no such link, or it is another party's: the answer is the same."""

    slug: ClassVar[str] = "unknown-link"
    status: ClassVar[int] = 404

    def __init__(self, link: str) -> None:
        super().__init__(f"there is no link {link!r}")


class LinkItem(BaseModel):
    """One link; loads are shares of its capacity, null where not known. ``spare_mbps`` is at its busiest hour of 7 days."""

    link: str
    name: str
    carrier: str
    capacity_mbps: float | None
    is_measured: bool
    load_in: float | None
    load_out: float | None
    busiest_at: datetime | None
    busiest_load: float | None
    congested_since: datetime | None
    expected_load: float | None
    norm_reached_on: date | None
    spare_mbps: float | None


class LinkPage(BaseModel):
    """Links, the congested first, then the busiest; ``expected_load`` is that of the busy hour on ``day``."""

    at: datetime
    day: date
    norm: float
    items: list[LinkItem]


class HourItem(BaseModel):
    """An hour of one direction: five-minute slots measured, their mean and highest load, and how many were busy."""

    hour: datetime
    direction: Direction
    slots: int
    load: float
    peak: float
    busy: int


class HourPage(BaseModel):
    """Hours of one link, oldest first; an hour that nobody measured is not there."""

    link: str
    items: list[HourItem]


class CongestionItem(BaseModel):
    """A congestion; ``until`` is the end of the last busy slot seen, ``ended_at`` null while it lasts."""

    link: str
    carrier: str
    direction: Direction
    started_at: datetime
    until: datetime
    ended_at: datetime | None
    peak: float
    norm: float


class CongestionPage(BaseModel):
    """Congestions of a window, newest first."""

    items: list[CongestionItem]


def router(api: Api, loads: LoadReading) -> APIRouter:
    """Make the routes below ``/api/v1/links``."""
    routes = api.router("/links", tag="links")

    @routes.get("", summary="Links with their loads")
    async def listing(asking: Annotated[Any, Depends(api.actor)]) -> LinkPage:
        demand(asking, Right.SEE_INCIDENTS, "read loads")
        now = api.clock()
        found = await loads.links(now=now, scope=asking.scope)
        return LinkPage(at=now, day=loads.day, norm=loads.norm, items=[_item(each) for each in found])

    @routes.get("/congestions", summary="When links were congested")
    async def congestions(asking: Annotated[Any, Depends(api.actor)], days: _Days = 30) -> CongestionPage:
        demand(asking, Right.SEE_INCIDENTS, "read loads")
        now = api.clock()
        rows = await loads.congestions(now - timedelta(days=days), now, scope=asking.scope, limit=_MOST_ROWS)
        return CongestionPage(
            items=[CongestionItem.model_validate(row, from_attributes=True) for row in rows]
        )

    @routes.get("/{link}/hours", summary="What a link carried, hour by hour")
    async def hours(
        link: Annotated[str, Path(max_length=80, description="The link's code.")],
        asking: Annotated[Any, Depends(api.actor)],
        days: _Days = 7,
    ) -> HourPage:
        demand(asking, Right.SEE_INCIDENTS, "read loads")
        if not loads.knows(link, scope=asking.scope):
            raise UnknownLinkError(link)
        now = api.clock()
        found = await loads.hours(link, now - timedelta(days=days), now)
        return HourPage(
            link=link, items=[HourItem.model_validate(each, from_attributes=True) for each in found]
        )

    return routes


def _item(seen: LinkLoad) -> LinkItem:
    return LinkItem(
        link=seen.link.code,
        name=seen.link.name,
        carrier=seen.link.carrier,
        capacity_mbps=seen.link.capacity_mbps,
        is_measured=seen.is_measured,
        load_in=seen.inward,
        load_out=seen.outward,
        busiest_at=seen.busiest.at if seen.busiest else None,
        busiest_load=seen.busiest.load if seen.busiest else None,
        congested_since=seen.congested_since,
        expected_load=seen.expected.load if seen.expected else None,
        norm_reached_on=seen.expected.reached if seen.expected else None,
        spare_mbps=seen.spare_mbps,
    )

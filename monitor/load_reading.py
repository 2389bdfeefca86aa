"""What pages, programs and reports read of loads: whatever process measured them, as far as they were written down."""

from datetime import date, datetime, timedelta
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from inventory.database import reading
from inventory.models import Inventory
from monitor import load_store
from monitor.load_summary import LinkLoad, link_loads
from monitor.measured import MeasureBook

__all__ = ["LoadReading", "Measured"]

_LOOKED_BACK = timedelta(days=28)
"""Of which busy hours the forecast is made."""


class Measured(Protocol):
    """What is looked at now, and what it measured: the service that believes."""

    @property
    def inventory(self) -> Inventory:
        """The inventory in force."""

    @property
    def measures(self) -> MeasureBook:
        """The figures of its looks."""


class LoadReading:
    """Questions about loads, within a party's scope (None: all of them)."""

    def __init__(self, database: AsyncEngine, measured: Measured) -> None:
        self._database = database
        self._measured = measured

    @property
    def norm(self) -> float:
        """The share of its capacity from which a link is too busy."""
        return self._measured.inventory.policy.congestion_norm

    @property
    def day(self) -> date:
        """The day that forecasts are made for: election day."""
        return self._measured.inventory.election.day

    def knows(self, link: str, *, scope: str | None) -> bool:
        """Answer whether there is such a link within ``scope``."""
        found = self._measured.inventory.links.get(link)
        return found is not None and (scope is None or found.carrier == scope)

    async def links(self, *, now: datetime, scope: str | None) -> list[LinkLoad]:
        """Answer what is known of every link of ``scope`` (None: of all), the most pressing first."""
        inventory = self._measured.inventory
        async with reading(self._database) as connection:
            days = await load_store.busy_hours(connection, now - _LOOKED_BACK, now)
            lasting = await load_store.lasting_congestions(connection)
        return link_loads(
            inventory,
            days,
            newest=self._measured.measures.loads.newest,
            lasting={(each.link, each.direction): each for each in lasting},
            measured=self._measured.measures.links(),
            now=now,
            day=inventory.election.day,
            scope=scope,
        )

    async def hours(self, link: str, since: datetime, until: datetime) -> list[load_store.LinkHour]:
        """Answer the hours of one link that began in a window, oldest first."""
        async with reading(self._database) as connection:
            return await load_store.hours_between(connection, since, until, link=link)

    async def congestions(
        self, since: datetime, until: datetime, *, scope: str | None, limit: int | None = None
    ) -> list[load_store.CongestionRow]:
        """Answer the congestions that touch a window, newest first, of ``scope`` or of all."""
        async with reading(self._database) as connection:
            return await load_store.congestions_between(connection, since, until, carrier=scope, limit=limit)

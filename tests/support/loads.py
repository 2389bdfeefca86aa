"""What links carried, written as the service writes it: hours of past days, and a congestion that lasts."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from inventory.database import transaction
from monitor.congestion import Congestion
from monitor.load import SLOT_NS, Direction, Slot
from monitor.load_store import add_slots, open_congestion
from monitor.moments import nanoseconds

__all__ = ["carried", "congested"]

NORM = 0.8
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


async def carried(database, link, *, now, days=7, load=0.4, a_day=0.01):
    """Let a link have been busiest at 20:00 of each of the last ``days``, rising by ``a_day`` to ``load``."""
    evening = now.replace(hour=13, minute=0, second=0, microsecond=0) - timedelta(days=1)
    slots = []
    for ago in range(days):
        start = nanoseconds(evening - timedelta(days=ago))
        for place in range(12):
            for direction, share in ((Direction.IN, 1.0), (Direction.OUT, 0.5)):
                told = (load - a_day * ago) * share
                slots.append(Slot(start + place * SLOT_NS, link, direction, round(told, 6)))
    async with transaction(database) as connection:
        await add_slots(connection, slots, norm=NORM, zone=ZONE)


async def congested(database, link, carrier, *, since, until, peak=0.93, ended=False):
    """Let a link be congested outwards; ``until`` is what was seen last."""
    found = Congestion(
        link,
        Direction.OUT,
        nanoseconds(since),
        nanoseconds(until),
        peak,
        nanoseconds(until) if ended else None,
    )
    async with transaction(database) as connection:
        await open_congestion(connection, found, carrier=carrier, norm=NORM)

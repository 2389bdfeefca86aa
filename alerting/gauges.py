"""What the gauges of acting say, from what is stored and who is on duty now."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.message_store import oldest_waiting
from alerting.metrics import AlertingMetrics
from alerting.oncall import board
from alerting.roster_store import living
from alerting.store import tally
from inventory.models import Inventory

__all__ = ["set_gauges"]


async def set_gauges(
    connection: AsyncConnection, metrics: AlertingMetrics, inventory: Inventory, now: datetime
) -> None:
    """Set every gauge that is read from the database, all from one look at it."""
    counted = await tally(connection)
    waiting = await oldest_waiting(connection, now)
    living_inventory = await living(connection, inventory, now)
    metrics.incidents.clear()
    for state, severity, owner, count in counted:
        metrics.incidents.labels(state, severity, owner).set(count)
    metrics.outbox_oldest.set((now - waiting).total_seconds() if waiting else 0.0)
    for row in board(living_inventory, now):
        missing = (now - row.since).total_seconds() if row.gap and row.since else 0.0
        metrics.roster_gap.labels(row.party, row.duty.value).set(missing)

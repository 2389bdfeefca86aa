"""Belief, with a record where one is kept."""

from sqlalchemy.ext.asyncio import AsyncEngine

from inventory.models import Inventory
from monitor.assembly.clocks import now
from monitor.metrics import ServiceMetrics
from monitor.recorded import RecordedMonitor
from monitor.recording import Recorder
from monitor.service import MonitorService
from monitor.settings import Settings

__all__ = ["believing"]


def believing(
    settings: Settings, *, database: AsyncEngine, inventory: Inventory, metrics: ServiceMetrics
) -> MonitorService:
    """Make the service that believes, as the settings have it."""
    if settings.record is None:
        return MonitorService(database=database, inventory=inventory, clock=now, metrics=metrics)
    recorder = Recorder(settings.record.folder, limit_bytes=settings.record.limit_mb << 20)
    return RecordedMonitor(
        database=database, inventory=inventory, clock=now, metrics=metrics, recorder=recorder
    )

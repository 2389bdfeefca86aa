"""Acting: incidents, escalation, and the channels that messages leave by."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.metrics import AlertingMetrics
from alerting.notify.channel import Channel
from alerting.notify.email import EmailChannel
from alerting.notify.sms import SmsChannel
from alerting.notify.webhook import WebhookChannel
from alerting.service import AlertingService
from alerting.worker import AlertingWorker, OutboxWorker
from inventory.models import ContactChannel, Inventory
from monitor.assembly.clocks import Loops, chance, now, token
from monitor.metrics import ServiceMetrics
from monitor.service import MonitorService
from monitor.settings import Settings

__all__ = ["Acting"]


class Acting:
    """Who must act, and how they hear of it."""

    def __init__(
        self, settings: Settings, *, database: AsyncEngine, inventory: Inventory, metrics: ServiceMetrics
    ) -> None:
        self.service = AlertingService(
            database=database,
            inventory=inventory,
            clock=now,
            token=token,
            public_url=settings.pages.public_url,
            metrics=AlertingMetrics(metrics.registry),
            chance=chance,
        )
        self._database = database
        self._delivery = settings.delivery
        self._channels = _channels(settings)

    def loops(self, monitor: MonitorService) -> Loops:
        """Answer the loops of acting, woken by belief and by each other."""
        acting = AlertingWorker(service=self.service, clock=now)
        outbox = OutboxWorker(
            database=self._database,
            channels=self._channels,
            clock=now,
            links=self.service.links,
            metrics=self.service.metrics,
            on_hastened=acting.wake,
            lease=timedelta(seconds=self._delivery.lease_seconds),
            concurrency=self._delivery.concurrency,
        )

        def believed(_changes: object) -> None:
            acting.wake()

        def acted(_incidents: object) -> None:
            outbox.wake()

        monitor.subscribe(believed)
        self.service.subscribe(acted)
        return {"alerting": acting.run, "outbox": outbox.run}

    async def stop(self) -> None:
        """Let go of every channel's connections."""
        for channel in self._channels.values():
            await channel.close()


def _channels(settings: Settings) -> dict[ContactChannel, Channel]:
    channels: dict[ContactChannel, Channel] = {}
    if settings.email is not None:
        channels[ContactChannel.EMAIL] = EmailChannel(settings.email)
    if settings.sms is not None:
        channels[ContactChannel.SMS] = SmsChannel(settings.sms)
    if settings.webhook is not None:
        channels[ContactChannel.WEBHOOK] = WebhookChannel(settings.webhook, clock=now)
    return channels

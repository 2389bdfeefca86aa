"""Acting: incidents, escalation, the channels that messages leave by, and what watches over their delivery."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import timedelta

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.alertmanager import AlertmanagerPusher
from alerting.attachments import EvidenceFolder
from alerting.auditor import Auditor
from alerting.canary import Canary
from alerting.dead_man import DeadMansSwitch
from alerting.endpoint_service import EndpointService
from alerting.metrics import AlertingMetrics
from alerting.notify.channel import Channel
from alerting.notify.chat import ChatChannel
from alerting.notify.email import EmailChannel
from alerting.notify.event import EventChannel
from alerting.notify.fallback import FallbackChannel
from alerting.notify.sms import SmsChannel
from alerting.notify.voice import VoiceChannel
from alerting.notify.webhook import WebhookChannel
from alerting.oncall import PAGE_CHANNELS
from alerting.roster_asking import Leads
from alerting.roster_asking_service import RosterAsking, ShiftOccasion
from alerting.roster_links import RosterLinks
from alerting.service import AlertingService
from alerting.web.gateways import gateway_routes
from alerting.worker import AlertingWorker, OutboxWorker
from dashboards.reports.sending import attachment_from
from inventory.models import ContactChannel, Inventory
from monitor.assembly.clocks import Loop, Loops, chance, now, token
from monitor.assembly.sealing import sealing_of
from monitor.metrics import ServiceMetrics
from monitor.service import MonitorService
from monitor.settings import Settings

__all__ = ["Acting"]

_LATE = timedelta(seconds=90)


class Acting:
    """Who must act, and how they hear of it."""

    def __init__(
        self, settings: Settings, *, database: AsyncEngine, inventory: Inventory, metrics: ServiceMetrics
    ) -> None:
        self.sealing = sealing_of(settings)
        self._database = database
        self._settings = settings
        self._delivery = settings.delivery
        self.endpoints = self._endpoints()
        self._channels = {**_channels(settings, database), ContactChannel.EVENT: self.endpoints.channel}
        self.service = AlertingService(
            database=database,
            inventory=inventory,
            clock=now,
            token=token,
            public_url=settings.pages.public_url,
            metrics=AlertingMetrics(metrics.registry),
            chance=chance,
            channels=PAGE_CHANNELS | self._channels.keys(),
            evidence=EvidenceFolder(settings.state / "evidence"),
        )
        self.outbox = OutboxWorker(
            database=database,
            channels=self._channels,
            clock=now,
            links=self.service.links,
            metrics=self.service.metrics,
            on_hastened=self._hastened,
            lease=timedelta(seconds=self._delivery.lease_seconds),
            concurrency=self._delivery.concurrency,
            occasions=self._occasions(),
        )
        self._worker = AlertingWorker(service=self.service, clock=now)
        self._auditor = Auditor(
            service=self.service,
            database=database,
            clock=now,
            metrics=self.service.metrics,
            wake_outbox=self.outbox.wake,
        )

    def _endpoints(self) -> EndpointService:
        public_url, sealing, database = self._settings.pages.public_url, self.sealing, self._database
        channel = EventChannel(
            self._settings.events,
            database=database,
            sealing=sealing,
            clock=now,
            public_url=public_url,
            party_name=self._party_name,
        )
        return EndpointService(
            database=database, sealing=sealing, clock=now, token=token, channel=channel, draw=chance
        )

    def _occasions(self) -> dict[str, ShiftOccasion]:
        asking = ShiftOccasion(
            links=RosterLinks(token),
            inventory=lambda: self.service.inventory,
            public_url=self._settings.pages.public_url,
        )
        return {"confirm_shift": asking, "confirm_again": asking}

    def _party_name(self, code: str) -> str:
        party = self.service.inventory.parties.get(code)
        return party.name if party else code

    def _hastened(self) -> None:
        self._worker.wake()

    def routes(self) -> APIRouter:
        """Answer what gateways and other systems call."""
        return gateway_routes(
            service=self.service,
            outbox=self.outbox,
            clock=now,
            monotonic=time.monotonic,
            gateway_token=self._delivery.gateway_token.get_secret_value(),
            alerts_token=self._settings.alertmanager.token.get_secret_value(),
        )

    def loops(self, monitor: MonitorService, faults: Callable[[], Mapping[str, str]]) -> Loops:
        """Answer the loops of acting, woken by belief and by each other; ``faults`` is what the service knows of itself."""

        def believed(_changes: object) -> None:
            self._worker.wake()

        def acted(_incidents: object) -> None:
            self.outbox.wake()

        monitor.subscribe(believed)
        self.service.subscribe(acted)
        return {
            "alerting": self._worker.run,
            "outbox": self.outbox.run,
            "auditor": self._auditor.run,
            **self._watching(faults),
        }

    def _watching(self, faults: Callable[[], Mapping[str, str]]) -> dict[str, Loop]:
        """Answer the loops that run only where an address is set for them."""
        delivery, loops = self._delivery, self._asking()
        if delivery.canaries:
            loops["canary"] = Canary(
                service=self.service,
                channels=self._channels,
                addresses=delivery.canaries,
                clock=now,
                sleep=asyncio.sleep,
                metrics=self.service.metrics,
                every_seconds=delivery.canary_seconds,
            ).run
        if delivery.heartbeat_url is not None:
            loops["dead_man"] = DeadMansSwitch(
                str(delivery.heartbeat_url),
                every_seconds=delivery.heartbeat_seconds,
                faults=lambda: {**faults(), **self._own_faults()},
                clock=now,
                metrics=self.service.metrics,
            ).run
        if self._settings.alertmanager.url is not None:
            pusher = AlertmanagerPusher(
                self._settings.alertmanager,
                database=self._database,
                clock=now,
                metrics=self.service.metrics,
                public_url=self._settings.pages.public_url,
            )
            self.service.subscribe(lambda _incidents: pusher.wake())
            loops["alertmanager"] = pusher.run
        return loops

    def _asking(self) -> dict[str, Loop]:
        leads = self._settings.roster
        if not leads.ask_hours:
            return {}
        asking = RosterAsking(
            database=self._database,
            inventory=lambda: self.service.inventory,
            clock=now,
            alerting=self.service,
            metrics=self.service.metrics,
            leads=Leads(
                timedelta(hours=leads.ask_hours),
                timedelta(hours=leads.remind_hours),
                timedelta(hours=leads.tell_hours),
            ),
            public_url=self._settings.pages.public_url,
        )
        return {"confirmations": asking.run}

    def _own_faults(self) -> dict[str, str]:
        """Answer which loop of acting has not ended a turn without a fault for too long."""
        wrong = {"auditor": "found what it could not mend"} if self._auditor.is_alarmed else {}
        return {**wrong, **self.service.metrics.late_loops(now(), _LATE)}

    async def stop(self) -> None:
        """Let go of every channel's connections."""
        for channel in self._channels.values():
            await channel.close()


def _channels(settings: Settings, database: AsyncEngine) -> dict[ContactChannel, Channel]:
    channels: dict[ContactChannel, Channel] = {}
    if settings.email is not None:
        channels[ContactChannel.EMAIL] = EmailChannel(settings.email, files=attachment_from(database))
    if settings.sms is not None:
        sms: Channel = SmsChannel(settings.sms)
        if settings.sms_fallback is not None:
            sms = FallbackChannel(sms, SmsChannel(settings.sms_fallback))
        channels[ContactChannel.SMS] = sms
    if settings.webhook is not None:
        channels[ContactChannel.WEBHOOK] = WebhookChannel(settings.webhook, clock=now)
    if settings.voice is not None:
        channels[ContactChannel.VOICE] = VoiceChannel(settings.voice, clock=now)
    if settings.chat is not None:
        channels[ContactChannel.CHAT] = ChatChannel(settings.chat)
    return channels

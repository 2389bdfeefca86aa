"""Machines of parties in a duty room: their endpoints, and the lane of the outbox that tells them."""

import asyncio
import json
import secrets
from contextlib import asynccontextmanager

from sqlalchemy import select

from alerting.endpoint_service import Editor, EndpointService
from alerting.endpoints import EndpointEvent
from alerting.notify.event import EventChannel
from alerting.schema import outbox
from alerting.settings import EventSettings
from alerting.worker import OutboxWorker
from inventory.database import reading
from inventory.models import ContactChannel
from inventory.sealing import Sealing
from tests.support.acting import until
from tests.support.sealing import KeyRing

__all__ = ["EVERYTHING", "VNPT", "Machines", "told"]

EVERYTHING = tuple(EndpointEvent)
VNPT = Editor("NOC VNPT", "VNPT", "192.0.2.1")


def told(receiver):
    """Answer the bodies of everything that ``receiver`` was told."""
    return [json.loads(call.body) for call in receiver.calls]


class _Lent:
    """The channel for one lane, whose end does not close it."""

    def __init__(self, channel):
        self.send = channel.send

    async def close(self):
        pass


class Machines:
    """A duty room, the endpoints of its parties and the lane that tells them."""

    def __init__(self, room, **options):
        self.room = room
        settings = EventSettings(networks=("127.0.0.0/8",), timeout_seconds=5)
        self.keys = KeyRing()
        self.sealing = Sealing(self.keys, clock=room.clock)
        self.channel = EventChannel(
            settings,
            database=room.database,
            sealing=self.sealing,
            clock=room.clock,
            public_url="https://ts.invalid/",
            party_name=lambda code: f"tên {code}",
            **options,
        )
        self.service = EndpointService(
            database=room.database,
            sealing=self.sealing,
            clock=room.clock,
            token=secrets.token_urlsafe,
            channel=self.channel,
        )

    async def add(self, receiver, by=VNPT, events=EVERYTHING, **more):
        return await self.service.add(by, url=receiver.url, events=events, **more)

    async def rows(self):
        async with reading(self.room.database) as connection:
            query = select(outbox).where(outbox.c.channel == "event").order_by(outbox.c.id)
            return (await connection.execute(query)).mappings().all()

    @asynccontextmanager
    async def telling(self):
        worker = OutboxWorker(
            database=self.room.database,
            channels={ContactChannel.EVENT: _Lent(self.channel)},
            clock=self.room.clock,
            links=self.room.service.links,
            metrics=self.room.service.metrics,
        )
        stop = asyncio.Event()
        task = asyncio.create_task(worker.run(stop))
        try:
            yield worker
        finally:
            stop.set()
            async with asyncio.timeout(60):
                await task

    async def quiet(self):
        """Tell what there is to tell, until every event is at its end."""

        async def nothing_waits():
            return all(row["state"] not in {"pending", "leased"} for row in await self.rows())

        async with self.telling():
            await until(nothing_waits)

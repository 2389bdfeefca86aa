"""A process that acts, to be killed: absorbs beliefs from a database file and mails the pages.

Arguments: the database's address, the port of the mail relay, and where to die: ``never``, ``after-commit`` (pages
decided, none sent), ``before-send`` (claimed, about to talk to the relay) or ``after-send`` (the relay has it,
nobody has written that down). Dying is SIGKILL, so nothing is tidied up.
"""

import asyncio
import os
import secrets
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from alerting.budget import Budget
from alerting.metrics import AlertingMetrics
from alerting.notify.email import EmailChannel
from alerting.service import AlertingService
from alerting.settings import EmailSettings
from alerting.worker import AlertingWorker, OutboxWorker
from inventory.database import open_engine
from inventory.models import ContactChannel
from tests.support.acting import SHIFTS, an_inventory
from tests.support.acting_servers import ScriptedChannel

LEASE = timedelta(seconds=1)


def now():
    return datetime.now(UTC)


def on_now(shift):
    return replace(shift, start=now() - timedelta(hours=1), end=now() + timedelta(hours=1))


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class MortalChannel(EmailChannel):
    def __init__(self, settings, where):
        super().__init__(settings)
        self.where = where

    async def send(self, letter):
        if self.where == "before-send":
            die()
        await super().send(letter)
        if self.where == "after-send":
            die()


async def main(url, port, where):
    database = open_engine(url)
    metrics = AlertingMetrics(CollectorRegistry())
    service = AlertingService(
        database=database,
        inventory=an_inventory(shifts=tuple(on_now(shift) for shift in SHIFTS)),
        clock=now,
        token=secrets.token_urlsafe,
        public_url="https://ts.invalid",
        metrics=metrics,
    )
    mail = MortalChannel(EmailSettings(host="127.0.0.1", port=port, sender="ts@so.invalid"), where)
    if where == "after-commit":
        service.subscribe(lambda _: die())
    alerting = AlertingWorker(service=service, clock=now)
    outbox = OutboxWorker(
        database=database,
        channels={ContactChannel.EMAIL: mail, ContactChannel.SMS: ScriptedChannel()},
        clock=now,
        links=service.links,
        metrics=metrics,
        lease=LEASE,
        budget=Budget(window=LEASE),
    )
    service.subscribe(lambda _: outbox.wake())
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await asyncio.gather(alerting.run(stop), outbox.run(stop))
    await database.dispose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))

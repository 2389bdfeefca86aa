"""A storm in which the service is killed again and again, and the books that must balance afterwards.

The service is the real one, over HTTP, with real receivers for mail, SMS and webhooks that lose answers, refuse for
a while and are slow. The storm stores rows of belief as the monitor does; officers acknowledge by the links in their
mails. Everything that arrives is counted by the key of the message that it carries, and every kill looks at what the
dead process held: a message that had arrived and was not written down may come once more, no other may.
"""

import asyncio
import hashlib
import os
import re
import shutil
import signal
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from urllib.parse import parse_qsl

import httpx2
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError

from alerting import schema
from alerting.ledger import fold, verify
from alerting.models import DeliveryState, MessageKind
from alerting.store import incident as read_incident
from alerting.store import ledger_of, messages_of
from inventory.database import open_engine, reading, transaction
from inventory.loader import load
from inventory.samples import sample
from monitor.models import ChangeReason, SubjectKind
from monitor.schema import state_changes
from tests.support.acting import until
from tests.support.acting_servers import a_free_port, a_mail_sink, a_receiver
from tests.support.soak_service import context, serve

__all__ = ["Books", "Soak", "a_soak", "storm"]

_LINK = re.compile(r"http://127\.0\.0\.1:\d+/a/\S+")
_LISTED = re.compile(r'<li class="row \w+ (\w+)[^"]*">.*?<span class="who">(\S+) ·', re.DOTALL)
_MAIL_DOMAIN = "thongsuot.invalid"


def now():
    return datetime.now(UTC)


@dataclass
class Books:
    """What was counted: the figures that ``make soak`` prints, and the faults that make it red."""

    kills: int = 0
    conditions: int = 0
    incidents: int = 0
    pages: int = 0
    arrived: int = 0
    duplicates: int = 0
    killed_after_send: int = 0
    answers_withheld: int = 0
    acknowledged: int = 0
    seconds_storming: float = 0
    seconds_settling: float = 0
    faults: list = field(default_factory=list)

    def shown(self):
        return ", ".join(f"{name} {value:.6g}" for name, value in vars(self).items() if name != "faults")


class Soak:
    """One storm over one database."""

    def __init__(self, folder, url, *, seed, mail, sms, hook):
        self.folder = folder
        self.rng = Random(seed)
        self.mail, self.sms, self.hook = mail, sms, hook
        self.database = open_engine(url)
        self.port = a_free_port()
        self.books = Books()
        self.confirmed = set()
        self._inventory = _an_inventory(folder, hook.url)
        self._paths = _paths(self._inventory, self.rng)
        self._believed = []
        self._mended = set()
        self._suspects = Counter()
        self._process = None
        self._calm_at = now()
        self._settings = {
            "inventory": self._inventory,
            "state": folder / "state",
            "database_url": url,
            "port": self.port,
            "looks": False,
            "day": now().astimezone().date(),
            "administrator_password": "mật khẩu thử nghiệm 2021",
            "email": {
                "host": "127.0.0.1",
                "port": mail.port,
                "sender": f"truc-ban@{_MAIL_DOMAIN}",
                "timeout_seconds": 4,
            },
            "sms": {
                "url": sms.url,
                "fields": {"to": "{to}", "text": "{text}", "key": "{key}"},
                "timeout_seconds": 4,
            },
            "webhook": {"secret": "bí mật", "timeout_seconds": 4},
            "pages": {"public_url": f"http://127.0.0.1:{self.port}"},
            "delivery": {"lease_seconds": 6.0},
        }

    # Lives and deaths.

    def start(self):
        self._process = context().Process(
            target=serve, args=(self._settings, self.folder / "service.log"), daemon=True
        )
        self._process.start()

    async def ready(self):
        async def answers():
            if not self._process.is_alive():
                raise AssertionError(f"the service ended by itself:\n{self.log()}")
            try:
                async with httpx2.AsyncClient(trust_env=False, timeout=2) as client:
                    return (await client.get(f"http://127.0.0.1:{self.port}/-/healthy")).is_success
            except httpx2.TransportError:
                await asyncio.sleep(0.05)
                return False

        await until(answers, within=60)

    async def kill(self):
        """Kill it, let what it had sent arrive, and note what it held that had arrived."""
        os.kill(self._process.pid, signal.SIGKILL)
        await asyncio.to_thread(self._process.join, 10)
        assert self._process.exitcode == -signal.SIGKILL, self.log()
        self.books.kills += 1
        await self._settled()
        taken, withheld = self.taken(), self.withheld()
        async with reading(self.database) as connection:
            held = await connection.execute(
                select(schema.outbox.c.key).where(schema.outbox.c.state == DeliveryState.LEASED.value)
            )
            for identity in map(_identity, held.scalars()):
                # Held, arrived, and not yet allowed to arrive again: this kill came between sending and writing.
                if taken[identity] > self._suspects[identity] + withheld[identity]:
                    self._suspects[identity] += 1
                    self.books.killed_after_send += 1

    async def _settled(self):
        async def idle():
            return not (self.mail.open or self.sms.open or self.hook.open)

        await until(idle, within=60)

    def log(self):
        return (self.folder / "service.log").read_text(encoding="utf-8", errors="replace")[-4000:]

    # The storm.

    async def believe(self, count=1):
        """Store rows of belief for ``count`` more paths, as the monitor does."""
        for _ in range(count):
            if self._paths:
                path = self._paths.pop()
                self._believed.append(path)
                await self._row(path, "down")

    async def mend(self):
        """Store that one path is back."""
        left = [path for path in self._believed if path["paths"][0] not in self._mended]
        if left:
            path = self.rng.choice(left)
            self._mended.add(path["paths"][0])
            await self._row(path, "up")

    async def _row(self, path, new):
        row = {
            "kind": SubjectKind.CAUSE.value,
            "subject": f"path:{path['paths'][0]}",
            "old": "up" if new == "down" else "down",
            "new": new,
            "at": now() - timedelta(seconds=1),
            "noticed_at": now(),
            "reason": ChangeReason.EXPLAINED.value,
            "evidence": path,
        }
        for last in (False, False, False, True):
            try:
                async with transaction(self.database) as connection:
                    await connection.execute(insert(state_changes).values(**row))
            except OperationalError:
                # On a machine that does much else the writer before us may get no turn for longer than a lock waits.
                if last:
                    raise
            else:
                return

    async def officers(self, stop):
        """Acknowledge by the links in mails, whatever dies meanwhile; note what was confirmed on screen."""
        while not stop.is_set():
            await asyncio.sleep(0.05)
            # A report that fell due meanwhile is mailed too; it has no incident and nothing to acknowledge.
            paged = [mail for mail in self.mail.mails if mail["X-Thongsuot-Incident"]]
            mails = [mail for mail in paged if mail["X-Thongsuot-Incident"] not in self.confirmed]
            if not mails or self.rng.random() < 0.3:
                continue
            mail = self.rng.choice(mails)
            link = _LINK.search(mail.get_content())
            if link:
                await self._acknowledge(link[0], mail["X-Thongsuot-Incident"])

    async def _acknowledge(self, link, number):
        try:
            async with httpx2.AsyncClient(trust_env=False, timeout=2) as client:
                page = await client.get(link)
                token = re.search(r'name="csrf" value="([^"]+)"', page.text)
                if token is None:
                    return
                origin = f"http://127.0.0.1:{self.port}"
                done = await client.post(link, data={"csrf": token[1]}, headers={"Origin": origin})
        except httpx2.TransportError:
            return  # it died under their hands: they try again
        if done.is_success:
            self.confirmed.update(_confirmed(done.text, number))

    async def mischief(self, stop):
        """Let receivers refuse for a while, be slow, and lose answers to what they took."""
        while not stop.is_set():
            await asyncio.sleep(0.2)
            for receiver in (self.sms, self.hook):
                if not receiver.script:
                    receiver.script.append(
                        self.rng.choice([(200, "ok", 0), (200, "ok", 0.2), (503, "later", 0), (0, "", 0.05)])
                    )
            if not self.mail.replies and self.rng.random() < 0.2:
                self.mail.replies.append("451 later")

    # The books.

    def taken(self):
        """Count what receivers took, by the identity of the message; what they refused does not count."""
        counted = Counter(mail["Message-ID"] for mail in self.mail.mails)
        counted.update(_identity(_key_of(call)) for call in self._calls() if call.status in {0, 200})
        return counted

    def withheld(self):
        """Count the messages whose takers never answered, so that nobody can know that they arrived."""
        return Counter(_identity(_key_of(call)) for call in self._calls() if call.status == 0)

    def _calls(self):
        return [*self.sms.calls, *self.hook.calls]

    async def drained(self):
        """Answer whether every belief is absorbed and no message of the storm waits; ladders climb on all the while."""
        async with reading(self.database) as connection:
            waiting = await connection.execute(
                select(schema.outbox.c.id)
                .where(
                    schema.outbox.c.state.in_((DeliveryState.PENDING.value, DeliveryState.LEASED.value)),
                    schema.outbox.c.created_at < self._calm_at,
                )
                .limit(1)
            )
            rows = await connection.execute(
                select(state_changes.c.id)
                .where(
                    state_changes.c.processed_at.is_(None), state_changes.c.kind == SubjectKind.CAUSE.value
                )
                .limit(1)
            )
            return waiting.first() is None and rows.first() is None

    async def finish(self):
        """Start once more, let it send what is left, stop it as an operator does, and balance the books."""
        began = asyncio.get_running_loop().time()
        self._calm_at = now()
        self.start()
        await self.ready()
        self.sms.script, self.hook.script, self.mail.replies = [], [], []
        await until(self.drained, within=240)
        self._process.terminate()
        await asyncio.to_thread(self._process.join, 20)
        assert self._process.exitcode == 0, self.log()
        await self._settled()
        self.books.seconds_settling = asyncio.get_running_loop().time() - began
        await self._balance()

    async def _balance(self):
        taken, withheld = self.taken(), self.withheld()
        async with reading(self.database) as connection:
            numbers = (await connection.execute(select(schema.incidents.c.id))).scalars().all()
            incidents = [await read_incident(connection, number) for number in numbers]
            ledgers = {one.id: await ledger_of(connection, one.id) for one in incidents}
            messages = {one.id: await messages_of(connection, one.id) for one in incidents}
            # A report that fell due meanwhile goes to its readers, and belongs to no incident.
            reports = select(schema.outbox.c.key).where(schema.outbox.c.incident.is_(None))
            elsewhere = {_identity(key) for key in (await connection.execute(reports)).scalars()}
        self._weigh_incidents(incidents, ledgers)
        known, keys = set(), {message.id: message.key for each in messages.values() for message in each}
        for one in incidents:
            self._weigh_calls(one, ledgers[one.id], messages[one.id])
            for message in messages[one.id]:
                known.add(_identity(message.key))
                self._weigh(one, message, taken[_identity(message.key)], withheld[_identity(message.key)])
                # In a storm a page arrives inside the message of another.
                carrier = keys[message.carried_by or message.id]
                if (
                    message.kind is MessageKind.PAGE
                    and message.state in _GONE
                    and not taken[_identity(carrier)]
                ):
                    self.books.faults.append(f"page {message.key} is written down as sent and never arrived")
        self.books.faults += [
            f"unexpected: {identity}" for identity in taken if identity not in known | elsewhere
        ]
        self.books.arrived = sum(taken.values())
        self.books.answers_withheld = sum(withheld.values())

    def _weigh_incidents(self, incidents, ledgers):
        books = self.books
        books.conditions, books.incidents = len(self._believed), len(incidents)
        found = Counter(one.condition for one in incidents)
        for path in self._believed:
            count = found.pop(f"path:{path['paths'][0]}", 0)
            if count != 1:
                books.faults.append(f"{path['paths'][0]}: {count} incidents")
        books.faults += [f"nobody believed {condition}" for condition in found]
        for one in incidents:
            entries = ledgers[one.id]
            events = [entry.event.value for entry in entries]
            if verify(entries) is not None or fold(entries) != one or events.count("opened") != 1:
                books.faults.append(f"{one.number}: its ledger does not add up")
            if one.number in self.confirmed and "acknowledged" not in events:
                books.faults.append(f"{one.number}: an acknowledgement was confirmed and lost")
            books.acknowledged += "acknowledged" in events

    def _weigh_calls(self, one, entries, messages):
        """Everybody whom the ledger says was called has a page, decided in the same transaction."""
        for entry in entries:
            for call in entry.details.get("calls", ()):
                stem = (
                    f"{one.id}:{entry.details['generation']}:{call['step']}:{call['loop']}:{call['person']}."
                )
                if not any(message.key.startswith(stem) for message in messages):
                    self.books.faults.append(f"{one.number}: {stem} was called and no page was stored")

    def _weigh(self, one, message, taken, withheld):
        books, allowed = self.books, self._suspects[_identity(message.key)] + withheld
        if message.kind is MessageKind.NOTICE:
            if taken > 1:
                books.faults.append(f"notice {message.key} arrived {taken} times")
            return
        books.pages += 1
        lost = message.state not in _GONE | {DeliveryState.WITHDRAWN}
        if lost and message.created_at < self._calm_at:
            books.faults.append(f"page {message.key} is {message.state}: {message.error}")
        elif (
            message.state is DeliveryState.WITHDRAWN
            and one.state == "open"
            and one.generation == message.generation
        ):
            books.faults.append(f"page {message.key} was withdrawn while its incident waits")
        repeated = max(0, taken - 1)
        books.duplicates += repeated
        if repeated > allowed:
            books.faults.append(f"page {message.key} arrived {taken} times, allowed were {1 + allowed}")


_GONE = frozenset({DeliveryState.SENT, DeliveryState.DELIVERED})


def _confirmed(page, number):
    """Answer the incidents that a page says were acknowledged by pressing its button, or are by somebody.

    The page of a message of a storm lists each with its state: one that was over before it was pressed for was not
    acknowledged, and the page does not say so.
    """
    listed = _LISTED.findall(page)
    if listed:
        return [each for state, each in listed if state == "acknowledged"]
    return [number] if 'class="done" role="status"' in page else []


def _identity(key):
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{_MAIL_DOMAIN}>"


def _key_of(call):
    if "thongsuot-key" in call.headers:
        return call.headers["thongsuot-key"]
    return dict(parse_qsl(call.body.decode()))["key"]


def _an_inventory(folder, hook):
    """The sample with a ladder of seconds, and a webhook for one carrier's people."""
    made = folder / "inventory"
    shutil.copytree(sample("soc-trang-2021"), made)
    policy = made / "policy.yml"
    text = policy.read_text(encoding="utf-8")
    for minutes, seconds in (("3m", "6s"), ("6m", "12s"), ("8m", "18s")):
        text = text.replace(f"after: {minutes},", f"after: {seconds},")
    policy.write_text(text.replace("verify: 30s", "verify: 5s"), encoding="utf-8")
    people = made / "people.csv"
    lines = people.read_text(encoding="utf-8").splitlines()
    lines = [f"{line} webhook:{hook}" if line.startswith("VIETTEL-") else line for line in lines]
    people.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return made


def _paths(folder, rng):
    """What rows of belief tell of each path of three carriers, in random order."""
    inventory = load(folder)
    found = [
        {
            "owner": path.carrier,
            "sites": [path.site],
            "paths": [path.code],
            "targets": [target.code for target in inventory.targets.values() if target.of == path.code],
            "priority": inventory.sites[path.site].priority.value,
            "last_path": [path.site],
            "isolated": [],
            "explanation": {"vi": "Đường này đứt", "en": "The path is cut"},
        }
        for path in inventory.paths.values()
        if path.carrier in {"VNPT", "VIETTEL", "MOBIFONE"}
    ]
    rng.shuffle(found)
    return found


@asynccontextmanager
async def a_soak(folder, url, *, seed=21):
    """Receivers and a storm over the empty database at ``url``; whatever runs ends with the block."""
    async with AsyncExitStack() as open_now:
        receivers = {
            "mail": await open_now.enter_async_context(a_mail_sink()),
            "sms": await open_now.enter_async_context(a_receiver()),
            "hook": await open_now.enter_async_context(a_receiver()),
        }
        soak = Soak(folder, url, seed=seed, **receivers)
        try:
            yield soak
        finally:
            if soak._process is not None and soak._process.is_alive():
                soak._process.kill()
                soak._process.join(10)
            await soak.database.dispose()


async def storm(soak, *, kills, believed_a_life=1, longest_life=1.0):
    """Kill ``kills`` times: during the start, between commits, in the middle of sending."""
    stop = asyncio.Event()
    began = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as people:
        people.create_task(soak.officers(stop))
        people.create_task(soak.mischief(stop))
        soak.start()
        await soak.ready()
        for _ in range(kills):
            await soak.believe(believed_a_life)
            if soak.rng.random() < 0.3:
                await soak.mend()
            await asyncio.sleep(soak.rng.uniform(0.05, longest_life))
            await soak.kill()
            soak.start()
            if soak.rng.random() < 0.8:
                await soak.ready()
        await soak.ready()
        await soak.kill()
        stop.set()
    soak.books.seconds_storming = asyncio.get_running_loop().time() - began

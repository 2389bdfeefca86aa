"""Real servers on loopback that take what acting sends: a mail relay, a web receiver, Kannel with a fake centre."""

import asyncio
import shutil
import signal
import socket
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

from aiosmtpd.smtp import SMTP

from alerting.errors import DeliveryError
from alerting.models import DeliveryState, Message, MessageKind
from alerting.notify.channel import Channel, Letter
from alerting.worker import OutboxWorker
from inventory.models import ContactChannel
from tests.support.acting import NOON, until
from tests.support.arrivals import Arrivals

FAKE_CENTRE = Path("/usr/lib/kannel/test/fakesmsc")
HAS_KANNEL = shutil.which("bearerbox") and shutil.which("smsbox") and FAKE_CENTRE.exists()


def a_free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def a_body(**changes):
    """The facts of a page."""
    body = {
        "what": "page",
        "number": "SC-21-0001",
        "severity": "P1",
        "title": "Vòng ring VNPT-RING-947 (Mỹ Xuyên): 11 xã mất đường VNPT",
        "title_en": "Ring VNPT-RING-947 (Mỹ Xuyên): 11 communes lost VNPT",
        "owner": "VNPT",
        "owner_name": "VNPT Sóc Trăng",
        "began_at": "2021-05-23T05:00:00+00:00",
        "ended_at": None,
        "acknowledged_by": "",
        "zone": "Asia/Ho_Chi_Minh",
        "person_name": "Trực ca VNPT 1",
        "answer_by": "2021-05-23T05:03:00+00:00",
        "step": 0,
        "loop": 0,
        "dispatched": "1:1:0:0",
    }
    return {**body, **changes}


def a_letter(*, link="https://ts.invalid/a/abc", code="", body=None, **changes):
    message = {
        "id": 1,
        "key": "1:1:0:0:vnpt-1.0:email",
        "kind": MessageKind.PAGE,
        "incident": 1,
        "generation": 1,
        "person": "vnpt-1",
        "channel": ContactChannel.EMAIL,
        "address": "truc1@vnpt.invalid",
        "body": a_body(**(body or {})),
        "state": DeliveryState.LEASED,
        "attempts": 1,
        "fence": 1,
        "not_before": NOON,
        "not_after": NOON + timedelta(hours=1),
        "created_at": NOON,
        **changes,
    }
    return Letter(Message(**message), link, code)


@dataclass
class MailSink:
    """An SMTP relay that keeps what it takes. ``replies`` are given to DATA first, ``refused`` to recipients."""

    port: int
    replies: list = field(default_factory=list)
    refused: dict = field(default_factory=dict)
    mails: Arrivals = field(default_factory=lambda: Arrivals("mail relay"))
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    open: int = 0

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        reply = self.replies.pop(0) if self.replies else "250 OK"
        if callable(reply):
            reply = await reply()
        if reply.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
            self.arrived.set()
        return reply

    async def wait_for(self, count, *, within=60.0):
        async def enough():
            return len(self.mails) >= count

        await until(enough, within=within)


class _CountedSMTP(SMTP):
    """A conversation that is counted as open until its connection is gone."""

    def connection_made(self, transport):
        self.event_handler.open += 1
        super().connection_made(transport)

    def connection_lost(self, error):
        self.event_handler.open -= 1
        super().connection_lost(error)


@asynccontextmanager
async def a_mail_sink():
    loop = asyncio.get_running_loop()
    sink = MailSink(0)
    server = await loop.create_server(
        lambda: _CountedSMTP(sink, loop=loop, hostname="sink.invalid"), "127.0.0.1", 0
    )
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await server.wait_closed()


@dataclass
class Call:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: dict
    body: bytes
    status: int = 200


@dataclass
class Receiver:
    """A web server that answers by script: (status, body, seconds of delay); 200 when the script is over."""

    port: int
    script: list = field(default_factory=list)
    calls: Arrivals = field(default_factory=lambda: Arrivals("web receiver"))
    open: int = 0
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    talks: dict = field(default_factory=dict)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader, writer):
        talk = asyncio.current_task()
        self.talks[talk] = writer
        talk.add_done_callback(self.talks.pop)
        self.open += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            headers = {name.lower(): value for name, value in headers.items()}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            status, text, delay = self.script.pop(0) if self.script else (200, "ok", 0)
            self.calls.append(Call(method, path, headers, body, status))
            await self._hesitate(delay)
            answer = f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}"
            if status:
                writer.write(answer.encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()
            # A connection that is left half closed is collected in some later test, which is then blamed for it.
            with suppress(ConnectionError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1)

    async def _hesitate(self, seconds):
        """Wait as the script says, but not longer than the server lives."""
        if seconds:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.closing.wait(), seconds)

    async def settle(self):
        """End every conversation that is still going on."""
        self.closing.set()
        talks = list(self.talks)
        for writer in self.talks.values():
            writer.close()
        async with asyncio.timeout(60):
            await asyncio.gather(*talks)


@asynccontextmanager
async def a_receiver():
    receiver = Receiver(0)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await receiver.settle()
        await server.wait_closed()


class ScriptedChannel(Channel):
    """A channel that keeps letters; ``script`` holds what to raise first, ``gate`` can hold attempts back."""

    def __init__(self, *script):
        self.script = list(script)
        self.letters = Arrivals("channel")
        self.gate = None
        self.running = 0
        self.most = 0
        self.closed = False

    async def send(self, letter):
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self.gate is not None:
                await self.gate.wait()
            outcome = self.script.pop(0) if self.script else None
            if isinstance(outcome, Exception):
                raise outcome
            self.letters.append(letter)
        finally:
            self.running -= 1

    async def close(self):
        self.closed = True


def refused(*, permanent=False, uncertain=False):
    return DeliveryError("refused by the script", permanent=permanent, uncertain=uncertain)


@asynccontextmanager
async def an_outbox_worker(room, channels, **options):
    """Send what the room decides, until the block ends; the worker is woken by every commit."""
    worker = OutboxWorker(
        database=room.database,
        channels=channels,
        clock=room.clock,
        links=room.service.links,
        metrics=room.service.metrics,
        **options,
    )
    unsubscribe = room.service.subscribe(lambda _: worker.wake())
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    finally:
        unsubscribe()
        stop.set()
        async with asyncio.timeout(60):
            await task


@dataclass
class Kannel:
    """A running gateway: the port of its send call, and the file that the fake message centre writes to."""

    port: int
    log: Path
    messages: Arrivals = field(default_factory=lambda: Arrivals("message centre"))

    async def received(self, count, *, within=60.0):
        """Wait for ``count`` messages; answers the centre's line of each that has arrived."""

        async def enough():
            self.read()
            return len(self.messages) >= count

        await until(enough, within=within)
        return list(self.messages)

    def read(self):
        """Take up what the centre has written since the last time."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if "Got message" in line]
        self.messages.extend(lines[len(self.messages) :])


_KANNEL = """
group = core
admin-port = {admin}
admin-password = bar
admin-interface = 127.0.0.1
smsbox-port = {box}
box-allow-ip = 127.0.0.1
log-level = 1

group = smsc
smsc = fake
smsc-id = FAKE
port = {centre}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
sendsms-interface = 127.0.0.1
log-level = 1

group = sendsms-user
username = u
password = p
user-allow-ip = 127.0.0.1
max-messages = 5
concatenation = true

group = sms-service
keyword = default
text = "ok"
"""


async def _listening(port):
    async def open_port():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    await until(open_port, within=60)


@asynccontextmanager
async def a_kannel(tmp_path):
    """Start bearerbox, smsbox and fakesmsc on free ports; all of them end with the block."""
    admin, box, centre, send = (a_free_port() for _ in range(4))
    configuration = tmp_path / "kannel.conf"
    configuration.write_text(_KANNEL.format(admin=admin, box=box, centre=centre, send=send))
    log = tmp_path / "centre.log"
    running = []

    async def start(*command, output=asyncio.subprocess.DEVNULL):
        running.append(
            await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=output, stderr=output)
        )

    try:
        await start("bearerbox", str(configuration))
        await _listening(centre)
        await _listening(box)
        await start("smsbox", str(configuration))
        with log.open("wb") as output:
            await start(
                str(FAKE_CENTRE), "-H", "127.0.0.1", "-r", str(centre), "-m", "0", "1 2 text x", output=output
            )
        await _listening(send)
        kannel = Kannel(send, log)
        yield kannel
        kannel.read()
    finally:
        for process in reversed(running):
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()

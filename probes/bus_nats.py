"""Batches over NATS JetStream: a vantage publishes to its own leaf node, which stores and forwards; belief consumes.

The vantage's server holds the stream ``THONGSUOT_OUT``. Where that is a leaf node, the hub's stream ``THONGSUOT_IN``
sources from it by its JetStream domain, and catches up by itself once the line is back; without leaf nodes belief
reads the first stream itself. Two streams never capture one subject, and none is a work queue: both lose messages.

Each message is one frame, named by its digest, so that the stream knows one that was published twice. A message is
acknowledged once belief has committed it; what was delivered again is known there by (vantage, epoch, sequence). What
is older than a minute when it arrives is marked as replayed: it changes history, never pages.
"""

import asyncio
import hashlib
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import nats
import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js.api import ExternalStream, RetentionPolicy, StreamConfig, StreamSource
from nats.js.errors import NotFoundError
from typing_extensions import override

from probes.bus_spooled import REPLAYED_AFTER_NS, SpoolingPublisher
from probes.bus_wire import WireError, decode, newest_ns, replayed
from probes.models import SampleBatch

__all__ = ["NatsConsumer", "NatsPublisher"]

log = structlog.get_logger()

OUT: Final = "THONGSUOT_OUT"
IN: Final = "THONGSUOT_IN"
_SUBJECT: Final = "thongsuot.batches"
_DURABLE: Final = "belief"
_DEADLINE_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 1.0
_FETCH: Final = 64
_KEPT_SECONDS: Final = 3 * 86_400.0
_MOST_BYTES: Final = 1 << 30
_SAME_WITHIN_SECONDS: Final = 600.0


class NatsPublisher(SpoolingPublisher):
    """Publishes to the JetStream of the server at ``url``; while it is away, batches lie in the spool."""

    def __init__(self, *, url: str, vantage: str, **more: Any) -> None:
        super().__init__(**more)
        self._link = _Link(url)
        self._subject = f"{_SUBJECT}.{vantage}"
        self._loop = asyncio.new_event_loop()
        self._looping = threading.Thread(target=self._loop.run_forever, name="nats", daemon=True)

    @override
    def start(self) -> None:
        self._looping.start()
        super().start()

    @override
    def _close(self) -> None:
        with suppress(Exception):
            self._await(self._farewell())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._looping.join(_DEADLINE_SECONDS)
        self._loop.close()

    async def _farewell(self) -> None:
        """Close, and let what the client still has under way end before its loop does."""
        await self._link.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.01)  # a transport ends in a turn of the loop after it was closed

    @override
    def _post(self, body: list[bytes]) -> bool:
        try:
            self._await(self._send(body))
        except MaxPayloadError:
            self._refuse(len(body), "larger than the server's max_payload")
            return True
        except (NatsError, OSError, TimeoutError) as error:
            return self._failed(f"{type(error).__name__}: {error}")
        return self._went(len(body))

    def _await(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(2 * _DEADLINE_SECONDS)

    async def _send(self, body: list[bytes]) -> None:
        stream = await self._link.stream()
        for frame in body:
            name = hashlib.sha256(frame).hexdigest()
            await stream.publish(
                self._subject, self._marked(frame), timeout=_DEADLINE_SECONDS, headers={"Nats-Msg-Id": name}
            )


class NatsConsumer:
    """Hands batches to ``take``, which commits; ``domains`` are those of the leaf nodes, none without any."""

    def __init__(
        self,
        *,
        url: str,
        domains: Sequence[str] = (),
        take: Callable[[SampleBatch], Awaitable[None]],
        wall_ns: Callable[[], int],
    ) -> None:
        self._link = _Link(url, domains)
        self._take = take
        self._wall_ns = wall_ns
        self.taken = 0
        self.unreadable = 0
        self.failures = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop``; a server that is away is asked again every second."""
        while not stop.is_set():
            try:
                await self._consume(stop)
            except (NatsError, OSError, TimeoutError) as error:
                log.warning("bus not readable", problem=f"{type(error).__name__}: {error}")
            except Exception:
                # The edge of the loop: what was not acknowledged comes again.
                log.exception("batch not taken from the bus")
            finally:
                await self._link.close()
            if not stop.is_set():
                self.failures += 1
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _RETRY_SECONDS)

    async def _consume(self, stop: asyncio.Event) -> None:
        stream = await self._link.stream()
        waiting = await stream.pull_subscribe(f"{_SUBJECT}.>", durable=_DURABLE, stream=self._link.name)
        while not stop.is_set():
            try:
                messages = await waiting.fetch(_FETCH, timeout=1.0)
            except TimeoutError:
                continue
            await self._hand_over_all(messages)

    async def _hand_over_all(self, messages: Sequence[Msg]) -> None:
        """In order; what belief did not take is given back at once, for the server would hold it half a minute."""
        left = deque(messages)
        try:
            while left:
                await self._hand_over(left[0])
                left.popleft()
        finally:
            with suppress(NatsError, OSError):
                for message in left:
                    await message.nak()

    async def _hand_over(self, message: Msg) -> None:
        try:
            late = self._wall_ns() - newest_ns(message.data) > REPLAYED_AFTER_NS
            batch = decode(replayed(message.data) if late else message.data)
        except WireError as error:
            self.unreadable += 1
            log.error("batch refused", subject=message.subject, reason=str(error))  # noqa: TRY400 - no trace
            await message.term()
            return
        if message.subject != f"{_SUBJECT}.{batch.vantage}":
            self.unreadable += 1
            log.error("batch refused", subject=message.subject, reason=f"it says {batch.vantage}")
            await message.term()
            return
        await self._take(batch)
        await message.ack()
        self.taken += 1


class _Link:
    """A connection that is made when it is needed, with the stream that stands behind it."""

    def __init__(self, url: str, domains: Sequence[str] = ()) -> None:
        self._url = url
        self._domains = domains
        self._connection: Any = None
        self._context: Any = None

    @property
    def name(self) -> str:
        return IN if self._domains else OUT

    async def stream(self) -> Any:
        if self._connection is None or not self._connection.is_connected:
            await self.close()
            self._connection = await nats.connect(
                self._url,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0.1,  # seconds; who asks has its own patience
                connect_timeout=2,
                error_cb=_told,
            )
            self._context = self._connection.jetstream(timeout=_DEADLINE_SECONDS)
            await self._ensure()
        return self._context

    async def _ensure(self) -> None:
        """Make the stream, or bring its sources up to date; what else an administrator set stays as it is."""
        wanted = self._configuration()
        try:
            found = (await self._context.stream_info(self.name)).config
        except NotFoundError:
            await self._context.add_stream(wanted)
            return
        if _places(found) != _places(wanted):
            found.sources = wanted.sources
            await self._context.update_stream(found)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                await connection.close()
            if (transport := connection._transport) is not None:  # noqa: SLF001 - the client forgets it when cut off
                transport.close()

    def _configuration(self) -> StreamConfig:
        sources = [
            StreamSource(name=OUT, external=ExternalStream(api=f"$JS.{domain}.API"))
            for domain in self._domains
        ]
        return StreamConfig(
            name=self.name,
            subjects=None if sources else [f"{_SUBJECT}.>"],
            sources=sources or None,
            retention=RetentionPolicy.LIMITS,
            max_age=_KEPT_SECONDS,
            max_bytes=_MOST_BYTES,
            duplicate_window=_SAME_WITHIN_SECONDS,
        )


def _places(configuration: StreamConfig) -> set[str]:
    sources = configuration.sources or []
    return {source.external.api for source in sources if source.external is not None}


async def _told(error: Exception) -> None:
    log.debug("bus", problem=f"{type(error).__name__}: {error}")

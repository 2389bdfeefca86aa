"""A bus end of a vantage that looks from elsewhere: delivers batches, and keeps them on disk while it cannot.

A thread of its own takes what the vantage publishes, so that no look waits for the network. Batches arrive in the
order in which they were taken: while anything lies in the spool, new batches go behind it. Those older than a minute
are marked as replayed: they change history, never page. How they are delivered, a subclass says; what was taken
without our hearing of it is sent again, for a batch is known by its name. Only what can never be read is dropped, and
counted.
"""

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import structlog

from probes.bus_wire import WireError, encode, newest_ns, replayed
from probes.models import SampleBatch
from probes.spool import Spool

__all__ = ["REPLAYED_AFTER_NS", "PublisherStatistics", "SpoolingPublisher"]

log = structlog.get_logger()

REPLAYED_AFTER_NS: Final = 60_000_000_000
_RETRY_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 7.0
_BODY_BYTES: Final = 2 << 20
_CAPACITY: Final = 4_096


@dataclass(slots=True)
class PublisherStatistics:
    """Counters, in batches; ``failures`` in posts. ``last_success`` is monotonic seconds, 0 before the first."""

    sent: int = 0
    spooled: int = 0
    marked: int = 0
    refused: int = 0
    overflowed: int = 0
    failures: int = 0
    last_success: float = 0.0
    last_problem: str = ""


class SpoolingPublisher(ABC):
    """Publishes from a thread of its own; :meth:`start` begins, :meth:`stop` leaves nothing in memory."""

    def __init__(
        self,
        *,
        spool: Spool,
        monotonic: Callable[[], float],
        wall_ns: Callable[[], int],
        retry_seconds: float = _RETRY_SECONDS,
        capacity: int = _CAPACITY,
    ) -> None:
        self._spool = spool
        self._monotonic = monotonic
        self._wall_ns = wall_ns
        self._retry_seconds = retry_seconds
        self._capacity = capacity
        self._queue: deque[SampleBatch] = deque()
        self._changed = threading.Condition()
        self._is_stopping = False
        self._retry_at = 0.0
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self.statistics = PublisherStatistics()

    @property
    def spooled_bytes(self) -> int:
        """How much waits on disk."""
        return self._spool.bytes

    def start(self) -> None:
        """Open the spool and begin to deliver; raises OSError where the spool cannot be had."""
        self._spool.open()
        self._thread.start()

    def publish(self, batch: SampleBatch) -> None:
        """Hand a batch over, from any thread; never blocks on network or disk."""
        with self._changed:
            if len(self._queue) >= self._capacity:
                self._queue.popleft()
                self.statistics.overflowed += 1
            self._queue.append(batch)
            self._changed.notify()

    def stop(self) -> None:
        """Deliver or spool what is left, then end; waits at most seven seconds."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join(_STOP_SECONDS)
        self._close()

    @abstractmethod
    def _close(self) -> None:
        """Let go of the connection."""

    def _run(self) -> None:
        while True:
            batches, is_last = self._taken()
            try:
                for body in self._bodies(batches):
                    self._deliver_or_keep(body)
                self._replay(once=is_last)
            except Exception as error:
                # A full disk, most likely: what could not be kept is lost, counted, and the loop goes on.
                self.statistics.overflowed += len(batches)
                self.statistics.last_problem = str(error)
                log.exception("publishing failed", batches=len(batches))
            if is_last:
                return

    def _taken(self) -> tuple[list[SampleBatch], bool]:
        with self._changed:
            wait = self._retry_seconds if len(self._spool) else None
            if wait is not None and self._retry_at <= self._monotonic():
                wait = 0.0
            self._changed.wait_for(lambda: self._queue or self._is_stopping, wait)
            batches = list(self._queue)
            self._queue.clear()
            return batches, self._is_stopping

    def _bodies(self, batches: list[SampleBatch]) -> Iterator[list[bytes]]:
        body: list[bytes] = []
        for batch in batches:
            try:
                body.append(encode(batch))
            except WireError as error:
                self._refuse(1, str(error))
            if sum(map(len, body)) >= _BODY_BYTES:
                yield body
                body = []
        if body:
            yield body

    def _deliver_or_keep(self, body: list[bytes]) -> None:
        is_free = not len(self._spool) and self._monotonic() >= self._retry_at
        if is_free and self._post(body):
            return
        self._spool.append(b"".join(body))
        self.statistics.spooled += len(body)

    def _replay(self, *, once: bool) -> None:
        """Send the oldest file if the service may be back; go on while it takes them and nothing new waits."""
        while len(self._spool) and self._monotonic() >= self._retry_at:
            oldest = self._spool.oldest()
            if not oldest:
                return
            if not self._post(oldest):
                return
            self._spool.delivered()
            if once or self._queue:
                return

    @abstractmethod
    def _post(self, body: list[bytes]) -> bool:
        """Send frames; answer whether they need not be kept: taken, or never to be taken."""

    def _went(self, count: int) -> bool:
        if self.statistics.last_problem:
            log.info("service takes batches again", spooled_bytes=self._spool.bytes)
        self.statistics.sent += count
        self.statistics.last_success = self._monotonic()
        self.statistics.last_problem = ""
        return True

    def _failed(self, problem: str) -> bool:
        self.statistics.failures += 1
        if problem != self.statistics.last_problem:
            log.warning("service does not take batches", problem=problem)
        self.statistics.last_problem = problem
        self._retry_at = self._monotonic() + self._retry_seconds
        return False

    def _refuse(self, count: int, reason: str) -> None:
        self.statistics.refused += count
        log.error("batches refused", count=count, reason=reason)

    def _marked(self, frame: bytes) -> bytes:
        if self._wall_ns() - newest_ns(frame) <= REPLAYED_AFTER_NS:
            return frame
        self.statistics.marked += 1
        return replayed(frame)

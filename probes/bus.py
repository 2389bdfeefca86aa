"""How batches travel from a vantage to belief: in process, over a bounded queue between two threads.

A broker takes the same two calls (``publish``, ``next``); what differs is only where the queue lies.
"""

import asyncio
import threading
from collections import deque
from typing import Protocol

from probes.models import SampleBatch

__all__ = ["Bus", "InProcessBus", "Publisher"]


class Publisher(Protocol):
    """The end that a vantage holds."""

    def publish(self, batch: SampleBatch) -> None:
        """Hand a batch over; never blocks."""


class Bus(Publisher, Protocol):
    """Both ends."""

    async def next(self) -> SampleBatch:
        """Wait for the next batch; first published, first answered."""


class InProcessBus:
    """A bounded queue from any thread to one event loop.

    When belief falls behind by ``capacity`` batches the oldest is dropped and counted: the newest look is the
    one that an officer needs, and the gap is honest because nothing pretends to have been seen.
    """

    def __init__(self, capacity: int = 4096) -> None:
        self._capacity = capacity
        self._queue: deque[SampleBatch] = deque()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = asyncio.Event()
        self.published = 0
        self.dropped = 0

    @property
    def capacity(self) -> int:
        """How many batches fit."""
        return self._capacity

    def __len__(self) -> int:
        return len(self._queue)

    def publish(self, batch: SampleBatch) -> None:
        """Queue a batch from any thread."""
        with self._lock:
            if len(self._queue) >= self._capacity:
                self._queue.popleft()
                self.dropped += 1
            self._queue.append(batch)
            self.published += 1
            loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._ready.set)

    async def next(self) -> SampleBatch:
        """Wait for the next batch, on the one loop that reads."""
        while True:
            with self._lock:
                self._loop = asyncio.get_running_loop()
                if self._queue:
                    return self._queue.popleft()
                self._ready.clear()
            await self._ready.wait()

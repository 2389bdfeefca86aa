"""Deadlines of few distinct lengths: one queue a length, so that setting one is an append and none is cancelled.

Looks share a handful of timeouts, so the deadlines of one length come due in the order in which they were set.
Whoever finished before its deadline stays in the queue and is passed over (``is_over``): cheaper than a timer of the
loop for each look, which costs a heap operation to set and another to cancel. Where every look is answered, the loop
is woken about once a timeout, not once a look; and never more often than every :data:`GRAIN_SECONDS`.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["GRAIN_SECONDS", "Deadlines"]

GRAIN_SECONDS = 0.01
"""How much later than its time a deadline may come due, so that those of a moment are met by one waking."""

Entry = TypeVar("Entry")


class Deadlines(Generic[Entry]):
    """Calls ``on_due(entries)`` on the loop once their time has come; one timer of the loop for all of them.

    ``is_over(entry)`` tells whose deadline no longer matters: it may be passed over, and forgotten before its time.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        on_due: Callable[[list[Entry]], None],
        is_over: Callable[[Entry], bool] = lambda _: False,
    ) -> None:
        self._monotonic = monotonic
        self._on_due = on_due
        self._is_over = is_over
        self._queues: dict[float, deque[tuple[float, Entry]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = float("inf")

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues.values())

    def set(self, now: float, after: float, entry: Entry) -> None:
        """Let ``entry`` come due ``after`` seconds from ``now`` (a reading of the same monotonic clock)."""
        queue = self._queues.get(after)
        if queue is None:
            queue = self._queues[after] = deque()
        queue.append((now + after, entry))
        if now + after < self._armed_for:
            self._arm(now, now + after)

    def close(self) -> None:
        """Forget every deadline."""
        self._queues.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._armed_for = None, float("inf")

    def _arm(self, now: float, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = when
        self._timer = asyncio.get_running_loop().call_later(max(0.0, when - now), self._wake)

    def _wake(self) -> None:
        now = self._monotonic()
        self._timer, self._armed_for = None, float("inf")
        due = self._taken(now)
        try:
            if due:
                self._on_due(due)
        finally:
            heads = [queue[0][0] for queue in self._queues.values()]
            if heads and min(heads) < self._armed_for:
                self._arm(now, max(min(heads), now + GRAIN_SECONDS))

    def _taken(self, now: float) -> list[Entry]:
        """Take what is due, and let go of what is over before whatever is not."""
        due: list[Entry] = []
        for length, queue in list(self._queues.items()):
            while queue and ((is_over := self._is_over(queue[0][1])) or queue[0][0] <= now):
                entry = queue.popleft()[1]
                if not is_over:
                    due.append(entry)
            if not queue:
                del self._queues[length]
        return due

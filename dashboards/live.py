"""The live stream: channels of numbered events, each watcher with a bounded queue of its own.

A channel is what one kind of watcher sees (language and scope). Its last events stay in a ring, so a browser
that lost the line for a minute resumes after ``Last-Event-ID``; one that was away for longer, or that reads
more slowly than things happen, gets the whole picture once instead of every step. Nobody waits for a slow
watcher, and at shutdown every stream ends at once.

Event ids are ``<boot>-<number>``: those of another process life are never mistaken for ours.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable
from dataclasses import dataclass, field

__all__ = ["Channel", "Event", "Hub", "HubFullError", "Watcher"]

_RETRY_MILLISECONDS = 2000


class HubFullError(Exception):
    """As many streams are open as this process will serve."""


@dataclass(frozen=True, slots=True)
class Event:
    """One message. ``number`` is None for one that is worth nothing later (a pulse): it is never replayed."""

    name: str
    data: str
    number: int | None = None

    def encoded(self, boot: str) -> bytes:
        """Write the event as a browser reads it (WHATWG HTML, section 9.2)."""
        lines = [f"event: {self.name}"]
        lines += [f"id: {boot}-{self.number}"] if self.number is not None else []
        lines += [f"data: {line}" for line in self.data.split("\n")]
        return ("\n".join(lines) + "\n\n").encode()


@dataclass(slots=True)
class Channel:
    """What one kind of watcher sees. ``snapshot`` makes the whole picture as of the last event, when asked.

    ``number`` is that of the last event, ``floor`` that of the last one which the ring no longer holds.
    """

    key: Hashable
    ring: deque[Event]
    number: int
    floor: int
    snapshot: Callable[[], str] | None = None
    watchers: set["Watcher"] = field(default_factory=set)

    def after(self, number: int) -> list[Event] | None:
        """Answer the events after ``number``, or None where the ring no longer reaches back so far."""
        if not self.floor <= number <= self.number:
            return None
        return [event for event in self.ring if event.number is not None and event.number > number]

    def keep(self, event: Event, number: int) -> None:
        """Add an event to the ring; the oldest one falls out of a full one."""
        if self.ring and len(self.ring) == self.ring.maxlen:
            self.floor = self.ring[0].number or self.floor
        self.ring.append(event)
        self.number = number

    def whole(self) -> Event | None:
        """Answer the whole picture, numbered as the last event that it contains."""
        return None if self.snapshot is None else Event("snapshot", self.snapshot(), self.number)


class Watcher:
    """One open stream: at most ``depth`` events wait in it; one more and they give way to a snapshot."""

    def __init__(self, channel: Channel, *, boot: str, depth: int, keep_alive: float) -> None:
        self.channel = channel
        self.is_behind = False
        self._boot = boot
        self._depth = depth
        self._keep_alive = keep_alive
        self._waiting: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    def put(self, event: Event) -> None:
        """Queue an event; never waits."""
        if self.is_behind:
            return
        if len(self._waiting) >= self._depth:
            self._waiting.clear()
            self.is_behind = True
        else:
            self._waiting.append(event)
        self._wake.set()

    def begin(self, last_event_id: str) -> None:
        """Queue what the watcher missed since ``last_event_id``, or make it start from the whole picture."""
        boot, _, number = last_event_id.rpartition("-")
        missed = self.channel.after(int(number)) if boot == self._boot and number.isdecimal() else None
        if missed is None or len(missed) > self._depth:
            self.is_behind = True
        else:
            self._waiting.extend(missed)
        self._wake.set()

    def close(self) -> None:
        """End the stream at once."""
        self._closed = True
        self._wake.set()

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the stream's bytes until it is closed; a comment keeps a quiet line open."""
        yield f"retry: {_RETRY_MILLISECONDS}\n\n".encode()
        while not self._closed:
            event = self._next()
            if event is not None:
                yield event.encoded(self._boot)
                continue
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), self._keep_alive)
            except TimeoutError:
                yield b": still here\n\n"

    def _next(self) -> Event | None:
        if self.is_behind:
            whole = self.channel.whole()
            if whole is None:
                return None
            self.is_behind = False
            self._waiting.clear()
            return whole
        return self._waiting.popleft() if self._waiting else None


class Hub:
    """All channels and their watchers. Belongs to one event loop."""

    def __init__(
        self, *, boot: str, ring: int = 256, depth: int = 32, keep_alive: float = 15.0, most: int = 1000
    ) -> None:
        self._boot = boot.replace("-", "")
        self._ring = ring
        self._depth = depth
        self._keep_alive = keep_alive
        self._most = most
        self._channels: dict[Hashable, Channel] = {}
        # Each channel counts for itself: one count for all would tell a carrier how much happens to the others. The
        # last number of a channel that was dropped is kept, so that one that came back never repeats it.
        self._dropped: dict[Hashable, int] = {}
        self._closed = False
        self.wanted = asyncio.Event()
        """Set when somebody began to watch: the feed makes the picture if there is none yet."""

    @property
    def watchers(self) -> int:
        """How many streams are open."""
        return sum(len(channel.watchers) for channel in self._channels.values())

    def open_streams(self) -> tuple[Watcher, ...]:
        """Answer every open stream."""
        return tuple(watcher for channel in self._channels.values() for watcher in channel.watchers)

    def watched(self) -> tuple[Hashable, ...]:
        """Answer the keys of channels that somebody watches."""
        return tuple(key for key, channel in self._channels.items() if channel.watchers)

    def watch(self, key: Hashable, *, last_event_id: str = "") -> Watcher:
        """Open a stream on the channel ``key``; the caller leaves it with :meth:`leave`."""
        if self.watchers >= self._most:
            raise HubFullError
        last = self._dropped.get(key, 0)
        fresh = Channel(key, deque(maxlen=self._ring), number=last, floor=last)
        channel = self._channels.setdefault(key, fresh)
        watcher = Watcher(channel, boot=self._boot, depth=self._depth, keep_alive=self._keep_alive)
        watcher.begin(last_event_id)
        if self._closed:
            watcher.close()
        channel.watchers.add(watcher)
        self.wanted.set()
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Forget a stream that ended. Its channel stays, so that the same browser can resume."""
        watcher.channel.watchers.discard(watcher)

    def publish(
        self, key: Hashable, name: str, data: str, *, snapshot: Callable[[], str] | None = None
    ) -> None:
        """Give an event to everybody on the channel, and keep it for those who come back."""
        channel = self._channels.get(key)
        if channel is None:
            return
        event = Event(name, data, channel.number + 1)
        channel.keep(event, channel.number + 1)
        if snapshot is not None:
            channel.snapshot = snapshot
        self._give(channel, event)

    def found(self, key: Hashable, snapshot: Callable[[], str]) -> None:
        """Give a channel its first picture: those who already wait get it."""
        channel = self._channels.get(key)
        if channel is None:
            return
        channel.snapshot = snapshot
        for watcher in channel.watchers:
            watcher.begin("")

    def pulse(self, data: str, *, to: Callable[[Hashable], bool] = lambda _key: True) -> None:
        """Tell everybody on the channels that ``to`` chooses how fresh the picture is."""
        event = Event("pulse", data)
        for key, channel in self._channels.items():
            if to(key):
                self._give(channel, event)

    def drop(self, key: Hashable) -> None:
        """Forget a channel that nobody watches."""
        channel = self._channels.get(key)
        if channel is not None and not channel.watchers:
            # One more than its last: whoever comes back with that one has missed what nobody watched.
            self._dropped[key] = channel.number + 1
            del self._channels[key]

    def close(self) -> None:
        """End every stream at once; call it as soon as a shutdown is asked for, before the server waits for them."""
        self._closed = True
        for watcher in self.open_streams():
            watcher.close()

    @staticmethod
    def _give(channel: Channel, event: Event) -> None:
        for watcher in channel.watchers:
            watcher.put(event)

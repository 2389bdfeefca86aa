"""The ICMP engine: one thread and one socket a family look at a whole fleet.

Everything that happens to a packet happens to a thousand at once, in arrays: preparing, sending, matching,
expiring. A turn of the loop sends a chunk of looks, sorts out what has arrived and then, never before, ends
what has expired; so a thread that was kept from running finds the answers in the socket's buffer, dated by the
kernel, and loses none. Between turns answers are gathered for a few milliseconds rather than met one by one.

    IcmpEngine   thread, queue of orders, pace
      IcmpLane     one family: socket, codec, arrays        (icmp_lane, icmp_socket, icmp_batch, icmp_packet)
      Matcher      which look is meant, what has expired    (icmp_match, icmp_flight, round_trip, icmp_clock)
"""

import os
import select
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Event, Lock, Thread

import numpy as np
import numpy.typing as npt
import structlog

from probes.icmp_address import Addresses
from probes.icmp_clock import StampClock
from probes.icmp_flight import FlightTable
from probes.icmp_lane import CHUNK, IcmpLane
from probes.icmp_match import Matcher
from probes.icmp_results import IcmpResults, IcmpStatistics
from probes.icmp_socket import IcmpMode, IcmpNotAllowedError, open_sockets

__all__ = [
    "IcmpBacklogError",
    "IcmpEngine",
    "IcmpMode",
    "IcmpNotAllowedError",
    "IcmpResults",
    "IcmpStatistics",
]

log = structlog.get_logger(__name__)

_GATHER_NS = 5_000_000
_IDLE_NS = 1_000_000_000
_BUSY_NS = 1_000_000
_RINGS_A_TURN = 16
"""More than a receive buffer of 8 MiB holds: what arrived before a turn is read within it, come what may."""
_BACKLOG = 1_000_000
_CLOSE_SECONDS = 5.0


class IcmpBacklogError(Exception):
    """More looks are asked for than can be sent: a million wait already."""


@dataclass(frozen=True, slots=True)
class _Order:
    slots: npt.NDArray[np.uint32]
    timeout_ns: int
    flags: int


class _Pace:
    """A token bucket: ``rate`` packets a second, spent in batches and never more than 10 ms' worth at once."""

    def __init__(self, rate: float | None, now_ns: int) -> None:
        self._per_ns = (rate or 0) * 1e-9
        self._batch = min(max(self._per_ns * _GATHER_NS, 1.0), 64.0)
        self._most = max(self._per_ns * 2 * _GATHER_NS, self._batch)
        self._tokens = self._batch
        self._at_ns = now_ns

    def allowed(self, now_ns: int) -> int:
        """Return how many packets may go now: none, or a batch or more."""
        if not self._per_ns:
            return CHUNK
        self._tokens = min(self._tokens + (now_ns - self._at_ns) * self._per_ns, self._most)
        self._at_ns = now_ns
        return min(CHUNK, int(self._tokens)) if self._tokens >= self._batch else 0

    def spend(self, count: int) -> None:
        """Take note of packets that went."""
        self._tokens -= count

    def ready_ns(self) -> int:
        """Return when the next batch may go."""
        lacking = self._batch - self._tokens
        return self._at_ns + int(lacking / self._per_ns) + 1 if self._per_ns and lacking > 0 else 0


class IcmpEngine:
    """Looks at slots of a table of addresses when told to, and calls back, on its own thread, with results.

    ``nonce`` (64 bits) and ``identifier`` (16) name the engine on the wire; ``mode`` None takes the best that is
    allowed; ``pace`` bounds packets a second. ``on_results(results)`` is called as looks end, each exactly once:
    OK within its timeout, TIMEOUT, UNREACHABLE by a router's word, ERROR where it could not be sent. A TIMEOUT is
    marked UNRELIABLE if the kernel dropped datagrams of ours meanwhile. ``on_overdue(generation, slots)`` is
    called once for each look whose answer is late by its slot's own history; the look goes on.
    """

    def __init__(
        self,
        *,
        monotonic_ns: Callable[[], int],
        wall_ns: Callable[[], int],
        nonce: int,
        identifier: int,
        on_results: Callable[[IcmpResults], None],
        on_overdue: Callable[[int, npt.NDArray[np.uint32]], None],
        mode: IcmpMode | None = None,
        receive_buffer: int = 8 << 20,
        pace: float | None = None,
    ) -> None:
        self.mode = mode
        self._monotonic_ns = monotonic_ns
        self._nonce = nonce
        self._identifier = identifier
        self._receive_buffer = receive_buffer
        self._pace = _Pace(pace, monotonic_ns())
        self._count = IcmpStatistics()
        self._match = Matcher(
            clock=StampClock(monotonic_ns=monotonic_ns, wall_ns=wall_ns),
            statistics=self._count,
            flight=FlightTable(),
            on_results=on_results,
            on_overdue=on_overdue,
        )
        self._lanes: list[IcmpLane] = []
        self._lock = Lock()
        self._orders: deque[_Order] = deque()
        self._table: Addresses | None = None
        self._queued = 0
        self._slots = 0
        self._generation = 0
        self._not_before_ns = 0
        self._stopping = Event()
        self._wake = -1
        self._thread = Thread(target=self._run, name="icmp", daemon=True)

    def open(self) -> None:
        """Open the sockets; raises :class:`IcmpNotAllowedError`, whose text says how to mend it."""
        self.mode, sockets = open_sockets(
            self.mode, identifier=self._identifier, receive_buffer=self._receive_buffer
        )
        self._lanes = [
            IcmpLane(family, opened, mode=self.mode, nonce=self._nonce, monotonic_ns=self._monotonic_ns)
            for family, opened in sockets.items()
        ]
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def set_targets(self, addresses: Sequence[str]) -> int:
        """Replace the table, slot = position; return its generation, which every later result bears.

        Looks under way or waiting are forgotten without a result. An address that kept its text keeps its history.
        """
        parsed = Addresses.of(addresses)
        with self._lock:
            self._generation += 1
            self._slots = len(parsed)
            self._queued = 0
            self._orders.clear()
            self._table = parsed
            self._signal()
            return self._generation

    def send(self, slots: npt.NDArray[np.uint32], *, timeout_ns: int, flags: int = 0) -> None:
        """Look once at each of ``slots``; safe from any thread, never blocks.

        Raises :class:`IcmpBacklogError` where too many looks wait already, IndexError for a slot not in the table.
        """
        if not len(slots):
            return
        with self._lock:
            if int(slots.max()) >= self._slots:
                raise IndexError(f"slot {int(slots.max())} of {self._slots}")
            if self._queued + len(slots) > _BACKLOG:
                raise IcmpBacklogError(f"{self._queued} looks wait to be sent")
            self._queued += len(slots)
            self._orders.append(_Order(slots.astype(np.uint32), timeout_ns, flags))
            self._signal()

    def statistics(self) -> IcmpStatistics:
        """Return the counters as they stand; safe from any thread."""
        return replace(self._count, in_flight=self._match.flight.in_flight, queued=self._queued)

    def close(self) -> None:
        """Stop the thread and close the sockets; looks under way get no result."""
        self._stopping.set()
        if self._thread.is_alive():
            self._signal()
            self._thread.join(_CLOSE_SECONDS)
        with self._lock:
            for lane in self._lanes:
                lane.socket.close()
            self._lanes = []
            if self._wake >= 0:
                os.close(self._wake)
                self._wake = -1

    def _signal(self) -> None:
        if self._wake >= 0:
            os.eventfd_write(self._wake, 1)

    def _run(self) -> None:
        wake = select.poll()
        wake.register(self._wake, select.POLLIN)
        # Asked only when there is nothing to do: an epoll would be told of every packet, a tenth of what receiving costs.
        arrival = select.poll()
        for descriptor in (self._wake, *(lane.socket.fileno() for lane in self._lanes)):
            arrival.register(descriptor, select.POLLIN)
        while not self._stopping.is_set():
            try:
                self._turn()
            except Exception:
                self._count.failed_turns += 1
                log.exception("icmp turn failed")
                self._stopping.wait(_IDLE_NS / 1e9)
            self._wait(wake, arrival)

    def _turn(self) -> None:
        now_ns = self._monotonic_ns()
        self._install()
        if now_ns >= self._not_before_ns:
            self._send_next(now_ns)
        for lane in self._lanes:
            self._receive(lane)
        self._match.note_drops(sum(lane.socket.drops() for lane in self._lanes))
        self._match.end_due(now_ns)
        self._count.turns += 1
        self._count.last_turn_ns = now_ns

    def _receive(self, lane: IcmpLane) -> None:
        for _ in range(_RINGS_A_TURN):
            take, is_more = lane.take()
            if take is not None:
                self._match.take(take)
            if not is_more:
                break

    def _send_next(self, now_ns: int) -> None:
        """Send a chunk of what waits, or as much of it as the pace allows."""
        order = self._next_order(self._pace.allowed(now_ns))
        if order is None:
            return
        addresses = self._match.addresses
        has_way = np.zeros(len(order.slots), bool)
        for lane in self._lanes:
            is_mine = addresses.is_of(lane.family, order.slots)
            has_way |= is_mine
            if is_mine.any():
                self._transmit(lane, replace(order, slots=order.slots[is_mine]), now_ns)
        if not has_way.all():
            self._match.refused(order.slots[~has_way], flags=order.flags)

    def _transmit(self, lane: IcmpLane, order: _Order, now_ns: int) -> None:
        looks = self._match.flight.reserve(len(order.slots))
        sent = lane.transmit(self._match.addresses, order.slots[: len(looks)], looks)
        self._match.launched(order.slots, sent, timeout_ns=order.timeout_ns, flags=order.flags)
        self._pace.spend(sent.count)
        if sent.count < len(order.slots):
            self._not_before_ns = now_ns + _BUSY_NS
            self._put_back(replace(order, slots=order.slots[sent.count :]))

    def _install(self) -> None:
        """Put a new table in place, before any look at it can be sent."""
        with self._lock:
            table, self._table, generation = self._table, None, self._generation
        if table is not None:
            self._match.install(generation, table)

    def _next_order(self, limit: int) -> _Order | None:
        """Take from the queue up to ``limit`` looks of one kind."""
        with self._lock:
            if not self._orders or self._table is not None or not limit:
                return None
            first, taken, room = self._orders[0], [], limit
            while room and self._orders and _is_like(first, self._orders[0]):
                order = self._orders.popleft()
                taken.append(order.slots[:room])
                if len(order.slots) > room:
                    self._orders.appendleft(replace(order, slots=order.slots[room:]))
                room -= len(taken[-1])
            self._queued -= limit - room
            return replace(first, slots=np.concatenate(taken))

    def _put_back(self, order: _Order) -> None:
        with self._lock:
            if self._table is None:
                self._orders.appendleft(order)
                self._queued += len(order.slots)

    def _wait(self, wake: select.poll, arrival: select.poll) -> None:
        """Wait until there is something to do: an order at once, arrivals a few milliseconds after the first."""
        now_ns = self._monotonic_ns()
        ready_ns = max(self._not_before_ns, self._pace.ready_ns())
        if self._table is not None or (self._orders and ready_ns <= now_ns):
            return
        with suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        until_ns = min(self._match.flight.earliest_ns, now_ns + _IDLE_NS)
        if self._orders:
            wake.poll(max(0, min(ready_ns - now_ns, _GATHER_NS)) / 1e6)
        elif not self._stopping.is_set() and not wake.poll(_GATHER_NS / 1e6):
            arrival.poll(max(0, until_ns - now_ns - _GATHER_NS) / 1e6)


def _is_like(first: _Order, other: _Order) -> bool:
    """Tell whether both orders' looks may go together."""
    return (first.timeout_ns, first.flags) == (other.timeout_ns, other.flags)

"""Looks over fresh stream connections: many at once, without a task, a transport or a timer for each.

A look is an :class:`Exchange`: a small state machine that is told when its connection stands and when it may read
or write, and answers either what it waits for next or what it found. The time of the handshake is the kernel's own
(``TCP_INFO``): an event loop that is late to notice must not look like a slow line.
"""

import asyncio
import errno
import math
import select
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from probes.deadlines import Deadlines
from probes.models import Answer, Finish, Outcome, Request
from probes.poller import GATHER_SECONDS, Poller

__all__ = ["READ", "WRITE", "Connections", "Elsewhere", "Exchange", "Step"]

READ: Final = select.EPOLLIN
WRITE: Final = select.EPOLLOUT


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Go on over a fresh connection to another end (a redirect), within the same deadline."""

    address: str
    port: int


Step = int | Answer | Elsewhere
"""What an exchange does next: wait for READ and/or WRITE, go elsewhere, or end with an answer."""

_TCP_INFO = struct.Struct("=B67xI28xI")
"""``tcpi_state``, ``tcpi_rtt`` (microseconds), ``tcpi_total_retrans`` of ``struct tcp_info`` (linux/tcp.h)."""

_ESTABLISHED = 1

_RESET_AT_ONCE = struct.pack("ii", 1, 0)
_STOOD = frozenset({0, errno.ECONNRESET, errno.EPIPE})
_UNREACHABLE = frozenset(
    {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EPROTO, errno.ENOPROTOOPT}
)


class Exchange(ABC):
    """One look over one connection. ``connect`` is the handshake's time in seconds once it stands."""

    __slots__ = (
        "began",
        "connect",
        "descriptor",
        "finish",
        "number",
        "request",
        "socket",
        "stands",
        "waits_for",
    )

    def __init__(self, request: Request, finish: Finish) -> None:
        self.request = request
        self.finish = finish
        self.socket: socket.socket | None = None
        self.descriptor = -1
        self.number = 0
        self.began = 0.0
        self.connect = math.nan
        self.stands = False
        self.waits_for = 0

    @abstractmethod
    def established(self, now: float) -> Step:
        """Answer what to do on a connection that stands."""

    @abstractmethod
    def ready(self, now: float) -> Step:
        """Answer what to do now that what was waited for is there."""

    def expired(self) -> Answer:
        """Answer for a look that ran out of time."""
        return Answer(Outcome.TIMEOUT, detail=self.waiting_for())

    def waiting_for(self) -> str:
        """Name what had not happened when time ran out."""
        return "connect"


class Connections:
    """The connections under way of one probe. ``speaks``: whether an exchange says something on its connection.

    One that does not is closed by RST instead of by FIN: that leaves no TIME_WAIT behind, neither here (ports would
    run out at ten thousand looks a second) nor on the target, and spares the target's process the read of an empty
    request. One that does keeps the last packet of the handshake back and sends it with its first words.
    """

    def __init__(self, *, monotonic: Callable[[], float], speaks: bool) -> None:
        self._monotonic = monotonic
        self._speaks = speaks
        self._live: dict[int, Exchange] = {}
        # Where the handshake is all there is, its time is the kernel's; words are timed by us, as they come.
        self._poller = Poller(self._on_event, gather_seconds=0.0 if speaks else GATHER_SECONDS)
        self._begun = 0
        self._by_number: dict[int, Exchange] = {}
        """What a deadline names: one that ended long before it is not kept in memory until then."""
        self._deadlines: Deadlines[int] = Deadlines(
            monotonic=monotonic, on_due=self._on_due, is_over=lambda number: number not in self._by_number
        )

    def __len__(self) -> int:
        return len(self._live)

    def open(self) -> None:
        """Start on the running loop."""
        self._poller.open()

    def begin(self, exchange: Exchange) -> None:
        """Connect; the exchange's ``finish`` is called later, never from within this call."""
        try:
            problem = self._connect(exchange, exchange.request.address, exchange.request.port)
        except OSError as error:
            problem = Answer(Outcome.ERROR, detail=f"socket: {error.strerror}")
        if problem is None:
            self._begun += 1
            exchange.number = self._begun
            self._by_number[exchange.number] = exchange
            self._deadlines.set(exchange.began, exchange.request.timeout, exchange.number)
        else:
            asyncio.get_running_loop().call_soon(self._end, exchange, problem)

    def close(self) -> None:
        """End every look as ERROR and let go of the descriptors."""
        self._deadlines.close()
        for exchange in list(self._live.values()):
            self._end(exchange, Answer(Outcome.ERROR, detail="closed"))
        self._poller.close()

    def _connect(self, exchange: Exchange, address: str, port: int) -> Answer | None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            socket.inet_pton(family, address)
        except OSError:
            # connect() would ask a resolver, and wait for it
            return Answer(Outcome.ERROR, detail=f"not a numeric address: {address}")
        stream = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        exchange.socket = stream
        if self._speaks:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        else:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
        exchange.began = self._monotonic()
        code = stream.connect_ex((address, port))
        if code not in {0, errno.EINPROGRESS}:
            return _failure(code, is_ours=stream.getsockname()[1] == 0)
        exchange.descriptor = stream.fileno()
        self._live[exchange.descriptor] = exchange
        exchange.waits_for = WRITE
        self._poller.watch(exchange.descriptor, WRITE)
        return None

    def _move(self, exchange: Exchange, end: Elsewhere) -> None:
        """Let an exchange go on over a fresh connection; its deadline stays what it was."""
        self._let_go(exchange)
        exchange.stands = False
        try:
            problem = self._connect(exchange, end.address, end.port)
        except OSError as error:
            problem = Answer(Outcome.ERROR, detail=f"socket: {error.strerror}")
        if problem is not None:
            self._end(exchange, problem)

    def _on_event(self, descriptor: int, _mask: int) -> None:
        exchange = self._live.get(descriptor)
        if exchange is None or exchange.socket is None:
            return
        now = self._monotonic()
        try:
            step = exchange.ready(now) if exchange.stands else self._stood(exchange, now)
        except OSError as error:
            step = _failure(error.errno or 0, is_ours=False)
        if isinstance(step, Answer):
            self._end(exchange, step)
        elif isinstance(step, Elsewhere):
            self._move(exchange, step)
        elif step != exchange.waits_for:
            exchange.waits_for = step
            self._poller.change(descriptor, step)

    def _stood(self, exchange: Exchange, now: float) -> Step:
        stream = exchange.socket
        if stream is None:
            raise RuntimeError("an exchange without a socket is not watched")
        state, rtt, retransmits = _TCP_INFO.unpack(
            stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        )
        if state != _ESTABLISHED:
            code = stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code not in _STOOD:
                return _failure(code, is_ours=False)
        # A repeated SYN gives the kernel no sample of its own (Karn); the wait is what the user had.
        exchange.connect = rtt / 1e6 if rtt and not retransmits else now - exchange.began
        exchange.stands = True
        return exchange.established(now)

    def _on_due(self, numbers: list[int]) -> None:
        # What arrived while the loop was busy elsewhere is an answer, not a loss.
        self._poller.drain(all_of_it=True)
        for number in numbers:
            exchange = self._by_number.get(number)
            if exchange is not None:
                self._end(exchange, exchange.expired())

    def _end(self, exchange: Exchange, answer: Answer) -> None:
        self._let_go(exchange)
        self._by_number.pop(exchange.number, None)
        exchange.finish(exchange.request, answer)

    def _let_go(self, exchange: Exchange) -> None:
        stream, exchange.socket = exchange.socket, None
        if stream is not None:
            self._live.pop(exchange.descriptor, None)
            exchange.descriptor = -1
            stream.close()


def _failure(code: int, *, is_ours: bool) -> Answer:
    """Tell what an error number of a connection means; ``is_ours``: nothing was sent, so it speaks of us only."""
    detail = errno.errorcode.get(code, str(code))
    if is_ours:
        return Answer(Outcome.ERROR, detail=f"not sent: {detail}")
    if code in {errno.ECONNREFUSED, errno.ECONNRESET}:
        return Answer(Outcome.REFUSED, detail=detail)
    if code == errno.ETIMEDOUT:
        return Answer(Outcome.TIMEOUT, detail="connect")
    if code in _UNREACHABLE:
        return Answer(Outcome.UNREACHABLE, detail=detail)
    return Answer(Outcome.ERROR, detail=detail)

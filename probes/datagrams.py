"""One UDP socket a family for all targets of a kind: sending, receiving with kernel stamps, errors by ICMP.

An ICMP error comes back through the socket's error queue together with the datagram that caused it, so that one
dead target among thousands on the same socket is known at once and by name.
"""

import asyncio
import select
import socket
from collections.abc import Callable

from probes.datagram_notes import IcmpError, ask_for_notes, icmp_error_of, notes_of, tos_mark
from probes.poller import GATHER_SECONDS, Poller

__all__ = ["Datagrams"]

_AT_ONCE = 128
_ALL_OF_IT = 65_536
_LARGEST = 8_192
_NOTES_SIZE = 512
_MSG_ERRQUEUE = 0x2000
_PENDING_ERRORS = 64

OnDatagram = Callable[[bytes, tuple[str, int], float], None]
OnError = Callable[[bytes, IcmpError], None]


class Datagrams:
    """Calls ``on_datagram(data, sender's address and port, arrival)`` and ``on_error(own datagram, error)`` on the loop.

    ``arrival`` is on the ``monotonic`` clock, by the kernel's stamp: a loop that reads late does not see a slow
    line. ``kernel_drops`` counts what the kernel had to throw away because nobody read.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        wall_ns: Callable[[], int],
        on_datagram: OnDatagram,
        on_error: OnError,
        receive_buffer: int,
    ) -> None:
        self._monotonic = monotonic
        self._wall_ns = wall_ns
        self._on_datagram = on_datagram
        self._on_error = on_error
        self._receive_buffer = receive_buffer
        self._by_family: dict[int, socket.socket] = {}
        self._by_descriptor: dict[int, socket.socket] = {}
        self._drops: dict[int, int] = {}
        self._poller = Poller(self._on_event, gather_seconds=GATHER_SECONDS)

    @property
    def kernel_drops(self) -> int:
        """Datagrams that the kernel dropped since opening."""
        return sum(self._drops.values())

    def open(self) -> None:
        """Open the sockets (the one of IPv6 where there is IPv6) on the running loop."""
        self._poller.open()
        self._add(socket.AF_INET)
        if socket.has_ipv6:
            try:
                self._add(socket.AF_INET6)
            except OSError:
                return  # built with IPv6, switched off here: its targets end as ERROR

    def close(self) -> None:
        """Close the sockets."""
        self._poller.close()
        for datagrams in self._by_family.values():
            datagrams.close()
        self._by_family.clear()
        self._by_descriptor.clear()

    def send(self, data: bytes, address: str, port: int, *, tos: int = 0) -> None:
        """Send; raises OSError where this very datagram could not leave, ValueError for what is no address.

        ``tos`` is the octet of the traffic class: the DSCP (RFC 2474) shifted left by two.
        """
        datagrams = self._socket_for(address)
        marks = tos_mark(datagrams.family, tos) if tos else ()
        for _ in range(_PENDING_ERRORS):
            try:
                if marks:
                    datagrams.sendmsg([data], marks, 0, (address, port))
                else:
                    datagrams.sendto(data, (address, port))
            except BlockingIOError:
                raise
            except OSError:
                # Another target's ICMP error is reported by whatever call comes next. It is handled after this
                # one: whoever begins a look when another ends would else begin them ever deeper.
                if not self._take_error(datagrams, asyncio.get_running_loop().call_soon):
                    raise
            else:
                return

    def own_end(self, address: str) -> tuple[str, int]:
        """Answer the local address and port that ``address`` will see us from, as the routes are now."""
        datagrams = self._socket_for(address)
        with socket.socket(datagrams.family, socket.SOCK_DGRAM) as asking:
            asking.connect((address, 9))  # sends nothing
            return asking.getsockname()[0], datagrams.getsockname()[1]

    def drain(self) -> None:
        """Read all that has arrived."""
        for datagrams in self._by_family.values():
            self._read(datagrams, _ALL_OF_IT)

    def _add(self, family: socket.AddressFamily) -> None:
        datagrams = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            ask_for_notes(datagrams, receive_buffer=self._receive_buffer)
            if family == socket.AF_INET6:
                datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            datagrams.bind(("", 0))
        except OSError:
            datagrams.close()
            raise
        self._by_family[family] = self._by_descriptor[datagrams.fileno()] = datagrams
        self._poller.watch(datagrams.fileno(), select.EPOLLIN)

    def _socket_for(self, address: str) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            # A name would be asked of a resolver, and waited for.
            socket.inet_pton(family, address)
        except OSError as error:
            raise ValueError(f"not a numeric address: {address}") from error
        found = self._by_family.get(family)
        if found is None:
            raise ValueError("no socket for this family of addresses")
        return found

    def _on_event(self, descriptor: int, mask: int) -> None:
        datagrams = self._by_descriptor[descriptor]
        if mask & select.EPOLLERR:
            while self._take_error(datagrams, _now):
                pass
        self._read(datagrams, _AT_ONCE)

    def _read(self, datagrams: socket.socket, most: int) -> None:
        for _ in range(most):
            try:
                data, ancillary, _, source = datagrams.recvmsg(_LARGEST, _NOTES_SIZE)
            except BlockingIOError:
                return
            except OSError:
                if not self._take_error(datagrams, _now):
                    return
                continue
            notes = notes_of(ancillary)
            if notes.drops >= 0:
                self._drops[datagrams.family] = notes.drops
            now = self._monotonic()
            age = max(0.0, (self._wall_ns() - notes.at_ns) / 1e9) if notes.at_ns else 0.0
            self._on_datagram(data, source[:2], now - age)

    def _take_error(self, datagrams: socket.socket, when: Callable[..., object]) -> bool:
        try:
            data, ancillary, _, _ = datagrams.recvmsg(_LARGEST, _NOTES_SIZE, _MSG_ERRQUEUE)
        except OSError:
            return False
        error = icmp_error_of(ancillary)
        if error is not None:
            when(self._on_error, data, error)
        return True


def _now(handle: OnError, data: bytes, error: IcmpError) -> None:
    handle(data, error)

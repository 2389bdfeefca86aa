"""The other end of STAMP (RFC 8762, 4.3): returns test packets at once, with its own number and times in them.

It is stateful: each session (address, port, number) is counted from 0, so that senders can tell which direction lost
what. It answers nobody who is not in ``allowed`` where that is given, never with more octets than it got, never to its
own port (two reflectors would play with one packet for ever), and no faster than ``most_per_second``. The traffic class
of what came is that of what goes back.
"""

import ipaddress
import select
import socket
import struct
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from probes.datagram_notes import IP_RECVERR, IPV6_RECVERR, ask_for_notes, notes_of, tos_mark
from probes.poller import Poller
from probes.stamp_packet import (
    ReflectedPacket,
    StampPacketError,
    error_estimate,
    ntp_of,
    parse_sender,
    reflected_tail,
)

__all__ = ["STAMP_PORT", "ReflectorStatistics", "StampReflector"]

STAMP_PORT: Final = 862

_MOST_SESSIONS: Final = 4096
_AT_ONCE = 128
_LARGEST = 2048
_NOTES_SIZE = 512
_CLASS = struct.Struct("i")
_IP_RECVTTL = 12  # linux/in.h

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Session = tuple[str, int, int]


@dataclass(slots=True)
class ReflectorStatistics:
    """Counters since opening."""

    reflected: int = 0
    malformed: int = 0
    refused: int = 0
    capped: int = 0
    send_errors: int = 0
    receive_errors: int = 0
    kernel_drops: int = 0
    sessions: int = 0


class StampReflector:
    """Reflects on the running loop. ``clock_error`` as for :class:`~probes.stamp.StampProbe`."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        wall_ns: Callable[[], int],
        clock_error: Callable[[], float | None],
        allowed: Sequence[Network] = (),
        most_per_second: int = 20_000,
        receive_buffer: int = 4 * 1024 * 1024,
    ) -> None:
        self._monotonic = monotonic
        self._wall_ns = wall_ns
        self._clock_error = clock_error
        self._allowed = tuple(allowed)
        self._most_per_second = most_per_second
        self._receive_buffer = receive_buffer
        self._statistics = ReflectorStatistics()
        self._sessions: OrderedDict[Session, int] = OrderedDict()
        self._second = 0.0
        self._this_second = 0
        self._socket: socket.socket | None = None
        self._poller = Poller(self._on_event)

    def open(self, address: str, port: int = STAMP_PORT) -> int:
        """Listen at a numeric address; answer the port. OSError where it cannot be had."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            ask_for_notes(listening, receive_buffer=self._receive_buffer)
            # Errors that our replies cause are nobody's concern; in a queue that nobody reads they would wake us for ever.
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 0)
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            else:
                listening.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 0)
                listening.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
                listening.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
            listening.bind((address, port))
        except OSError:
            listening.close()
            raise
        self._socket = listening
        self._poller.open()
        self._poller.watch(listening.fileno(), select.EPOLLIN)
        return int(listening.getsockname()[1])

    def close(self) -> None:
        """Stop listening."""
        self._poller.close()
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def statistics(self) -> ReflectorStatistics:
        """Answer a copy of the counters."""
        return replace(self._statistics, sessions=len(self._sessions))

    def _on_event(self, _descriptor: int, _mask: int) -> None:
        listening = self._socket
        if listening is None:
            return
        for _ in range(_AT_ONCE):
            try:
                data, ancillary, _, source = listening.recvmsg(_LARGEST, _NOTES_SIZE)
            except BlockingIOError:
                return
            except OSError:
                self._statistics.receive_errors += 1
                return
            self._reflect(listening, data, ancillary, source)

    def _reflect(
        self,
        listening: socket.socket,
        data: bytes,
        ancillary: Sequence[tuple[int, int, bytes]],
        source: tuple[str, int],
    ) -> None:
        notes = notes_of(ancillary)
        if notes.drops >= 0:
            self._statistics.kernel_drops = notes.drops
        if not self._may(listening, source):
            return
        try:
            packet = parse_sender(data)
        except StampPacketError:
            self._statistics.malformed += 1
            return
        ttl, tos = _marks(ancillary)
        error = self._clock_error()
        reply = ReflectedPacket(
            sequence=self._number(source, packet.session),
            timestamp=ntp_of(self._wall_ns()),
            estimate=error_estimate(error or 0.0, synchronised=error is not None),
            session=packet.session,
            received=ntp_of(notes.at_ns or self._wall_ns()),
            sender_sequence=packet.sequence,
            sender_timestamp=packet.timestamp,
            sender_estimate=packet.estimate,
            sender_ttl=ttl,
        )
        try:
            answer = reply.encode() + reflected_tail(data)
            listening.sendmsg([answer], tos_mark(listening.family, tos), 0, source)
        except OSError:
            self._statistics.send_errors += 1
        else:
            self._statistics.reflected += 1

    def _may(self, listening: socket.socket, source: tuple[str, int]) -> bool:
        if source[1] in {listening.getsockname()[1], STAMP_PORT} or not self._is_allowed(source[0]):
            self._statistics.refused += 1
            return False
        now = self._monotonic()
        if now - self._second >= 1.0:
            self._second, self._this_second = now, 0
        self._this_second += 1
        if self._this_second > self._most_per_second:
            self._statistics.capped += 1
            return False
        return True

    def _is_allowed(self, address: str) -> bool:
        if not self._allowed:
            return True
        numeric = ipaddress.ip_address(address.partition("%")[0])
        return any(numeric in network for network in self._allowed)

    def _number(self, source: tuple[str, int], session: int) -> int:
        """Count a packet of a session; the session that was silent longest is forgotten first."""
        key = (source[0], source[1], session)
        number = self._sessions.pop(key, 0)
        self._sessions[key] = (number + 1) & 0xFFFF_FFFF
        if len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return number


def _marks(ancillary: Sequence[tuple[int, int, bytes]]) -> tuple[int, int]:
    """Read the TTL (255 where it is not told) and the octet of the traffic class."""
    ttl, tos = 255, 0
    for level, kind, content in ancillary:
        if (level, kind) in {(socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT)}:
            ttl = _CLASS.unpack_from(content)[0] & 0xFF
        elif (level, kind) == (socket.IPPROTO_IP, socket.IP_TOS):
            tos = content[0]
        elif (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_TCLASS):
            tos = _CLASS.unpack_from(content)[0] & 0xFF
    return ttl, tos

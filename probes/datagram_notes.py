"""What the kernel tells beside a datagram: when it came, how many were dropped, and whose ICMP error it was."""

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = [
    "DatagramNotes",
    "IcmpError",
    "ask_for_errors",
    "ask_for_notes",
    "icmp_error_of",
    "notes_of",
    "tos_mark",
]

# linux/asm-generic/socket.h, linux/in.h, linux/in6.h: not in the socket module.
SO_TIMESTAMPNS: Final = 35
SO_RXQ_OVFL: Final = 40
SO_RCVBUFFORCE: Final = 33
IP_RECVERR: Final = 11
IPV6_RECVERR: Final = 25

_TIMESPEC = struct.Struct("qq")
_COUNT = struct.Struct("I")
_CLASS = struct.Struct("i")
_EXTENDED_ERROR = struct.Struct("IBBBBII")
_FROM_ICMP = frozenset({2, 3})

Notes = Sequence[tuple[int, int, bytes]]


@dataclass(frozen=True, slots=True)
class DatagramNotes:
    """``at_ns``: arrival by the kernel's wall clock, 0 if not told; ``drops``: datagrams lost so far, or -1."""

    at_ns: int
    drops: int


@dataclass(frozen=True, slots=True)
class IcmpError:
    """An error for something sent; ``is_remote`` where an ICMP message brought it."""

    code: int
    is_remote: bool


def ask_for_notes(datagrams: socket.socket, *, receive_buffer: int) -> None:
    """Ask for the notes on a UDP socket, and for a receive buffer, beyond the system's limit where allowed."""
    try:
        datagrams.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, receive_buffer)
    except OSError:
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    datagrams.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    datagrams.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
    ask_for_errors(datagrams)


def ask_for_errors(datagrams: socket.socket) -> None:
    """Ask for every ICMP error, with the datagram that caused it, also those that may pass by themselves."""
    if datagrams.family == socket.AF_INET6:
        datagrams.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    else:
        datagrams.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)


def notes_of(ancillary: Notes) -> DatagramNotes:
    """Read the notes that came with a datagram."""
    at_ns, drops = 0, -1
    for level, kind, content in ancillary:
        if level != socket.SOL_SOCKET:
            continue
        if kind == SO_TIMESTAMPNS and len(content) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(content)
            at_ns = seconds * 1_000_000_000 + nanoseconds
        elif kind == SO_RXQ_OVFL and len(content) >= _COUNT.size:
            (drops,) = _COUNT.unpack_from(content)
    return DatagramNotes(at_ns, drops)


def tos_mark(family: int, tos: int) -> list[tuple[int, int, bytes]]:
    """Write the note that gives one datagram its traffic class; none for the default class."""
    if not tos:
        return []
    if family == socket.AF_INET6:
        return [(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _CLASS.pack(tos))]
    return [(socket.IPPROTO_IP, socket.IP_TOS, _CLASS.pack(tos))]


def icmp_error_of(ancillary: Notes) -> IcmpError | None:
    """Read the note of a datagram taken from the error queue (``struct sock_extended_err``)."""
    for level, kind, content in ancillary:
        wanted = (level, kind) in {(socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)}
        if wanted and len(content) >= _EXTENDED_ERROR.size:
            code, origin, *_ = _EXTENDED_ERROR.unpack_from(content)
            return IcmpError(code, origin in _FROM_ICMP)
    return None

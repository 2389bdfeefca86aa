"""The sockets of the ICMP engine: how they are opened, and what they let through.

A raw socket needs CAP_NET_RAW, hears every ICMP message of the machine and therefore carries two filters, by
type and (a classic BPF program) by our identifier, so that only our own traffic costs anything. The kernel's
datagram ICMP needs a group in ``net.ipv4.ping_group_range``; there the identifier is the local port and the
kernel does the filtering, but routers' errors are not delivered: what they would have told becomes a timeout.
"""

import ctypes
import socket
import struct
from enum import Enum
from errno import EADDRINUSE, EAFNOSUPPORT, EPROTONOSUPPORT

from typing_extensions import override

from probes.icmp_packet import Family

__all__ = ["IcmpMode", "IcmpNotAllowedError", "IcmpSocket", "open_sockets"]

_SO_ATTACH_FILTER = 26
_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35
_SO_MEMINFO = 55
_SOL_RAW, _ICMP_FILTER = 255, 1
_SOL_ICMPV6, _ICMPV6_FILTER = 58, 1
_SEND_BUFFER = 1 << 20

_AF = {Family.V4: socket.AF_INET, Family.V6: socket.AF_INET6}
_PROTOCOL = {Family.V4: socket.IPPROTO_ICMP, Family.V6: socket.IPPROTO_ICMPV6}

_LDX_HEADER, _LD_BYTE, _LD_HALF = 0xB1, 0x50, 0x48
_AND, _SHIFT_LEFT, _ADD_X, _TAX = 0x54, 0x64, 0x0C, 0x07
_JUMP, _JUMP_IF, _RETURN = 0x05, 0x15, 0x06
_ALL = 0xFFFFFFFF


class IcmpMode(Enum):
    """Which kind of socket the engine uses."""

    RAW = "raw"
    DATAGRAM = "datagram"


class IcmpNotAllowedError(Exception):
    """The kernel grants no ICMP socket of the mode asked for (None: of any). ``str`` says how to mend it."""

    message_vi = (
        "Không được phép mở socket ICMP: hãy cấp CAP_NET_RAW (systemd: AmbientCapabilities=CAP_NET_RAW) "
        'hoặc chạy sysctl -w net.ipv4.ping_group_range="0 2147483647".'
    )
    message_en = (
        "No ICMP socket is allowed: grant CAP_NET_RAW (systemd: AmbientCapabilities=CAP_NET_RAW) "
        'or run sysctl -w net.ipv4.ping_group_range="0 2147483647".'
    )

    def __init__(self, mode: IcmpMode | None) -> None:
        super().__init__(mode)
        self.mode = mode

    @override
    def __str__(self) -> str:
        return f"{self.message_vi} / {self.message_en}"


class IcmpSocket:
    """A non-blocking ICMP socket with time stamps and filters; requests must bear its ``identifier``."""

    def __init__(self, family: Family, mode: IcmpMode, *, identifier: int, receive_buffer: int) -> None:
        kind = socket.SOCK_RAW if mode is IcmpMode.RAW else socket.SOCK_DGRAM
        self._socket = socket.socket(_AF[family], kind | socket.SOCK_NONBLOCK, _PROTOCOL[family])
        self.identifier = identifier
        try:
            if mode is IcmpMode.RAW:
                _filter_types(self._socket, family)
                _filter_identifier(self._socket, family, identifier)
            else:
                self.identifier = _bind_identifier(self._socket, identifier)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            _size_buffers(self._socket, receive_buffer)
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._socket.fileno()

    def drops(self) -> int:
        """Return how many datagrams the kernel has dropped for want of room since the socket was opened.

        This is the counter behind SO_RXQ_OVFL, read when asked instead of with the next datagram, so that it
        tells of a drop that nothing follows.
        """
        return int(struct.unpack_from("9I", self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36))[8])

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def open_sockets(
    mode: IcmpMode | None, *, identifier: int, receive_buffer: int
) -> tuple[IcmpMode, dict[Family, IcmpSocket]]:
    """Open a socket for each family that the machine has, in ``mode`` or, if None, in the best mode allowed.

    Raises :class:`IcmpNotAllowedError`.
    """
    for candidate in (mode,) if mode else (IcmpMode.RAW, IcmpMode.DATAGRAM):
        try:
            return candidate, _open_families(candidate, identifier=identifier, receive_buffer=receive_buffer)
        except PermissionError:
            continue
    raise IcmpNotAllowedError(mode)


def _open_families(mode: IcmpMode, *, identifier: int, receive_buffer: int) -> dict[Family, IcmpSocket]:
    opened: dict[Family, IcmpSocket] = {}
    for family in Family:
        try:
            opened[family] = IcmpSocket(family, mode, identifier=identifier, receive_buffer=receive_buffer)
        except OSError as error:
            if error.errno in {EAFNOSUPPORT, EPROTONOSUPPORT}:
                continue
            for one in opened.values():
                one.close()
            raise
    return opened


def _bind_identifier(one: socket.socket, identifier: int) -> int:
    """Take ``identifier`` as local port or, where another ping has it, whatever the kernel gives."""
    try:
        one.bind(("", identifier))
    except OSError as error:
        if error.errno != EADDRINUSE:
            raise
        one.bind(("", 0))
    return int(one.getsockname()[1])


def _size_buffers(one: socket.socket, receive_buffer: int) -> None:
    """Raise the receive buffer beyond net.core.rmem_max where CAP_NET_ADMIN allows, up to it where not."""
    try:
        one.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, receive_buffer)
    except PermissionError:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)


def _filter_types(one: socket.socket, family: Family) -> None:
    """Let only replies and errors pass; requests to this machine itself are not even copied."""
    passed = (family.reply, *family.errors)
    if family is Family.V4:
        blocked = _ALL & ~sum(1 << number for number in passed)
        one.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("I", blocked))
        return
    words = [_ALL] * 8
    for number in passed:
        words[number // 32] &= ~(1 << number % 32)
    one.setsockopt(_SOL_ICMPV6, _ICMPV6_FILTER, struct.pack("8I", *words))


def _filter_identifier(one: socket.socket, family: Family, identifier: int) -> None:
    """Let only replies to ``identifier`` pass, and errors that quote it."""
    code = b"".join(struct.pack("HBBI", *step) for step in _program(family, identifier))
    held = ctypes.create_string_buffer(code)
    one.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(code) // 8, ctypes.addressof(held))
    )


def _program(family: Family, identifier: int) -> list[tuple[int, int, int, int]]:
    """Return classic BPF steps (code, jump if true, jump if false, operand); a load out of bounds drops.

    The index register holds where ICMP begins: behind the IPv4 header, at 0 over IPv6, whose header a raw
    socket does not see. The quoted identifier stands behind eight bytes of error and the quoted IP header.
    """
    unreachable, exceeded = family.errors
    start = (_LDX_HEADER, 0, 0, 0) if family is Family.V4 else (0x01, 0, 0, 0)
    quoted_header = [
        (_LD_BYTE, 0, 0, 8),
        (_AND, 0, 0, 0xF),
        (_SHIFT_LEFT, 0, 0, 2),
        (_ADD_X, 0, 0, 0),
        (_TAX, 0, 0, 0),
        (_LD_HALF, 0, 0, 12),
    ]
    if family is Family.V6:
        quoted_header = [(_LD_HALF, 0, 0, 8 + 40 + 4)]
    size = len(quoted_header)
    return [
        start,
        (_LD_BYTE, 0, 0, 0),
        (_JUMP_IF, size + 3, 0, family.reply),
        (_JUMP_IF, 1, 0, unreachable),
        (_JUMP_IF, 0, size + 4, exceeded),
        *quoted_header,
        (_JUMP, 0, 0, 1),
        (_LD_HALF, 0, 0, 4),
        (_JUMP_IF, 0, 1, identifier),
        (_RETURN, 0, 0, _ALL),
        (_RETURN, 0, 0, 0),
    ]

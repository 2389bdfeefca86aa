"""Slow echo replies: the kernel's own are dropped by the packet filter, ours come after the delay, marked.

Only where we are root, and only open while a target is slow: a raw socket sees every echo request on the machine,
so a filter in the kernel lets through those to slow addresses alone.
"""

import asyncio
import socket
import struct
from collections.abc import Mapping
from typing import Final

from probes.lab.nftables import DELAYED_MARK
from probes.lab.socket_filter import attach, pass_program

__all__ = ["EchoResponder", "reply_of"]

IP_PKTINFO: Final = 8
_SO_MARK = 36
_PKTINFO = struct.Struct("i4s4s")
_AT_ONCE = 128
_LARGEST = 65_536
_ECHO_REQUEST = 8


class EchoResponder:
    """Answers echo requests to the addresses in ``delays`` (seconds) after their delay."""

    def __init__(self) -> None:
        self._delays: Mapping[str, float] = {}
        self._raw: socket.socket | None = None
        self._waiting: set[asyncio.TimerHandle] = set()
        self.answered = 0

    def slow_down(self, delays: Mapping[str, float]) -> None:
        """Answer for exactly these addresses from now on; OSError where raw sockets are not allowed."""
        self._delays = delays
        if not delays:
            self.stop()
            return
        if self._raw is None:
            self._raw = _opened()
            asyncio.get_running_loop().add_reader(self._raw, self._read, self._raw)
        attach(self._raw, pass_program(delays))

    def stop(self) -> None:
        """Answer nothing more."""
        for timer in self._waiting:
            timer.cancel()
        self._waiting.clear()
        if self._raw is not None:
            asyncio.get_running_loop().remove_reader(self._raw)
            self._raw.close()
            self._raw = None

    def _read(self, raw: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                packet, source = raw.recvfrom(_LARGEST)
            except OSError:
                return
            reply = reply_of(packet)
            delay = self._delays.get(socket.inet_ntoa(packet[16:20]))
            if reply is not None and delay is not None:
                self._answer(reply, packet[16:20], source[0], delay=delay)

    def _answer(self, reply: bytes, asked: bytes, source: str, *, delay: float) -> None:
        def send() -> None:
            self._waiting.discard(timer)
            if self._raw is None:
                return
            note = (socket.IPPROTO_IP, IP_PKTINFO, _PKTINFO.pack(0, asked, asked))
            try:
                self._raw.sendmsg([reply], [note], 0, (source, 0))
            except OSError:
                return  # as good as lost on the way
            self.answered += 1

        timer = asyncio.get_running_loop().call_later(delay, send)
        self._waiting.add(timer)


def reply_of(packet: bytes) -> bytes | None:
    """Turn an IPv4 packet with an echo request into the ICMP echo reply (RFC 792), or None if it is none."""
    header = (packet[0] & 0x0F) * 4 if packet else 0
    message = packet[header:]
    if header < 20 or len(message) < 8 or message[0] != _ECHO_REQUEST:
        return None
    (checksum,) = struct.unpack_from("!H", message, 2)
    # RFC 1624: the type falls by 8 in the high byte, so the sum of complements rises by as much.
    summed = checksum + (_ECHO_REQUEST << 8)
    return b"\0\0" + struct.pack("!H", (summed & 0xFFFF) + (summed >> 16)) + message[4:]


def _opened() -> socket.socket:
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP)
    try:
        attach(raw, pass_program(()))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        raw.setsockopt(socket.SOL_SOCKET, _SO_MARK, DELAYED_MARK)
    except OSError:
        raw.close()
        raise
    return raw

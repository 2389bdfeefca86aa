"""STAMP test packets in unauthenticated mode (RFC 8762, 4.2.1 and 4.3.1). Bytes in, values out; no socket, no clock.

Both kinds have 44 octets and the same beginning, so that a reflector answers with no more than it got. The session's
number (RFC 8972, 3) stands where RFC 8762 has zeros; a reflector that knows only the older one returns zeros. What a
packet is longer by is an Extra Padding TLV (RFC 8972, 4.1).
"""

import struct
from dataclasses import dataclass
from typing import Final

__all__ = [
    "BASE_SIZE",
    "ReflectedPacket",
    "SenderPacket",
    "StampPacketError",
    "error_estimate",
    "error_seconds",
    "is_synchronised",
    "nanoseconds_between",
    "ntp_of",
    "parse_reflected",
    "parse_sender",
    "reflected_tail",
]

BASE_SIZE: Final = 44

_SENDER = struct.Struct("!IQHH28x")
_REFLECTED = struct.Struct("!IQHHQIQH2xB3x")
_TLV = struct.Struct("!BBH")
_EXTRA_PADDING = 1
_UNRECOGNISED = 0x80
_EPOCH_SECONDS = 2_208_988_800
"""From 1900 to 1970."""

_SYNCHRONISED = 0x8000
_PTP = 0x4000
_SMALLEST = 2.0**-32


class StampPacketError(ValueError):
    """The bytes are no STAMP test packet."""


@dataclass(frozen=True, slots=True)
class SenderPacket:
    """What a session-sender sends; ``timestamp`` is a 64-bit NTP one, ``estimate`` its error estimate's 16 bits."""

    sequence: int
    timestamp: int
    estimate: int
    session: int = 0

    def encode(self, size: int = BASE_SIZE) -> bytes:
        """Write it in ``size`` octets: 44, or 48 and more."""
        base = _SENDER.pack(self.sequence, self.timestamp, self.estimate, self.session)
        room = size - BASE_SIZE - _TLV.size
        return base if room < 0 else base + _TLV.pack(_UNRECOGNISED, _EXTRA_PADDING, room) + bytes(room)


@dataclass(frozen=True, slots=True)
class ReflectedPacket:
    """What a reflector returns: its own number and times, and what it got, unchanged."""

    sequence: int
    timestamp: int
    estimate: int
    session: int
    received: int
    sender_sequence: int
    sender_timestamp: int
    sender_estimate: int
    sender_ttl: int

    def encode(self) -> bytes:
        """Write its 44 octets."""
        return _REFLECTED.pack(
            self.sequence, self.timestamp, self.estimate, self.session, self.received, self.sender_sequence,
            self.sender_timestamp, self.sender_estimate, self.sender_ttl,
        )  # fmt: skip


def parse_sender(data: bytes) -> SenderPacket:
    """Read a session-sender's packet; raises StampPacketError, and nothing else, whatever the bytes."""
    if len(data) < BASE_SIZE:
        raise StampPacketError(f"{len(data)} octets are no test packet")
    return SenderPacket(*_SENDER.unpack_from(data))


def parse_reflected(data: bytes) -> ReflectedPacket:
    """Read a reflector's packet; raises StampPacketError, and nothing else, whatever the bytes."""
    if len(data) < BASE_SIZE:
        raise StampPacketError(f"{len(data)} octets are no test packet")
    return ReflectedPacket(*_REFLECTED.unpack_from(data))


def reflected_tail(data: bytes) -> bytes:
    """Answer what a reflector returns after its 44 octets: what came there, padding acknowledged as understood."""
    tail = data[BASE_SIZE:]
    if len(tail) >= _TLV.size and tail[1] == _EXTRA_PADDING:
        return bytes((tail[0] & ~_UNRECOGNISED,)) + tail[1:]
    return tail


def ntp_of(wall_ns: int) -> int:
    """Answer UTC nanoseconds since 1970 as a 64-bit NTP timestamp (RFC 5905, 6), of whatever era."""
    seconds, rest = divmod(wall_ns, 1_000_000_000)
    return (
        (seconds + _EPOCH_SECONDS) << 32 | ((rest << 32) + 500_000_000) // 1_000_000_000
    ) & 0xFFFF_FFFF_FFFF_FFFF


def nanoseconds_between(earlier: int, later: int) -> float:
    """Answer the nanoseconds from one NTP timestamp to another at most 68 years away, over the end of an era too."""
    difference = (later - earlier) & 0xFFFF_FFFF_FFFF_FFFF
    if difference >> 63:
        difference -= 1 << 64
    return difference * 1e9 / (1 << 32)


def error_estimate(seconds: float, *, synchronised: bool) -> int:
    """Write an error estimate (RFC 4656, 4.1.2), rounded up; NTP's format of time."""
    units = max(seconds / _SMALLEST, 1.0)
    scale = 0
    while units > 255 and scale < 63:
        units /= 2
        scale += 1
    multiplier = min(int(units) + (units > int(units)), 255)
    return (_SYNCHRONISED if synchronised else 0) | scale << 8 | multiplier


def error_seconds(estimate: int) -> float:
    """Answer the seconds of an error estimate."""
    return float((estimate & 0xFF) * _SMALLEST * 2.0 ** (estimate >> 8 & 0x3F))


def is_synchronised(estimate: int) -> bool:
    """Whether the clock is said to follow UTC, in NTP's format and with an error that is not void."""
    return bool(estimate & _SYNCHRONISED) and not estimate & _PTP and bool(estimate & 0xFF)

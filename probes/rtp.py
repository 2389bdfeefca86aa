"""RTP as a listener sees it (RFC 3550): packets in, loss, order, jitter and lateness out. No socket, no clock.

Sequence numbers are extended as in appendix A.1, jitter is that of section 6.4.1 and appendix A.8, in arrival order.
A packet too late for the playout buffer arrived, and was of no use: it is counted apart, and the listener's loss holds it.
"""

import struct
from dataclasses import dataclass

from probes.playout import late_packets

__all__ = ["RtpError", "RtpListener", "RtpPacket", "RtpReport", "parse_rtp"]

_HEADER = struct.Struct("!BBHII")
_MAX_DROPOUT = 3000
_MAX_MISORDER = 100
_MOST_SOURCES = 4
_MOST_PACKETS = 65_536
_HALF = 1 << 15
_HALF_TIME = 1 << 31


class RtpError(ValueError):
    """The bytes are no RTP packet."""


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet; ``sequence`` is 16 bits, ``timestamp`` and ``ssrc`` 32."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def encode(self) -> bytes:
        """Write it, with no padding, extension or contributors."""
        second = self.payload_type | (0x80 if self.marker else 0)
        return _HEADER.pack(0x80, second, self.sequence, self.timestamp, self.ssrc) + self.payload


def parse_rtp(data: bytes) -> RtpPacket:
    """Read one datagram; raises RtpError, and nothing else, whatever the bytes."""
    if len(data) < _HEADER.size or data[0] >> 6 != 2:
        raise RtpError("no RTP of version 2")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if 72 <= second & 0x7F <= 76:
        raise RtpError("RTCP (RFC 5761, 4)")
    start = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < start + 4:
            raise RtpError("cut off within its header")
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    padding = data[-1] if first & 0x20 else 0
    if start + padding > len(data) or (first & 0x20 and padding == 0):
        raise RtpError("cut off within its header")
    payload = data[start : len(data) - padding]
    return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, payload, marker=bool(second & 0x80))


@dataclass(frozen=True, slots=True)
class RtpReport:
    """What one source sent and what of it came; ``jitter`` in seconds. ``expected`` counts from first to last."""

    expected: int = 0
    received: int = 0
    duplicate: int = 0
    reordered: int = 0
    late: int = 0
    jitter: float = 0.0

    @property
    def loss_ratio(self) -> float:
        """Packets that never came, 0 to 1."""
        return 1 - self.received / self.expected if self.expected else 0.0

    @property
    def heard_loss_ratio(self) -> float:
        """Packets that never came or came too late to be played."""
        return 1 - (self.received - self.late) / self.expected if self.expected else 0.0


class _Source:
    """One synchronisation source."""

    __slots__ = (
        "_bad",
        "_base",
        "_highest",
        "_jitter",
        "_last",
        "_prior",
        "_rate",
        "_seen",
        "_stamp",
        "_transits",
        "duplicate",
        "received",
        "reordered",
    )

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._bad = -1
        self._prior = 0
        self._jitter = 0.0
        self._last: float | None = None
        self._stamp = 0
        self._transits: list[float] = []
        self._base = self._highest = -1
        self._seen: set[int] = set()
        self.received = self.duplicate = self.reordered = 0

    def take(self, packet: RtpPacket, arrival: float) -> None:
        sequence = self._extended(packet.sequence)
        if sequence is None:
            return
        if sequence in self._seen:
            self.duplicate += 1
            return
        self._seen.add(sequence)
        self.received += 1
        self.reordered += sequence < self._highest
        self._base = min(self._base, sequence)
        self._highest = max(self._highest, sequence)
        self._time(packet.timestamp, arrival)

    def report(self, buffer_seconds: float) -> RtpReport:
        late = late_packets(self._transits, buffer_seconds=buffer_seconds)
        expected = self._prior + (self._highest - self._base + 1 if self._seen else 0)
        return RtpReport(expected, self.received, self.duplicate, self.reordered, late, self._jitter)

    def _extended(self, sequence: int) -> int | None:
        if self._highest < 0:
            # Far enough from zero for what was sent before it and comes after it.
            self._base = self._highest = sequence + 2 * _HALF
            return self._highest
        step = (sequence - self._highest + _HALF) % (2 * _HALF) - _HALF
        if -_MAX_MISORDER <= step < _MAX_DROPOUT:
            self._bad = -1
            return self._highest + step
        if sequence != self._bad:
            self._bad = (sequence + 1) % (2 * _HALF)
            return None
        # Two in a row from elsewhere: the source has begun anew (appendix A.1).
        self._prior += self._highest - self._base + 1
        self._seen.clear()
        self._last, self._bad = None, -1
        self._base = self._highest = sequence + 2 * _HALF
        return self._highest

    def _time(self, timestamp: int, arrival: float) -> None:
        if self._last is None:
            self._stamp = timestamp
        else:
            self._stamp += (timestamp - self._stamp + _HALF_TIME) % (2 * _HALF_TIME) - _HALF_TIME
        transit = arrival - self._stamp / self._rate
        if self._last is not None:
            self._jitter += (abs(transit - self._last) - self._jitter) / 16
        self._last = transit
        if len(self._transits) < _MOST_PACKETS:
            self._transits.append(transit)


class RtpListener:
    """Sorts packets by their source and judges the one that sent most; ``rate`` is the clock's, in hertz."""

    def __init__(self, *, rate: int = 8000) -> None:
        self._rate = rate
        self._sources: dict[int, _Source] = {}
        self.foreign = 0

    def take(self, packet: RtpPacket, arrival: float) -> None:
        """Take a packet that arrived at ``arrival`` seconds of any steady clock."""
        source = self._sources.get(packet.ssrc)
        if source is None:
            if len(self._sources) >= _MOST_SOURCES:
                self.foreign += 1
                return
            source = self._sources[packet.ssrc] = _Source(self._rate)
        source.take(packet, arrival)

    def report(self, *, buffer_seconds: float) -> RtpReport:
        """Answer what was heard; ``buffer_seconds`` is how long a phone waits before it plays what has come."""
        if not self._sources:
            return RtpReport()
        return max(self._sources.values(), key=lambda source: source.received).report(buffer_seconds)

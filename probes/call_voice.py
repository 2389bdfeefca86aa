"""What we say on a test call: a soft tone in G.711, each packet marked so that an echo of it is known. Pure.

The lowest bits of the first samples spell the packet's number and the call's own mark; nobody hears them. A line that
echoes gives the very octets back, whatever it makes of the RTP header, so the round trip of voice itself is known.
"""

import math
from collections.abc import Iterator
from typing import Final

from probes.rtp import RtpPacket

__all__ = ["PACKET_SECONDS", "PCMA", "PCMU", "CallVoice", "alaw", "mulaw"]

PCMU: Final = 0
PCMA: Final = 8
PACKET_SECONDS: Final = 0.020

_SAMPLES = 160
_TONE_HERTZ = 400
_LOUDNESS = 2000
_RATE = 8000
_MARK_BITS = 32
_MOST_PACKETS = 65_536


def mulaw(sample: int) -> int:
    """Compress a 16-bit sample (ITU-T G.711, table 2)."""
    magnitude = min(abs(sample), 32_635) + 132
    exponent = max(magnitude.bit_length() - 8, 0)
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return ~((0x80 if sample < 0 else 0) | exponent << 4 | mantissa) & 0xFF


def alaw(sample: int) -> int:
    """Compress a 16-bit sample (ITU-T G.711, table 1)."""
    magnitude = (sample if sample >= 0 else -sample - 1) >> 4
    exponent = max(magnitude.bit_length() - 4, 0)
    exponent = min(exponent, 7)
    mantissa = (magnitude >> max(exponent - 1, 0)) & 0x0F
    return ((0x80 if sample >= 0 else 0) | exponent << 4 | mantissa) ^ 0x55


class CallVoice:
    """The packets of one call, and which of them came back. ``mark`` is 16 bits of the call's own."""

    def __init__(self, *, payload_type: int, ssrc: int, mark: int) -> None:
        self._type = payload_type
        self._ssrc = ssrc
        self._mark = mark & 0xFFFF
        compress = alaw if payload_type == PCMA else mulaw
        wave = (math.sin(2 * math.pi * _TONE_HERTZ * n / _RATE) for n in range(_SAMPLES))
        self._tone = bytes(compress(round(_LOUDNESS * height)) for height in wave)
        self._sent: dict[bytes, float] = {}
        self._number = 0
        self.round_trips: list[float] = []

    def next(self, now: float) -> bytes:
        """Answer the next packet, sent ``now``."""
        payload = self._marked(self._number)
        if len(self._sent) < _MOST_PACKETS:
            self._sent[payload] = now
        packet = RtpPacket(
            self._type,
            (self._mark + self._number) & 0xFFFF,
            (self._number * _SAMPLES) & 0xFFFFFFFF,
            self._ssrc,
            payload,
            marker=self._number == 0,
        )
        self._number += 1
        return packet.encode()

    def heard(self, payload: bytes, arrival: float) -> bool:
        """Take what came; answer whether it was an echo of ours, whose round trip is then known (once)."""
        sent = self._sent.pop(payload, None)
        if sent is not None and arrival >= sent:
            self.round_trips.append(arrival - sent)
        return sent is not None

    def _marked(self, number: int) -> bytes:
        spelt = (self._mark << 16) | (number & 0xFFFF)
        return bytes(self._bits(spelt)) + self._tone[_MARK_BITS:]

    def _bits(self, spelt: int) -> Iterator[int]:
        for place, octet in enumerate(self._tone[:_MARK_BITS]):
            yield (octet & 0xFE) | (spelt >> place & 1)

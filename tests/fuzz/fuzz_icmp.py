"""ICMP datagrams: whatever arrives on the raw or the kernel's socket is sorted out, never a crash."""

import numpy as np

from probes.icmp_packet import WIDTH, EchoCodec, Family
from tests.support.icmp import IDENTIFIER, NONCE, reply

CODECS = tuple(
    EchoCodec(family, nonce=NONCE, identifier=IDENTIFIER, has_ip_header=header)
    for family, header in ((Family.V4, True), (Family.V4, False), (Family.V6, False))
)
_HEADER = bytes([0x45, 0, 0, 60, 0, 0, 0, 0, 64, 1, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1])
_WITH_OPTIONS = bytes([0x46, *_HEADER[1:]]) + bytes(4)

SEEDS = (
    reply(7, 9, Family.V4),
    reply(7, 9, Family.V6),
    _HEADER + reply(1, 2, Family.V4),
    _WITH_OPTIONS + reply(3, 4, Family.V4),
    _HEADER + bytes([3, 1, 0, 0, 0, 0, 0, 0]) + _HEADER + reply(5, 6, Family.V4),
    _HEADER + bytes([11, 0, 0, 0, 0, 0, 0, 0]) + _WITH_OPTIONS + reply(5, 6, Family.V4)[:8],
)


def one(data: bytes) -> None:
    """Read one datagram by every codec; what is not ours is counted, not believed."""
    row = np.zeros((1, WIDTH), np.uint8)
    kept = data[:WIDTH]
    row[0, : len(kept)] = np.frombuffer(kept, np.uint8)
    for codec in CODECS:
        reading = codec.read(row, np.array([len(data)], np.uint32))
        quoted = 0 if reading.quotes is None else len(reading.quotes.row)
        assert len(reading.slot) + quoted + reading.truncated + reading.foreign <= 1

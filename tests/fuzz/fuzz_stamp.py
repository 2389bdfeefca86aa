"""STAMP: packets to a reflector and to a sender with a session under way."""

import math

from probes.stamp_packet import (
    BASE_SIZE,
    ReflectedPacket,
    SenderPacket,
    StampPacketError,
    error_seconds,
    is_synchronised,
    parse_reflected,
    parse_sender,
    reflected_tail,
)
from probes.stamp_session import StampSession

SEEDS = (
    SenderPacket(0, 10, 0x8101, 1).encode(),
    SenderPacket(1, 11, 0x8101, 1).encode(172),
    *(ReflectedPacket(n, 1 << 32, 0x8101, 1, 1 << 31, n, 10 + n, 0x8101, 64).encode() for n in range(4)),
    ReflectedPacket(2**32 - 1, 2**64 - 1, 0xFFFF, 0, 0, 2, 12, 0, 255).encode() + b"\x80\x01\0\0",
)


def one(data: bytes) -> None:
    """Take the bytes as either kind of packet, and as replies one after another to a session."""
    assert len(reflected_tail(data)) == max(0, len(data) - BASE_SIZE)
    try:
        sent = parse_sender(data)
    except StampPacketError:
        assert len(data) < BASE_SIZE
        return
    assert error_seconds(sent.estimate) >= 0
    assert is_synchronised(sent.estimate) in {True, False}
    session = StampSession(number=1, estimate=0x8101, size=BASE_SIZE)
    for number in range(4):
        session.next(timestamp=10 + number, now=number * 0.02)
    for at in range(0, len(data) - BASE_SIZE + 1, BASE_SIZE):
        session.take(parse_reflected(data[at:]), 0.1)
    result = session.result(is_stateful=True, buffer_seconds=0.06)
    assert 0 <= result.received <= result.sent
    for ratio in (result.loss, result.loss_out, result.loss_back, result.late_out):
        assert math.isnan(ratio) or 0 <= ratio <= 1
    assert math.isnan(result.one_way) or result.one_way >= 0

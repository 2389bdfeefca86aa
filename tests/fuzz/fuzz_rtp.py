"""RTP: packets in any state, and streams of them with any numbers and times."""

from probes.call_voice import CallVoice
from probes.rtp import RtpError, RtpListener, RtpPacket, parse_rtp

_VOICE = CallVoice(payload_type=8, ssrc=7, mark=3)

SEEDS = (
    *(_VOICE.next(number * 0.02)[:40] for number in range(4)),
    b"\xb2\x88" + b"\0\1" + b"\0\0\0\xa0" + b"ssrc" + b"\0" * 8 + b"\xbe\xde\0\1ext!" + b"voice" + b"\0\0\3",
    RtpPacket(0, 65_535, 2**32 - 1, 1, b"x" * 20).encode(),
    b"\x80\xc8\0\6" + b"\0" * 24,
)


def one(data: bytes) -> None:
    """Take the bytes as one packet, and in pieces as the numbers of a stream."""
    try:
        packet = parse_rtp(data)
    except RtpError:
        pass
    else:
        assert len(packet.payload) <= len(data) - 12
    listener = RtpListener()
    for at in range(0, len(data) - 3, 4):
        number = int.from_bytes(data[at : at + 2], "big")
        arrival = int.from_bytes(data[at + 2 : at + 4], "big") / 1000
        listener.take(RtpPacket(8, number, number * 160, data[at] & 3, b""), arrival)
    report = listener.report(buffer_seconds=0.06)
    assert 0 <= report.received <= report.expected or report.expected == 0
    assert 0 <= report.loss_ratio <= report.heard_loss_ratio <= 1

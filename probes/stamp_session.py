"""One STAMP session at the sender's: what was sent, what came back, and what that says of each direction. Pure.

A stateful reflector numbers what it returns, so what it never got is told apart from what was lost on the way back;
with a stateless one only both together are known. Differences of transit need no common clock, so jitter is known for
each direction; a one-way delay is told only where both ends declare their clocks synchronised. The round trip leaves
out the time that the packet spent at the reflector.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from probes.playout import late_packets
from probes.stamp_packet import ReflectedPacket, SenderPacket, is_synchronised, nanoseconds_between

__all__ = ["StampResult", "StampSession"]

_NAN = math.nan


@dataclass(frozen=True, slots=True)
class StampResult:
    """Ratios 0 to 1, times in seconds, NaN where not known. ``late_*``: of the replies, those beyond the buffer."""

    sent: int
    received: int
    duplicate: int
    reordered: int
    loss: float
    loss_out: float
    loss_back: float
    round_trip: float
    mean_round_trip: float
    jitter: float
    jitter_out: float
    jitter_back: float
    one_way: float
    late_out: float
    late_back: float


@dataclass(frozen=True, slots=True)
class _Reply:
    """Sequence numbers at both ends, and seconds of travel: ``out`` and ``back`` hold the clocks' difference."""

    sequence: int
    reflected: int
    round_trip: float
    out: float
    back: float
    is_timed: bool


class StampSession:
    """Numbers and stamps packets, and takes what returns; ``number`` is the session's (RFC 8972), 16 bits."""

    def __init__(self, *, number: int, estimate: int, size: int) -> None:
        self._number = number
        self._estimate = estimate
        self._size = size
        self._sent: list[tuple[int, float]] = []
        self._replies: list[_Reply] = []
        self._answered: set[int] = set()
        self.duplicate = 0

    @property
    def sent(self) -> int:
        """How many packets went out."""
        return len(self._sent)

    @property
    def received(self) -> int:
        """How many of them came back."""
        return len(self._replies)

    def next(self, *, timestamp: int, now: float) -> bytes:
        """Answer the next packet, sent at ``now`` of the monotonic clock and ``timestamp`` of NTP's."""
        packet = SenderPacket(len(self._sent), timestamp, self._estimate, self._number)
        self._sent.append((timestamp, now))
        return packet.encode(self._size)

    def take(self, packet: ReflectedPacket, arrival: float) -> bool:
        """Take a reply; answer whether it is one to a packet of this session, told by number and exact stamp."""
        if packet.sender_sequence >= len(self._sent) or packet.session not in {0, self._number}:
            return False
        timestamp, sent_at = self._sent[packet.sender_sequence]
        if packet.sender_timestamp != timestamp:
            return False
        if packet.sender_sequence in self._answered:
            self.duplicate += 1
            return True
        self._answered.add(packet.sender_sequence)
        total = arrival - sent_at
        stay = nanoseconds_between(packet.received, packet.timestamp) / 1e9
        out = nanoseconds_between(timestamp, packet.received) / 1e9
        self._replies.append(
            _Reply(
                sequence=packet.sender_sequence,
                reflected=packet.sequence,
                # A clock that was set in between tells nonsense of the stay.
                round_trip=total - stay if 0 <= stay <= total else total,
                out=out,
                back=total - out - stay,
                is_timed=is_synchronised(packet.estimate) and is_synchronised(self._estimate),
            )
        )
        return True

    def result(self, *, is_stateful: bool, buffer_seconds: float) -> StampResult:
        """Answer what is known; ``is_stateful`` where the reflector numbers what it returns."""
        replies = sorted(self._replies, key=lambda reply: reply.sequence)
        trips = [reply.round_trip for reply in replies]
        outs, backs = [reply.out for reply in replies], [reply.back for reply in replies]
        loss_out, loss_back = self._by_direction(replies) if is_stateful else (_NAN, _NAN)
        is_timed = bool(replies) and all(reply.is_timed for reply in replies)
        # Clocks that are said to agree and do not are no clocks to measure by: neither way can take less than nothing.
        is_timed = is_timed and min(fmean(outs), fmean(backs)) >= 0
        return StampResult(
            sent=len(self._sent),
            received=len(replies),
            duplicate=self.duplicate,
            reordered=_reordered(self._replies),
            loss=1 - len(replies) / len(self._sent) if self._sent else _NAN,
            loss_out=loss_out,
            loss_back=loss_back,
            round_trip=median(trips) if trips else _NAN,
            mean_round_trip=fmean(trips) if trips else _NAN,
            jitter=_jitter(trips),
            jitter_out=_jitter(outs),
            jitter_back=_jitter(backs),
            one_way=fmean(outs) if is_timed else _NAN,
            late_out=_late(outs, buffer_seconds),
            late_back=_late(backs, buffer_seconds),
        )

    def _by_direction(self, replies: Sequence[_Reply]) -> tuple[float, float]:
        """Losses out and back. After the last reply nobody knows where the rest was lost: it counts as lost out."""
        if not replies:
            return _NAN, _NAN
        # A reflector that has counted on from an earlier session: its count at our beginning.
        base = max(0, replies[0].reflected - replies[0].sequence)
        reflected = max(reply.reflected for reply in replies) - base + 1
        reflected = min(max(reflected, len(replies)), len(self._sent))
        return 1 - reflected / len(self._sent), 1 - len(replies) / reflected


def _jitter(transits: Sequence[float]) -> float:
    """Interarrival jitter of transits in the order of sending (RFC 3550, 6.4.1); NaN of fewer than two."""
    if len(transits) < 2:
        return _NAN
    jitter = 0.0
    for before, after in pairwise(transits):
        jitter += (abs(after - before) - jitter) / 16
    return jitter


def _late(transits: Sequence[float], buffer_seconds: float) -> float:
    """Share of the packets that came too late for the playout buffer."""
    return late_packets(transits, buffer_seconds=buffer_seconds) / len(transits) if transits else _NAN


def _reordered(replies: Sequence[_Reply]) -> int:
    highest, count = -1, 0
    for reply in replies:
        count += reply.sequence < highest
        highest = max(highest, reply.sequence)
    return count

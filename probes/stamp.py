"""STAMP looks (RFC 8762): a second of packets at voice's own pace and class to a reflector, usually another vantage's.

One look is one session, with a number of its own (RFC 8972). It ends when every packet has come back, or
``request.timeout`` after the last was sent: a look lasts no longer than the sending and the timeout together. Any reply
is OK; loss, jitter, delay and the score of a conversation over the pair are its figures. No reply at all is a TIMEOUT,
an ICMP error before any reply REFUSED or UNREACHABLE. ``rtt`` is the median round trip less the reflector's own time.

A reply counts if it comes from the address asked and repeats the number and the exact 64-bit time of a packet sent, which
nobody who did not see it can guess; all else is foreign.
"""

import asyncio
import errno
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from probes.datagram_notes import IcmpError
from probes.datagrams import Datagrams
from probes.emodel import voice_mos
from probes.models import Answer, Evidence, Finish, Measure, Outcome, Request
from probes.stamp_packet import (
    StampPacketError,
    error_estimate,
    ntp_of,
    parse_reflected,
    parse_sender,
)
from probes.stamp_plan import StampPlan, stamp_plan
from probes.stamp_session import StampResult, StampSession

__all__ = ["StampProbe", "StampStatistics"]

_MOST_SESSIONS: Final = 512
_NUMBERS: Final = 0xFFFF

Key = tuple[str, int, int]
"""Address asked, packet's number, packet's time."""


@dataclass(slots=True)
class StampStatistics:
    """Counters of packets since the probe was opened; ``open`` counts sessions."""

    sent: int = 0
    received: int = 0
    duplicate: int = 0
    foreign: int = 0
    malformed: int = 0
    send_errors: int = 0
    icmp_errors: int = 0
    open: int = 0


class _Look:
    """One look under way."""

    __slots__ = ("finish", "keys", "next_at", "plan", "request", "session", "timer")

    def __init__(self, request: Request, finish: Finish, plan: StampPlan, session: StampSession) -> None:
        self.request = request
        self.finish = finish
        self.plan = plan
        self.session = session
        self.keys: list[Key] = []
        self.next_at = 0.0
        self.timer: asyncio.Handle | None = None


class StampProbe:
    """Sends sessions. ``clock_error`` answers the seconds by which our clock may err from UTC, None if not known."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        wall_ns: Callable[[], int],
        clock_error: Callable[[], float | None],
        receive_buffer: int = 4 * 1024 * 1024,
    ) -> None:
        self._monotonic = monotonic
        self._wall_ns = wall_ns
        self._clock_error = clock_error
        self._statistics = StampStatistics()
        self._looks: set[_Look] = set()
        self._by_key: dict[Key, _Look] = {}
        self._number = 0
        self._datagrams = Datagrams(
            monotonic=monotonic,
            wall_ns=wall_ns,
            on_datagram=self._on_datagram,
            on_error=self._on_error,
            receive_buffer=receive_buffer,
        )

    async def open(self) -> None:
        """Open the sockets on the running loop."""
        self._datagrams.open()

    def begin(self, request: Request, finish: Finish) -> None:
        """Begin a session; ``finish`` is called later, never from within this call."""
        loop = asyncio.get_running_loop()
        try:
            plan = stamp_plan(request.options)
            self._datagrams.own_end(request.address)
        except (OSError, ValueError) as error:
            self._statistics.send_errors += 1
            detail = f"not sent: {getattr(error, 'strerror', None) or error}"
            loop.call_soon(finish, request, Answer(Outcome.ERROR, detail=detail))
            return
        if len(self._looks) >= _MOST_SESSIONS:
            loop.call_soon(finish, request, Answer(Outcome.ERROR, detail="too-many-sessions"))
            return
        look = _Look(request, finish, plan, self._new_session(plan))
        look.next_at = self._monotonic()
        self._looks.add(look)
        look.timer = loop.call_soon(self._send, look)

    async def close(self) -> None:
        """End the looks under way as ERROR and close the sockets."""
        for look in list(self._looks):
            self._end(look, Answer(Outcome.ERROR, detail="closed"))
        self._datagrams.close()

    def statistics(self) -> StampStatistics:
        """Answer a copy of the counters."""
        return replace(self._statistics, open=len(self._looks))

    def _new_session(self, plan: StampPlan) -> StampSession:
        self._number = self._number % _NUMBERS + 1  # never 0: that is a reflector's that knows no numbers
        error = self._clock_error()
        estimate = error_estimate(error or 0.0, synchronised=error is not None)
        return StampSession(number=self._number, estimate=estimate, size=plan.size)

    def _send(self, look: _Look) -> None:
        if look not in self._looks:
            return
        now, timestamp = self._monotonic(), ntp_of(self._wall_ns())
        key = (look.request.address, look.session.sent, timestamp)
        datagram = look.session.next(timestamp=timestamp, now=now)
        look.keys.append(key)
        self._by_key[key] = look
        try:
            self._datagrams.send(datagram, look.request.address, look.request.port, tos=look.plan.tos)
        except OSError as error:
            self._statistics.send_errors += 1
            if look.session.sent == 1:
                self._end(look, Answer(Outcome.ERROR, detail=f"not sent: {error.strerror}"))
                return
        self._statistics.sent += 1
        loop = asyncio.get_running_loop()
        if look.session.sent >= look.plan.count:
            look.timer = loop.call_later(look.request.timeout, self._expire, look)
            return
        # A loop that was busy sends late, not in bursts: a burst would be a queue that is ours.
        look.next_at = max(look.next_at + look.plan.interval, now)
        look.timer = loop.call_later(max(0.0, look.next_at - self._monotonic()), self._send, look)

    def _on_datagram(self, data: bytes, source: tuple[str, int], arrival: float) -> None:
        try:
            packet = parse_reflected(data)
        except StampPacketError:
            self._statistics.malformed += 1
            return
        look = self._by_key.get((source[0], packet.sender_sequence, packet.sender_timestamp))
        if look is None or source[1] != look.request.port:
            self._statistics.foreign += 1
            return
        duplicates = look.session.duplicate
        if not look.session.take(packet, arrival):
            self._statistics.foreign += 1
        elif look.session.duplicate > duplicates:
            self._statistics.duplicate += 1
        else:
            self._statistics.received += 1
            if look.session.received == look.plan.count:
                self._end(look, _judged(look.session, look.plan))

    def _on_error(self, data: bytes, error: IcmpError) -> None:
        self._statistics.icmp_errors += 1
        try:
            quoted = parse_sender(data)
        except StampPacketError:
            return
        # The queue of errors does not tell whom the datagram was for; its time does.
        look = next(
            (
                look
                for look in self._looks
                if self._by_key.get((look.request.address, quoted.sequence, quoted.timestamp)) is look
            ),
            None,
        )
        if look is not None and error.is_remote and not look.session.received:
            outcome = Outcome.REFUSED if error.code == errno.ECONNREFUSED else Outcome.UNREACHABLE
            self._end(look, Answer(outcome, detail=errno.errorcode.get(error.code, str(error.code))))

    def _expire(self, look: _Look) -> None:
        # What arrived while the loop was busy elsewhere is an answer, not a loss.
        self._datagrams.drain()
        if look in self._looks:
            self._end(look, _judged(look.session, look.plan))

    def _end(self, look: _Look, answer: Answer) -> None:
        if look not in self._looks:
            return
        self._looks.discard(look)
        if look.timer is not None:
            look.timer.cancel()
        for key in look.keys:
            self._by_key.pop(key, None)
        look.finish(look.request, answer)


def _judged(session: StampSession, plan: StampPlan) -> Answer:
    result = session.result(is_stateful=plan.is_stateful, buffer_seconds=plan.buffer_seconds)
    if not result.received:
        return Answer(Outcome.TIMEOUT, detail=f"none of {result.sent} came back")
    lost = result.sent - result.received
    return Answer(
        Outcome.OK,
        rtt=result.round_trip,
        evidence=Evidence.PROTOCOL,
        detail=f"{lost} of {result.sent} lost" if lost else "",
        measures=_figures(result, plan),
    )


def _figures(result: StampResult, plan: StampPlan) -> dict[Measure, float]:
    figures = {
        Measure.LOSS_RATIO: result.loss,
        Measure.LOSS_OUT_RATIO: result.loss_out,
        Measure.LOSS_BACK_RATIO: result.loss_back,
        Measure.JITTER_SECONDS: result.jitter,
        Measure.JITTER_OUT_SECONDS: result.jitter_out,
        Measure.JITTER_BACK_SECONDS: result.jitter_back,
        Measure.ONE_WAY_SECONDS: result.one_way,
        Measure.MOS: voice_mos(
            network_seconds=result.mean_round_trip / 2,
            loss_ratio=_heard_loss(result),
            buffer_seconds=plan.buffer_seconds,
            codec=plan.codec,
        ),
    }
    return {measure: figure for measure, figure in figures.items() if not math.isnan(figure)}


def _heard_loss(result: StampResult) -> float:
    """Answer what the worse off of the two listeners would miss, packets too late for the buffer included."""
    if math.isnan(result.loss_out):
        late = max(result.late_out, result.late_back)
        return 1 - (1 - result.loss) * (1 - late)
    out = 1 - (1 - result.loss_out) * (1 - result.late_out)
    back = 1 - (1 - result.loss_back) * (1 - result.late_back)
    return max(out, back)

"""Test calls: does the line really answer, how soon does it ring, and how does it sound (:mod:`probes.call_plan`).

**Nothing is ever sent** to a target whose options do not say ``test_line=yes``: such a look ends as ERROR
``not-a-test-line``. Nor is a call made beyond a gateway's rate or outside the agreed hours (:mod:`probes.call_limits`:
ERROR ``rate-capped``, ``outside-hours``), for an ERROR says nothing about the line. What may not be called for its rate
is asked for by OPTIONS, so that a dead gateway is known in seconds (:mod:`probes.call_gateway`).

``request.timeout`` is the time within which the line must answer; a call unanswered by then is cancelled and ends as
TIMEOUT. An answered one is listened to for ``listen_seconds`` more, then hung up, and ends: a look lasts no longer than
the two together. What remains of the signalling (repetitions, late answers) is seen to after that, in silence.

``rtt`` is the element's own round trip: from the INVITE to whatever it said first.
"""

import asyncio
import errno
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final
from zlib import crc32

from probes.call_gateway import CallGateway
from probes.call_limits import RATE_CAPPED, CallLimits
from probes.call_media import CallMedia
from probes.call_outcome import answered, refused, unanswered
from probes.call_plan import CallPlan, call_plan
from probes.datagram_notes import IcmpError
from probes.datagrams import Datagrams
from probes.models import Answer, Finish, Outcome, Request
from probes.sip import SipProbe
from probes.sip_call_messages import CallMessages
from probes.sip_dialog import CallDialog, CallState
from probes.sip_message import SipMessageError, SipRequest, parse_sip
from probes.sip_plan import OwnEnd
from probes.sip_sdp import audio_offer, parse_audio

__all__ = ["NOT_A_TEST_LINE", "CallStatistics", "SipCallProbe"]

NOT_A_TEST_LINE: Final = "not-a-test-line"

_CALL_ID = re.compile(rb"\r\nCall-ID: ([^\r\n]+)\r\n")
_MOST_CALLS = 8
_NEVER: Final = float("inf")


@dataclass(slots=True)
class CallStatistics:
    """Counters since the probe was opened; ``open`` counts calls whose signalling is not over."""

    begun: int = 0
    withheld: int = 0
    answered: int = 0
    foreign: int = 0
    malformed: int = 0
    send_errors: int = 0
    open: int = 0


@dataclass(slots=True)
class _Call:
    """One call; ``finish`` until its look has ended, ``timer`` until its signalling is over."""

    request: Request
    finish: Finish | None
    plan: CallPlan
    dialog: CallDialog
    media: CallMedia
    answer_by: float
    listen_until: float = _NEVER
    went_well: bool = False
    timer: asyncio.TimerHandle | None = field(default=None)

    @property
    def due(self) -> float:
        if self.finish is None:
            return self.dialog.due
        return min(self.dialog.due, self.answer_by, self.listen_until)


class SipCallProbe:
    """Calls test lines over UDP; ``token`` yields unguessable texts of letters and digits."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        wall_ns: Callable[[], int],
        token: Callable[[], str],
        limits: CallLimits,
    ) -> None:
        self._monotonic = monotonic
        self._wall_ns = wall_ns
        self._token = token
        self._limits = limits
        self._statistics = CallStatistics()
        self._calls: dict[str, _Call] = {}
        self._gateway = CallGateway(SipProbe(monotonic=monotonic, wall_ns=wall_ns, token=token))
        self._datagrams = Datagrams(
            monotonic=monotonic,
            wall_ns=wall_ns,
            on_datagram=self._on_datagram,
            on_error=self._on_error,
            receive_buffer=1024 * 1024,
        )

    async def open(self) -> None:
        """Open the signalling sockets on the running loop."""
        self._datagrams.open()
        await self._gateway.open()

    def begin(self, request: Request, finish: Finish) -> None:
        """Call, if that is allowed; ``finish`` is called later, never from within this call."""
        try:
            withheld = self._call(request, finish)
        except (OSError, ValueError) as error:
            self._statistics.send_errors += 1
            withheld = f"not sent: {getattr(error, 'strerror', None) or error}"
        if not withheld:
            return
        self._statistics.withheld += 1
        if withheld == RATE_CAPPED:
            self._gateway.confirm(request, finish, withheld=withheld)
        else:
            answer = Answer(Outcome.ERROR, detail=withheld)
            asyncio.get_running_loop().call_soon(finish, request, answer)

    async def close(self) -> None:
        """Cancel or hang up every call, end the looks under way as ERROR, close the sockets."""
        for call in list(self._calls.values()):
            call.dialog.give_up(self._monotonic())
            self._flush(call)
            self._end(call, Answer(Outcome.ERROR, detail="closed"))
            if call.timer is not None:
                call.timer.cancel()
        self._calls.clear()
        self._datagrams.close()
        await self._gateway.close()

    def statistics(self) -> CallStatistics:
        """Answer a copy of the counters."""
        return replace(self._statistics, open=len(self._calls))

    def _call(self, request: Request, finish: Finish) -> str:
        """Begin; answer why not, or an empty text."""
        if request.options.get("test_line") != "yes":
            return NOT_A_TEST_LINE
        plan = call_plan(request.address, request.port, request.options)
        own = OwnEnd(*self._datagrams.own_end(request.address))
        if sum(call.finish is not None for call in self._calls.values()) >= _MOST_CALLS:
            return "too-many-calls"
        refusal = self._limits.refusal(request.address, plan.hours)
        if refusal:
            return refusal
        name = self._token()
        media = CallMedia(monotonic=self._monotonic, wall_ns=self._wall_ns, name=name)
        try:
            offer = audio_offer(*media.open(request.address), session=crc32(name.encode()))
            messages = CallMessages(plan, own, name=name, offer=offer)
            now = self._monotonic()
            dialog = CallDialog(plan, messages, now=now, cnonce=self._token)
            self._datagrams.send(dialog.outgoing.pop(), request.address, request.port)
        except (OSError, ValueError):
            media.close()
            raise
        call = _Call(request, finish, plan, dialog, media, now + request.timeout)
        self._calls[messages.call_id] = call
        self._statistics.begun += 1
        self._arm(messages.call_id, call)
        return ""

    def _on_datagram(self, data: bytes, source: tuple[str, int], arrival: float) -> None:
        try:
            message = parse_sip(data)
        except SipMessageError:
            self._statistics.malformed += 1
            return
        call_id = message.header("call-id")
        call = self._calls.get(call_id)
        if call is None:
            self._statistics.foreign += 1  # and not answered: we are nobody's telephone
            return
        if isinstance(message, SipRequest):
            self._send(call.dialog.asked(message, arrival), source)
        else:
            call.dialog.received(message, arrival)
        self._advance(call_id, call)

    def _on_error(self, data: bytes, error: IcmpError) -> None:
        found = _CALL_ID.search(data)
        call = self._calls.get(found[1].decode("ascii", "replace")) if found else None
        if found is None or call is None or call.dialog.status or not error.is_remote:
            return
        call.dialog.failed()
        outcome = Outcome.REFUSED if error.code == errno.ECONNREFUSED else Outcome.UNREACHABLE
        self._end(call, Answer(outcome, detail=errno.errorcode.get(error.code, str(error.code))))
        self._advance(found[1].decode("ascii", "replace"), call)

    def _on_due(self, call_id: str) -> None:
        call = self._calls.get(call_id)
        if call is None:
            return
        # What arrived while the loop was busy elsewhere came in time.
        self._datagrams.drain()
        if call_id in self._calls:
            call.dialog.woke(self._monotonic())
            self._advance(call_id, call)

    def _advance(self, call_id: str, call: _Call) -> None:
        """Do what the dialog wants, end the look where it has ended, and wait for what is due next."""
        if call.finish is not None:
            self._judge(call, self._monotonic())
        self._flush(call)
        if call.dialog.is_over and call.finish is None:
            del self._calls[call_id]
            if call.timer is not None:
                call.timer.cancel()
            if call.went_well:
                self._gateway.learn(call.request)
        else:
            self._arm(call_id, call)

    def _judge(self, call: _Call, now: float) -> None:
        dialog = call.dialog
        if dialog.state is CallState.REFUSED:
            self._end(call, refused(dialog))
        elif dialog.state is CallState.UNHEARD:
            self._end(call, unanswered(dialog))
        elif dialog.state is CallState.ANSWERED and call.listen_until == _NEVER:
            self._listen(call, now)
        if dialog.state is CallState.ENDED or now >= call.listen_until:
            self._end_answered(call, now)
        elif call.finish is not None and now >= call.answer_by and call.listen_until == _NEVER:
            dialog.give_up(now)
            self._end(call, unanswered(dialog))

    def _listen(self, call: _Call, now: float) -> None:
        self._statistics.answered += 1
        call.answer_by = _NEVER
        call.listen_until = now + call.plan.listen_seconds
        call.media.listen_anew()
        end = parse_audio(call.dialog.session)
        if end is not None and call.plan.listen_seconds > 0:
            call.media.speak(end)

    def _end_answered(self, call: _Call, now: float) -> None:
        heard = call.media.heard(buffer_seconds=call.plan.buffer_seconds)
        call.dialog.hang_up(now)
        self._end(call, answered(call.dialog, call.plan, heard=heard, round_trips=call.media.round_trips))

    def _end(self, call: _Call, answer: Answer) -> None:
        finish, call.finish = call.finish, None
        if finish is not None:
            call.media.close()
            finish(call.request, answer)
            call.went_well = answer.outcome is Outcome.OK

    def _flush(self, call: _Call) -> None:
        outgoing, call.dialog.outgoing = call.dialog.outgoing, []
        for datagram in outgoing:
            self._send(datagram, (call.request.address, call.request.port))

    def _send(self, datagram: bytes, to: tuple[str, int]) -> None:
        if not datagram:
            return
        try:
            self._datagrams.send(datagram, *to)
        except (OSError, ValueError):
            self._statistics.send_errors += 1  # the timers send it again

    def _arm(self, call_id: str, call: _Call) -> None:
        if call.timer is not None:
            call.timer.cancel()
        due = call.due
        wait = max(0.0, due - self._monotonic())
        loop = asyncio.get_running_loop()
        call.timer = None if due == _NEVER else loop.call_later(wait, self._on_due, call_id)

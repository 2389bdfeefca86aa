"""One call as the caller's SIP sees it (RFC 3261, sections 9, 13, 15): messages in, messages out. No socket, no clock.

    CALLING ──1xx──► RINGING ──2xx──► ANSWERED ──hang_up: BYE──► ENDED
       │                │                 └──────their BYE─────► ENDED
       ├──give_up───────┴──► CANCELLED (the CANCEL goes out once something was heard, 9.1)
       ├──3xx–6xx───────┴──► REFUSED (acknowledged, for timer D)
       └──timer B──────────► UNHEARD

Three promises, whatever is lost or crosses on the way: every final answer is acknowledged; every answered leg ends
with a BYE, also one that crossed our CANCEL and the second leg of a forked call; a call that is given up is cancelled
as soon as that is allowed. A redirection (3xx) is never followed: it could lead to a number that is no test line.

All requests go to the gateway that was called, as to an outbound proxy (8.1.2), with the route and target that the
answer named (12.1.2): SIP goes to no address that the inventory does not hold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from probes.call_plan import CallPlan
from probes.sip_call_messages import CallMessages, LegEnd, leg_end, response_to, tag_of
from probes.sip_digest import challenge_of
from probes.sip_message import SipRequest, SipResponse
from probes.sip_outcome import is_challenge, shown_status
from probes.sip_transaction import T4, TIMER_B, Deed, InviteState, InviteTransaction, NonInviteTransaction

__all__ = ["CallDialog", "CallState"]

_MOST_LEGS: Final = 8
_NEVER: Final = float("inf")


class CallState(Enum):
    """Where the call stands."""

    CALLING = auto()
    RINGING = auto()
    ANSWERED = auto()
    REFUSED = auto()
    CANCELLED = auto()
    ENDED = auto()
    UNHEARD = auto()


class _Repeated:
    """A CANCEL or BYE: repeated until it is answered, for 64 x T1 at most; ``due`` is when it wants to be woken."""

    __slots__ = ("_transaction", "datagram", "due")

    def __init__(self, datagram: bytes, now: float) -> None:
        self.datagram = datagram
        self._transaction = NonInviteTransaction(cut_off=TIMER_B)
        self.due = now + self._transaction.wait

    @property
    def is_open(self) -> bool:
        return self._transaction.is_open

    @property
    def was_given_up(self) -> bool:
        return self._transaction.was_given_up

    def received(self, status: int) -> None:
        self._transaction.received(status)
        if not self._transaction.is_open:
            self.due = _NEVER

    def woke(self, now: float) -> bool:
        """Answer whether it is to be sent again."""
        if self.due > now:
            return False
        is_again = self._transaction.woke() is Deed.SEND_AGAIN
        self.due = now + self._transaction.wait if is_again else _NEVER
        return is_again


@dataclass(slots=True)
class _Leg:
    """One dialog of the call: a forked call may be answered by several phones."""

    number: int
    end: LegEnd
    acknowledgement: bytes
    bye: _Repeated | None = None
    forgotten_at: float = _NEVER

    @property
    def due(self) -> float:
        return min(self.forgotten_at, self.bye.due if self.bye else _NEVER)


class CallDialog:
    """Drives one call. ``outgoing`` collects what is to be sent now; ``due`` is when :meth:`woke` is to be called."""

    def __init__(
        self, plan: CallPlan, messages: CallMessages, *, now: float, cnonce: Callable[[], str]
    ) -> None:
        """Call."""
        self.state = CallState.CALLING
        self.status = 0
        """The last status heard."""
        self.said = ""
        """That status with its words."""
        self.heard_after: float | None = None
        """Seconds from the INVITE to the first answer of any kind: the element's own round trip."""
        self.ringing_after: float | None = None
        """Post-dial delay: seconds from the INVITE to the first answer beyond 100, or to the final one."""
        self.early_media = False
        self.session = b""
        """The other side's session description, early or final."""
        self.ended_by_them = False
        self._plan = plan
        self._messages = messages
        self._cnonce = cnonce
        self._began = now
        self._attempt = 1
        self._transaction = InviteTransaction(now=now)
        self._invite = messages.invite(1)
        self._refusal_acknowledged = b""
        self._cancel: _Repeated | None = None
        self._answers = 0
        self._legs: dict[str, _Leg] = {}
        self.outgoing: list[bytes] = [self._invite]

    @property
    def due(self) -> float:
        """When :meth:`woke` wants to be called; infinity for not at all."""
        cancelling = self._cancel.due if self._cancel else _NEVER
        return min([self._transaction.due, cancelling, *(leg.due for leg in self._legs.values())])

    @property
    def is_over(self) -> bool:
        """Whether nothing can come any more that would have to be answered."""
        return self._transaction.state is InviteState.TERMINATED and not self._legs and self.due == _NEVER

    def give_up(self, now: float) -> None:
        """Cancel, at once or as soon as something is heard; hang up where it was answered."""
        if self.state in {CallState.CALLING, CallState.RINGING}:
            self.state = CallState.CANCELLED
            if self._transaction.state is InviteState.PROCEEDING:
                self._send_cancel(now)
            else:
                self._transaction.hush()
        else:
            self.hang_up(now)

    def hang_up(self, now: float) -> None:
        """Say BYE on every leg that is still up."""
        for leg in self._legs.values():
            self._send_bye(leg, now)
        if self.state is CallState.ANSWERED:
            self.state = CallState.ENDED

    def failed(self) -> None:
        """Take the transport's word that the INVITE cannot arrive."""
        if self._transaction.state is InviteState.CALLING:
            self._transaction.failed()
            self.state = CallState.UNHEARD

    def received(self, message: SipResponse, now: float) -> None:
        """Take a response to anything of ours."""
        via = message.via
        branch = via.branch if via else ""
        number, method = message.cseq
        if method == "INVITE" and number == self._attempt and branch == self._messages.invite_branch(number):
            self._take_invite_answer(message, now)
        elif method == "CANCEL" and self._cancel is not None:
            self._cancel.received(message.status)
        elif method == "BYE":
            for leg in self._legs.values():
                if leg.bye is not None and branch == self._messages.bye_branch(leg.number):
                    leg.bye.received(message.status)
                    self._forget_hung_up(leg, now)

    def asked(self, request: SipRequest, now: float) -> bytes:
        """Answer a request within the call: a BYE is granted, all else refused; empty where none is due."""
        if request.method == "ACK":
            return b""
        leg = self._legs.get(tag_of(request.header("from")))
        if leg is None:
            return response_to(request, 481, "Call/Transaction Does Not Exist")
        if request.method != "BYE":
            return response_to(request, 488, "Not Acceptable Here")
        leg.forgotten_at = min(leg.forgotten_at, now + T4)
        if self.state is CallState.ANSWERED:
            self.state = CallState.ENDED
            self.ended_by_them = True
        return response_to(request, 200, "OK")

    def woke(self, now: float) -> None:
        """Repeat what is due, forget what is over."""
        deed = self._transaction.woke(now=now)
        if deed is Deed.SEND_AGAIN:
            self.outgoing.append(self._invite)
        elif deed is Deed.GIVE_UP and self.state is CallState.CALLING:
            self.state = CallState.UNHEARD
        if self._cancel is not None:
            if self._cancel.woke(now):
                self.outgoing.append(self._cancel.datagram)
            elif self._cancel.was_given_up:
                self._transaction.failed()  # 9.1: a CANCEL unanswered for 64 x T1 ends the INVITE too
        for tag, leg in list(self._legs.items()):
            if leg.bye is not None:
                if leg.bye.woke(now):
                    self.outgoing.append(leg.bye.datagram)
                self._forget_hung_up(leg, now)
            if leg.forgotten_at <= now:
                del self._legs[tag]

    def _take_invite_answer(self, message: SipResponse, now: float) -> None:
        if 200 <= message.status < 300:
            self._transaction.received(message.status, now=now)
            self._take_leg(message, now)
            return
        was_calling = self._transaction.state in {InviteState.CALLING, InviteState.PROCEEDING}
        deed = self._transaction.received(message.status, now=now)
        if deed is Deed.SEND_AGAIN:
            self.outgoing.append(self._refusal_acknowledged)
        elif deed is Deed.TAKE_ANSWER:
            self._refused(message, now)
        elif was_calling:
            self._take_provisional(message, now)

    def _take_provisional(self, message: SipResponse, now: float) -> None:
        self._hear(message, now)
        if self.state is CallState.CALLING:
            self.state = CallState.RINGING
        elif self.state is CallState.CANCELLED and self._cancel is None:
            self._send_cancel(now)
        if message.body and message.status > 100:
            self.early_media = True
            self.session = message.body

    def _take_leg(self, message: SipResponse, now: float) -> None:
        tag = tag_of(message.header("to"))
        known = self._legs.get(tag)
        if known is not None:
            self.outgoing.append(known.acknowledgement)
            return
        if len(self._legs) >= _MOST_LEGS:
            return
        end = leg_end(message, instead=self._plan.uri)
        self._answers += 1
        number = self._answers
        leg = _Leg(number, end, self._messages.acknowledge(self._attempt, end, number=number))
        self._legs[tag] = leg
        self.outgoing.append(leg.acknowledgement)
        if self.state in {CallState.CALLING, CallState.RINGING}:
            self._hear(message, now)
            self.state = CallState.ANSWERED
            self.session = message.body or self.session
        else:
            # It crossed our CANCEL, or it is the second of a forked call: nobody will speak on it.
            self._send_bye(leg, now)

    def _refused(self, message: SipResponse, now: float) -> None:
        self._refusal_acknowledged = self._messages.acknowledge_refusal(self._attempt, message)
        self.outgoing.append(self._refusal_acknowledged)
        if self._is_asked_again(message, now) or self.state is CallState.CANCELLED:
            return
        self._hear(message, now)
        self.state = CallState.REFUSED

    def _is_asked_again(self, message: SipResponse, now: float) -> bool:
        """Call once more, with credentials, where the refusal is a challenge that can be met."""
        if self._plan.credentials is None or self._attempt > 1 or not is_challenge(message.status):
            return False
        challenge = challenge_of(message)
        if challenge is None or self.state is CallState.CANCELLED:
            return False
        self._attempt = 2
        self._transaction = InviteTransaction(now=now)
        self._invite = self._messages.invite(2, met=(challenge, self._cnonce()))
        self.outgoing.append(self._invite)
        return True

    def _hear(self, message: SipResponse, now: float) -> None:
        self.status, self.said = message.status, shown_status(message)
        if self.heard_after is None:
            self.heard_after = now - self._began
        if message.status > 100 and self.ringing_after is None:
            self.ringing_after = now - self._began

    def _send_cancel(self, now: float) -> None:
        self._cancel = _Repeated(self._messages.cancel(self._attempt), now)
        self.outgoing.append(self._cancel.datagram)

    def _send_bye(self, leg: _Leg, now: float) -> None:
        if leg.bye is None and leg.forgotten_at == _NEVER:
            leg.bye = _Repeated(self._messages.bye(self._attempt, leg.end, number=leg.number), now)
            self.outgoing.append(leg.bye.datagram)

    def _forget_hung_up(self, leg: _Leg, now: float) -> None:
        if leg.bye is not None and not leg.bye.is_open:
            leg.forgotten_at = min(leg.forgotten_at, now + T4)

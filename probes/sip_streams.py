"""SIP looks over TCP and TLS: a fresh connection each, one request, and once more where it is challenged.

Nothing is repeated on a stream (RFC 3261, 17.1.2.2: no timer E) and nothing lingers (timer K is 0); timer F is the
look's own timeout. ``rtt`` is the sum of the phases, as with HTTP: connect, tls, first byte (from the request to
its final answer). A handshake that fails is a MISMATCH: something is there, and it is not what was expected.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from typing_extensions import override

from probes.connections import Step
from probes.conversation import Conversation
from probes.models import Answer, Finish, Outcome, Request
from probes.sip_digest import authorization, challenge_of
from probes.sip_framing import SipFraming
from probes.sip_message import SipMessageError, SipResponse, parse_sip
from probes.sip_outcome import is_challenge, sip_answer
from probes.sip_plan import OwnEnd, SipPlan, branch_of, sip_request
from probes.sip_statistics import SipStatistics
from probes.sip_transaction import NonInviteTransaction
from probes.tls_session import TlsSession
from probes.tls_terms import TlsTerms

__all__ = ["SipExchange"]

_SHOWN_CHARACTERS = 120
_BEFORE_ASKING = 3
"""Phases that are done when the first request is under way: resolve, connect, tls."""


class SipExchange(Conversation):
    """connect, [handshake], request, answer. ``name`` is the look's unguessable token, ``cnonce`` another."""

    __slots__ = ("_attempt", "_cnonce", "_framing", "_name", "_own", "_plan", "_statistics", "_transaction")

    def __init__(
        self,
        request: Request,
        finish: Finish,
        *,
        plan: SipPlan,
        terms: TlsTerms | None,
        name: str,
        cnonce: str,
        monotonic: Callable[[], float],
        statistics: SipStatistics,
    ) -> None:
        super().__init__(request, finish, words=b"", terms=terms, monotonic=monotonic)
        self._plan = plan
        self._name = name
        self._cnonce = cnonce
        self._statistics = statistics
        self._transaction = NonInviteTransaction(cut_off=request.timeout)
        self._framing = SipFraming()
        self._own = OwnEnd("", 0)
        self._attempt = 1

    @override
    def established(self, now: float) -> Step:
        if self.socket is not None:
            self._own = OwnEnd(*self.socket.getsockname()[:2])
        if self._plan.tls is None:
            self.unsaid = self._asked(None)
        return super().established(now)

    @override
    def secured(self, session: TlsSession) -> None:
        self.unsaid = self._asked(None)

    @override
    def expired(self) -> Answer:
        heard = self._transaction.provisional
        detail = f"only {heard}" if heard else self.waiting_for()
        return self._ended(Outcome.TIMEOUT, detail, code=heard)

    @override
    def waiting_for(self) -> str:
        return super().waiting_for() if len(self.phases) < _BEFORE_ASKING else "answer"

    @override
    def failed(self, detail: str) -> Answer:
        return self._ended(Outcome.MISMATCH, detail)

    @override
    def heard(self, data: bytes) -> Step | None:
        if not data:
            return self.failed("closed without an answer")
        try:
            for message in self._framing.feed(data):
                step = self._take(parse_sip(message))
                if step is not None:
                    return step
        except SipMessageError as error:
            self._statistics.malformed += 1
            return self.failed(f"no SIP: {error}"[:_SHOWN_CHARACTERS])
        return None

    def _asked(self, with_header: tuple[str, str] | None) -> bytes:
        self._statistics.sent += 1
        return sip_request(
            self._plan, self._own, name=self._name, attempt=self._attempt, authorization=with_header
        )

    def _take(self, message: object) -> Step | None:
        if not isinstance(message, SipResponse) or not self._is_ours(message):
            self._statistics.foreign += 1
            return None
        self._transaction.received(message.status)
        if message.status < 200:
            self._statistics.provisional += 1
            return None
        self._statistics.answered += 1
        self._statistics.codes[message.status] += 1
        challenge = challenge_of(message) if is_challenge(message.status) and self._attempt == 1 else None
        if challenge is not None and self._plan.credentials is not None:
            self._attempt = 2
            self._transaction = NonInviteTransaction(cut_off=self.request.timeout)
            header = authorization(
                challenge,
                self._plan.credentials,
                method=self._plan.method,
                uri=self._plan.uri,
                cnonce=self._cnonce,
            )
            return self.say(self._asked(header))
        return self._answered(message)

    def _is_ours(self, message: SipResponse) -> bool:
        via = message.via
        return via is not None and via.branch == branch_of(self._name, self._attempt)

    def _answered(self, message: SipResponse) -> Answer:
        self.mark()
        rtt = sum(phase for phase in self.phases if not math.isnan(phase))
        answer = sip_answer(self._plan, message, rtt=rtt, phases=tuple(self.phases))
        return replace(answer, measures=self.measures)

    def _ended(self, outcome: Outcome, detail: str, *, code: int = 0) -> Answer:
        phases = tuple(self.phases) if self.stands else ()
        return Answer(outcome, code=code, phases=phases, detail=detail, measures=self.measures)

"""SIP looks over TCP and TLS: a fresh connection each, one request, and once more where it is challenged.

Nothing is repeated on a stream (RFC 3261, 17.1.2.2: no timer E) and nothing lingers (timer K is 0); timer F is the
look's own timeout. ``rtt`` is the sum of the phases, as with HTTP: connect, tls, first byte (from the request to
its final answer). A handshake that fails is a MISMATCH: something is there, and it is not what was expected.
"""

import math
import socket
import ssl
from collections.abc import Callable

from typing_extensions import override

from probes.connections import READ, WRITE, Exchange, Step
from probes.models import Answer, Finish, Outcome, Request
from probes.sip_digest import authorization, challenge_of
from probes.sip_framing import SipFraming
from probes.sip_message import SipMessageError, SipResponse, parse_sip
from probes.sip_outcome import is_challenge, sip_answer
from probes.sip_plan import OwnEnd, SipPlan, branch_of, sip_request
from probes.sip_statistics import SipStatistics
from probes.sip_transaction import NonInviteTransaction
from probes.tls_contexts import tls_failure

__all__ = ["SipExchange"]

_CHUNK = 16_384
_SHOWN_CHARACTERS = 120


class SipExchange(Exchange):
    """connect, [handshake], request, answer. ``name`` is the look's unguessable token, ``cnonce`` another."""

    __slots__ = (
        "_asked_at",
        "_attempt",
        "_cnonce",
        "_context",
        "_framing",
        "_left",
        "_monotonic",
        "_name",
        "_own",
        "_plan",
        "_shaken",
        "_statistics",
        "_step",
        "_tls",
        "_transaction",
    )

    def __init__(
        self,
        request: Request,
        finish: Finish,
        *,
        plan: SipPlan,
        context: ssl.SSLContext | None,
        name: str,
        cnonce: str,
        monotonic: Callable[[], float],
        statistics: SipStatistics,
    ) -> None:
        super().__init__(request, finish)
        self._plan = plan
        self._context = context
        self._name = name
        self._cnonce = cnonce
        self._monotonic = monotonic
        self._statistics = statistics
        self._transaction = NonInviteTransaction(cut_off=request.timeout)
        self._framing = SipFraming()
        self._step: Callable[[socket.socket], Step] = self._send
        self._own = OwnEnd("", 0)
        self._left = b""
        self._attempt = 1
        self._tls = math.nan
        self._shaken = 0.0
        self._asked_at = 0.0

    @override
    def established(self, now: float) -> Step:
        if self.socket is None:
            return self.expired()
        self._own = OwnEnd(*self.socket.getsockname()[:2])
        self._shaken = now
        if self._context is None:
            self._ask(None)
        else:
            self._step = self._handshake
            try:
                self.socket = self._context.wrap_socket(
                    self.socket, do_handshake_on_connect=False, server_hostname=self._plan.server_name
                )
            except OSError:
                return self._failed(Outcome.MISMATCH, "reset: tls")  # gone between the two handshakes
        return self.ready(now)

    @override
    def ready(self, now: float) -> Step:
        if self.socket is None:
            return self.expired()
        try:
            return self._step(self.socket)
        except (ssl.SSLWantReadError, BlockingIOError):
            return READ
        except ssl.SSLWantWriteError:
            return WRITE
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError, SipMessageError) as error:
            return self._failed(Outcome.MISMATCH, self._told(error))

    @override
    def expired(self) -> Answer:
        heard = self._transaction.provisional
        detail = f"only {heard}" if heard else self.waiting_for()
        return self._failed(Outcome.TIMEOUT, detail, code=heard)

    @override
    def waiting_for(self) -> str:
        if not self.stands:
            return "connect"
        return "answer" if self._asked_at else "tls"

    def _told(self, error: Exception) -> str:
        if isinstance(error, ssl.SSLError):
            return tls_failure(error)
        if isinstance(error, SipMessageError):
            self._statistics.malformed += 1
            return f"no SIP: {error}"[:_SHOWN_CHARACTERS]
        return f"reset: {self.waiting_for()}"

    def _handshake(self, stream: socket.socket) -> Step:
        if isinstance(stream, ssl.SSLSocket):
            stream.do_handshake()
        self._tls = self._monotonic() - self._shaken
        self._ask(None)
        return self._send(stream)

    def _ask(self, with_header: tuple[str, str] | None) -> None:
        self._left = sip_request(
            self._plan, self._own, name=self._name, attempt=self._attempt, authorization=with_header
        )
        self._asked_at = self._asked_at or self._monotonic()
        self._step = self._send
        self._statistics.sent += 1

    def _send(self, stream: socket.socket) -> Step:
        self._left = self._left[stream.send(self._left) :]
        if self._left:
            return WRITE
        self._step = self._receive
        return READ

    def _receive(self, stream: socket.socket) -> Step:
        while True:
            try:
                data = stream.recv(_CHUNK)
            except ssl.SSLEOFError:
                data = b""  # closed without the farewell of TLS
            if not data:
                return self._failed(Outcome.MISMATCH, "closed without an answer")
            for message in self._framing.feed(data):
                step = self._take(stream, parse_sip(message))
                if step is not None:
                    return step

    def _take(self, stream: socket.socket, message: object) -> Step | None:
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
            self._ask(
                authorization(
                    challenge,
                    self._plan.credentials,
                    method=self._plan.method,
                    uri=self._plan.uri,
                    cnonce=self._cnonce,
                )
            )
            return self._send(stream)
        return self._answered(message)

    def _is_ours(self, message: SipResponse) -> bool:
        via = message.via
        return via is not None and via.branch == branch_of(self._name, self._attempt)

    def _answered(self, message: SipResponse) -> Answer:
        phases = (math.nan, self.connect, self._tls, self._monotonic() - self._asked_at)
        rtt = sum(phase for phase in phases if not math.isnan(phase))
        return sip_answer(self._plan, message, rtt=rtt, phases=phases)

    def _failed(self, outcome: Outcome, detail: str, *, code: int = 0) -> Answer:
        phases = (math.nan, self.connect, self._tls)
        return Answer(outcome, code=code, phases=phases if self.stands else (), detail=detail)

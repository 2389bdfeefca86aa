"""One DNS query over a stream: TCP (RFC 7766) or TLS (RFC 7858), each message after its length in two bytes."""

import math
import socket
import ssl
from collections.abc import Callable, Mapping

from typing_extensions import override

from probes.connections import READ, WRITE, Exchange, Step
from probes.dns_message import answers, judged, with_identifier
from probes.dns_plan import DnsPlan
from probes.models import PHASES, Answer, Evidence, Finish, Measure, Outcome, Request
from probes.tls_session import TlsSession
from probes.tls_terms import TlsTerms

__all__ = ["DnsExchange"]

_CHUNK = 65_536
_LENGTH = 2


class DnsExchange(Exchange):
    """connect, [handshake], query, answer. ``after``: seconds that a truncated answer over UDP took before."""

    __slots__ = (
        "_after",
        "_at",
        "_left",
        "_measures",
        "_monotonic",
        "_number",
        "_phases",
        "_plan",
        "_received",
        "_session",
        "_step",
        "_terms",
    )

    def __init__(
        self,
        request: Request,
        finish: Finish,
        *,
        plan: DnsPlan,
        number: int,
        terms: TlsTerms | None,
        monotonic: Callable[[], float],
        after: float = math.nan,
    ) -> None:
        super().__init__(request, finish)
        query = with_identifier(plan, number)
        self._plan = plan
        self._number = number
        self._terms = terms
        self._session: TlsSession | None = None
        self._monotonic = monotonic
        self._after = 0.0 if math.isnan(after) else after
        self._at = 0.0
        self._left = len(query).to_bytes(_LENGTH, "big") + query
        self._received = bytearray()
        self._measures: dict[Measure, float] = {}
        self._phases = [math.nan]
        self._step: Callable[[socket.socket | TlsSession], Step] = self._send

    @override
    def established(self, now: float) -> Step:
        self._phases.append(self.connect)
        self._at = now
        if self._terms is None:
            self._phases.append(math.nan)
        elif self.socket is not None:
            self._session = self._terms.session(self.socket)
            self._step = self._handshake
        return self.ready(now)

    @override
    def ready(self, now: float) -> Step:
        stream = self.socket
        if stream is None:
            return self.expired()
        try:
            return self._step(self._session or stream)
        except (ssl.SSLWantReadError, BlockingIOError):
            return READ
        except ssl.SSLWantWriteError:
            return WRITE
        except ssl.SSLError as error:
            return self._failed(self._session, error)
        except (ConnectionResetError, BrokenPipeError):
            return self._broken(f"reset: {self.waiting_for()}")

    @override
    def waiting_for(self) -> str:
        return PHASES[len(self._phases)]

    def _handshake(self, stream: socket.socket | TlsSession) -> Step:
        if isinstance(stream, TlsSession) and self._terms is not None:
            stream.handshake()
            self._mark()
            finding = self._terms.judged(stream)
            self._measures |= finding.measures
            if finding.detail:
                return self._broken(finding.detail)
        self._step = self._send
        return self._send(stream)

    def _failed(self, stream: TlsSession | None, error: ssl.SSLError) -> Answer:
        if self._terms is None or stream is None:
            return self._broken("tls")
        finding = self._terms.failed(stream, error)
        self._measures |= finding.measures
        return self._broken(finding.detail)

    def _send(self, stream: socket.socket | TlsSession) -> Step:
        self._left = self._left[stream.send(self._left) :]
        if self._left:
            return WRITE
        self._step = self._receive
        return READ

    def _receive(self, stream: socket.socket | TlsSession) -> Step:
        received = self._received
        while True:
            try:
                data = stream.recv(_CHUNK)
            except ssl.SSLEOFError:
                data = b""
            if not data:
                return self._broken("closed before an answer")
            received += data
            whole = _LENGTH + int.from_bytes(received[:_LENGTH], "big")
            if len(received) >= max(whole, _LENGTH):
                return self._judged(bytes(received[_LENGTH:whole]))

    def _judged(self, data: bytes) -> Answer:
        if not answers(self._plan, self._number, data):
            return self._broken("not an answer to the question")
        self._mark()
        self._phases[-1] += self._after
        finding = judged(self._plan, data)
        measures: Mapping[Measure, float] = {**self._measures, **finding.measures}
        return Answer(
            finding.outcome,
            rtt=sum(phase for phase in self._phases if not math.isnan(phase)),
            code=finding.code,
            evidence=Evidence.PROTOCOL if finding.outcome is Outcome.OK else Evidence.NONE,
            phases=tuple(self._phases),
            detail=finding.detail,
            measures=measures,
        )

    def _broken(self, detail: str) -> Answer:
        return Answer(Outcome.MISMATCH, phases=tuple(self._phases), detail=detail, measures=self._measures)

    def _mark(self) -> None:
        now = self._monotonic()
        self._phases.append(now - self._at)
        self._at = now

"""An HTTP or HTTPS look: whether a service answers, and whether it answers what it should.

Each look opens its own connection, sends one GET, and judges the answer by the target's options
(:mod:`probes.http_plan`): no proxy, no cookie, no connection kept, redirects followed only where the target says so
and only to numeric addresses that it names (:mod:`probes.http_redirect`). The time is measured in phases,
``connect`` by the kernel, over all hops; ``rtt`` is their sum. A handshake that fails or a certificate that is not
right is a MISMATCH: something is there, and it is not what was expected. In every case the earliest end of validity
of the presented chain is told.
"""

import asyncio
import math
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from typing_extensions import override

from probes.connections import READ, WRITE, Connections, Elsewhere, Exchange, Step
from probes.http_plan import HttpPlan, http_plan
from probes.http_redirect import FOLLOWED, redirected
from probes.http_response import HttpResponse, judged
from probes.models import PHASES, Answer, Evidence, Finish, Measure, Outcome, Request
from probes.tls_plan import TlsPlan
from probes.tls_session import TlsSession
from probes.tls_terms import TlsTerms, TlsTrusts

__all__ = ["HttpProbe"]

_CHUNK = 65_536
_TRANSFER = PHASES.index("transfer")

Terms = Callable[[TlsPlan], TlsTerms]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The plan of one target, good for as long as its address and options stay what they were."""

    address: str
    port: int
    options: Mapping[str, str]
    plan: HttpPlan
    terms: TlsTerms | None

    def is_for(self, request: Request) -> bool:
        return (
            self.options is request.options and self.address == request.address and self.port == request.port
        )


class _HttpExchange(Exchange):
    """connect, [handshake], request, answer, and again for each redirect; ``_phases`` grows as they are done."""

    __slots__ = (
        "_at",
        "_before",
        "_left",
        "_measures",
        "_monotonic",
        "_phases",
        "_plan",
        "_response",
        "_session",
        "_shown",
        "_step",
        "_terms",
        "_terms_for",
    )

    def __init__(
        self,
        request: Request,
        finish: Finish,
        *,
        prepared: _Prepared,
        terms_for: Terms,
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(request, finish)
        self._terms_for = terms_for
        self._monotonic = monotonic
        self._before: tuple[float, ...] = ()
        self._measures: dict[Measure, float] = {}
        self._shown = ""
        self._at = 0.0
        self._aim(prepared.plan, prepared.terms)

    def _aim(self, plan: HttpPlan, terms: TlsTerms | None) -> None:
        self._plan = plan
        self._terms = terms
        self._session: TlsSession | None = None
        self._phases = [math.nan]
        self._left = plan.request
        self._response = HttpResponse(max_body=plan.max_body, keeps_headers=plan.reads_headers)
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
        if self.socket is None:
            return self.expired()
        try:
            return self._step(self._session or self.socket)
        except (ssl.SSLWantReadError, BlockingIOError):
            return READ
        except ssl.SSLWantWriteError:
            return WRITE
        except ssl.SSLError as error:
            return self._broken(self._session, error)
        except (ConnectionResetError, BrokenPipeError):
            return self._ended(Outcome.MISMATCH, f"reset: {self.waiting_for()}")

    @override
    def waiting_for(self) -> str:
        return PHASES[len(self._phases)]

    def _handshake(self, stream: socket.socket | TlsSession) -> Step:
        if isinstance(stream, TlsSession) and self._terms is not None:
            stream.handshake()
            self._mark()
            finding = self._terms.judged(stream)
            self._note(finding.measures)
            if finding.detail:
                return self._ended(Outcome.MISMATCH, finding.detail)
            self._shown = stream.shown
        self._step = self._send
        return self._send(stream)

    def _broken(self, stream: TlsSession | None, error: ssl.SSLError) -> Step:
        if self._terms is None or stream is None:
            return self._ended(Outcome.MISMATCH, "tls")
        finding = self._terms.failed(stream, error)
        self._note(finding.measures)
        return self._ended(Outcome.MISMATCH, finding.detail)

    def _note(self, measures: Mapping[Measure, float]) -> None:
        # Over several hops the certificate that ends first is the one that matters.
        for measure, figure in measures.items():
            self._measures[measure] = min(figure, self._measures.get(measure, figure))

    def _send(self, stream: socket.socket | TlsSession) -> Step:
        self._left = self._left[stream.send(self._left) :]
        if self._left:
            return WRITE
        self._step = self._receive
        return READ

    def _receive(self, stream: socket.socket | TlsSession) -> Step:
        response = self._response
        while not response.is_complete and not response.problem:
            try:
                data = stream.recv(_CHUNK)
            except ssl.SSLEOFError:
                data = b""  # closed without the farewell of TLS, as many small servers do
            if not data:
                response.end()
                break
            if len(self._phases) < _TRANSFER:
                self._mark()
            response.feed(data)
        if response.is_complete:
            self._mark()
            if self._plan.follows and response.status in FOLLOWED:
                return self._redirect(response.header(b"location"))
        return self._ended(*judged(self._plan, response))

    def _redirect(self, location: bytes) -> Step:
        following = redirected(self._plan, location)
        if isinstance(following, str):
            return self._ended(Outcome.MISMATCH, following)
        try:
            terms = self._terms_for(following.tls) if following.is_tls else None
        except (ValueError, OSError) as error:
            return self._ended(Outcome.ERROR, f"option: {error}")
        self._before = self._whole()
        self._aim(following, terms)
        return Elsewhere(following.address, following.port)

    def _whole(self) -> tuple[float, ...]:
        """Add what this hop took so far to what the hops before it took."""
        if not self._before:
            return tuple(self._phases)
        return tuple(
            earlier if math.isnan(now) else now if math.isnan(earlier) else earlier + now
            for earlier, now in zip_longest(self._before, self._phases, fillvalue=math.nan)
        )

    def _ended(self, outcome: Outcome, detail: str) -> Answer:
        is_whole = len(self._phases) == len(PHASES)
        phases = self._whole()
        return Answer(
            outcome,
            rtt=sum(phase for phase in phases if not math.isnan(phase)) if is_whole else math.nan,
            code=self._response.status,
            evidence=Evidence.PROTOCOL if outcome is Outcome.OK else Evidence.NONE,
            phases=phases,
            detail=detail or self._shown,
            measures=self._measures,
        )

    def _mark(self) -> None:
        now = self._monotonic()
        self._phases.append(now - self._at)
        self._at = now


class HttpProbe:
    """Looks at web services: OK, MISMATCH, OVERLOADED (503), REFUSED, UNREACHABLE, TIMEOUT; ERROR is ours."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        wall_ns: Callable[[], int] | None = None,
        extra_ca: Path | None = None,
    ) -> None:
        self._monotonic = monotonic
        self._connections = Connections(monotonic=monotonic, speaks=True)
        self._trusts = TlsTrusts(extra_ca=extra_ca, wall_ns=wall_ns)
        self._prepared: dict[int, _Prepared] = {}

    async def open(self) -> None:
        """Read the authorities and start on the running loop."""
        await self._trusts.open()
        self._connections.open()

    def begin(self, request: Request, finish: Finish) -> None:
        """Start one look; options that cannot be meant end it as ERROR and say which."""
        prepared = self._prepared.get(request.target)
        if prepared is None or not prepared.is_for(request):
            try:
                prepared = self._prepared[request.target] = self._prepare(request)
            except (ValueError, OSError) as error:
                answer = Answer(Outcome.ERROR, detail=f"option: {error}")
                asyncio.get_running_loop().call_soon(finish, request, answer)
                return
        self._connections.begin(
            _HttpExchange(
                request,
                finish,
                prepared=prepared,
                terms_for=self._trusts.terms,
                monotonic=self._monotonic,
            )
        )

    async def close(self) -> None:
        """End the looks under way as ERROR."""
        self._connections.close()

    def _prepare(self, request: Request) -> _Prepared:
        plan = http_plan(request.address, request.port, request.options)
        terms = self._trusts.terms(plan.tls) if plan.is_tls else None
        return _Prepared(request.address, request.port, request.options, plan, terms)

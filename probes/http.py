"""An HTTP or HTTPS look: whether a service answers, and whether it answers what it should.

Each look opens its own connection, sends one GET, and judges the answer by the target's options
(:mod:`probes.http_plan`): no proxy, no redirect followed, no cookie, no connection kept. The time is measured in
phases, ``connect`` by the kernel; ``rtt`` is their sum. A handshake that fails is a MISMATCH: something is there,
and it is not what was expected.
"""

import asyncio
import math
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from probes.connections import READ, WRITE, Connections, Exchange, Step
from probes.http_plan import HttpPlan, http_plan
from probes.http_response import HttpResponse, judged
from probes.models import PHASES, Answer, Evidence, Finish, Outcome, Request
from probes.tls_contexts import TlsContexts, tls_failure

__all__ = ["HttpProbe"]

_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The plan of one target, good for as long as its address and options stay what they were."""

    address: str
    port: int
    options: Mapping[str, str]
    plan: HttpPlan
    context: ssl.SSLContext | None

    def is_for(self, request: Request) -> bool:
        return (
            self.options is request.options and self.address == request.address and self.port == request.port
        )


class _HttpExchange(Exchange):
    """connect, [handshake], request, answer; ``_phases`` grows as they are done."""

    __slots__ = ("_at", "_context", "_left", "_monotonic", "_phases", "_plan", "_response", "_step")

    def __init__(
        self, request: Request, finish: Finish, *, prepared: _Prepared, monotonic: Callable[[], float]
    ) -> None:
        super().__init__(request, finish)
        self._plan = prepared.plan
        self._context = prepared.context
        self._monotonic = monotonic
        self._phases = [math.nan]
        self._at = 0.0
        self._left = prepared.plan.request
        self._response = HttpResponse(max_body=prepared.plan.max_body)
        self._step: Callable[[socket.socket], Step] = self._send

    @override
    def established(self, now: float) -> Step:
        self._phases.append(self.connect)
        self._at = now
        if self._context is None:
            self._phases.append(math.nan)
        elif self.socket is not None:
            self._step = self._handshake
            try:
                self.socket = self._context.wrap_socket(
                    self.socket, do_handshake_on_connect=False, server_hostname=self._plan.server_name
                )
            except OSError:
                return self._ended(Outcome.MISMATCH, "reset: tls")  # gone between the two handshakes
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
        except ssl.SSLError as error:
            return self._ended(Outcome.MISMATCH, tls_failure(error))
        except (ConnectionResetError, BrokenPipeError):
            return self._ended(Outcome.MISMATCH, f"reset: {self.waiting_for()}")

    @override
    def waiting_for(self) -> str:
        return PHASES[len(self._phases)]

    def _handshake(self, stream: socket.socket) -> Step:
        if isinstance(stream, ssl.SSLSocket):
            stream.do_handshake()
        self._mark()
        self._step = self._send
        return self._send(stream)

    def _send(self, stream: socket.socket) -> Step:
        self._left = self._left[stream.send(self._left) :]
        if self._left:
            return WRITE
        self._step = self._receive
        return READ

    def _receive(self, stream: socket.socket) -> Step:
        response = self._response
        while not response.is_complete and not response.problem:
            try:
                data = stream.recv(_CHUNK)
            except ssl.SSLEOFError:
                data = b""  # closed without the farewell of TLS, as many small servers do
            if not data:
                response.end()
                break
            if self.waiting_for() == "first_byte":
                self._mark()
            response.feed(data)
        if response.is_complete:
            self._mark()
        return self._ended(*judged(self._plan, response))

    def _ended(self, outcome: Outcome, detail: str) -> Answer:
        is_whole = len(self._phases) == len(PHASES)
        return Answer(
            outcome,
            rtt=sum(phase for phase in self._phases if not math.isnan(phase)) if is_whole else math.nan,
            code=self._response.status,
            evidence=Evidence.PROTOCOL if outcome is Outcome.OK else Evidence.NONE,
            phases=tuple(self._phases),
            detail=detail,
        )

    def _mark(self) -> None:
        now = self._monotonic()
        self._phases.append(now - self._at)
        self._at = now


class HttpProbe:
    """Looks at web services: OK, MISMATCH, OVERLOADED (503), REFUSED, UNREACHABLE, TIMEOUT; ERROR is ours."""

    def __init__(self, *, monotonic: Callable[[], float], extra_ca: Path | None = None) -> None:
        self._monotonic = monotonic
        self._connections = Connections(monotonic=monotonic, speaks=True)
        self._contexts = TlsContexts(extra_ca=extra_ca)
        self._prepared: dict[int, _Prepared] = {}

    async def open(self) -> None:
        """Build the TLS contexts and start on the running loop."""
        await self._contexts.open()
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
        self._connections.begin(_HttpExchange(request, finish, prepared=prepared, monotonic=self._monotonic))

    async def close(self) -> None:
        """End the looks under way as ERROR."""
        self._connections.close()

    def _prepare(self, request: Request) -> _Prepared:
        plan = http_plan(request.address, request.port, request.options)
        context = self._contexts.context(plan.ca, insecure=plan.insecure) if plan.is_tls else None
        return _Prepared(request.address, request.port, request.options, plan, context)

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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from typing_extensions import override

from probes.connections import Connections, Elsewhere, Step
from probes.conversation import Conversation
from probes.http_plan import HttpPlan, http_plan
from probes.http_redirect import FOLLOWED, redirected
from probes.http_response import HttpResponse, judged
from probes.models import PHASES, Answer, Evidence, Finish, Outcome, Request
from probes.tls_plan import TlsPlan
from probes.tls_session import TlsSession
from probes.tls_terms import TlsTerms, TlsTrusts

__all__ = ["HttpProbe"]

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


class _HttpExchange(Conversation):
    """connect, [handshake], request, answer, and again for each redirect."""

    __slots__ = ("_before", "_plan", "_response", "_shown", "_terms_for")

    def __init__(
        self,
        request: Request,
        finish: Finish,
        *,
        prepared: _Prepared,
        terms_for: Terms,
        monotonic: Callable[[], float],
    ) -> None:
        plan = prepared.plan
        super().__init__(request, finish, words=plan.request, terms=prepared.terms, monotonic=monotonic)
        self._terms_for = terms_for
        self._before: tuple[float, ...] = ()
        self._shown = ""
        self._expect(plan)

    def _expect(self, plan: HttpPlan) -> None:
        self._plan = plan
        self._response = HttpResponse(max_body=plan.max_body, keeps_headers=plan.reads_headers)

    @override
    def secured(self, session: TlsSession) -> None:
        self._shown = session.shown

    @override
    def heard(self, data: bytes) -> Step | None:
        response = self._response
        if data:
            if len(self.phases) < _TRANSFER:
                self.mark()
            response.feed(data)
        else:
            response.end()
        if response.is_complete:
            self.mark()
            if self._plan.follows and response.status in FOLLOWED:
                return self._redirect(response.header(b"location"))
        elif data and not response.problem:
            return None
        return self._ended(*judged(self._plan, response))

    @override
    def failed(self, detail: str) -> Answer:
        return self._ended(Outcome.MISMATCH, detail)

    def _redirect(self, location: bytes) -> Step:
        following = redirected(self._plan, location)
        if isinstance(following, str):
            return self.failed(following)
        try:
            terms = self._terms_for(following.tls) if following.is_tls else None
        except (ValueError, OSError) as error:
            return self._ended(Outcome.ERROR, f"option: {error}")
        self._before = self._whole()
        self.aim(following.request, terms)
        self._expect(following)
        return Elsewhere(following.address, following.port)

    def _whole(self) -> tuple[float, ...]:
        """Add what this hop took so far to what the hops before it took."""
        if not self._before:
            return tuple(self.phases)
        return tuple(
            earlier if math.isnan(now) else now if math.isnan(earlier) else earlier + now
            for earlier, now in zip_longest(self._before, self.phases, fillvalue=math.nan)
        )

    def _ended(self, outcome: Outcome, detail: str) -> Answer:
        is_whole = len(self.phases) == len(PHASES)
        phases = self._whole()
        return Answer(
            outcome,
            rtt=sum(phase for phase in phases if not math.isnan(phase)) if is_whole else math.nan,
            code=self._response.status,
            evidence=Evidence.PROTOCOL if outcome is Outcome.OK else Evidence.NONE,
            phases=phases,
            detail=detail or self._shown,
            measures=self.measures,
        )


class HttpProbe:
    """Looks at web services: OK, MISMATCH, OVERLOADED (503), REFUSED, UNREACHABLE, TIMEOUT; ERROR is ours."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        wall_ns: Callable[[], int],
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

"""A TLS look: whether a handshake succeeds, whether the certificate is right, and for how long.

The options are those of :mod:`probes.tls_plan`. A handshake that fails, a chain that is not right, a key that is not
the pinned one and a certificate that ends within ``min_days`` are each a MISMATCH whose detail begins with a slug
(``expired``, ``not-yet-valid``, ``wrong-name``, ``weak``, ``untrusted``, ``wrong-key``, ``wrong-alpn``,
``expires-soon``, ``tls``); the earliest end of validity is told wherever a chain was presented. On a good look the
detail shows what was agreed on.

``rtt`` is the TCP handshake and the TLS handshake together. In TLS 1.3 a server refuses *our* certificate only after
the handshake: that shows in an HTTP look, not here. Protocols that begin in the clear (STARTTLS) are not spoken.
"""

import asyncio
import math
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from probes.connections import READ, WRITE, Connections, Exchange, Step
from probes.models import Answer, Evidence, Finish, Outcome, Request
from probes.tls_plan import tls_plan
from probes.tls_session import TlsSession
from probes.tls_terms import TlsFinding, TlsTerms, TlsTrusts

__all__ = ["TlsProbe"]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The terms of one target, good for as long as its address and options stay what they were."""

    address: str
    options: Mapping[str, str]
    terms: TlsTerms

    def is_for(self, request: Request) -> bool:
        return self.options is request.options and self.address == request.address


class _TlsExchange(Exchange):
    """connect, handshake."""

    __slots__ = ("_at", "_monotonic", "_session", "_terms")

    def __init__(
        self, request: Request, finish: Finish, *, terms: TlsTerms, monotonic: Callable[[], float]
    ) -> None:
        super().__init__(request, finish)
        self._terms = terms
        self._monotonic = monotonic
        self._at = 0.0
        self._session: TlsSession | None = None

    @override
    def established(self, now: float) -> Step:
        self._at = now
        if self.socket is None:
            return self.expired()
        self._session = self._terms.session(self.socket)
        return self.ready(now)

    @override
    def ready(self, now: float) -> Step:
        session = self._session
        if session is None:
            return self.expired()
        try:
            session.handshake()
        except ssl.SSLWantReadError:
            return READ
        except ssl.SSLWantWriteError:
            return WRITE
        except ssl.SSLError as error:
            finding = self._terms.failed(session, error)
            return self._failed(finding.detail, finding)
        except (ConnectionResetError, BrokenPipeError):
            return self._failed("reset: tls")
        return self._done(session)

    @override
    def waiting_for(self) -> str:
        return "tls" if self.stands else "connect"

    def _done(self, session: TlsSession) -> Answer:
        tls = self._monotonic() - self._at
        finding = self._terms.judged(session)
        is_right = not finding.detail
        return Answer(
            Outcome.OK if is_right else Outcome.MISMATCH,
            rtt=self.connect + tls,
            evidence=Evidence.PROTOCOL if is_right else Evidence.NONE,
            phases=(math.nan, self.connect, tls),
            detail=finding.detail or session.shown,
            measures=finding.measures,
        )

    def _failed(self, detail: str, finding: TlsFinding | None = None) -> Answer:
        return Answer(
            Outcome.MISMATCH,
            phases=(math.nan, self.connect),
            detail=detail,
            measures=finding.measures if finding else {},
        )


class TlsProbe:
    """Looks at TLS services: OK, MISMATCH, REFUSED, UNREACHABLE, TIMEOUT; ERROR is ours.

    ``wall_ns`` dates the verification; ``extra_ca`` is trusted besides the system's authorities.
    """

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
                terms = self._trusts.terms(tls_plan(request.options, name=request.address))
            except (ValueError, OSError) as error:
                answer = Answer(Outcome.ERROR, detail=f"option: {error}")
                asyncio.get_running_loop().call_soon(finish, request, answer)
                return
            prepared = _Prepared(request.address, request.options, terms)
            self._prepared[request.target] = prepared
        exchange = _TlsExchange(request, finish, terms=prepared.terms, monotonic=self._monotonic)
        self._connections.begin(exchange)

    async def close(self) -> None:
        """End the looks under way as ERROR."""
        self._connections.close()

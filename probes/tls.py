"""A TLS look: whether a handshake succeeds, whether the certificate is right, and for how long.

The options are those of :mod:`probes.tls_plan`, and ``starttls``: ``smtp``, ``imap`` or ``pop3`` for a service that
begins in the clear. A handshake that fails, a chain that is not right, a key that is not the pinned one and a
certificate that ends within ``min_days`` are each a MISMATCH whose detail begins with a slug (``expired``,
``not-yet-valid``, ``wrong-name``, ``weak``, ``untrusted``, ``wrong-key``, ``wrong-alpn``, ``expires-soon``,
``no-starttls``, ``tls``); the earliest end of validity is told wherever a chain was presented. On a good look the
detail shows what was agreed on.

``rtt`` is the TCP handshake and the TLS handshake together. In TLS 1.3 a server refuses *our* certificate only after
the handshake: that shows in an HTTP look, not here.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from probes.connections import Connections, Step
from probes.conversation import Conversation
from probes.models import PHASES, Answer, Evidence, Finish, Outcome, Request
from probes.starttls import StartTls, StartTlsError, starttls_of
from probes.tls_plan import tls_plan
from probes.tls_session import TlsSession
from probes.tls_terms import TlsTerms, TlsTrusts

__all__ = ["TlsProbe"]

_TLS = PHASES.index("tls")
_NO_STARTTLS = "no-starttls"


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The terms of one target, good for as long as its address and options stay what they were."""

    address: str
    options: Mapping[str, str]
    terms: TlsTerms
    starttls: str

    def is_for(self, request: Request) -> bool:
        return self.options is request.options and self.address == request.address


class _TlsExchange(Conversation):
    """connect, [words in the clear], handshake; these words belong to the phase ``tls``."""

    __slots__ = ("_dialogue",)

    def __init__(
        self,
        request: Request,
        finish: Finish,
        *,
        prepared: _Prepared,
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(request, finish, words=b"", terms=prepared.terms, monotonic=monotonic)
        self._dialogue = StartTls(prepared.starttls) if prepared.starttls else None

    @override
    def secure(self) -> None:
        if self._dialogue is None or self._dialogue.is_over:
            super().secure()
        else:
            self.listen()

    @override
    def heard(self, data: bytes) -> Step | None:
        if not data or self._dialogue is None:
            return self.failed(f"{_NO_STARTTLS}: closed")
        try:
            words = self._dialogue.feed(data)
        except StartTlsError as error:
            return self.failed(f"{_NO_STARTTLS}: {error}")
        if self._dialogue.is_over:
            self.secure()
            return self.ready(self.monotonic())
        return self.say(words) if words else None

    @override
    def secured(self, session: TlsSession) -> Answer:
        return Answer(
            Outcome.OK,
            rtt=sum(self.phases[1:]),
            evidence=Evidence.PROTOCOL,
            phases=tuple(self.phases),
            detail=session.shown,
            measures=self.measures,
        )

    @override
    def failed(self, detail: str) -> Answer:
        is_shaken = len(self.phases) > _TLS  # it took its time also where the certificate is not right
        return Answer(
            Outcome.MISMATCH,
            rtt=sum(self.phases[1:]) if is_shaken else math.nan,
            phases=tuple(self.phases),
            detail=detail,
            measures=self.measures,
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
                starttls = starttls_of(request.options)
                terms = self._trusts.terms(tls_plan(request.options, name=request.address))
            except (ValueError, OSError) as error:
                answer = Answer(Outcome.ERROR, detail=f"option: {error}")
                asyncio.get_running_loop().call_soon(finish, request, answer)
                return
            prepared = _Prepared(request.address, request.options, terms, starttls)
            self._prepared[request.target] = prepared
        self._connections.begin(_TlsExchange(request, finish, prepared=prepared, monotonic=self._monotonic))

    async def close(self) -> None:
        """End the looks under way as ERROR."""
        self._connections.close()

"""A DNS look: whether a server answers a question, with what code, and with what.

One query, not repeated: a lost datagram is a lost look, as with a ping, and confirming looks decide. Over UDP all
targets share one socket a family; an answer counts only from the address and port asked, with the identifier and the
question sent. An answer cut short is asked for again over TCP, within the same timeout. ``rtt`` is all of it.

The options are those of :mod:`probes.dns_plan`. SERVFAIL, NXDOMAIN and their like are a MISMATCH with the response
code in ``code``; silence is a TIMEOUT that names the phase; an ICMP error is REFUSED or UNREACHABLE at once.
"""

import asyncio
import errno
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random  # noqa: TID251 # for its type

from probes.connections import Connections
from probes.datagram_notes import IcmpError
from probes.datagrams import Datagrams
from probes.deadlines import Deadlines
from probes.dns_message import DnsFinding, answers, identifier, is_truncated, judged, with_identifier
from probes.dns_plan import TRANSPORTS, DnsPlan, dns_plan
from probes.dns_stream import DnsExchange
from probes.models import Answer, Evidence, Finish, Outcome, Request
from probes.tls_terms import TlsTerms, TlsTrusts

__all__ = ["DnsProbe", "DnsStatistics"]

_IDENTIFIERS = 1 << 16
_MOST_IN_FLIGHT = 32_768
"""Half of the identifiers: beyond, finding a free one by chance takes long, and guessing one does not."""


@dataclass(slots=True)
class DnsStatistics:
    """Counters since the probe was opened; ``foreign`` counts what came in and answered nothing that is open."""

    sent: int = 0
    answered: int = 0
    truncated: int = 0
    foreign: int = 0
    icmp_errors: int = 0
    send_errors: int = 0
    kernel_drops: int = 0
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The plan of one target, good for as long as its address and options stay what they were."""

    address: str
    options: Mapping[str, str]
    plan: DnsPlan
    terms: TlsTerms | None

    def is_for(self, request: Request) -> bool:
        return self.options is request.options and self.address == request.address


@dataclass(slots=True)
class _Asking:
    """One look over UDP."""

    request: Request
    finish: Finish
    plan: DnsPlan
    number: int
    port: int
    sent_at: float
    is_open: bool = True


class DnsProbe:
    """Asks DNS servers: OK, MISMATCH, REFUSED, UNREACHABLE, TIMEOUT; ERROR is ours.

    ``rng`` chooses identifiers, so it must not be guessable; ``wall_ns`` dates arrivals and verifications;
    ``extra_ca`` is trusted besides the system's authorities.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        wall_ns: Callable[[], int],
        rng: Random,
        extra_ca: Path | None = None,
        receive_buffer: int = 8 * 1024 * 1024,
    ) -> None:
        self._monotonic = monotonic
        self._rng = rng
        self._statistics = DnsStatistics()
        self._prepared: dict[int, _Prepared] = {}
        self._asking: dict[int, _Asking] = {}
        self._trusts = TlsTrusts(extra_ca=extra_ca, wall_ns=wall_ns)
        self._connections = Connections(monotonic=monotonic, speaks=True)
        self._datagrams = Datagrams(
            monotonic=monotonic,
            wall_ns=wall_ns,
            on_datagram=self._on_datagram,
            on_error=self._on_error,
            receive_buffer=receive_buffer,
        )
        self._deadlines: Deadlines[_Asking] = Deadlines(
            monotonic=monotonic, on_due=self._on_due, is_over=lambda asking: not asking.is_open
        )

    async def open(self) -> None:
        """Open the sockets on the running loop."""
        await self._trusts.open()
        self._connections.open()
        self._datagrams.open()

    def begin(self, request: Request, finish: Finish) -> None:
        """Start one look; ``finish`` is called later, never from within this call."""
        try:
            prepared = self._plan_for(request)
            if prepared.plan.transport == "udp":
                self._send(request, finish, prepared.plan)
            else:
                self._connect(request, finish, prepared)
        except (ValueError, OSError) as error:
            self._statistics.send_errors += 1
            answer = Answer(Outcome.ERROR, detail=f"not sent: {getattr(error, 'strerror', None) or error}")
            asyncio.get_running_loop().call_soon(finish, request, answer)

    async def close(self) -> None:
        """End the looks under way as ERROR and close the sockets."""
        self._deadlines.close()
        for asking in list(self._asking.values()):
            self._end(asking, Answer(Outcome.ERROR, detail="closed"))
        self._datagrams.close()
        self._connections.close()

    @property
    def kernel_drops(self) -> int:
        """Datagrams that the kernel dropped because nobody read them in time."""
        return self._datagrams.kernel_drops

    def statistics(self) -> DnsStatistics:
        """Answer a copy of the counters."""
        return replace(
            self._statistics,
            kernel_drops=self.kernel_drops,
            in_flight=len(self._asking) + len(self._connections),
        )

    def _plan_for(self, request: Request) -> _Prepared:
        prepared = self._prepared.get(request.target)
        if prepared is None or not prepared.is_for(request):
            plan = dns_plan(request.address, request.options)
            terms = self._trusts.terms(plan.tls) if plan.tls is not None else None
            prepared = _Prepared(request.address, request.options, plan, terms)
            self._prepared[request.target] = prepared
        return prepared

    def _send(self, request: Request, finish: Finish, plan: DnsPlan) -> None:
        number = self._free_number()
        port = request.port or TRANSPORTS["udp"]
        now = self._monotonic()
        self._datagrams.send(with_identifier(plan, number), request.address, port)
        asking = _Asking(request, finish, plan, number, port, now)
        self._asking[number] = asking
        self._statistics.sent += 1
        self._deadlines.set(now, request.timeout, asking)

    def _free_number(self) -> int:
        if len(self._asking) >= _MOST_IN_FLIGHT:
            raise ValueError("too many queries under way")
        while (number := self._rng.randrange(_IDENTIFIERS)) in self._asking:
            continue
        return number

    def _connect(
        self, request: Request, finish: Finish, prepared: _Prepared, *, after: float = math.nan
    ) -> None:
        request_over = replace(request, port=request.port or TRANSPORTS[prepared.plan.transport])
        if not math.isnan(after):
            request_over = replace(request_over, timeout=max(0.0, request.timeout - after))
        exchange = DnsExchange(
            request_over,
            lambda _, answer: finish(request, answer),
            plan=prepared.plan,
            number=self._rng.randrange(_IDENTIFIERS),
            terms=prepared.terms,
            monotonic=self._monotonic,
            after=after,
        )
        self._connections.begin(exchange)

    def _on_datagram(self, data: bytes, source: tuple[str, int], arrival: float) -> None:
        asking = self._asking.get(identifier(data))
        if (
            asking is None
            or source != (asking.request.address, asking.port)
            or not answers(asking.plan, asking.number, data)
        ):
            self._statistics.foreign += 1
            return
        now = self._monotonic()
        rtt = arrival - asking.sent_at if arrival > asking.sent_at else now - asking.sent_at
        if is_truncated(data):
            self._statistics.truncated += 1
            self._forget(asking)
            prepared = _Prepared(asking.request.address, asking.request.options, asking.plan, None)
            self._connect(asking.request, asking.finish, prepared, after=now - asking.sent_at)
            return
        self._statistics.answered += 1
        self._end(asking, _answer(judged(asking.plan, data), rtt))

    def _on_error(self, data: bytes, error: IcmpError) -> None:
        self._statistics.icmp_errors += 1
        asking = self._asking.get(identifier(data))  # an error quotes what caused it
        if asking is None or data[2:] != asking.plan.query[2:]:
            return
        detail = errno.errorcode.get(error.code, str(error.code))
        if error.is_remote and error.code == errno.ECONNREFUSED:
            outcome = Outcome.REFUSED
        else:
            outcome = Outcome.UNREACHABLE if error.is_remote else Outcome.ERROR
        self._end(asking, Answer(outcome, detail=detail))

    def _on_due(self, askings: list[_Asking]) -> None:
        # What arrived while the loop was busy elsewhere is an answer, not a loss.
        self._datagrams.drain()
        for asking in askings:
            if asking.is_open:
                self._end(asking, Answer(Outcome.TIMEOUT, detail="first_byte"))

    def _forget(self, asking: _Asking) -> None:
        asking.is_open = False
        self._asking.pop(asking.number, None)

    def _end(self, asking: _Asking, answer: Answer) -> None:
        self._forget(asking)
        asking.finish(asking.request, answer)


def _answer(finding: DnsFinding, rtt: float) -> Answer:
    return Answer(
        finding.outcome,
        rtt=rtt,
        code=finding.code,
        evidence=Evidence.PROTOCOL if finding.outcome is Outcome.OK else Evidence.NONE,
        phases=(math.nan, math.nan, math.nan, rtt),
        detail=finding.detail,
        measures=finding.measures,
    )

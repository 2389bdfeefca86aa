"""SIP looks: OPTIONS, or the bindings of a registration, over UDP, TCP or TLS.

Over UDP one socket a family serves all targets and transactions are known by their branch; over TCP and TLS each
look has a fresh connection (:mod:`probes.sip_streams`). Options are read by :mod:`probes.sip_plan`, answers judged
by :mod:`probes.sip_outcome`. An ICMP error for a request is REFUSED or UNREACHABLE at once, not after the timeout.

Over UDP ``rtt`` runs from the first transmission to the final answer's arrival by the kernel's stamp, retransmissions
and an answered challenge included. An answer may come from another address than the one asked (a pair behind one
address does that); the branch is an unguessable token, so it is taken, and counted as ``elsewhere``.
"""

import asyncio
import errno
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from probes.connections import Connections
from probes.datagram_notes import IcmpError
from probes.datagrams import Datagrams
from probes.deadlines import Deadlines
from probes.models import Answer, Finish, Outcome, Request
from probes.sip_digest import authorization, challenge_of
from probes.sip_message import SipMessageError, SipResponse, glimpsed, parse_sip
from probes.sip_outcome import is_challenge, sip_answer
from probes.sip_plan import COOKIE, OwnEnd, SipPlan, SipTransport, branch_of, sip_plan, sip_request
from probes.sip_statistics import SipStatistics
from probes.sip_streams import SipExchange
from probes.sip_transaction import Deed, NonInviteTransaction
from probes.tls_terms import TlsTerms, TlsTrusts

__all__ = ["SipProbe"]

_NAME = "thong0suot0ten0"
_NAME_OCTETS = _NAME.encode()
_BRANCH = re.compile(rb"branch=(z9hG4bK[^;\s]+)")


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The plan of one target, good for as long as its address and options stay what they were."""

    address: str
    port: int
    options: Mapping[str, str]
    plan: SipPlan
    terms: TlsTerms | None
    template: bytes
    """The first request over UDP with :data:`_NAME` for the look's token."""

    def is_for(self, request: Request) -> bool:
        return (
            self.options is request.options and self.address == request.address and self.port == request.port
        )


class _Asking:
    """One look: its transaction, and until it has ended what is needed to send it again and to end it."""

    __slots__ = ("attempt", "began", "datagram", "finish", "name", "plan", "request", "transaction")

    def __init__(
        self, request: Request, finish: Finish, *, plan: SipPlan, name: str, datagram: bytes
    ) -> None:
        self.request = request
        self.finish: Finish | None = finish
        self.plan = plan
        self.name = name
        self.attempt = 1
        self.began = 0.0
        self.datagram = datagram
        self.transaction = NonInviteTransaction(cut_off=request.timeout)


class SipProbe:
    """Asks SIP elements; ``token`` yields unguessable texts of letters and digits, ``extra_ca`` is trusted besides."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        wall_ns: Callable[[], int],
        token: Callable[[], str],
        extra_ca: Path | None = None,
        receive_buffer: int = 8 * 1024 * 1024,
    ) -> None:
        self._monotonic = monotonic
        self._token = token
        self._statistics = SipStatistics()
        self._prepared: dict[int, _Prepared] = {}
        self._asking: dict[str, _Asking] = {}
        self._trusts = TlsTrusts(extra_ca=extra_ca, wall_ns=wall_ns)
        self._connections = Connections(monotonic=monotonic, speaks=True)
        self._datagrams = Datagrams(
            monotonic=monotonic,
            wall_ns=wall_ns,
            on_datagram=self._on_datagram,
            on_error=self._on_error,
            receive_buffer=receive_buffer,
        )
        self._deadlines: Deadlines[str] = Deadlines(
            monotonic=monotonic, on_due=self._on_due, is_over=lambda branch: branch not in self._asking
        )

    async def open(self) -> None:
        """Read the authorities and open the sockets on the running loop."""
        await self._trusts.open()
        self._connections.open()
        self._datagrams.open()

    def begin(self, request: Request, finish: Finish) -> None:
        """Ask; ``finish`` is called later, never from within this call."""
        prepared = self._prepared.get(request.target)
        try:
            if prepared is None or not prepared.is_for(request):
                prepared = self._prepared[request.target] = self._prepare(request)
            if prepared.plan.transport is SipTransport.UDP:
                self._begin_datagram(request, finish, prepared)
            else:
                self._begin_stream(request, finish, prepared)
        except (OSError, ValueError) as error:
            self._statistics.send_errors += 1
            answer = Answer(Outcome.ERROR, detail=f"not sent: {getattr(error, 'strerror', None) or error}")
            asyncio.get_running_loop().call_soon(finish, request, answer)

    async def close(self) -> None:
        """End the looks under way as ERROR and close the sockets."""
        self._connections.close()
        self._deadlines.close()
        for asking in list(self._asking.values()):
            self._end(asking, Answer(Outcome.ERROR, detail="closed"))
        self._asking.clear()
        self._datagrams.close()

    @property
    def kernel_drops(self) -> int:
        """Datagrams that the kernel dropped because nobody read them in time."""
        return self._datagrams.kernel_drops

    def statistics(self) -> SipStatistics:
        """Answer a copy of the counters."""
        return replace(
            self._statistics,
            codes=Counter(self._statistics.codes),
            kernel_drops=self.kernel_drops,
        )

    def _prepare(self, request: Request) -> _Prepared:
        plan = sip_plan(request.address, request.port, request.options)
        terms = self._trusts.terms(plan.tls) if plan.tls is not None else None
        template = b""
        if plan.transport is SipTransport.UDP:
            template = sip_request(plan, OwnEnd(*self._datagrams.own_end(request.address)), name=_NAME)
        return _Prepared(request.address, request.port, request.options, plan, terms, template)

    def _begin_stream(self, request: Request, finish: Finish, prepared: _Prepared) -> None:
        self._statistics.in_flight += 1
        self._connections.begin(
            SipExchange(
                request,
                partial(self._stream_ended, finish),
                plan=prepared.plan,
                terms=prepared.terms,
                name=self._token(),
                cnonce=self._token(),
                monotonic=self._monotonic,
                statistics=self._statistics,
            )
        )

    def _stream_ended(self, finish: Finish, request: Request, answer: Answer) -> None:
        self._statistics.in_flight -= 1
        finish(request, answer)

    def _begin_datagram(self, request: Request, finish: Finish, prepared: _Prepared) -> None:
        name = self._token()
        datagram = prepared.template.replace(_NAME_OCTETS, name.encode())
        asking = _Asking(request, finish, plan=prepared.plan, name=name, datagram=datagram)
        asking.began = self._monotonic()
        self._ask(asking, COOKIE + name, asking.began)
        self._statistics.in_flight += 1

    def _ask(self, asking: _Asking, branch: str, now: float) -> None:
        self._datagrams.send(asking.datagram, asking.request.address, asking.request.port)
        self._asking[branch] = asking
        self._statistics.sent += 1
        self._deadlines.set(now, asking.transaction.wait, branch)

    def _ask_again(self, asking: _Asking, message: SipResponse) -> bool:
        """Ask once more, with credentials, where the answer is a challenge that can be met."""
        credentials = asking.plan.credentials
        if credentials is None or asking.attempt > 1 or not is_challenge(message.status):
            return False
        challenge = challenge_of(message)
        if challenge is None:
            return False
        del self._asking[branch_of(asking.name, 1)]
        now = self._monotonic()
        asking.attempt = 2
        asking.transaction = NonInviteTransaction(
            cut_off=max(asking.request.timeout - (now - asking.began), 0.0)
        )
        header = authorization(
            challenge, credentials, method=asking.plan.method, uri=asking.plan.uri, cnonce=self._token()
        )
        try:
            own = OwnEnd(*self._datagrams.own_end(asking.request.address))
            asking.datagram = sip_request(asking.plan, own, name=asking.name, attempt=2, authorization=header)
            self._ask(asking, branch_of(asking.name, 2), now)
        except OSError as error:
            self._end(asking, Answer(Outcome.ERROR, detail=f"not sent: {error.strerror}"))
        return True

    def _on_datagram(self, data: bytes, source: tuple[str, int], arrival: float) -> None:
        glimpse = glimpsed(data)
        asking = self._asking.get(glimpse[2]) if glimpse else None
        if glimpse is None or asking is None or not asking.plan.needs_only_status:
            self._read(data, source, arrival)
        elif glimpse[3] != asking.plan.method:
            self._statistics.foreign += 1
        else:
            self._take(asking, SipResponse((), b"", glimpse[0], glimpse[1]), source, arrival)

    def _read(self, data: bytes, source: tuple[str, int], arrival: float) -> None:
        try:
            message = parse_sip(data)
        except SipMessageError:
            self._statistics.malformed += 1
            return
        via = message.via
        asking = self._asking.get(via.branch) if via else None
        if asking is None or not isinstance(message, SipResponse) or message.cseq[1] != asking.plan.method:
            self._statistics.foreign += 1
        else:
            self._take(asking, message, source, arrival)

    def _take(self, asking: _Asking, message: SipResponse, source: tuple[str, int], arrival: float) -> None:
        if source[0] != asking.request.address:
            self._statistics.elsewhere += 1
        was_given_up = asking.transaction.was_given_up
        deed = asking.transaction.received(message.status)
        if deed is Deed.TAKE_ANSWER:
            self._statistics.answered += 1
            self._statistics.codes[message.status] += 1
            if not self._ask_again(asking, message):
                rtt = arrival - asking.began
                rtt = rtt if rtt > 0 else self._monotonic() - asking.began
                self._end(asking, sip_answer(asking.plan, message, rtt=rtt))
        elif asking.transaction.is_open:
            self._statistics.provisional += 1
        elif was_given_up:
            self._statistics.late += 1
        else:
            self._statistics.duplicate += 1

    def _on_error(self, data: bytes, error: IcmpError) -> None:
        self._statistics.icmp_errors += 1
        found = _BRANCH.search(data)  # an error quotes the beginning of what caused it
        asking = self._asking.get(found[1].decode("ascii", "replace")) if found else None
        if asking is None or not asking.transaction.is_open:
            return
        asking.transaction.failed()
        detail = errno.errorcode.get(error.code, str(error.code))
        if error.is_remote and error.code == errno.ECONNREFUSED:
            outcome = Outcome.REFUSED
        else:
            outcome = Outcome.UNREACHABLE if error.is_remote else Outcome.ERROR
        self._end(asking, Answer(outcome, detail=detail))

    def _on_due(self, branches: list[str]) -> None:
        # What arrived while the loop was busy elsewhere is an answer, not a loss.
        self._datagrams.drain()
        now = self._monotonic()
        for branch in branches:
            asking = self._asking.get(branch)
            if asking is not None:
                self._wake(branch, asking, now)

    def _wake(self, branch: str, asking: _Asking, now: float) -> None:
        transaction = asking.transaction
        deed = transaction.woke()
        if deed is Deed.FORGET:
            del self._asking[branch]
            return
        self._deadlines.set(now, transaction.wait, branch)
        if deed is Deed.SEND_AGAIN:
            self._send_again(asking)
        elif deed is Deed.GIVE_UP:
            code = transaction.provisional
            detail = f"only {code}" if code else "no answer"
            self._end(asking, Answer(Outcome.TIMEOUT, code=code, detail=detail))

    def _send_again(self, asking: _Asking) -> None:
        try:
            self._datagrams.send(asking.datagram, asking.request.address, asking.request.port)
        except OSError:
            # The cut-off decides; the first transmission may yet be answered.
            self._statistics.send_errors += 1
        else:
            self._statistics.retransmitted += 1

    def _end(self, asking: _Asking, answer: Answer) -> None:
        finish, asking.finish = asking.finish, None
        asking.datagram = b""
        if finish is not None:
            self._statistics.in_flight -= 1
            finish(asking.request, answer)

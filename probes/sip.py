"""SIP OPTIONS looks over UDP: one socket a family for all targets, transactions known by their branch.

What an answer means (DOMAIN.md 5.3; RFC 3261 section 11): **any** final answer proves that the SIP element is alive,
so 200, 404, 486, 401 and the rest are OK with evidence PROTOCOL, and the code is kept: whether the *line* can be
used is for others to conclude. Two finals do not speak for the element: 503 is OVERLOADED, and 408 is a TIMEOUT,
since a proxy says with it that whoever stands behind did not answer in time. An ICMP error for the request is
REFUSED or UNREACHABLE at once, not after the timeout.

Options: ``user`` (the part before the @; none by default) and ``transport`` (``udp``, the only one spoken).

``rtt`` runs from the first transmission to the answer's arrival by the kernel's stamp, retransmissions included.
An answer may come from another address than the one asked (a pair behind one address does that); the branch is an
unguessable token, so it is taken, and counted as ``elsewhere``.
"""

import asyncio
import errno
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from probes.datagram_notes import IcmpError
from probes.datagrams import Datagrams
from probes.deadlines import Deadlines
from probes.models import Answer, Evidence, Finish, Outcome, Request
from probes.sip_message import SipMessageError, SipRequest, SipResponse, parse_sip
from probes.sip_transaction import Deed, NonInviteTransaction

__all__ = ["SIP_OPTIONS", "SipProbe", "SipStatistics"]

SIP_OPTIONS: Final = frozenset({"user", "transport"})

_COOKIE: Final = "z9hG4bK"
"""What a branch begins with since RFC 3261 (8.1.1.7)."""

_BRANCH = re.compile(rb"branch=(z9hG4bK[^;\s]+)")
_USER = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,;?/%-]*")
_REQUEST_TIMEOUT = 408
_SERVICE_UNAVAILABLE = 503


@dataclass(slots=True)
class SipStatistics:
    """Counters since the probe was opened; ``codes`` counts final answers by status."""

    sent: int = 0
    retransmitted: int = 0
    answered: int = 0
    provisional: int = 0
    duplicate: int = 0
    late: int = 0
    foreign: int = 0
    malformed: int = 0
    elsewhere: int = 0
    icmp_errors: int = 0
    send_errors: int = 0
    kernel_drops: int = 0
    in_flight: int = 0
    codes: Counter[int] = field(default_factory=Counter)


class _Asking:
    """One look: its transaction, and until it has ended what is needed to send it again and to end it."""

    __slots__ = ("datagram", "finish", "request", "sent_at", "transaction")

    def __init__(self, request: Request, finish: Finish, datagram: bytes) -> None:
        self.request = request
        self.finish: Finish | None = finish
        self.datagram = datagram
        self.sent_at = 0.0
        self.transaction = NonInviteTransaction(cut_off=request.timeout)


class SipProbe:
    """Asks SIP elements for their OPTIONS; ``token`` yields unguessable texts of letters and digits."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float],
        wall_ns: Callable[[], int],
        token: Callable[[], str],
        receive_buffer: int = 8 * 1024 * 1024,
    ) -> None:
        self._monotonic = monotonic
        self._token = token
        self._statistics = SipStatistics()
        self._asking: dict[str, _Asking] = {}
        self._datagrams = Datagrams(
            monotonic=monotonic,
            wall_ns=wall_ns,
            on_datagram=self._on_datagram,
            on_error=self._on_error,
            receive_buffer=receive_buffer,
        )
        self._deadlines: Deadlines[str] = Deadlines(monotonic=monotonic, on_due=self._on_due)

    async def open(self) -> None:
        """Open the sockets on the running loop."""
        self._datagrams.open()

    def begin(self, request: Request, finish: Finish) -> None:
        """Send one OPTIONS; ``finish`` is called later, never from within this call."""
        branch = _COOKIE + self._token()
        try:
            asking = _Asking(request, finish, self._options(request, branch))
            asking.sent_at = self._monotonic()
            self._datagrams.send(asking.datagram, request.address, request.port)
        except (OSError, ValueError) as error:
            self._statistics.send_errors += 1
            answer = Answer(Outcome.ERROR, detail=f"not sent: {getattr(error, 'strerror', None) or error}")
            asyncio.get_running_loop().call_soon(finish, request, answer)
            return
        self._asking[branch] = asking
        self._statistics.sent += 1
        self._statistics.in_flight += 1
        self._deadlines.set(asking.sent_at, asking.transaction.wait, branch)

    async def close(self) -> None:
        """End the looks under way as ERROR and close the sockets."""
        self._deadlines.close()
        for asking in list(self._asking.values()):
            self._end(asking, Answer(Outcome.ERROR, detail="closed"))
        self._asking.clear()
        self._datagrams.close()

    def statistics(self) -> SipStatistics:
        """Answer a copy of the counters."""
        return replace(
            self._statistics,
            codes=Counter(self._statistics.codes),
            kernel_drops=self._datagrams.kernel_drops,
        )

    def _options(self, request: Request, branch: str) -> bytes:
        user = request.options.get("user", "")
        if not _USER.fullmatch(user):
            raise ValueError(f"user cannot stand in a SIP address: {user!r}")
        if request.options.get("transport", "udp") != "udp":
            raise ValueError("only transport=udp is spoken")
        own, port = self._datagrams.own_end(request.address)
        own, asked = (f"[{host}]" if ":" in host else host for host in (own, request.address))
        uri = f"sip:{user}{'@' if user else ''}{asked}:{request.port}"
        name = branch.removeprefix(_COOKIE)
        headers = (
            # rport (RFC 3581): answer to where this came from, whatever a translator made of it.
            ("Via", f"SIP/2.0/UDP {own}:{port};branch={branch};rport"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:thongsuot@{own}>;tag={name}"),
            ("To", f"<{uri}>"),
            ("Call-ID", f"{name}@{own}"),
            ("CSeq", "1 OPTIONS"),
            ("Contact", f"<sip:thongsuot@{own}:{port}>"),
            ("Accept", "application/sdp"),
            ("User-Agent", "thongsuot"),
        )
        return SipRequest(headers, b"", "OPTIONS", uri).encode()

    def _on_datagram(self, data: bytes, source: str, arrival: float) -> None:
        try:
            message = parse_sip(data)
        except SipMessageError:
            self._statistics.malformed += 1
            return
        via = message.via
        asking = self._asking.get(via.branch) if via else None
        if asking is None or not isinstance(message, SipResponse) or message.cseq[1] != "OPTIONS":
            self._statistics.foreign += 1
            return
        if source != asking.request.address:
            self._statistics.elsewhere += 1
        self._take(asking, message, arrival)

    def _take(self, asking: _Asking, message: SipResponse, arrival: float) -> None:
        was_given_up = asking.transaction.was_given_up
        deed = asking.transaction.received(message.status)
        if deed is Deed.TAKE_ANSWER:
            self._statistics.answered += 1
            self._statistics.codes[message.status] += 1
            rtt = arrival - asking.sent_at
            self._end(asking, _answer_of(message, rtt if rtt > 0 else self._monotonic() - asking.sent_at))
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
            self._statistics.send_errors += (
                1  # the cut-off decides; the first transmission may yet be answered
            )
        else:
            self._statistics.retransmitted += 1

    def _end(self, asking: _Asking, answer: Answer) -> None:
        finish, asking.finish = asking.finish, None
        asking.datagram = b""
        if finish is not None:
            self._statistics.in_flight -= 1
            finish(asking.request, answer)


def _answer_of(message: SipResponse, rtt: float) -> Answer:
    detail = f"{message.status} {message.reason}"[:80]
    if message.status == _SERVICE_UNAVAILABLE:
        return Answer(Outcome.OVERLOADED, rtt=rtt, code=message.status, detail=detail)
    if message.status == _REQUEST_TIMEOUT:
        return Answer(Outcome.TIMEOUT, rtt=rtt, code=message.status, detail=detail)
    is_plain = message.status == 200
    return Answer(
        Outcome.OK,
        rtt=rtt,
        code=message.status,
        evidence=Evidence.PROTOCOL,
        detail="" if is_plain else detail,
    )

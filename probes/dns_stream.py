"""One DNS query over a stream: TCP (RFC 7766) or TLS (RFC 7858), each message after its length in two bytes."""

import math
from collections.abc import Callable, Mapping

from typing_extensions import override

from probes.connections import Step
from probes.conversation import Conversation
from probes.dns_message import answers, judged, with_identifier
from probes.dns_plan import DnsPlan
from probes.models import Answer, Evidence, Finish, Measure, Outcome, Request
from probes.tls_terms import TlsTerms

__all__ = ["DnsExchange"]

_LENGTH = 2


class DnsExchange(Conversation):
    """connect, [handshake], query, answer. ``after``: seconds that a truncated answer over UDP took before."""

    __slots__ = ("_after", "_number", "_plan", "_received")

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
        query = with_identifier(plan, number)
        words = len(query).to_bytes(_LENGTH, "big") + query
        super().__init__(request, finish, words=words, terms=terms, monotonic=monotonic)
        self._plan = plan
        self._number = number
        self._after = 0.0 if math.isnan(after) else after
        self._received = bytearray()

    @override
    def heard(self, data: bytes) -> Step | None:
        received = self._received
        if not data:
            return self.failed("closed before an answer")
        received += data
        whole = _LENGTH + int.from_bytes(received[:_LENGTH], "big")
        return self._judged(bytes(received[_LENGTH:whole])) if len(received) >= max(whole, _LENGTH) else None

    @override
    def failed(self, detail: str) -> Answer:
        return Answer(Outcome.MISMATCH, phases=tuple(self.phases), detail=detail, measures=self.measures)

    def _judged(self, data: bytes) -> Answer:
        if not answers(self._plan, self._number, data):
            return self.failed("not an answer to the question")
        self.mark()
        self.phases[-1] += self._after
        finding = judged(self._plan, data)
        measures: Mapping[Measure, float] = {**self.measures, **finding.measures}
        return Answer(
            finding.outcome,
            rtt=sum(phase for phase in self.phases if not math.isnan(phase)),
            code=finding.code,
            evidence=Evidence.PROTOCOL if finding.outcome is Outcome.OK else Evidence.NONE,
            phases=tuple(self.phases),
            detail=finding.detail,
            measures=measures,
        )

"""One connection to a radio stream: what comes over it, for as long as it takes to judge."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from typing_extensions import override

from probes.connections import Step
from probes.conversation import Conversation
from probes.models import PHASES, Answer, Evidence, Finish, Measure, Outcome, Request
from probes.stream_plan import StreamPlan
from probes.stream_response import StreamResponse
from probes.tls_terms import TlsTerms

__all__ = ["Listening"]

_UNTIL_FIRST_BYTE: Final = PHASES.index("first_byte")
_MOST_BYTES: Final = 16 << 20
_MOST_PLAYLIST: Final = 262_144
_BURST_SHARE: Final = 0.25
"""The first quarter of listening is for what the server had ready; the flow is counted in the rest."""
_SILENT_SHARE: Final = 0.6
"""A stream that gave nothing for this much of the listening has stopped, however much came before."""
_MARGIN_SECONDS: Final = 0.05
_SOUNDS: Final = ("audio/", "application/ogg", "video/mp2t", "application/octet-stream")
_LISTS: Final = frozenset(
    {"application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl"}
)


class Listening(Conversation):
    """connect, [handshake], request, head, then the body: all of a playlist, some seconds of a sound.

    With ``is_segment`` it is enough that the body has begun and says how long it is.
    """

    __slots__ = ("_counted", "_first", "_is_segment", "_last", "_plan", "_until", "response")

    def __init__(
        self,
        request: Request,
        finish: Finish,
        *,
        plan: StreamPlan,
        terms: TlsTerms | None,
        words: bytes,
        monotonic: Callable[[], float],
        is_segment: bool = False,
    ) -> None:
        super().__init__(request, finish, words=words, terms=terms, monotonic=monotonic)
        self._plan = plan
        self._is_segment = is_segment
        self._first = self._until = self._last = math.nan
        self._counted: tuple[float, int] | None = None
        self.response = StreamResponse(keep=_MOST_PLAYLIST)

    @override
    def expired(self) -> Answer:
        if not self.response.has_head:
            return super().expired()
        return self._judged(self.monotonic())

    @property
    def is_list(self) -> bool:
        """Whether what comes is a playlist."""
        if self._plan.format:
            return self._plan.format == "hls"
        return self.response.content_type in _LISTS

    @property
    def rtt(self) -> float:
        """Seconds until the first byte; NaN if none came."""
        known = [phase for phase in self.phases[:4] if not math.isnan(phase)]
        return sum(known) if len(self.phases) > _UNTIL_FIRST_BYTE else math.nan

    @override
    def heard(self, data: bytes) -> Step | None:
        response = self.response
        if not data:
            response.end()
        elif len(self.phases) == _UNTIL_FIRST_BYTE:
            self.mark()
        now = self._last = self.monotonic()
        response.feed(data)
        if response.problem or response.is_complete or self._is_wrong():
            return self._judged(now)
        return self._judged(now) if response.has_head and self._has_heard_enough(now) else None

    @override
    def failed(self, detail: str) -> Answer:
        return self._answer(Outcome.MISMATCH, detail)

    def _is_wrong(self) -> bool:
        return self.response.has_head and self.response.status != 200

    def _has_heard_enough(self, now: float) -> bool:
        response = self.response
        if self._is_segment:
            return bool(response.body_bytes) and response.content_length is not None
        if self.is_list:
            return len(response.body) >= _MOST_PLAYLIST
        if math.isnan(self._until):
            self._first = now
            self._until = min(now + self._plan.seconds, self.began + self.request.timeout - _MARGIN_SECONDS)
        if self._counted is None and now - self._first >= _BURST_SHARE * (self._until - self._first):
            self._counted = (now, response.body_bytes)
        if response.body_bytes >= _MOST_BYTES:
            self._counted = self._counted or (self._first, 0)
            return True
        return now >= self._until

    def _judged(self, now: float) -> Answer:
        """Answer what came; a sound's flow is judged here, a playlist's by the probe."""
        response = self.response
        if response.problem:
            return self.failed(response.problem)
        if response.status != 200:
            outcome = Outcome.OVERLOADED if response.status == 503 else Outcome.MISMATCH
            return self._answer(outcome, f"status {response.status}")
        if self.is_list or self._is_segment:
            return self._answer(Outcome.OK, "")
        if not response.content_type.startswith(_SOUNDS):
            return self.failed(f"not audio: {response.content_type or 'no content type'}"[:80])
        return self._flow(now)

    def _flow(self, now: float) -> Answer:
        since, before = self._counted or (now, self.response.body_bytes)
        flowed = self.response.body_bytes - before
        if not flowed or now <= since or now - self._last > _SILENT_SHARE * (now - self._first):
            heard = f" after {before} at once" if before else ""
            return self.failed(f"no-bytes{heard}" if not self.response.is_complete else "no-bytes: ended")
        bits = flowed * 8 / (now - since)
        measures = {**self.measures, Measure.BITRATE: bits}
        if bits < self._plan.least_bits:
            return replace(
                self.failed(f"{bits / 1000:.1f} kbit/s, expected {self._plan.least_bits / 1000:g}"),
                measures=measures,
            )
        return replace(self._answer(Outcome.OK, f"{bits / 1000:.1f} kbit/s"), measures=measures)

    def _answer(self, outcome: Outcome, detail: str) -> Answer:
        good = outcome is Outcome.OK
        return Answer(
            outcome,
            rtt=self.rtt if good else math.nan,
            code=self.response.status,
            evidence=Evidence.PROTOCOL if good else Evidence.NONE,
            phases=tuple(self.phases),
            detail=detail,
            measures=self.measures,
        )

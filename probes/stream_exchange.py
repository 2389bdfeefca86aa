"""One connection to a radio stream: what comes over it, for as long as it takes to judge."""

import math
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from typing_extensions import override

from probes.connections import READ, WRITE, Exchange, Step
from probes.models import PHASES, Answer, Evidence, Finish, Measure, Outcome, Request
from probes.stream_plan import StreamPlan
from probes.stream_response import StreamResponse
from probes.tls_session import TlsSession
from probes.tls_terms import TlsTerms

__all__ = ["Listening"]

_CHUNK: Final = 65_536
_CHUNKS_A_TURN: Final = 16
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


class Listening(Exchange):
    """connect, [handshake], request, head, then the body: all of a playlist, some seconds of a sound.

    With ``is_segment`` it is enough that the body has begun and says how long it is.
    """

    __slots__ = (
        "_counted",
        "_first",
        "_is_segment",
        "_last",
        "_left",
        "_measures",
        "_monotonic",
        "_plan",
        "_session",
        "_step",
        "_terms",
        "_until",
        "phases",
        "response",
    )

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
        super().__init__(request, finish)
        self._plan = plan
        self._terms = terms
        self._measures: dict[Measure, float] = {}
        self._left = words
        self._monotonic = monotonic
        self._is_segment = is_segment
        self._step: Callable[[socket.socket | TlsSession], Step] = self._send
        self._session: TlsSession | None = None
        self._first = self._until = self._last = math.nan
        self._counted: tuple[float, int] | None = None
        self.phases = [math.nan]
        self.response = StreamResponse(keep=_MOST_PLAYLIST)

    @override
    def established(self, now: float) -> Step:
        self.phases.append(self.connect)
        self._first = now
        if self._terms is None:
            self.phases.append(math.nan)
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
            return self._mismatch(f"reset: {self.waiting_for()}")

    @override
    def waiting_for(self) -> str:
        return PHASES[min(len(self.phases), len(PHASES) - 1)]

    @override
    def expired(self) -> Answer:
        if not self.response.has_head:
            return super().expired()
        return self._heard(self._monotonic())

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
        return sum(known) if len(self.phases) >= 4 else math.nan

    def _handshake(self, stream: socket.socket | TlsSession) -> Step:
        if isinstance(stream, TlsSession) and self._terms is not None:
            stream.handshake()
            self._mark()
            finding = self._terms.judged(stream)
            self._measures.update(finding.measures)
            if finding.detail:
                return self._mismatch(finding.detail)
        self._step = self._send
        return self._send(stream)

    def _broken(self, stream: TlsSession | None, error: ssl.SSLError) -> Step:
        if self._terms is None or stream is None:
            return self._mismatch("tls")
        finding = self._terms.failed(stream, error)
        self._measures.update(finding.measures)
        return self._mismatch(finding.detail)

    def _send(self, stream: socket.socket | TlsSession) -> Step:
        self._left = self._left[stream.send(self._left) :]
        if self._left:
            return WRITE
        self._step = self._receive
        return READ

    def _receive(self, stream: socket.socket | TlsSession) -> Step:
        response = self.response
        for _ in range(_CHUNKS_A_TURN):
            try:
                data = stream.recv(_CHUNK)
            except ssl.SSLEOFError:
                data = b""
            if not data:
                response.end()
            elif len(self.phases) == 3:
                self._mark()
            now = self._last = self._monotonic()
            response.feed(data)
            if response.problem or response.is_complete or self._is_wrong():
                return self._heard(now)
            if response.has_head and self._has_heard_enough(now):
                return self._heard(now)
        return READ  # others have their turn; what is left is still there

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

    def _heard(self, now: float) -> Answer:
        """Answer what came; a sound's flow is judged here, a playlist's by the probe."""
        response = self.response
        if response.problem:
            return self._mismatch(response.problem)
        if response.status != 200:
            outcome = Outcome.OVERLOADED if response.status == 503 else Outcome.MISMATCH
            return self._answer(outcome, f"status {response.status}")
        if self.is_list or self._is_segment:
            return self._answer(Outcome.OK, "")
        if not response.content_type.startswith(_SOUNDS):
            return self._mismatch(f"not audio: {response.content_type or 'no content type'}"[:80])
        return self._flow(now)

    def _flow(self, now: float) -> Answer:
        since, before = self._counted or (now, self.response.body_bytes)
        flowed = self.response.body_bytes - before
        if not flowed or now <= since or now - self._last > _SILENT_SHARE * (now - self._first):
            heard = f" after {before} at once" if before else ""
            return self._mismatch(f"no-bytes{heard}" if not self.response.is_complete else "no-bytes: ended")
        bits = flowed * 8 / (now - since)
        measures = {**self._measures, Measure.BITRATE: bits}
        if bits < self._plan.least_bits:
            return replace(
                self._mismatch(f"{bits / 1000:.1f} kbit/s, expected {self._plan.least_bits / 1000:g}"),
                measures=measures,
            )
        return replace(self._answer(Outcome.OK, f"{bits / 1000:.1f} kbit/s"), measures=measures)

    def _mismatch(self, detail: str) -> Answer:
        return self._answer(Outcome.MISMATCH, detail)

    def _answer(self, outcome: Outcome, detail: str) -> Answer:
        good = outcome is Outcome.OK
        return Answer(
            outcome,
            rtt=self.rtt if good else math.nan,
            code=self.response.status,
            evidence=Evidence.PROTOCOL if good else Evidence.NONE,
            phases=tuple(self.phases),
            detail=detail,
            measures=self._measures,
        )

    def _mark(self) -> None:
        now = self._monotonic()
        self.phases.append(now - self._first)
        self._first = now

"""A radio stream, by Icecast, Shoutcast or HLS: whether sound flows, and how much; a 200 alone proves nothing.

A mount is listened to for some seconds. What the server keeps ready to fill a player's buffer comes at once; it is
not counted, and a stream that gives that much and then nothing is as silent as one that gives nothing. A playlist
must move on from look to look, and its newest segment must be there, at the same numeric address.

``rtt`` is the time to the first byte; ``Measure.BITRATE`` the flow. MISMATCH says ``no-bytes``, ``stale playlist``,
what came instead of sound, or which status; a stream that does not open in time is a TIMEOUT. A look lasts as long as
it listens, so a stream's policy needs a timeout beyond ``seconds``; with a shorter one it listens that much less.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from probes.connections import Connections
from probes.hls import PlaylistError, Progress, is_stale, progressed, read_playlist
from probes.models import Answer, Evidence, Finish, Measure, Outcome, Request
from probes.stream_exchange import Listening
from probes.stream_plan import StreamPlan, asking, stream_plan
from probes.stream_response import StreamResponse
from probes.tls_terms import TlsTerms, TlsTrusts

__all__ = ["StreamProbe"]

_MOST_STEPS: Final = 3
_SHOWN: Final = 80


@dataclass(slots=True)
class _Prepared:
    """The plan of one target, good while its address and options stay; and what its playlist last showed."""

    address: str
    port: int
    options: Mapping[str, str]
    plan: StreamPlan
    terms: TlsTerms | None
    progress: Progress | None = None

    def is_for(self, request: Request) -> bool:
        return (
            self.options is request.options and self.address == request.address and self.port == request.port
        )


class StreamProbe:
    """Listens to streams: OK with a bitrate, MISMATCH, OVERLOADED (503), REFUSED, UNREACHABLE, TIMEOUT; ERROR is ours."""

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
        _Course(
            request, finish, prepared=prepared, connections=self._connections, monotonic=self._monotonic
        ).begin()

    async def close(self) -> None:
        """End the looks under way as ERROR."""
        self._connections.close()

    def _prepare(self, request: Request) -> _Prepared:
        plan = stream_plan(request.address, request.port, request.options)
        terms = self._trusts.terms(plan.tls) if plan.is_tls else None
        return _Prepared(request.address, request.port, request.options, plan, terms)


class _Course:
    """One look: a mount is one exchange; a playlist leads to its variant, and that to its newest segment."""

    def __init__(
        self,
        request: Request,
        finish: Finish,
        *,
        prepared: _Prepared,
        connections: Connections,
        monotonic: Callable[[], float],
    ) -> None:
        self._request = request
        self._finish = finish
        self._prepared = prepared
        self._connections = connections
        self._monotonic = monotonic
        self._ends = monotonic() + request.timeout
        self._base = prepared.plan.base
        self._first: Answer | None = None
        self._segment_seconds = 0.0
        self._steps = 0

    def begin(self) -> None:
        """Ask for what the target names."""
        self._ask(self._prepared.plan.request)

    def _ask(self, words: bytes) -> None:
        self._steps += 1
        left = self._ends - self._monotonic()
        if left <= 0:
            self._end(Answer(Outcome.TIMEOUT, detail=self._stage()))
            return
        exchange = Listening(
            # A length of its own for every look would make a queue of deadlines for each: to tenths is enough.
            replace(
                self._request,
                timeout=self._request.timeout if self._first is None else math.ceil(left * 10) / 10,
            ),
            lambda _request, answer: self._heard(exchange, answer),
            plan=self._prepared.plan,
            terms=self._prepared.terms,
            words=words,
            monotonic=self._monotonic,
            is_segment=self._stage() == "segment",
        )
        self._connections.begin(exchange)

    def _stage(self) -> str:
        if self._first is None:
            return "connect"
        return "segment" if self._segment_seconds else "playlist"

    def _heard(self, exchange: Listening, answer: Answer) -> None:
        stage = self._stage()
        if self._first is not None and answer.outcome is not Outcome.OK:
            self._end(
                replace(
                    self._first,
                    outcome=answer.outcome,
                    rtt=math.nan,
                    evidence=Evidence.NONE,
                    code=answer.code,
                    detail=f"{stage}: {answer.detail}",
                )
            )
        elif stage == "segment":
            self._end(self._flow(exchange.response))
        elif answer.outcome is Outcome.OK and exchange.is_list:
            self._first = self._first or answer
            self._follow(exchange.response)
        else:
            self._end(answer)

    def _follow(self, response: StreamResponse) -> None:
        """Go where the playlist leads: a variant's playlist, or the newest segment of one that moves on."""
        now = self._monotonic()
        try:
            playlist = read_playlist(bytes(response.body).decode("utf-8", "replace"))
        except PlaylistError as error:
            self._wrong(str(error))
            return
        if playlist.variant:
            self._go(playlist.variant)
            return
        progress = self._prepared.progress = progressed(self._prepared.progress, playlist, now)
        if playlist.is_ended:
            self._wrong("the stream has ended")
        elif not playlist.segments:
            self._wrong("no-bytes: an empty playlist")
        elif is_stale(progress, playlist, now):
            self._wrong(f"stale playlist: nothing new for {now - progress.at:.0f} s")
        else:
            self._segment_seconds = max(playlist.seconds, 0.001)
            self._go(playlist.uri)

    def _go(self, uri: str) -> None:
        asked = asking(self._base, uri) if self._steps < _MOST_STEPS else None
        if asked is None:
            self._wrong("the playlist leads elsewhere")
            return
        words, self._base = asked
        self._ask(words)

    def _flow(self, response: StreamResponse) -> Answer:
        """Answer for a stream whose newest segment came; its length over its duration is the bitrate."""
        size = response.content_length if response.content_length is not None else response.body_bytes
        first = self._first or Answer(Outcome.OK)
        if not size:
            return self._mismatched("no-bytes: an empty segment")
        bits = size * 8 / self._segment_seconds
        measures = {**first.measures, Measure.BITRATE: bits}
        if bits < self._prepared.plan.least_bits:
            least = self._prepared.plan.least_bits / 1000
            return replace(
                self._mismatched(f"{bits / 1000:.1f} kbit/s, expected {least:g}"), measures=measures
            )
        return replace(first, detail=f"{bits / 1000:.1f} kbit/s", measures=measures)

    def _wrong(self, detail: str) -> None:
        self._end(self._mismatched(detail))

    def _mismatched(self, detail: str) -> Answer:
        first = self._first or Answer(Outcome.MISMATCH)
        return replace(
            first, outcome=Outcome.MISMATCH, rtt=math.nan, evidence=Evidence.NONE, detail=detail[:_SHOWN]
        )

    def _end(self, answer: Answer) -> None:
        self._finish(self._request, answer)

"""A look that says something over a connection, in the clear or over TLS, and hears what comes back.

What TCP, TLS and a non-blocking socket ask for is done here once; a subclass says what to say and what the answer
means. Certificates are judged before a single byte of the application is sent.
"""

import math
import socket
import ssl
from abc import abstractmethod
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from probes.connections import READ, WRITE, Exchange, Step
from probes.models import PHASES, Answer, Finish, Measure, Request
from probes.tls_session import TlsSession
from probes.tls_terms import TlsTerms

__all__ = ["Conversation", "Stream"]

_CHUNK: Final = 65_536
_CHUNKS_A_TURN: Final = 16

Stream = socket.socket | TlsSession
"""What can be sent over and received from."""


class Conversation(Exchange):
    """connect, [handshake], what we say, and what we hear.

    ``phases`` grows as they are done: NaN for resolve, connect, tls (NaN in the clear), then what :meth:`mark` ends.
    ``measures`` holds the dates of the presented certificates; over several connections, the earliest end.
    """

    __slots__ = ("_at", "_session", "_step", "_terms", "measures", "monotonic", "phases", "unsaid")

    def __init__(
        self,
        request: Request,
        finish: Finish,
        *,
        words: bytes,
        terms: TlsTerms | None,
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(request, finish)
        self.monotonic = monotonic
        self.measures: dict[Measure, float] = {}
        self._at = 0.0
        self.aim(words, terms)

    def aim(self, words: bytes, terms: TlsTerms | None) -> None:
        """Set what is said first on the next connection, and on what terms; None is in the clear."""
        self._terms = terms
        self._session: TlsSession | None = None
        self._step: Callable[[Stream], Step] = self._send
        self.unsaid = words
        self.phases = [math.nan]

    @abstractmethod
    def heard(self, data: bytes) -> Step | None:
        """Take what came, nothing once the other side has ended; None to hear more."""

    @abstractmethod
    def failed(self, detail: str) -> Answer:
        """Answer for an end that is there and not as expected."""

    def secured(self, session: TlsSession) -> Answer | None:
        """Told when a handshake is done and the chain is right; an answer ends the look there."""
        del session
        return None

    @override
    def established(self, now: float) -> Step:
        self.phases.append(self.connect)
        self._at = now
        if self._terms is None:
            self.phases.append(math.nan)
        else:
            self.secure()
        return self.ready(now)

    @override
    def ready(self, now: float) -> Step:
        if self.socket is None:
            return self.expired()
        try:
            return self._step(self._session or self.socket)
        except (BlockingIOError, ssl.SSLWantReadError):
            return READ
        except ssl.SSLWantWriteError:
            return WRITE
        except ssl.SSLError as error:
            return self._broken(error)
        except (ConnectionResetError, BrokenPipeError):
            return self.failed(f"reset: {self.waiting_for()}")

    @override
    def waiting_for(self) -> str:
        return PHASES[min(len(self.phases), len(PHASES) - 1)]

    def secure(self) -> None:
        """Begin TLS on the connection that stands, if there are terms for it."""
        if self._terms is not None and self.socket is not None:
            self._session = self._terms.session(self.socket)
            self._step = self._handshake

    def say(self, words: bytes) -> Step:
        """Say more, then hear."""
        self.unsaid = words
        self._step = self._send
        return self.ready(self._at)

    def listen(self) -> None:
        """Hear before a word is said."""
        if self.socket is not None:
            # The handshake's last packet waits for our first words; who greets first waits for that packet.
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self._step = self._receive

    def mark(self) -> None:
        """End a phase and begin the next."""
        now = self.monotonic()
        self.phases.append(now - self._at)
        self._at = now

    def _handshake(self, stream: Stream) -> Step:
        if isinstance(stream, TlsSession) and self._terms is not None:
            stream.handshake()
            self.mark()
            finding = self._terms.judged(stream)
            self._note(finding.measures)
            over = self.failed(finding.detail) if finding.detail else self.secured(stream)
            if over is not None:
                return over
        self._step = self._send
        return self._send(stream)

    def _broken(self, error: ssl.SSLError) -> Step:
        if self._terms is None or self._session is None:
            return self.failed("tls")
        finding = self._terms.failed(self._session, error)
        self._note(finding.measures)
        return self.failed(finding.detail)

    def _note(self, measures: dict[Measure, float]) -> None:
        for measure, figure in measures.items():
            self.measures[measure] = min(figure, self.measures.get(measure, figure))

    def _send(self, stream: Stream) -> Step:
        self.unsaid = self.unsaid[stream.send(self.unsaid) :]
        if self.unsaid:
            return WRITE
        self._step = self._receive
        return READ

    def _receive(self, stream: Stream) -> Step:
        for _ in range(_CHUNKS_A_TURN):
            step = self.heard(stream.recv(_CHUNK))
            if step is not None:
                return step
        return READ  # others have their turn; what is left is still there

"""A TCP look: whether a connection stands, and how long the handshake took.

A fresh connection for each look, closed at once by a reset (see :class:`~probes.connections.Connections`): nothing
is asked of the service behind the port, so the evidence is of the transport alone.
"""

from collections.abc import Callable

from typing_extensions import override

from probes.connections import Connections, Exchange, Step
from probes.models import Answer, Evidence, Finish, Outcome, Request

__all__ = ["TcpProbe"]


class _Handshake(Exchange):
    __slots__ = ()

    @override
    def established(self, now: float) -> Step:
        nan = float("nan")
        return Answer(Outcome.OK, rtt=self.connect, evidence=Evidence.TRANSPORT, phases=(nan, self.connect))

    @override
    def ready(self, now: float) -> Step:
        return self.expired()


class TcpProbe:
    """Looks at ports: OK once connected, REFUSED, UNREACHABLE, TIMEOUT; ERROR where it could not be asked.

    ``rtt`` is the handshake's: SYN to SYN-ACK by the kernel's clock, or the whole wait when the SYN was repeated.
    """

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._connections = Connections(monotonic=monotonic, speaks=False)

    async def open(self) -> None:
        """Start on the running loop."""
        self._connections.open()

    def begin(self, request: Request, finish: Finish) -> None:
        """Start one look."""
        self._connections.begin(_Handshake(request, finish))

    async def close(self) -> None:
        """End the looks under way as ERROR."""
        self._connections.close()

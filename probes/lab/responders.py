"""Everything that answers in the province: opened together, closed together, a handful of sockets in all."""

import ssl
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from random import Random  # noqa: TID251 # the type only; the source itself is an argument
from socket import socket

from probes.lab.agent_responder import AgentResponder
from probes.lab.certificate import Certificate
from probes.lab.datagram_responder import DatagramResponder
from probes.lab.echo_responder import EchoResponder
from probes.lab.endpoints import Endpoint, Service, Transport
from probes.lab.listeners import listen
from probes.lab.sip_responder import SipResponder
from probes.lab.streams import StreamResponder

__all__ = ["Responders"]


class Responders:
    """The responders of ``endpoints``. ICMP is answered by the kernel, and by us only where it is to be slow."""

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        *,
        certificate: Certificate | None,
        rng: Random,
        clock: Callable[[], datetime],
    ) -> None:
        self._ports: defaultdict[tuple[Transport, int], dict[str, Endpoint]] = defaultdict(dict)
        self._echo_address: dict[str, str] = {}
        for endpoint in endpoints:
            if endpoint.service is Service.ECHO:
                self._echo_address[endpoint.target] = endpoint.address
            else:
                self._add(endpoint)
        self._certificate = certificate
        self._rng = rng
        self._clock = clock
        self._delays: Mapping[str, float] = {}
        self._sockets: dict[tuple[Transport, int], list[socket]] = {}
        self._full: Mapping[str, float] = {}
        self._responders: list[StreamResponder | DatagramResponder] = []
        self._echo = EchoResponder()

    async def start(self) -> None:
        """Listen on every port; raises PortTakenError, with nothing left open."""
        tls = _context(self._certificate) if self._certificate else None
        try:
            for (transport, port), endpoints in self._ports.items():
                sockets = self._sockets[transport, port] = listen(transport, port, endpoints)
                responder = self._responder(transport, endpoints, tls)
                responder.start(sockets)
                self._responders.append(responder)
        except OSError:
            await self.stop()
            raise

    def _responder(
        self, transport: Transport, endpoints: Mapping[str, Endpoint], tls: ssl.SSLContext | None
    ) -> StreamResponder | DatagramResponder:
        if transport is Transport.TCP:
            return StreamResponder(endpoints, delay=self._delay_of, tls=tls)
        if any(endpoint.service is Service.AGENT for endpoint in endpoints.values()):
            return AgentResponder(endpoints, delay=self._delay_of, full=self._full_of, clock=self._clock)
        return SipResponder(endpoints, delay=self._delay_of, rng=self._rng)

    def fill(self, full: Mapping[str, float]) -> None:
        """Make links so full from now on, by the code of the target that tells; others carry what they usually do."""
        self._full = dict(full)

    async def stop(self) -> None:
        """Close everything."""
        self._echo.stop()
        for responder in self._responders:
            await responder.stop()
        self._responders.clear()
        for sockets in self._sockets.values():
            for served in sockets:
                served.close()
        self._sockets.clear()

    def sockets(self, transport: Transport, port: int) -> Sequence[socket]:
        """Answer the sockets that serve a port."""
        return self._sockets.get((transport, port), ())

    def slow_down(self, delays: Mapping[str, float], *, echoes: bool) -> None:
        """Answer so many seconds late from now on, by target code; ``echoes``: the kernel's are dropped."""
        self._delays = dict(delays)
        slow = {
            self._echo_address[code]: delay for code, delay in delays.items() if code in self._echo_address
        }
        self._echo.slow_down(slow if echoes else {})

    def _add(self, endpoint: Endpoint) -> None:
        here = self._ports[endpoint.service.transport, endpoint.port]
        other = here.get(endpoint.address)
        # Two looks at one service: what can answer both is the one that says more than "open".
        if other is None or other.service is Service.PORT:
            here[endpoint.address] = endpoint

    def _full_of(self, target: str) -> float | None:
        return self._full.get(target)

    def _delay_of(self, target: str) -> float:
        return self._delays.get(target, 0.0)


def _context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    return context

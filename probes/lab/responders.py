"""Everything that answers in the province: opened together, closed together, a handful of sockets in all."""

import ssl
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from random import Random  # noqa: TID251 # the type only; the source itself is an argument
from socket import socket

from probes.lab.certificate import Certificate
from probes.lab.echo_responder import EchoResponder
from probes.lab.endpoints import Endpoint, Service, Transport
from probes.lab.listeners import listen
from probes.lab.sip_responder import SipResponder
from probes.lab.streams import StreamResponder

__all__ = ["Responders"]


class Responders:
    """The responders of ``endpoints``. ICMP is answered by the kernel, and by us only where it is to be slow."""

    def __init__(
        self, endpoints: Iterable[Endpoint], *, certificate: Certificate | None, rng: Random
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
        self._delays: Mapping[str, float] = {}
        self._sockets: dict[tuple[Transport, int], list[socket]] = {}
        self._responders: list[StreamResponder | SipResponder] = []
        self._echo = EchoResponder()

    async def start(self) -> None:
        """Listen on every port; raises PortTakenError, with nothing left open."""
        tls = _context(self._certificate) if self._certificate else None
        try:
            for (transport, port), endpoints in self._ports.items():
                sockets = self._sockets[transport, port] = listen(transport, port, endpoints)
                responder: StreamResponder | SipResponder
                if transport is Transport.TCP:
                    responder = StreamResponder(endpoints, delay=self._delay_of, tls=tls)
                else:
                    responder = SipResponder(endpoints, delay=self._delay_of, rng=self._rng)
                responder.start(sockets)
                self._responders.append(responder)
        except OSError:
            await self.stop()
            raise

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

    def _delay_of(self, target: str) -> float:
        return self._delays.get(target, 0.0)


def _context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    return context

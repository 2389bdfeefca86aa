"""What answers on the lab's TCP ports: a bare port, a web page, a web page over TLS; by the address that was asked.

A bare port closes as soon as it has accepted. A web page says what the target's options expect, after the target's
delay. A delay cannot touch the handshake, which is the kernel's.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import cast

from typing_extensions import override

from probes.lab.endpoints import Endpoint, Service

__all__ = ["StreamResponder"]

_AT_ONCE = 64
_HANDSHAKE_SECONDS = 5.0
_LARGEST_REQUEST = 16_384
_END_OF_REQUEST = b"\r\n\r\n"

Delay = Callable[[str], float]
"""Seconds by which a target's answers are late."""


class StreamResponder:
    """Serves one TCP port for every address in ``endpoints``; other addresses are closed at once."""

    def __init__(
        self, endpoints: Mapping[str, Endpoint], *, delay: Delay, tls: ssl.SSLContext | None
    ) -> None:
        self._endpoints = endpoints
        self._delay = delay
        self._tls = tls
        self._listening: list[socket.socket] = []
        self._accepting: set[asyncio.Task[None]] = set()
        self._pages: set[_Page] = set()
        self.accepted = 0

    def start(self, listening: list[socket.socket]) -> None:
        """Serve on these sockets, which stay their opener's to close."""
        self._listening = listening
        for served in listening:
            asyncio.get_running_loop().add_reader(served, self._accept, served)

    async def stop(self) -> None:
        """Stop accepting and hang up."""
        loop = asyncio.get_running_loop()
        for served in self._listening:
            loop.remove_reader(served)
        for task in self._accepting:
            task.cancel()
        for page in list(self._pages):
            page.hang_up()
        if self._accepting:
            await asyncio.wait(self._accepting)

    def _accept(self, served: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, _ = served.accept()
            except OSError:
                return  # nobody left, or gone before we looked, or no descriptor: the next wake-up tries again
            self.accepted += 1
            endpoint = self._endpoints.get(connection.getsockname()[0])
            if endpoint is None or endpoint.service is Service.PORT:
                connection.close()
            else:
                self._adopt(connection, endpoint)

    def _adopt(self, connection: socket.socket, endpoint: Endpoint) -> None:
        connection.setblocking(False)
        task = asyncio.get_running_loop().create_task(self._converse(connection, endpoint))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)

    async def _converse(self, connection: socket.socket, endpoint: Endpoint) -> None:
        secure = endpoint.service is Service.SECURE_WEB
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: _Page(endpoint, delay=self._delay, open_pages=self._pages),
                connection,
                ssl=self._tls if secure else None,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if secure else None,
            )
        except OSError:
            connection.close()  # a handshake that failed or never came: the looker knows more about it


class _Page(asyncio.Protocol):
    """One connection: a request of any kind is answered with the target's page."""

    def __init__(self, endpoint: Endpoint, *, delay: Delay, open_pages: "set[_Page]") -> None:
        self._endpoint = endpoint
        self._delay = delay
        self._open_pages = open_pages
        self._request = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclasses of it
        self._open_pages.add(self)

    @override
    def data_received(self, data: bytes) -> None:
        if self._timer is not None:
            return
        self._request += data
        if _END_OF_REQUEST in self._request:
            self._timer = asyncio.get_running_loop().call_later(
                self._delay(self._endpoint.target), self._answer
            )
        elif len(self._request) > _LARGEST_REQUEST:
            self.hang_up()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._open_pages.discard(self)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    def hang_up(self) -> None:
        """Close without an answer."""
        if self._transport is not None:
            self._transport.abort()

    def _answer(self) -> None:
        if self._transport is None:
            return
        body = b"thongsuot lab: %s\n%s\n" % (self._endpoint.target.encode(), self._endpoint.text)
        self._transport.write(
            b"HTTP/1.1 %d Lab\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
            b"Connection: close\r\n\r\n%s" % (self._endpoint.status, len(body), body)
        )
        self._transport.close()

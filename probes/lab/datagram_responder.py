"""What answers on the lab's UDP ports, from the very address that was asked.

One wildcard socket hears for all addresses, so each answer has to name the address that it comes from (``IP_PKTINFO``).
What is answered is for whoever knows the protocol to say.
"""

import asyncio
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Final

from probes.lab.endpoints import Endpoint

__all__ = ["IP_PKTINFO", "DatagramResponder", "Source"]

IP_PKTINFO: Final = 8
_PKTINFO = struct.Struct("i4s4s")
_AT_ONCE = 128
_LARGEST = 8_192
_NOTES_SIZE = 256

Source = tuple[str, int]


class DatagramResponder(ABC):
    """Serves one UDP port for every address in ``endpoints``; silent for other addresses and for noise."""

    def __init__(self, endpoints: Mapping[str, Endpoint], *, delay: Callable[[str], float]) -> None:
        self._endpoints = endpoints
        self._delay = delay
        self._listening: list[socket.socket] = []
        self._waiting: set[asyncio.TimerHandle] = set()
        self.answered = 0

    @abstractmethod
    def answer(self, endpoint: Endpoint, data: bytes, source: Source) -> bytes | None:
        """Say what ``endpoint`` answers to a datagram, or None where it keeps silent."""

    def start(self, listening: list[socket.socket]) -> None:
        """Serve on these sockets, which stay their opener's to close."""
        self._listening = listening
        for served in listening:
            served.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
            asyncio.get_running_loop().add_reader(served, self._read, served)

    async def stop(self) -> None:
        """Stop answering."""
        for served in self._listening:
            asyncio.get_running_loop().remove_reader(served)
        for timer in self._waiting:
            timer.cancel()
        self._waiting.clear()
        await asyncio.sleep(0)

    def _read(self, served: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, ancillary, _, source = served.recvmsg(_LARGEST, _NOTES_SIZE)
            except OSError:
                return
            asked = _asked(ancillary)
            endpoint = self._endpoints.get(socket.inet_ntoa(asked))
            answer = self.answer(endpoint, data, source) if endpoint is not None else None
            if endpoint is not None and answer is not None:
                self._send(served, answer, asked, source, delay=self._delay(endpoint.target))

    def _send(
        self, served: socket.socket, answer: bytes, asked: bytes, source: Source, *, delay: float
    ) -> None:
        def send() -> None:
            self._waiting.discard(timer) if timer else None
            note = (socket.IPPROTO_IP, IP_PKTINFO, _PKTINFO.pack(0, asked, asked))
            try:
                served.sendmsg([answer], [note], 0, source)
            except OSError:
                return  # whoever asked is gone, or our buffer is full: on a real line it would be lost too
            self.answered += 1

        timer: asyncio.TimerHandle | None = None
        if delay:
            timer = asyncio.get_running_loop().call_later(delay, send)
            self._waiting.add(timer)
        else:
            send()


def _asked(ancillary: list[tuple[int, int, bytes]]) -> bytes:
    for level, kind, content in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO) and len(content) >= _PKTINFO.size:
            _, _, destination = _PKTINFO.unpack_from(content)
            return bytes(destination)
    return bytes(4)

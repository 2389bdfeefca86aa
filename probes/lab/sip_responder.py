"""What answers on the lab's SIP ports: 200 to OPTIONS, from the very address that was asked.

One wildcard socket hears for all addresses, so each answer has to name the address that it comes from
(``IP_PKTINFO``); the topmost Via is completed by where the request really came from (RFC 3261 18.2.1, RFC 3581).
"""

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Mapping
from random import Random  # noqa: TID251 # the type only; the source itself is an argument
from typing import Final

from probes.lab.endpoints import Endpoint
from probes.sip_message import SipMessageError, SipRequest, SipResponse, parse_sip

__all__ = ["SipResponder", "answer_of"]

IP_PKTINFO: Final = 8
_PKTINFO = struct.Struct("i4s4s")
_AT_ONCE = 128
_LARGEST = 8_192
_NOTES_SIZE = 256
_RPORT = re.compile(r";\s*rport(?=\s*(?:;|,|$))", re.IGNORECASE)
_COPIED = frozenset({"via", "from", "to", "call-id", "cseq"})

Source = tuple[str, int]


class SipResponder:
    """Serves one UDP port for every address in ``endpoints``; silent for other addresses and for noise."""

    def __init__(
        self, endpoints: Mapping[str, Endpoint], *, delay: Callable[[str], float], rng: Random
    ) -> None:
        self._endpoints = endpoints
        self._delay = delay
        self._rng = rng
        self._listening: list[socket.socket] = []
        self._waiting: set[asyncio.TimerHandle] = set()
        self.answered = 0

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
            answer = answer_of(data, source, tag=f"{self._rng.getrandbits(64):016x}") if endpoint else None
            if endpoint is not None and answer is not None:
                self._answer(served, answer, asked, source, delay=self._delay(endpoint.target))

    def _answer(
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


def answer_of(data: bytes, source: Source, *, tag: str) -> bytes | None:
    """Answer what a SIP element that can do nothing but be asked would say, or None where it keeps silent."""
    try:
        request = parse_sip(data)
    except SipMessageError:
        return None
    if not isinstance(request, SipRequest) or request.method == "ACK" or not request.header("via"):
        return None
    headers = [(name, value) for name, value in request.headers if name in _COPIED]
    top = next(place for place, (name, _) in enumerate(headers) if name == "via")
    headers[top] = ("via", _completed(headers[top][1], source))
    answered = [
        (name, f"{value};tag={tag}" if name == "to" and ";tag=" not in value.lower() else value)
        for name, value in headers
    ]
    is_known = request.method == "OPTIONS"
    answered += [("Allow", "OPTIONS"), ("Server", "thongsuot lab")]
    status, reason = (200, "OK") if is_known else (405, "Method Not Allowed")
    return SipResponse(tuple(answered), b"", status, reason).encode()


def _completed(via: str, source: Source) -> str:
    address, port = source
    first, comma, rest = via.partition(",")
    first = _RPORT.sub(f";rport={port}", first, count=1)
    return f"{first};received={address}{comma}{rest}"


def _asked(ancillary: list[tuple[int, int, bytes]]) -> bytes:
    for level, kind, content in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO) and len(content) >= _PKTINFO.size:
            _, _, destination = _PKTINFO.unpack_from(content)
            return bytes(destination)
    return bytes(4)

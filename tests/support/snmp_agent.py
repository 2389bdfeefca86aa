"""An SNMP agent of our own, for what a real one does not do on request: staying silent, answering late, lying.

Speaks version 2c (and 1) GET only; values are given as encoded BER. As a module it serves many loopback addresses on
one socket for the benchmark: ``python -m tests.support.snmp_agent PORT``.
"""

import contextlib
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial

__all__ = [
    "Answerer",
    "counter64",
    "gauge",
    "integer",
    "octets",
    "oid_bytes",
    "scripted_agent",
    "ticks",
    "tlv",
]

IP_PKTINFO = 8
SO_RCVBUFFORCE = 33
SO_BINDTODEVICE = 25
NO_SUCH_INSTANCE = b"\x81\x00"
PKTINFO = struct.Struct("I4s4s")


def tlv(tag: int, body: bytes) -> bytes:
    """Encode a value with a definite length."""
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + body


def number(tag: int, value: int) -> bytes:
    """Encode a number from 0 up, with a leading zero where it would look negative."""
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1))


def integer(value: int) -> bytes:
    return number(0x02, value)


def gauge(value: int) -> bytes:
    return number(0x42, value)


def ticks(value: int) -> bytes:
    return number(0x43, value)


def counter64(value: int) -> bytes:
    return number(0x46, value)


def octets(value: bytes) -> bytes:
    return tlv(0x04, value)


def oid_bytes(oid: str) -> bytes:
    first, second, *rest = (int(arc) for arc in oid.split("."))
    body = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | (arc & 0x7F))
        body += bytes(reversed(groups))
    return tlv(0x06, bytes(body))


def parts(body: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield tag, value and the whole encoding of what stands side by side."""
    at = 0
    while at < len(body):
        size, start = body[at + 1], at + 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(body[at + 2 : start])
        yield body[at], body[start : start + size], body[at : start + size]
        at = start + size


class Answerer:
    """Answers GETs from encoded values by encoded object identifier; remembers what a list of objects comes to."""

    def __init__(self, values: Mapping[str, bytes]) -> None:
        self.values = {oid_bytes(oid): value for oid, value in values.items()}
        self._known: dict[bytes, bytes] = {}

    def __call__(self, request: bytes) -> bytes:
        [(_, message, _)] = parts(request)
        (_, _, version), (_, _, community), (_, pdu, _) = parts(message)
        (_, _, request_id), _, _, (_, asked, _) = parts(pdu)
        told = self._known.get(asked)
        if told is None:
            told = self._known[asked] = tlv(0x30, b"".join(self._rows(asked)))
        body = request_id + b"\x02\x01\x00\x02\x01\x00" + told
        return tlv(0x30, version + community + tlv(0xA2, body))

    def _rows(self, asked: bytes) -> Iterator[bytes]:
        for _, row, _ in parts(asked):
            oid = next(parts(row))[2]
            yield tlv(0x30, oid + self.values.get(oid, NO_SUCH_INSTANCE))


@contextlib.contextmanager
def scripted_agent(script: Callable[[bytes, Callable[[bytes], None]], None]) -> Iterator[int]:
    """Call ``script(request, answer)`` for every datagram, in a thread; answers the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        port = own.getsockname()[1]

        def reply(source: tuple[str, int], answer: bytes) -> None:
            own.sendto(answer, source)

        def serve() -> None:
            while True:
                request, source = own.recvfrom(65_536)
                if request == b"stop":
                    return
                script(request, partial(reply, source))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield port
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
                caller.sendto(b"stop", ("127.0.0.1", port))
            thread.join(5)


def serve_all(port: int, answer: Answerer) -> None:
    """Answer on every 127.0.0.0/8 address, from the address that was asked; loopback only, by its device."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"lo")
        own.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 * 1024 * 1024)
        own.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        own.bind(("", port))
        print("ready", flush=True)
        while True:
            request, ancillary, _, source = own.recvmsg(4096, 64)
            _, _, asked = PKTINFO.unpack(ancillary[0][2])
            note = (socket.IPPROTO_IP, IP_PKTINFO, PKTINFO.pack(0, asked, asked))
            own.sendmsg((answer(request),), (note,), 0, source)


FOUR = {
    "1.3.6.1.2.1.1.3.0": ticks(12_345_678),
    "1.3.6.1.2.1.2.2.1.8.1": integer(1),
    "1.3.6.1.2.1.31.1.1.1.6.1": counter64(987_654_321_012),
    "1.3.6.1.2.1.31.1.1.1.10.1": counter64(123_456_789_012),
}

if __name__ == "__main__":
    serve_all(int(sys.argv[1]), Answerer(FOUR))

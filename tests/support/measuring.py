"""STAMP in tests: probes, reflectors, and a relay between them that loses, delays and doubles what it is told to."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from probes.stamp import StampProbe
from probes.stamp_reflector import StampReflector

__all__ = ["Relay", "a_reflector", "a_relay", "a_stamp_probe"]


def a_stamp_probe(*, clock_error: float | None = None) -> StampProbe:
    return StampProbe(monotonic=time.monotonic, wall_ns=time.time_ns, clock_error=lambda: clock_error)


@asynccontextmanager
async def a_reflector(
    *, address: str = "127.0.0.1", clock_error: float | None = None, **given: object
) -> AsyncIterator[tuple[StampReflector, int]]:
    """Run a reflector on loopback; answer it and its port."""
    reflector = StampReflector(
        monotonic=time.monotonic,
        wall_ns=time.time_ns,
        clock_error=lambda: clock_error,
        **given,
    )
    port = reflector.open(address, 0)
    try:
        yield reflector, port
    finally:
        reflector.close()


Fate = Callable[[int], float | None]
"""Seconds by which the n-th packet is delayed; None: it is lost."""


class Relay(asyncio.DatagramProtocol):
    """Stands between a sender and a reflector; each direction has its own fate, and its own count."""

    def __init__(self, port: int, out: Fate, back: Fate) -> None:
        self._port = port
        self._fates = {True: out, False: back}
        self._counts = {True: 0, False: 0}
        self._sender: tuple[str, int] = ("", 0)

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, source):
        is_out = source[1] != self._port
        if is_out:
            self._sender = source
        number = self._counts[is_out]
        self._counts[is_out] += 1
        delay = self._fates[is_out](number)
        to = ("127.0.0.1", self._port) if is_out else self._sender
        if delay is None:
            return
        if delay:
            asyncio.get_running_loop().call_later(delay, self._transport.sendto, data, to)
        else:
            self._transport.sendto(data, to)


def _at_once(_number: int) -> float | None:
    return 0.0


@asynccontextmanager
async def a_relay(port: int, *, out: Fate = _at_once, back: Fate = _at_once) -> AsyncIterator[int]:
    """Run a relay to the reflector at ``port``; answer its own port."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Relay(port, out, back), local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()

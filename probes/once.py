"""Looking once, because somebody asks now: by the fleet's own probes, on a loop and a thread of their own.

Whoever asks shares its loop with pages and the database, and a slow query there must not read as a slow target. A ping
goes through icmplib, which is made for one-off use; everything else through the very probes that the fleet is looked at
with, so that what is answered is what would be believed. Nothing that is seen here becomes belief.
"""

import asyncio
import math
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import icmplib

from inventory.models import ProbeKind
from probes.models import Answer, Evidence, Outcome, Probe, Request

__all__ = ["OnceLooker", "OnceSeen", "look_once", "seconds_of"]

_READY_SECONDS = 5.0
_STOP_SECONDS = 3.0
_TIMEOUT_SECONDS = 2.0
_SLOW_SECONDS: Mapping[ProbeKind, float] = {
    ProbeKind.STREAM: 8.0,
    ProbeKind.SIP_CALL: 30.0,
    ProbeKind.STAMP: 8.0,
}


@dataclass(frozen=True, slots=True)
class OnceSeen:
    """What one look found at ``address``; ``resolve`` and the ``whole`` of it took so many seconds, waits included."""

    answer: Answer
    address: str
    resolve: float
    whole: float


def seconds_of(kind: ProbeKind) -> float:
    """Answer how long a look by hand waits where nobody said."""
    return _SLOW_SECONDS.get(kind, _TIMEOUT_SECONDS)


async def look_once(probe: Probe, request: Request) -> Answer:
    """Look with an open probe and wait for what it answers."""
    done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    probe.begin(request, lambda _request, answer: None if done.done() else done.set_result(answer))
    return await done


class OnceLooker:
    """Looks on demand; the probes are made and opened when the thread starts, and closed when it stops."""

    def __init__(
        self, *, probes: Callable[[], Mapping[ProbeKind, Probe]], monotonic: Callable[[], float]
    ) -> None:
        self._make_probes = probes
        self._monotonic = monotonic
        self._probes: Mapping[ProbeKind, Probe] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._main, name="once", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def start(self) -> None:
        """Begin to take questions; returns when the probes are open."""
        self._thread.start()
        self._ready.wait(_READY_SECONDS)

    def stop(self) -> None:
        """End; a look under way finishes as ERROR."""
        loop, stop = self._loop, self._stop
        if loop is None or stop is None:
            return
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        self._thread.join(_STOP_SECONDS)

    async def look(self, kind: ProbeKind, request: Request) -> OnceSeen:
        """Look now from any loop; a name in ``request.address`` is resolved first, within the same timeout.

        Raises :class:`ValueError` for a kind that cannot be asked, :class:`ConnectionError` once stopped.
        """
        if kind is not ProbeKind.ICMP and kind not in self._probes:
            raise ValueError(f"{kind} is not looked at by hand")
        loop = self._loop
        if loop is None or loop.is_closed() or self._stop is None or self._stop.is_set():
            raise ConnectionError("this process does not look any more")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._look(kind, request), loop))

    def _main(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        self._stop = asyncio.Event()
        probes = self._make_probes()
        for probe in probes.values():
            await probe.open()
        self._probes = probes
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        await self._stop.wait()
        for probe in probes.values():
            await probe.close()

    async def _look(self, kind: ProbeKind, request: Request) -> OnceSeen:
        began = self._monotonic()
        address = await _resolved(request)
        resolve = self._monotonic() - began
        left = request.timeout - resolve
        if not address or left <= 0:
            answer = Answer(Outcome.ERROR, detail=f"{request.address} has no address")
        elif kind is ProbeKind.ICMP:
            answer = await _pinged(address, left)
        else:
            answer = await look_once(self._probes[kind], replace(request, address=address, timeout=left))
        return OnceSeen(answer, address, resolve, self._monotonic() - began)


async def _resolved(request: Request) -> str:
    """Answer the numeric address, empty where there is none in time."""
    try:
        async with asyncio.timeout(request.timeout):
            found = await asyncio.get_running_loop().getaddrinfo(
                request.address, None, type=socket.SOCK_DGRAM
            )
    except (OSError, TimeoutError, UnicodeError):
        return ""
    return str(found[0][4][0]) if found else ""


async def _pinged(address: str, timeout: float) -> Answer:  # noqa: ASYNC109 - the deadline of the echo, which icmplib keeps
    """Ask for one echo, through a raw socket or, where that is not allowed, the kernel's own."""
    try:
        try:
            host = await icmplib.async_ping(address, count=1, timeout=timeout, privileged=True)
        except icmplib.SocketPermissionError:
            host = await icmplib.async_ping(address, count=1, timeout=timeout, privileged=False)
    except (icmplib.ICMPLibError, OSError) as error:
        return Answer(Outcome.ERROR, detail=str(error))
    if not host.is_alive:
        return Answer(Outcome.TIMEOUT, rtt=math.nan)
    return Answer(Outcome.OK, rtt=host.avg_rtt / 1000, evidence=Evidence.TRANSPORT)

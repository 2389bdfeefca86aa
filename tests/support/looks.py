"""Taking single looks with a probe in tests, and collecting what it answers."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random, SystemRandom

from probes.dns import DnsProbe
from probes.http import HttpProbe
from probes.models import Answer, Probe, Request
from probes.sip import SipProbe
from probes.tcp import TcpProbe
from probes.tls import TlsProbe

__all__ = [
    "a_dns_probe",
    "a_sip_probe",
    "a_tcp_probe",
    "a_tls_probe",
    "an_http_probe",
    "look",
    "looks",
    "opened",
]


def a_tcp_probe() -> TcpProbe:
    return TcpProbe(monotonic=time.monotonic)


def an_http_probe(*, extra_ca: Path | None = None) -> HttpProbe:
    return HttpProbe(monotonic=time.monotonic, wall_ns=time.time_ns, extra_ca=extra_ca)


def a_dns_probe(*, rng: Random | None = None) -> DnsProbe:
    return DnsProbe(monotonic=time.monotonic, wall_ns=time.time_ns, rng=rng or SystemRandom())


def a_tls_probe(*, extra_ca: Path | None = None) -> TlsProbe:
    return TlsProbe(monotonic=time.monotonic, wall_ns=time.time_ns, extra_ca=extra_ca)


def a_sip_probe() -> SipProbe:
    return SipProbe(monotonic=time.monotonic, wall_ns=time.time_ns, token=lambda: secrets.token_hex(12))


@asynccontextmanager
async def opened(probe: Probe) -> AsyncIterator[Probe]:
    await probe.open()
    try:
        yield probe
    finally:
        await probe.close()


async def looks(probe: Probe, requests: list[Request]) -> list[Answer]:
    """Begin every look at once; answer in the order of the requests. A look finished twice is a fault."""
    loop = asyncio.get_running_loop()
    waiting = [loop.create_future() for _ in requests]
    number = {id(request): index for index, request in enumerate(requests)}
    for request in requests:
        probe.begin(request, lambda asked, answer: waiting[number[id(asked)]].set_result(answer))
    longest = max(request.timeout for request in requests)
    return list(await asyncio.wait_for(asyncio.gather(*waiting), longest + 5.0))


async def look(
    probe: Probe,
    address: str,
    port: int,
    *,
    options: Mapping[str, str] | None = None,
    timeout: float = 2.0,
) -> Answer:
    """Take one look."""
    [answer] = await looks(probe, [Request(0, address, port, options or {}, timeout)])
    return answer

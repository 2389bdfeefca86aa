"""OPTIONS to 10,000 targets: ours, a plain asyncio client, and sipsak for scale, against a responder of its own process.

Both clients keep the same number of questions in flight, on the same kind of loop; each target is an address of its
own in 127.0.0.0/8. The time is that of the wall, for the responder has the machine's other core; CPU time is told too.
"""

import asyncio
import multiprocessing
import resource
import secrets
import shutil
import socket
import struct
import subprocess
import time
from multiprocessing.connection import Connection

import uvloop

from probes.models import Outcome, Request
from probes.sip import SipProbe

__all__ = ["run"]

TARGETS = 10_000
IN_FLIGHT = 500
ROUNDS = 5
LIMIT = 20_000
SIPSAK_LOOKS = 50
SETTLE_SECONDS = 10.0

_PKTINFO = struct.Struct("I4s4s")
_IP_PKTINFO = 8


def respond(ready: Connection) -> None:
    """Answer every OPTIONS from the address that was asked, as fast as one process of Python can."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as answering:
        answering.setsockopt(socket.SOL_SOCKET, 33, 16 * 1024 * 1024)  # SO_RCVBUFFORCE
        answering.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        answering.bind(("0.0.0.0", 0))
        ready.send(answering.getsockname()[1])
        while True:
            data, notes, _, source = answering.recvmsg(2048, 64)
            end = data.index(b"\r\n")
            _, _, asked = _PKTINFO.unpack_from(notes[0][2])
            note = _PKTINFO.pack(0, asked, b"\0\0\0\0")
            answering.sendmsg(
                [b"SIP/2.0 200 OK", data[end:]], [(socket.IPPROTO_IP, _IP_PKTINFO, note)], 0, source
            )


def addresses() -> list[str]:
    return [f"127.{1 + n // 62_500}.{n // 250 % 250}.{n % 250 + 1}" for n in range(TARGETS)]


async def ours(port: int) -> tuple[float, float]:
    """Answer the seconds, of the wall and of the CPU, that 10,000 looks take; every one must be OK.

    The first time round, when targets are new, is not counted: a vantage looks at the same ones for weeks.
    """
    probe = SipProbe(monotonic=time.monotonic, wall_ns=time.time_ns, token=lambda: secrets.token_hex(8))
    await probe.open()
    requests = [Request(n, address, port, {}, 5.0) for n, address in enumerate(addresses())]
    await look(probe, requests)
    before, began = cpu(), time.perf_counter()
    await look(probe, requests)
    spent = time.perf_counter() - began, cpu() - before
    await probe.close()
    return spent


async def look(probe: SipProbe, requests: list[Request]) -> None:
    waiting = asyncio.get_running_loop().create_future()
    left, good = len(requests), 0
    pending = iter(requests)

    def finish(_request, answer):
        nonlocal left, good
        left -= 1
        good += answer.outcome is Outcome.OK
        following = next(pending, None)
        if following is not None:
            probe.begin(following, finish)
        elif left == 0:
            waiting.set_result(None)

    for _ in range(IN_FLIGHT):
        probe.begin(next(pending), finish)
    await asyncio.wait_for(waiting, 60)
    if good != len(requests):
        raise RuntimeError(f"{len(requests) - good} looks failed on a machine where none may")


class Plain(asyncio.DatagramProtocol):
    """What one writes in ten minutes: a future for each question, found by its branch."""

    def __init__(self):
        self.waiting = {}

    def connection_made(self, transport):
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data, _source):
        at = data.find(b"branch=")
        future = self.waiting.pop(data[at + 7 : at + 30], None)
        if future is not None and not future.done():
            future.set_result(int(data[8:11]))

    async def ask(self, address, port):
        branch = "z9hG4bK" + secrets.token_hex(8)
        future = self.waiting[branch.encode()] = asyncio.get_running_loop().create_future()
        self.transport.sendto(
            (
                f"OPTIONS sip:{address}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{self.port};branch={branch};rport\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:plain@127.0.0.1>;tag={branch}\r\nTo: <sip:{address}:{port}>\r\n"
                f"Call-ID: {branch}@127.0.0.1\r\nCSeq: 1 OPTIONS\r\nContact: <sip:plain@127.0.0.1:{self.port}>\r\n"
                "Accept: application/sdp\r\nUser-Agent: plain\r\nContent-Length: 0\r\n\r\n"
            ).encode(),
            (address, port),
        )
        async with asyncio.timeout(5):
            return await future


async def plain(port: int) -> tuple[float, float]:
    """Answer the seconds, of the wall and of the CPU, that the plain client takes for the same."""
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_datagram_endpoint(Plain, local_addr=("0.0.0.0", 0))
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, 33, 8 * 1024 * 1024)
    pending = iter(addresses())
    statuses = []

    async def work():
        statuses.extend([await client.ask(address, port) for address in pending])

    before, began = cpu(), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    spent = time.perf_counter() - began, cpu() - before
    transport.close()
    if statuses.count(200) != TARGETS:
        raise RuntimeError("the plain client lost answers")
    return spent


def sipsak(port: int) -> float | None:
    """Answer how many OPTIONS a second a script gets out of sipsak, a process for each; None where it is not there."""
    program = shutil.which("sipsak")
    if program is None:
        return None
    began = time.perf_counter()
    for _ in range(SIPSAK_LOOKS):
        subprocess.run([program, "-s", f"sip:127.0.0.1:{port}"], check=True, capture_output=True)
    return SIPSAK_LOOKS / (time.perf_counter() - began)


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def figures(spent: list[tuple[float, float]]) -> tuple[float, float]:
    """Answer the best of a few rounds as looks a second, and CPU microseconds a look."""
    return TARGETS / min(wall for wall, _ in spent), min(used for _, used in spent) / TARGETS * 1e6


def run():
    """Answer our rate beside the plain client's."""
    here, there = multiprocessing.Pipe()
    responder = multiprocessing.get_context("fork").Process(target=respond, args=(there,), daemon=True)
    responder.start()
    try:
        if not here.poll(SETTLE_SECONDS):
            raise RuntimeError("the responder did not start")
        port = here.recv()
        # In turns, so that whatever else the machine does meets both alike.
        rounds = [(uvloop.run(ours(port)), uvloop.run(plain(port))) for _ in range(ROUNDS)]
        scale = sipsak(port)
    finally:
        responder.terminate()
        responder.join()
    rate, cost = figures([mine for mine, _ in rounds])
    peer_rate, peer_cost = figures([theirs for _, theirs in rounds])
    return {
        "name": "sip",
        "ours": round(rate),
        "peer": round(peer_rate),
        "limit": LIMIT,
        "unit": "looks/s",
        "ratio": round(rate / LIMIT, 2),
        "ratio_to_peer": round(rate / peer_rate, 2),
        "cpu_us_a_look": round(cost, 1),
        "peer_cpu_us_a_look": round(peer_cost, 1),
        "sipsak_looks_a_second": round(scale) if scale else None,
        "targets": TARGETS,
    }

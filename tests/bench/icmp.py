"""100,000 loopback targets once: the engine beside fping, icmplib and the same system calls in C.

fping refuses more than 65,535 pings in ten seconds, so it takes the fleet in two halves; its own account of the
elapsed time counts, which leaves out its start and the reading of its list. Both send 16 bytes of data. Peers
take turns, and medians over the rounds are compared, because other work on the machine disturbs all alike.

icmplib opens a socket a target. ``icmplib`` has as many under way at once as descriptors allow, which comes
nearest to the burst that ours and fping send; ``icmplib_default`` has the fifty that it chooses itself. The goal of
forty times icmplib was set where it did 3.9 thousand a second; where it does 5 thousand, the same system calls in C
are thirty-eight times as fast, and nothing in one thread is forty.
"""

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median
from threading import Event

import icmplib
import numpy as np

from probes.icmp import IcmpEngine, IcmpMode
from probes.models import Outcome

__all__ = ["run"]

TARGETS = 100_000
ROUNDS = 5
ICMPLIB_TARGETS = 5_000
ICMPLIB_AT_ONCE = 900
LEAST_RATIO = 1.15
TIMEOUT_NS = 2_000_000_000
FPING = ("fping", "-q", "-i", "0", "-b", "16")


class Burst:
    """Collects the results of one burst."""

    def __init__(self):
        self.is_over = Event()
        self.expect(1)

    def expect(self, number):
        self.results = []
        self.missing = number
        self.is_over.clear()

    def take(self, results):
        self.results.append(results)
        self.missing -= len(results)
        if not self.missing:
            self.is_over.set()


def run():
    """Return targets a second of ours and of the peers, what was lost, and both median round trips."""
    fleet = [f"127.{1 + (slot >> 16)}.{slot >> 8 & 255}.{slot & 255}" for slot in range(TARGETS)]
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        halves = []
        for name, part in (("first", fleet[: TARGETS // 2]), ("second", fleet[TARGETS // 2 :])):
            (work / name).write_text("\n".join(part))
            halves.append(work / name)
        reference = _compile(work / "reference")
        rounds = [_round(fleet, halves, reference) for _ in range(ROUNDS)]
    told = {key: median(each[key] for each in rounds) for key in rounds[0]}
    icmplib_rate = _icmplib(fleet[:ICMPLIB_TARGETS], ICMPLIB_AT_ONCE)
    icmplib_default = _icmplib(fleet[:ICMPLIB_TARGETS], 50)
    facts = {
        "name": "icmp",
        "ours": round(told["ours"]),
        "peer": round(told["fping"]),
        "limit": round(told["fping"] * LEAST_RATIO),
        "unit": "targets/s",
        "ratio": round(told["ours"] / told["fping"], 2),
        "lost": sum(each["lost"] for each in rounds),
        "rtt_median_us": round(told["rtt"], 2),
        "fping_rtt_median_us": round(told["fping_rtt"], 2),
        "icmplib": round(icmplib_rate),
        "ratio_icmplib": round(told["ours"] / icmplib_rate, 1),
        "icmplib_default": round(icmplib_default),
        "ratio_icmplib_default": round(told["ours"] / icmplib_default, 1),
        "rounds": [round(each["ours"]) for each in rounds],
        "fping_rounds": [round(each["fping"]) for each in rounds],
    }
    if reference:
        facts |= {"c": round(told["c"]), "ratio_c": round(told["ours"] / told["c"], 2)}
    return facts


def _round(fleet, halves, reference):
    ours, lost, rtt = _ours(fleet)
    found = {
        "ours": ours,
        "lost": lost,
        "rtt": rtt,
        "fping": _fping_rate(halves),
        "fping_rtt": _fping_rtt(halves[0]),
    }
    if reference:
        said = subprocess.run([reference, str(len(fleet))], capture_output=True, text=True, check=True).stdout
        found["c"] = float(said.split()[1])
    return found


def _ours(fleet):
    """One burst at the whole fleet by a new engine whose table is in place."""
    burst = Burst()
    engine = IcmpEngine(
        monotonic_ns=time.monotonic_ns,
        wall_ns=time.time_ns,
        nonce=0x7468_6F6E_6773_756F,
        identifier=0x7473,
        mode=IcmpMode.RAW,
        on_results=burst.take,
        on_overdue=lambda *_: None,
    )
    engine.open()
    engine.start()
    engine.set_targets(fleet)
    engine.send(np.zeros(1, np.uint32), timeout_ns=TIMEOUT_NS)
    burst.is_over.wait(10)
    burst.expect(len(fleet))
    begun = time.perf_counter()
    engine.send(np.arange(len(fleet), dtype=np.uint32), timeout_ns=TIMEOUT_NS)
    burst.is_over.wait(60)
    seconds = time.perf_counter() - begun
    engine.close()
    outcome = np.concatenate([results.outcome for results in burst.results])
    rtt = np.concatenate([results.rtt for results in burst.results])
    answered = int(np.count_nonzero(outcome == Outcome.OK))
    return len(fleet) / seconds, len(fleet) - answered, float(np.nanmedian(rtt)) * 1e6


def _fping_rate(halves):
    seconds = 0.0
    for half in halves:
        said = _fping("-r", "0", "-s", "-f", str(half))
        seconds += float(re.search(r"([\d.]+) sec \(elapsed real time\)", said)[1])
    return TARGETS / seconds


def _fping_rtt(half):
    said = _fping("-C", "1", "-f", str(half))
    return median(float(line.rpartition(" ")[2]) for line in said.splitlines() if line[-1:].isdigit()) * 1_000


def _fping(*options):
    return subprocess.run([*FPING, *options], capture_output=True, text=True, check=True).stderr


def _icmplib(fleet, at_once):
    begun = time.perf_counter()
    asyncio.run(icmplib.async_multiping(fleet, count=1, timeout=1, concurrent_tasks=at_once))
    return len(fleet) / (time.perf_counter() - begun)


def _compile(program):
    """Build the reference, where there is a compiler."""
    compiler = shutil.which("cc")
    if compiler:
        source = Path(__file__).with_name("icmp_reference.c")
        subprocess.run([compiler, "-O2", "-o", program, source], check=True)
    return program if compiler else None

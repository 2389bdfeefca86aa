"""A nation that falls and comes back as a whole, and one carrier of it that comes and goes: is belief abreast, is it bounded?

140,000 targets against the lab, as ``bench nation`` has them. All packets to all of them are dropped until all are
believed down, and let through until all are believed up; then one carrier's share is dropped and let through every
half minute. What counts is the longest time for which the loop that serves pages and takes batches was not its own.
"""

import asyncio
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path

from inventory import generate
from inventory.loader import load
from inventory.models import ProbeKind
from monitor.judged import STATES
from monitor.models import State
from tests.bench.alldown import lab
from tests.bench.nation import answering, outages, resident_bytes, warmed_up, watching

__all__ = ["run"]

TARGETS = 140_000
LIMIT_SECONDS = 0.5
AT_MOST_SECONDS = 150.0
NEARLY_ALL = 0.999
TURNS = 3
TURN_SECONDS = 15.0


class Stalls:
    """How long this loop was late for what it had to do, at worst, since it was last asked."""

    def __init__(self):
        self._worst = 0.0

    async def watch(self):
        loop = asyncio.get_running_loop()
        while True:
            asked = loop.time()
            await asyncio.sleep(0.01)
            self._worst = max(self._worst, loop.time() - asked - 0.01)

    def worst(self):
        worst, self._worst = self._worst, 0.0
        return round(worst, 3)


def run(targets=TARGETS):
    """Fall, come back, and go to and fro; answers what each took, the longest stall, and what memory it left."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        generate.nation(folder / "nation", targets=targets)
        with answering(folder):
            return asyncio.run(measured(folder))


@asynccontextmanager
async def stalls():
    watching_us = Stalls()
    task = asyncio.create_task(watching_us.watch())
    try:
        yield watching_us
    finally:
        task.cancel()


async def measured(folder):
    inventory = load(folder / "nation")
    # The agents of SNMP targets are no part of the lab, which cannot cut them off.
    lost = [code for code, target in inventory.targets.items() if target.kind is not ProbeKind.SNMP]
    async with watching(folder, inventory) as (service, watched, vantage, _), stalls() as loop:
        await warmed_up(watched, len(inventory.targets))
        before = resident_bytes()
        asked = (service, watched, vantage, loop)
        loop.worst()
        fall = await turned(
            folder, ("cut", "--area", "VN"), asked, lambda: down(service) >= NEARLY_ALL * len(lost)
        )
        back = await turned(folder, ("restore",), asked, lambda: down(service) == 0)
        carrier, share = largest(service, lost)
        to_and_fro = [await swung(folder, carrier, asked, share) for _ in range(TURNS)]
        end = await turned(folder, ("restore",), asked, lambda: down(service) == 0)
        after = resident_bytes()
        recorded = await outages(service.database)
    worst = max(each["worst_stall_seconds"] for each in (fall, back, end, *to_and_fro))
    return {
        "name": "collapse",
        "ours": worst,
        "peer": None,
        "limit": LIMIT_SECONDS,
        "unit": "seconds for which the loop was not its own, at worst",
        "ratio": round(LIMIT_SECONDS / max(worst, 1e-3), 2),
        "targets": len(inventory.targets),
        "all_fall": fall,
        "all_back": back,
        "carrier": {"code": carrier, "targets": len(share)},
        "to_and_fro": to_and_fro,
        "end": end,
        "outages_recorded": recorded,
        "resident_mb_before": before // 2**20,
        "resident_mb_after": after // 2**20,
    }


def down(service):
    return len(service.belief.outages)


def largest(service, lost):
    """The carrier with the most targets, and those."""
    by_owner = {}
    for code in lost:
        by_owner.setdefault(service.topology.owner_of(code), []).append(code)
    return max(by_owner.items(), key=lambda each: len(each[1]))


async def swung(folder, carrier, asked, share):
    """One carrier away and back, each for half a turn, whatever is believed by then."""
    service, _, _, loop = asked
    began = time.monotonic()
    await asyncio.to_thread(lab, folder, "cut", "--carrier", carrier)
    await asyncio.sleep(max(0.0, TURN_SECONDS - (time.monotonic() - began)))
    most = down(service)
    await asyncio.to_thread(lab, folder, "restore")
    await asyncio.sleep(max(0.0, 2 * TURN_SECONDS - (time.monotonic() - began)))
    return {
        "believed_down": most,
        "still_down": down(service),
        "of": len(share),
        "worst_stall_seconds": loop.worst(),
    }


async def turned(folder, command, asked, is_over):
    """Do this to the lab and wait until it is believed; answer how long that took and what it cost."""
    service, watched, vantage, loop = asked
    began, used, deepest = time.monotonic(), time.process_time(), 0
    await asyncio.to_thread(lab, folder, *command)
    done = time.monotonic()
    first = None
    while not is_over() and time.monotonic() - done < AT_MOST_SECONDS:
        await asyncio.sleep(0.25)
        deepest = max(deepest, len(watched.bus))
        first = time.monotonic() - began if first is None and down(service) else first
    states = service.belief.states
    return {
        "seconds": round(time.monotonic() - began, 1),
        "lab_took": round(done - began, 1),
        "first_outage_after": first and round(first, 1),
        "is_over": is_over(),
        "cores": round((time.process_time() - used) / (time.monotonic() - began), 2),
        "worst_stall_seconds": loop.worst(),
        "bus_deepest": deepest,
        "bus_dropped": watched.bus.dropped,
        "in_doubt": vantage.statistics().runner.in_doubt,
        "lag_seconds": round(vantage.statistics().runner.lag_ns / 1e9, 2),
        "outages": down(service),
        "causes": len(service.snapshot().causes),
        "not_up": int((states != STATES.index(State.UP)).sum()),
        "resident_mb": resident_bytes() // 2**20,
    }

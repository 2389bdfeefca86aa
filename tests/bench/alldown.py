"""What a look costs when everything answers and when nothing does: a nation in small, cut off whole in the lab.

The same process, fleet and cadence twice: first with every target up, then with every packet to every target dropped
(the canaries still answer, or nobody would believe it). Only the steady state counts; how the fall itself is told is
``bench storm``. Costs are processor time of looking and detection together, kernel time included.
"""

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from inventory import generate
from inventory.loader import load
from tests.bench.nation import Spent, answering, warmed_up, watching

__all__ = ["lab", "run"]

TARGETS = 14_000
LIMIT = 1.0
FALL_AT_MOST_SECONDS = 120.0
BELIEVED = 0.98
"""The agents of SNMP targets are no part of the lab, which cannot cut them off."""
SETTLE_SECONDS = 15.0


def run(seconds=30.0, targets=TARGETS):
    """Measure ``seconds`` up and ``seconds`` down; answers the ratio of what a look costs."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        generate.nation(folder / "nation", targets=targets)
        with answering(folder) as lab:
            return asyncio.run(measured(folder, lab, seconds))


async def measured(folder, lab, seconds):
    inventory = load(folder / "nation")
    count = len(inventory.targets)
    async with watching(folder, inventory) as (service, watched, vantage, _):
        await warmed_up(watched, count)
        up = await cost(watched, lab, seconds)
        await asyncio.to_thread(cut_off, folder)
        fall = await fallen(service, vantage, count)
        down = await cost(watched, lab, seconds)
        believed = len(service.belief.outages)
    return {
        "name": "alldown",
        "ours": round(down["microseconds_a_look"], 1),
        "peer": round(up["microseconds_a_look"], 1),
        "limit": LIMIT,
        "unit": "microseconds of CPU a look, down against up",
        "ratio": round(down["microseconds_a_look"] / up["microseconds_a_look"], 3),
        "cores_ratio": round(down["cores"] / up["cores"], 3),
        "targets": count,
        "down": believed,
        "seconds_until_down": round(fall, 1),
        "up": {name: round(each, 3) for name, each in up.items()},
        "all_down": {name: round(each, 3) for name, each in down.items()},
    }


async def cost(watched, lab, seconds):
    watched.begin()
    spent = Spent(lab)
    await asyncio.sleep(seconds)
    split = spent.cores()
    lasted = split.pop("lasted")
    return {
        **split,
        "looks_a_second": watched.looks / lasted,
        "microseconds_a_look": split["cores"] * lasted / max(1, watched.looks) * 1e6,
    }


def cut_off(folder):
    lab(folder, "cut", "--area", "VN")


def lab(folder, *command):
    """Do something to the lab that :func:`tests.bench.nation.answering` runs in ``folder``."""
    asked = ("-m", "monitor", "lab", *command, "--state", str(folder / "lab"))
    subprocess.run([sys.executable, *asked], check=True, cwd=Path(__file__).parents[2], capture_output=True)


async def fallen(service, vantage, count):
    """Wait until nearly all are believed down and nothing is in doubt; answer how long that took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() - began < FALL_AT_MOST_SECONDS:
        await asyncio.sleep(0.5)
        is_down = len(service.belief.outages) > BELIEVED * count
        if is_down and not vantage.statistics().runner.in_doubt:
            break
    lasted = loop.time() - began
    await asyncio.sleep(SETTLE_SECONDS)
    return lasted

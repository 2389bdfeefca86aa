"""How long a nation of 140,000 targets takes from the folder to an inventory that can be swapped in."""

import tempfile
import time
from pathlib import Path

from inventory import generate
from inventory.loader import load
from inventory.topology import Topology

__all__ = ["run"]

LIMIT_SECONDS = 3.0
ROUNDS = 3


def run():
    """Answer the best of three loads; writing the folder is not counted, the topology is told beside."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory) / "nation"
        generate.nation(folder)
        seconds = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            inventory = load(folder)
            seconds.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        Topology(inventory)
        topology = time.perf_counter() - begun
    ours = min(seconds)
    return {
        "name": "load",
        "ours": round(ours, 3),
        "peer": None,
        "limit": LIMIT_SECONDS,
        "unit": "s",
        "ratio": round(LIMIT_SECONDS / ours, 2),
        "rounds": [round(each, 3) for each in seconds],
        "topology_seconds": round(topology, 3),
        "targets": len(inventory.targets),
        "sites": len(inventory.sites),
        "paths": len(inventory.paths),
    }

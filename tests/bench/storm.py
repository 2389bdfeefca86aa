"""300 sites of three carriers lost within ten seconds, on real sockets: who is paged, how soon, and about what.

Three carriers lose their core one after another, five seconds apart; between them they serve more than 300 sites of the
larger sample. One incident a carrier must come of it, and nobody may be paged about a child. What comes of a
core that does not fail at once, but ring by ring over ten seconds, is measured beside it: an honest first page about
the first ring is then right, so what was paged before is told, not judged; but within fifteen seconds of the last cut
one incident a carrier must stand, with the earlier ones merged into it.
"""

import tempfile
from collections import Counter
from math import inf
from pathlib import Path
from time import time

from tests.support.lab_runs import Bench, a_bench, pass_time
from tests.support.scoring import spread

__all__ = ["run"]

SAMPLE = "quang-nam-2021"
CORES = ("VNPT-CORE-49", "VIETTEL-CORE-49", "MOBIFONE-CORE-49")
SPREAD_SECONDS = 10.0
LIMIT_SECONDS = 5.0
ROUNDS = 2
SETTLED_SECONDS = 15.0


def run():
    """Answer the 95th percentile of cut to first page over carriers and rounds, and how many children were paged."""
    rounds = [_round(_whole, Bench.opened) for _ in range(ROUNDS)]
    ringwise = _round(_ring_by_ring, Bench.standing)
    delays = [delay for one in rounds for delay in one["delays"].values()]
    told = spread(delays)
    children = sum(one["children"] for one in rounds)
    incidents = [one["incidents"] for one in rounds]
    return {
        "name": "storm",
        "ours": round(told["p95"], 2),
        "peer": None,
        "limit": LIMIT_SECONDS,
        "unit": "s from cut to first page (p95)",
        "ratio": round(LIMIT_SECONDS / told["p95"], 2),
        "first_page_median": round(told["median"], 2),
        "first_page_worst": round(told["worst"], 2),
        "sites": rounds[0]["sites"],
        "sites_by_carrier": rounds[0]["sites_by_carrier"],
        "targets": rounds[0]["targets"],
        "carriers": len(CORES),
        "incidents_a_round": incidents,
        "children_paged": children,
        "is_within": told["p95"] < LIMIT_SECONDS
        and children == 0
        and {*incidents, ringwise["incidents"]} == {len(CORES)},
        "ring_by_ring_incidents": ringwise["incidents"],
        "ring_by_ring_conditions": ringwise["conditions"],
        "ring_by_ring_first_page_worst": round(max(ringwise["delays"].values()), 2),
    }


def _round(lose, incidents):
    with tempfile.TemporaryDirectory() as directory, a_bench(Path(directory) / "p", name=SAMPLE) as bench:
        began = lose(bench)
        pass_time(SETTLED_SECONDS)
        opened = [incident for incident in incidents(bench) if incident.owner in bench.carriers]
        parents = {f"risk:{core}" for core in CORES}
        targets = [t for core in CORES for t in bench.topology.targets_of_risk(core)]
        return {
            "delays": {
                owner: min((o.paged for o in opened if o.owner == owner), default=inf) - at
                for owner, at in began.items()
            },
            "incidents": len(opened),
            "conditions": dict(Counter(o.condition.split("-")[1] for o in opened if "-" in o.condition)),
            "children": sum(o.paged < inf and o.condition not in parents for o in opened),
            "sites": len({bench.topology.site_of(t) for t in targets} - {None}),
            "sites_by_carrier": [
                len({bench.topology.site_of(t) for t in bench.topology.targets_of_risk(core)} - {None})
                for core in CORES
            ],
            "targets": len(targets),
        }


def _whole(bench):
    """Cut each core at once; answer when, by owner."""
    began = {}
    first = time()
    for number, core in enumerate(CORES):
        pass_time(first + number * SPREAD_SECONDS / len(CORES) - time())
        began[bench.inventory.risks[core].owner] = bench.cut_at_once(risk=core)
    return began


def _ring_by_ring(bench):
    """Cut every ring below the cores in turn over ten seconds, then what is left of the cores."""
    rings = [r for r in bench.inventory.risks.values() if r.parent in CORES]
    began = {}
    first = time()
    for number, ring in enumerate(sorted(rings, key=lambda r: r.code[-3:])):
        pass_time(first + number * SPREAD_SECONDS / len(rings) - time())
        at = bench.cut_at_once(risk=ring.code)
        began.setdefault(ring.owner, at)
    for core in CORES:
        bench.cut_at_once(risk=core)
    return began

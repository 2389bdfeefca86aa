"""From the cut to the page: ours beside Prometheus, blackbox exporter and Alertmanager, on the same cuts, looks every 5 s.

Sites and rings of the sample province are cut in turn at random moments. Ours is paged when the mail server has
taken the page, the peer when its webhook was called. What Icinga's and Gatus's rules would have made of the same
cuts is computed, with phases as ours and every look of theirs failing at its timeout of one second.
"""

import tempfile
from math import inf
from pathlib import Path
from random import Random
from statistics import median

import numpy as np

from tests.support.lab_runs import a_bench, pass_time
from tests.support.peer_prometheus import is_installed, prometheus_on
from tests.support.peer_rules import GATUS, ICINGA
from tests.support.scoring import score, spread

__all__ = ["run"]

CADENCE = 5.0
MEDIAN_SECONDS = 4.0
WORST_SECONDS = 8.0
SITES = 8
RINGS = 4
LASTS = 18.0
LOSS_SECONDS = 30.0


def run(seed=2021):
    """Answer seconds from cut to page, median and worst, of ours and of each peer, and everybody's false pages."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        with a_bench(folder / "province") as bench:
            if not is_installed():
                return _facts(bench, None, *_trials(bench, None, Random(seed)))
            with prometheus_on(folder / "peer", bench.inventory, cadence=int(CADENCE)) as pager:
                return _facts(bench, pager, *_trials(bench, pager, Random(seed)))


def _trials(bench, pager, rng):
    cuts = []
    for name, code in _chosen(bench, rng):
        pass_time(rng.random() * CADENCE)
        targets = (bench.topology.targets_of_site if name == "site" else bench.topology.targets_of_risk)(code)
        cuts.append((name, code, targets, bench.cut(lasts=LASTS, **{name: code})))
    before = len(pager.rung) if pager else 0
    bench.province.lab("loss", "--area", "94", "--ratio", "0.02")
    pass_time(LOSS_SECONDS)
    bench.province.lab("restore")
    return cuts, (len(pager.rung) - before if pager else None)


def _chosen(bench, rng):
    """Communes and rings that share nothing, in random order: every cut is a matter of its own."""
    inventory = bench.inventory
    rings = [
        r.code
        for r in inventory.risks.values()
        if r.kind == "ring" and len(bench.topology.targets_of_risk(r.code)) > 8
    ]
    rings = rng.sample(rings, RINGS)
    cut = {bench.topology.site_of(t) for ring in rings for t in bench.topology.targets_of_risk(ring)}
    sites = [s for s in inventory.sites if s.startswith("UBBC-") and s not in cut]
    chosen = [("site", code) for code in rng.sample(sites, SITES)] + [("risk", code) for code in rings]
    rng.shuffle(chosen)
    return chosen


def _facts(bench, pager, cuts, peer_false):
    opened = bench.opened()
    outages = bench.outages()
    ours = [_paged(opened, fault) - fault.began for *_, fault in cuts]
    noticed = [_noticed(outages, targets, fault) for _, _, targets, fault in cuts]
    theirs, icinga, gatus = _theirs(pager, cuts)
    missed = [
        _missed(bench, opened, cut, seen)
        for cut, delay, seen in zip(cuts, ours, noticed, strict=True)
        if delay > WORST_SECONDS
    ]
    told = score(bench.injuries(), outages, watched_seconds=1.0, targets=1)
    rng = np.random.default_rng(1)
    false = {
        f"{rule.name}_false_a_day": rule.false_outages(targets=2200, loss=0.02, cadence=CADENCE, rng=rng)
        for rule in (ICINGA, GATUS)
    }
    middle = median(ours)
    peer = median(theirs) if theirs else None
    return {
        "name": "detect",
        "ours": _shown(middle),
        "peer": _shown(peer),
        "limit": MEDIAN_SECONDS,
        "unit": "s from cut to page (median)",
        "ratio": round(peer / middle, 2) if peer else None,
        "cuts": len(cuts),
        "ours_worst": _shown(max(ours)),
        "worst_limit": WORST_SECONDS,
        "is_within": middle <= MEDIAN_SECONDS and max(ours) <= WORST_SECONDS,
        "peer_worst": _shown(max(theirs, default=None)),
        "delays": [_shown(delay) for delay in ours],
        "peer_delays": [_shown(delay) for delay in theirs],
        "missed": missed,
        "icinga_rule": round(median(icinga), 2),
        "icinga_rule_worst": round(max(icinga), 2),
        "gatus_rule": round(median(gatus), 2),
        "gatus_rule_worst": round(max(gatus), 2),
        **_spread_of("sites", [d for d, c in zip(ours, cuts, strict=True) if c[0] == "site"]),
        **_spread_of("rings", [d for d, c in zip(ours, cuts, strict=True) if c[0] == "risk"]),
        "noticed": _shown(median(noticed)),
        "paging": _shown(median(a - b for a, b in zip(ours, noticed, strict=True) if a < inf)),
        "false_outages": told.false_outages,
        "peer_pages_under_loss": peer_false,
        **false,
    }


def _paged(opened, fault):
    """When the first incident of a cut was paged; never: infinity."""
    return min((o.paged for o in opened if fault.began <= o.opened <= fault.began + LASTS), default=inf)


def _noticed(outages, targets, fault):
    """Seconds from a cut to the first of its outages that was noticed."""
    mine = set(targets)
    found = (o.noticed - fault.began for o in outages if o.target in mine)
    return min((delay for delay in found if 0 <= delay <= LASTS), default=inf)


def _theirs(pager, cuts):
    """Seconds from each cut to the peers' page: Prometheus (none without a pager), Icinga's rule, Gatus's."""
    theirs, icinga, gatus = [], [], []
    for _, _, targets, fault in cuts:
        if pager:
            theirs.append(
                (pager.first(targets, fault.began, fault.began + LASTS + CADENCE) or inf) - fault.began
            )
        icinga.append(min(ICINGA.noticed(t, fault.began, CADENCE) for t in targets) - fault.began)
        gatus.append(min(GATUS.noticed(t, fault.began, CADENCE) for t in targets) - fault.began)
    return theirs, icinga, gatus


def _missed(bench, opened, cut, seen):
    """What is known of a cut that was paged too late."""
    _, code, _, fault = cut
    return {
        "cut": code,
        "noticed": _shown(seen),
        "incidents": [
            [o.condition, _shown(o.opened - fault.began), _shown(o.paged - fault.began)]
            for o in opened
            if abs(o.opened - fault.began) < 60
        ],
        "isolated": [row["reason"] for row in bench.unobserved()],
    }


def _spread_of(name, delays):
    return {f"{name}_{figure}": round(value, 2) for figure, value in spread(delays).items()}


def _shown(seconds):
    """Seconds to the hundredth; ``None`` for never."""
    return round(seconds, 2) if seconds is not None and seconds < inf else None

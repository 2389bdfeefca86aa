"""What the service says of its belief in metrics, set anew with every snapshot: counts by state, never by target."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from monitor.attribution import Attribution
from monitor.intake import Intake
from monitor.judged import STATES
from monitor.metrics import ServiceMetrics
from monitor.models import Verdict
from monitor.moments import NEVER

__all__ = ["show_belief"]


def show_belief(
    metrics: ServiceMetrics, attribution: Attribution, intakes: Mapping[str, Intake], now_ns: int
) -> None:
    """Set the gauges of targets, sites, outages, causes and vantages."""
    belief = attribution.belief
    states = np.bincount(belief.states, minlength=len(STATES)).tolist()
    metrics.show(metrics.targets, {state.value: states[n] for n, state in enumerate(STATES)})
    judged = Counter(each.verdict for each in belief.sites.verdict)
    metrics.show(metrics.sites, {verdict.value: judged[verdict] for verdict in Verdict})
    metrics.outages.set(len(belief.outages))
    armed = [table.armed_ns > NEVER for table in belief.tables.values()]
    metrics.unarmed.set(len(belief.codes) - int(np.count_nonzero(np.logical_or.reduce(armed))))
    metrics.flapping.set(len(belief.turns.flapping(now_ns)))
    metrics.causes.set(len(attribution.causes))
    metrics.waiting.set(len(attribution.waiting))
    for code, intake in intakes.items():
        metrics.held.labels(code).set(intake.held)
        metrics.isolated.labels(code).set(intake.sight.is_isolated)
        metrics.canaries.labels(code).set(intake.sight.up)
        metrics.seen.labels(code).set(intake.seen_ns / 1e9)

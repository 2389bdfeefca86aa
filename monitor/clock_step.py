"""What to do when the wall clock is set back: nothing that is remembered can lie in the future.

Looks are ordered by when they started, so a memory from the future would make every look until then history, and
belief deaf for as long as the step was wide. When the clock goes back, whatever is dated later than now is dated now:
order among what was known is lost, what was believed is kept, and the next look counts again. What is open in the
record (an outage, unobserved time, a cause) is set back by as much as the clock was, so that nothing ends before it
began and an outage keeps its length. A step forward needs
nothing: what grows stale by it is confirmed by one look.

Looks under way while the clock was set back carry the old time; :func:`not_later` dates them now, too.
"""

from dataclasses import replace

import numpy as np

from monitor.fleet import FleetBelief
from monitor.moments import SECOND
from probes.models import SampleBatch

__all__ = ["STEP_NS", "forget_future", "not_later", "set_back"]

STEP_NS = 10 * SECOND
"""A clock that goes back by less is being disciplined, not set; belief is deaf for no longer than that."""


def not_later(batch: SampleBatch, now_ns: int) -> SampleBatch:
    """Answer the batch with looks that claim to start well after ``now_ns`` dated ``now_ns``."""
    late = batch.at_ns > now_ns + STEP_NS
    if not late.any():
        return batch
    return replace(batch, at_ns=np.where(late, now_ns, batch.at_ns))


def set_back(at_ns: int, now_ns: int, step_ns: int) -> int:
    """Answer when something began that is dated after ``now_ns``: that clock was ahead by ``step_ns``."""
    return at_ns if at_ns <= now_ns else min(now_ns, at_ns - step_ns)


def forget_future(belief: FleetBelief, now_ns: int, *, step_ns: int) -> None:
    """Date whatever belief remembers of the time after ``now_ns`` as of ``now_ns``; outages as of when they began."""
    for table in belief.tables.values():
        for column in (
            table.since_ns,
            table.last_result_ns,
            table.last_ok_ns,
            table.last_failure_ns,
            table.evidence_ns,
            table.doubted_ns,
        ):
            np.minimum(column, now_ns, out=column)
        # A run is evidence of looks apart in time; what of it lies ahead is looked at again.
        table.runs = {n: tuple(at_ns for at_ns in run if at_ns <= now_ns) for n, run in table.runs.items()}
    np.minimum(belief.since_ns, now_ns, out=belief.since_ns)
    for judged in (belief.paths, belief.sites):
        np.minimum(judged.since_ns, now_ns, out=judged.since_ns)
    belief.outages = {t: set_back(began_ns, now_ns, step_ns) for t, began_ns in belief.outages.items()}

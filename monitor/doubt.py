"""Looks taken while a vantage could not believe itself: what of them counts.

A vantage that lags, whose kernel drops packets or whose clock steps (:mod:`probes.health`) marks its looks unreliable.
An answer is an answer all the same. A failure among them may be of the vantage's own making, so it is no evidence: it
turns nothing down, ends no run of answers and is no loss in any figure. It leaves a mark, and the look that comes
after it, which confirms or clears what was suspected, decides. Where no reliable look comes, the view grows stale and
is unknown: neither up nor down.
"""

import numpy as np
import numpy.typing as npt

from monitor.ingest import Rows
from probes.models import Flag, Outcome

__all__ = ["without_doubt"]


def without_doubt(rows: Rows, flags: npt.NDArray[np.uint8]) -> tuple[Rows, Rows]:
    """Tell the looks that count from the failures that do not; ``flags`` are those of the same looks."""
    is_doubtful = ((flags & Flag.UNRELIABLE) != 0) & (rows.outcome != Outcome.OK)
    if not is_doubtful.any():
        return rows, rows[is_doubtful]
    return rows[~is_doubtful], rows[is_doubtful]

"""When an answer is overdue, against RFC 6298 taken one number at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.round_trip import RoundTripEstimate
from tests.support.icmp import slots

MILLISECOND = 1_000_000


def rfc6298(history):
    """Section 2, with our floor: milliseconds in, milliseconds out."""
    smoothed = variation = None
    for rtt in history:
        if smoothed is None:
            smoothed, variation = rtt, rtt / 2
        else:
            variation = 3 / 4 * variation + 1 / 4 * abs(smoothed - rtt)
            smoothed = 7 / 8 * smoothed + 1 / 8 * rtt
    return 1_000 if smoothed is None else max(200, smoothed + 4 * variation)


@given(st.lists(st.lists(st.floats(0, 5_000), max_size=10), min_size=1, max_size=5))
def test_each_slot_follows_the_rfc_by_its_own_history(histories):
    estimate = RoundTripEstimate(len(histories))
    for slot, history in enumerate(histories):
        for rtt in history:
            estimate.update(slots(slot), np.array([rtt * MILLISECOND], np.int64))
    limits = estimate.overdue_after_ns(np.arange(len(histories), dtype=np.uint32)) / MILLISECOND
    assert limits.tolist() == pytest.approx([rfc6298(history) for history in histories], rel=1e-4, abs=1e-2)


def test_a_kept_address_keeps_its_history_in_its_new_slot():
    old, new = RoundTripEstimate(2), RoundTripEstimate(3)
    old.update(slots(0, 1), np.array([400, 800]) * MILLISECOND)
    new.adopt(old, new=np.array([2]), old=np.array([1]))
    assert (new.overdue_after_ns(slots(0, 2)) / MILLISECOND).tolist() == [1_000, 2_400]

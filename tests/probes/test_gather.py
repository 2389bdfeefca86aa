"""How looks become batches."""

import math

import numpy as np

from probes.gather import Gather
from probes.models import Evidence, Flag, Look, Outcome


def a_gather():
    return Gather(vantage="SOC-TRANG-1", epoch=42, clock_age=lambda: 1.5)


def add_columns(gather, *, count=3):
    gather.add_columns(
        index=np.arange(count, dtype=np.uint32),
        at_ns=np.arange(count, dtype=np.int64),
        outcome=np.array([Outcome.OK, Outcome.TIMEOUT, Outcome.OK][:count], np.uint8),
        rtt=np.array([0.001, np.nan, 0.002][:count], np.float32),
        flags=np.zeros(count, np.uint8),
    )


def test_nothing_seen_is_no_batch():
    assert a_gather().flush("digest", unreliable=False) is None


def test_single_looks_and_columns_travel_in_one_batch_and_keep_their_details():
    gather = a_gather()
    add_columns(gather)
    gather.add(Look(9, 5, Outcome.MISMATCH, code=404, phases=(math.nan, 0.1), detail="404 Not Found"))
    batch = gather.flush("digest", unreliable=False)
    assert batch.target.tolist() == [9, 0, 1, 2]
    assert batch.details == {0: "404 Not Found"}
    assert batch.code.tolist() == [404, 0, 0, 0]
    assert batch.phases.shape == (4, 5)
    assert batch.phases[0, 1] == np.float32(0.1)
    assert batch.clock_age == 1.5


def test_a_good_echo_proves_the_address_and_a_lost_one_proves_nothing():
    gather = a_gather()
    add_columns(gather)
    batch = gather.flush("digest", unreliable=False)
    assert batch.evidence.tolist() == [Evidence.TRANSPORT, Evidence.NONE, Evidence.TRANSPORT]


def test_sequence_grows_by_one_with_every_batch_and_never_without():
    gather = a_gather()
    numbers = []
    for _ in range(3):
        gather.flush("digest", unreliable=False)
        add_columns(gather)
        numbers.append(gather.flush("digest", unreliable=False).sequence)
    assert numbers == [1, 2, 3]


def test_a_batch_taken_over_budget_is_marked_unreliable_throughout():
    gather = a_gather()
    add_columns(gather)
    batch = gather.flush("digest", unreliable=True)
    assert (batch.flags & np.uint8(Flag.UNRELIABLE)).all()

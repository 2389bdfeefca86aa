"""The whole of acting as a state machine: whatever beliefs, people and clocks do, the invariants hold."""

import pytest
from hypothesis import settings

from tests.support.acting_machine import SLOW, Acting, a_ground, walk

STEPS = 100_000


@pytest.fixture(scope="module", autouse=True)
def ground():
    with a_ground() as walked:
        yield walked


Acting.TestCase.settings = settings(
    max_examples=12, stateful_step_count=24, deadline=None, suppress_health_check=SLOW
)
TestActing = Acting.TestCase


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_steps_keep_every_invariant(capsys):
    walked = walk(STEPS)
    with capsys.disabled():
        print(f"\n{walked.shown()}; never used: {walked.unused()}")
    assert walked.steps >= STEPS

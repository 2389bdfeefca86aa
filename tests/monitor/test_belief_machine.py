"""Belief as a state machine: whatever is lost, blind, edited, killed or planned, in any order, the invariants hold."""

import pytest
from hypothesis import HealthCheck, settings

from tests.support.belief_machine import Believing, a_ground


@pytest.fixture(scope="module", autouse=True)
def ground():
    with a_ground():
        yield


Believing.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=16,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
TestBelieving = Believing.TestCase

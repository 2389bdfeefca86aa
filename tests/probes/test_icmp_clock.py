"""The distance between the clocks, and the notice of a step, with clocks that the test holds."""

import pytest

from probes.icmp_clock import StampClock
from tests.support.icmp import SECOND


class Clocks:
    """Two clocks that advance by ``cost_ns`` at every reading."""

    def __init__(self):
        self.now_ns = 1_000 * SECOND
        self.ahead_ns = 1_700_000_000 * SECOND
        self.cost_ns = [100]

    def monotonic_ns(self):
        self.now_ns += self.cost_ns.pop() if len(self.cost_ns) > 1 else self.cost_ns[0]
        return self.now_ns

    def wall_ns(self):
        return self.monotonic_ns() + self.ahead_ns

    def paired(self):
        return StampClock(monotonic_ns=self.monotonic_ns, wall_ns=self.wall_ns)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_set_by_an_hour_is_one_step_and_then_the_new_distance_holds(hours):
    clocks = Clocks()
    clock = clocks.paired()
    clock.sample()
    clocks.ahead_ns += hours * 3_600 * SECOND
    noticed_ns = clock.sample()
    clock.sample()
    assert (clock.steps, clock.stepped_at_ns) == (1, noticed_ns)
    assert abs(clock.offset_ns - clocks.ahead_ns) < 1_000


def test_readings_taken_apart_by_a_busy_processor_are_no_step():
    clocks = Clocks()
    clock = clocks.paired()
    clocks.cost_ns = [100, 100, 100, 100, 4_000_000, 100]
    before = clock.offset_ns
    clock.sample()
    assert clock.steps == 0
    assert clock.offset_ns == before


def test_a_processor_that_never_gives_a_tight_reading_leaves_the_distance_as_it_was():
    clocks = Clocks()
    clock = clocks.paired()
    before = clock.offset_ns
    clocks.cost_ns = [50_000]
    clocks.ahead_ns += SECOND
    assert clock.sample() == clocks.now_ns
    assert (clock.steps, clock.offset_ns) == (0, before)

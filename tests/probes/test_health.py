"""Self-health: what makes a vantage's looks unreliable, and what only warns."""

import math
import os
import time
from dataclasses import replace

import pytest

from probes.health import (
    Breach,
    BreachKind,
    ClockState,
    HealthReader,
    LagWindow,
    Readings,
    SelfCheck,
    breaches,
    clock_age,
    is_unreliable,
    read_clock,
)

SOUND = Readings(
    lag_p99_seconds=0.02,
    looks=10_000,
    late=3,
    drops=7,
    clock_steps=1,
    queue=2,
    queue_capacity=4_096,
    descriptors=900,
    descriptor_limit=65_536,
    clock=ClockState(is_synchronised=True, max_error_seconds=0.01),
)


def after(**changed):
    return breaches(replace(SOUND, looks=SOUND.looks + 1_000, **changed), SOUND)


def test_a_sound_vantage_has_no_breach_however_much_went_wrong_before():
    assert after() == ()


@pytest.mark.parametrize(
    ("changed", "breach"),
    [
        ({"lag_p99_seconds": 0.7}, Breach(BreachKind.LAG, 0.7, 0.5)),
        ({"drops": 8}, Breach(BreachKind.DROPS, 1, 0.0)),
        ({"clock_steps": 3}, Breach(BreachKind.CLOCK_STEP, 2, 0.0)),
    ],
)
def test_lag_drops_and_clock_steps_make_looks_unreliable(changed, breach):
    assert after(**changed) == (breach,)
    assert is_unreliable(after(**changed))


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"queue": 3_000}, BreachKind.QUEUE),
        ({"late": 103}, BreachKind.LATE),
        ({"descriptors": 60_000}, BreachKind.DESCRIPTORS),
        ({"clock": ClockState(is_synchronised=False, max_error_seconds=0.0)}, BreachKind.CLOCK),
        ({"clock": ClockState(is_synchronised=True, max_error_seconds=2.0)}, BreachKind.CLOCK),
    ],
)
def test_what_only_warns_does_not_spoil_the_looks(changed, kind):
    [breach] = after(**changed)
    assert breach.kind is kind
    assert not is_unreliable((breach,))


def test_a_few_late_answers_of_few_looks_are_no_breach():
    assert breaches(replace(SOUND, looks=SOUND.looks + 30, late=SOUND.late + 10), SOUND) == ()


def test_what_a_machine_does_not_have_is_no_breach():
    assert breaches(Readings(), Readings()) == ()


def test_the_lag_of_the_worst_hundredth_counts():
    window = LagWindow()
    assert window.p99_seconds() == 0
    for _ in range(980):
        window.note(1_000_000)
    for _ in range(20):
        window.note(900_000_000)
    assert window.p99_seconds() == pytest.approx(0.9)
    for _ in range(1_024):
        window.note(1_000_000)
    assert window.p99_seconds() == pytest.approx(0.001)


class Counters:
    kernel_drops = 5
    late = 2
    clock_steps = 1


def a_reader(**given):
    return HealthReader(
        lag_p99_seconds=lambda: 0.1, looks=lambda: 77, engine=Counters, queue=lambda: (1, 10), **given
    )


def test_readings_of_this_process_are_plausible():
    readings = a_reader().read()
    assert readings.looks == 77
    assert readings.drops >= 5
    assert 3 <= readings.descriptors < readings.descriptor_limit
    assert (readings.queue, readings.queue_capacity) == (1, 10)


def test_a_breach_is_news_once_and_spoils_looks_until_their_timeouts_are_over():
    counters, seconds = Counters(), [0.0]
    check = SelfCheck(
        HealthReader(lag_p99_seconds=lambda: 0, looks=lambda: 0, engine=lambda: counters, clock=lambda: None),
        monotonic_ns=lambda: int(seconds[0] * 1e9),
        hold_seconds=5,
    )
    seconds[0] = 6  # what the kernel dropped before is not held against us
    assert (check.check(), check.is_doubtful()) == ((), False)
    counters.kernel_drops += 1
    assert [breach.kind for breach in check.check()] == [BreachKind.DROPS]
    counters.kernel_drops += 1
    assert check.check() == ()
    seconds[0] = 10.9
    assert (check.check(), check.is_doubtful()) == ((), True)
    seconds[0] = 11.1
    assert not check.is_doubtful()


def test_lag_warns_here_and_is_the_runner_s_to_mark():
    reader = HealthReader(lag_p99_seconds=lambda: 2, looks=lambda: 0, engine=lambda: None, clock=lambda: None)
    check = SelfCheck(reader, monotonic_ns=lambda: 0)
    assert [breach.kind for breach in check.check()] == [BreachKind.LAG]
    assert not check.is_doubtful()


def test_a_machine_without_proc_has_no_descriptors_to_run_out_of(tmp_path):
    reader = HealthReader(
        lag_p99_seconds=lambda: 0, looks=lambda: 0, engine=lambda: None, proc=tmp_path, clock=lambda: None
    )
    readings = reader.read()
    assert (readings.drops, readings.descriptors, readings.descriptor_limit) == (0, 0, 0)


def test_the_kernel_says_how_good_its_clock_is():
    state = read_clock()
    assert state is not None
    assert 0 <= state.max_error_seconds < 3_600


def test_the_age_of_the_clock_is_that_of_its_mark(tmp_path):
    mark = tmp_path / "synchronized"
    mark.touch()
    os.utime(mark, (1_000, 1_000))
    assert clock_age(lambda: 1_060.0, mark=mark) == 60


def test_without_a_mark_the_age_follows_from_the_error_that_the_kernel_lets_grow(tmp_path):
    steady = ClockState(is_synchronised=True, max_error_seconds=0.05)
    assert clock_age(time.time, mark=tmp_path / "none", clock=lambda: steady) == pytest.approx(100)
    adrift = ClockState(is_synchronised=False, max_error_seconds=16.0)
    assert math.isnan(clock_age(time.time, mark=tmp_path / "none", clock=lambda: adrift))
    assert math.isnan(clock_age(time.time, mark=tmp_path / "none", clock=lambda: None))

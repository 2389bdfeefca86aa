"""Counters to rates against a device that knows what it really carried."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.snmp_rates import Reading, advance, has_begun_anew

GIGABIT = 1e9


@dataclass
class Device:
    """Ground truth: counts octets as an agent does, of any width, through wraps, reboots and resets."""

    bits: int = 64
    speed: float = GIGABIT
    at: float = 1000.0
    begun: float = 0.0
    started_with: int = 0
    octets: int = 0
    boots: int | None = None
    discontinuity: int | None = 0
    carried: list[float] = field(default_factory=list)

    def carry(self, seconds, load):
        passed = int(self.speed * load * seconds / 8)
        self.at += seconds
        self.octets += passed
        self.carried.append(passed)

    def reboot(self):
        self.begun, self.octets, self.started_with = self.at, 0, 0

    def reading(self):
        count = (self.started_with + self.octets) % (1 << self.bits)
        uptime = int((self.at - self.begun) * 100) % 2**32
        return Reading(
            at=self.at,
            inward=count,
            outward=count,
            bits=self.bits,
            uptime=uptime,
            boots=self.boots,
            discontinuity=self.discontinuity,
            speed_bits=self.speed,
        )


steps = st.lists(
    st.tuples(
        st.floats(0.1, 40.0),  # seconds
        st.floats(0.0, 1.0),  # load
        st.sampled_from(["carry", "carry", "carry", "reboot"]),
    ),
    min_size=2,
    max_size=20,
)


@settings(deadline=None, max_examples=300)
@given(
    steps=steps,
    bits=st.sampled_from([32, 64]),
    speed=st.sampled_from([10e6, 100e6, GIGABIT, 10e9]),
    start=st.integers(0, 2**64 - 1) | st.integers(2**64 - 2**33, 2**64 - 1) | st.integers(0, 2**32),
    age=st.floats(0.0, 2**32 / 50),
)
def test_whatever_wraps_or_reboots_a_rate_is_the_truth_or_is_not_told(steps, bits, speed, start, age):
    device = Device(bits=bits, speed=speed, started_with=start % (1 << bits), begun=1000.0 - age)
    base, _ = advance(None, device.reading())
    carried, has_rebooted = 0.0, False
    for seconds, load, what in steps:
        if what == "reboot":
            has_rebooted = True
            # Half before, half after; what came before the reboot is lost to the counters.
            device.carry(seconds / 2, load)
            device.reboot()
            device.carry(seconds / 2, load)
        else:
            device.carry(seconds, load)
        carried += sum(device.carried)
        device.carried.clear()
        before = base
        base, rates = advance(base, device.reading())
        if rates is not None:
            truth = carried * 8 / (device.at - before.at)
            assert rates.in_bits == rates.out_bits
            assert rates.in_bits <= truth + 8, "a spike that nobody sent"
            # A device that restarts within two seconds of its start cannot be told by its uptime: it reads too low.
            if not has_rebooted:
                assert rates.in_bits == pytest.approx(truth, rel=1e-6, abs=8)
        if base is not before:
            carried, has_rebooted = 0.0, False


@settings(deadline=None, max_examples=200)
@given(
    loads=st.lists(st.tuples(st.floats(1.01, 60.0), st.floats(0.01, 1.0)), min_size=1, max_size=10),
    start=st.integers(2**64 - 2**34, 2**64 - 1),
)
def test_a_wide_counter_that_wraps_tells_every_rate(loads, start):
    device = Device(started_with=start)
    base, _ = advance(None, device.reading())
    for seconds, load in loads:
        device.carry(seconds, load)
        base, rates = advance(base, device.reading())
        assert rates is not None
        assert rates.in_bits == pytest.approx(GIGABIT * load, rel=1e-3)


@pytest.mark.parametrize("width", [32, 64], ids=["32 bits", "64 bits"])
def test_a_wrap_within_one_interval_is_bridged(width):
    device = Device(bits=width, speed=100e6, started_with=(1 << width) - 1000)
    base, _ = advance(None, device.reading())
    device.carry(10.0, 0.5)
    _, rates = advance(base, device.reading())
    assert rates is not None
    assert rates.in_bits == pytest.approx(50e6, rel=1e-6)


def test_a_narrow_counter_that_may_have_wrapped_twice_tells_nothing():
    device = Device(bits=32, speed=GIGABIT)
    base, _ = advance(None, device.reading())
    device.carry(60.0, 1.0)
    assert advance(base, device.reading())[1] is None


def test_uptime_that_wraps_after_497_days_is_no_reboot():
    device = Device(begun=1000.0 - (2**32 / 100 - 5))
    base = device.reading()
    device.carry(10.0, 0.1)
    now = device.reading()
    assert now.uptime < base.uptime
    assert not has_begun_anew(base, now)
    assert advance(base, now)[1] is not None


def test_a_young_agent_that_restarts_and_reads_higher_has_begun_anew():
    base = Reading(at=0.0, inward=10, outward=10, uptime=500)
    now = Reading(at=60.0, inward=900, outward=900, uptime=5000)  # expected 6500: it restarted meanwhile
    assert has_begun_anew(base, now)


def test_a_reboot_of_an_agent_up_for_most_of_497_days_is_seen():
    base = Reading(at=0.0, inward=10**9, outward=10**9, uptime=4_000_000_000)
    now = Reading(at=10.0, inward=50, outward=50, uptime=300)
    assert has_begun_anew(base, now)
    assert advance(base, now) == (now, None)


def test_another_boot_count_is_a_reboot_whatever_uptime_says():
    base = Reading(at=0.0, inward=1, outward=1, uptime=100, boots=4)
    now = replace(base, at=10.0, inward=10**6, outward=10**6, uptime=1100, boots=5)
    assert advance(base, now)[1] is None


def test_a_counter_discontinuity_gives_no_rate_this_time_and_one_the_next():
    base = Reading(at=0.0, inward=10**12, outward=10**12, uptime=1000, discontinuity=0)
    cleared = replace(base, at=10.0, inward=10**13, outward=10**13, uptime=2000, discontinuity=1500)
    base, rates = advance(base, cleared)
    assert rates is None
    later = replace(cleared, at=20.0, inward=10**13 + 10**7, outward=10**13, uptime=3000)
    _, rates = advance(base, later)
    assert rates is not None
    assert rates.in_bits == 8e6
    assert rates.out_bits == 0


def test_counters_cleared_by_hand_give_no_rate():
    base = Reading(at=0.0, inward=10**12, outward=10**12, uptime=1000)
    assert advance(base, replace(base, at=10.0, inward=5, outward=5, uptime=2000))[1] is None


def test_a_count_that_went_back_without_uptime_is_not_guessed_at():
    base = Reading(at=0.0, inward=2**64 - 10, outward=0)
    assert advance(base, Reading(at=10.0, inward=10, outward=10))[1] is None


def test_counters_that_an_agent_keeps_for_fifteen_seconds_make_no_saw_of_zero_and_double():
    truth, base, told = 8e6, None, []
    for tick in range(0, 200, 5):
        refreshed = tick - tick % 15
        count = int(refreshed * truth / 8)
        reading = Reading(at=float(tick), inward=count, outward=count, uptime=tick * 100)
        base, rates = advance(base, reading)
        if rates is not None:
            told.append(rates.in_bits)
    assert len(told) > 10
    assert set(told) == {truth}


def test_an_idle_line_says_zero_in_the_end():
    base = Reading(at=0.0, inward=7, outward=7, uptime=0)
    kept, rates = advance(base, replace(base, at=10.0, uptime=1000))
    assert (kept, rates) == (base, None)
    _, rates = advance(base, replace(base, at=40.0, uptime=4000))
    assert rates is not None
    assert rates.in_bits == 0.0


def test_a_count_that_went_back_in_an_agent_just_begun_is_not_taken_for_a_wrap():
    base = Reading(at=0.0, inward=926_217_296, outward=0, bits=32, uptime=25, speed_bits=GIGABIT)
    now = replace(base, at=24.5, inward=0, uptime=2425)
    assert advance(base, now)[1] is None


def test_two_looks_within_a_second_measure_from_the_first():
    base = Reading(at=0.0, inward=0, outward=0, uptime=0)
    kept, rates = advance(base, replace(base, at=0.2, inward=10**6, outward=1, uptime=20))
    assert (kept, rates) == (base, None)


def test_an_interface_that_outruns_its_told_speed_is_believed_on_wide_counters_only():
    base = Reading(at=0.0, inward=0, outward=0, uptime=0, speed_bits=10e6)
    now = replace(base, at=10.0, inward=10**9, outward=10**9, uptime=1000)
    assert advance(base, now)[1].in_bits == 8e8
    narrow = (replace(base, bits=32), replace(now, bits=32))
    assert advance(*narrow)[1] is None

"""The loop of a vantage, tick by tick: what is told when, what is caught up, what a look that ended does."""

import math
from dataclasses import replace

import numpy as np
import pytest

from inventory.loader import load
from inventory.models import Phase, ProbeKind
from inventory.samples import sample
from inventory.topology import Topology
from probes.fleet import build_fleet, pacing_of
from probes.gather import Gather
from probes.models import Answer, Flag, Outcome
from probes.runner import PUBLISH_AT_ONCE_NS, PUBLISH_NS, TICK_SECONDS, Runner

MILLISECOND = 1_000_000
SECOND = 1_000_000_000
TICK_NS = int(TICK_SECONDS * SECOND)


class Clock:
    def __init__(self):
        self.ns = 10 * SECOND

    def __call__(self):
        return self.ns


class Scripted:
    """A probe whose looks end when the test says so."""

    def __init__(self):
        self.open = []

    def begin(self, request, finish):
        self.open.append((request, finish))

    def end(self, outcome=Outcome.OK, rtt=0.01, of_canaries=None):
        looks, self.open = self.open, []
        for request, finish in looks:
            is_canary = request.port != 80
            ends = of_canaries if is_canary and of_canaries is not None else outcome
            finish(request, Answer(ends, rtt=rtt if ends is Outcome.OK else math.nan))
        return len(looks)


class Published:
    def __init__(self):
        self.batches = []

    def publish(self, batch):
        self.batches.append(batch)


class Vantage:
    """A runner over TCP targets, walked by hand."""

    def __init__(self, count, *, cadence=1.0, kind=ProbeKind.TCP, canaries=0, **given):
        whole = load(sample("soc-trang-2021"))
        targets = list(whole.targets.values())[:count]
        chosen = {t.code: replace(t, kind=kind, port=80, options={}) for t in targets}
        look = replace(whole.policy.default_look, cadence=cadence, timeout=0.8)
        code = next(iter(whole.vantages))
        inventory = replace(
            whole,
            targets=chosen,
            policy=replace(whole.policy, default_look=look, looks={}),
            vantages={code: replace(whole.vantages[code], canaries=whole.vantages[code].canaries[:canaries])},
        )
        fleet = build_fleet(
            inventory, Topology(inventory), inventory.vantages[code], canaries_by=ProbeKind.TCP
        )
        self.clock, self.probe, self.published = Clock(), Scripted(), Published()
        self.addresses = {slot.code: "127.0.0.1" for slot in fleet.slots}
        self.runner = Runner(
            fleet=fleet,
            pacing=pacing_of(fleet, inventory, Phase.PREPARE),
            addresses=self.addresses,
            probes={kind: self.probe},
            icmp=None,
            gather=Gather(vantage=code, epoch=1, clock_age=lambda: math.nan),
            publisher=self.published,
            monotonic_ns=self.clock,
            wall_ns=self.clock,
            **given,
        )

    def walk(self, milliseconds, *, outcome=Outcome.OK, of_canaries=None):
        """Tick in time; every look ends within its tick."""
        for _ in range(0, milliseconds * MILLISECOND, TICK_NS):
            self.runner.tick()
            self.probe.end(outcome, of_canaries=of_canaries)
            self.clock.ns += TICK_NS

    def trust(self):
        self.walk(4_000)
        self.published.batches.clear()


@pytest.fixture
def vantage():
    vantage = Vantage(40)
    vantage.trust()
    return vantage


def looks(batches):
    return sum(len(batch) for batch in batches)


def test_answers_as_expected_wait_for_each_other_and_none_is_lost(vantage):
    vantage.walk(2_000)
    batches = vantage.published.batches
    assert 15 <= len(batches) <= 2_000 * MILLISECOND // PUBLISH_NS + 1
    assert looks(batches) == pytest.approx(80, abs=8)
    assert [b.sequence for b in batches] == list(
        range(batches[0].sequence, batches[0].sequence + len(batches))
    )


def test_a_failure_is_told_at_once(vantage):
    vantage.walk(100, outcome=Outcome.REFUSED)
    told = [int(batch.at_ns[0]) for batch in vantage.published.batches if (batch.outcome != 0).any()]
    assert told
    first = next(b for b in vantage.published.batches if (b.outcome != 0).any())
    failed_at = int(first.at_ns[first.outcome != 0][0])
    later = [b for b in vantage.published.batches if b.sequence > first.sequence]
    assert later
    assert int(later[0].at_ns.min()) - failed_at <= PUBLISH_AT_ONCE_NS + 2 * TICK_NS


def test_a_failure_is_confirmed_a_fifth_of_a_second_later(vantage):
    vantage.walk(30, outcome=Outcome.REFUSED)
    vantage.walk(400)
    flags = np.concatenate([batch.flags for batch in vantage.published.batches])
    assert (flags & Flag.CONFIRM).any()


def test_a_loop_that_was_late_sends_what_it_missed_in_one_turn():
    vantage = Vantage(40, looks_per_tick=8)
    vantage.runner.tick()
    vantage.probe.end()
    vantage.clock.ns += 2 * SECOND
    vantage.runner.tick()
    assert len(vantage.probe.open) == 40
    assert vantage.runner.statistics.lag_ns > SECOND // 2
    assert vantage.runner.statistics.lags.p99_seconds() > 0.5


def test_a_loop_that_is_on_time_sends_no_more_than_its_share():
    vantage = Vantage(40, looks_per_tick=2)
    for _ in range(30):
        vantage.runner.tick()
        assert len(vantage.probe.open) <= 2
        vantage.probe.end()
        vantage.clock.ns += TICK_NS


def test_batches_of_a_late_loop_are_marked_unreliable(vantage):
    vantage.clock.ns += 3 * SECOND
    vantage.walk(50)
    late = [batch for batch in vantage.published.batches if len(batch) >= 30]
    assert late
    assert all((batch.flags & Flag.UNRELIABLE).all() for batch in late)
    vantage.published.batches.clear()
    vantage.walk(2_000)
    assert not any((batch.flags & Flag.UNRELIABLE).any() for batch in vantage.published.batches[5:])


def test_an_answer_overdue_is_in_doubt_before_it_fails_and_late_when_it_comes(vantage):
    vantage.walk(990)
    for _ in range(3):
        vantage.runner.tick()
        vantage.clock.ns += 10 * MILLISECOND
    while not vantage.probe.open:
        vantage.runner.tick()
        vantage.clock.ns += 10 * MILLISECOND
    vantage.clock.ns += 300 * MILLISECOND
    vantage.runner.tick()
    assert vantage.runner.statistics.in_doubt >= 1
    vantage.probe.end(rtt=0.3)
    vantage.walk(200)
    flags = np.concatenate([batch.flags for batch in vantage.published.batches])
    assert (flags & Flag.LATE).any()


def test_a_timeout_never_has_a_duration(vantage):
    vantage.walk(300, outcome=Outcome.TIMEOUT)
    for batch in vantage.published.batches:
        assert np.isnan(batch.rtt[batch.outcome != Outcome.OK]).all()


def test_a_kind_that_is_never_connected_to_needs_no_address(vantage):
    code = next(iter(vantage.addresses))
    vantage.runner.readdress({**vantage.addresses, code: ""})
    vantage.walk(1_100)
    outcomes = np.concatenate([batch.outcome for batch in vantage.published.batches])
    assert set(outcomes.tolist()) == {Outcome.OK}


def test_a_name_that_never_resolved_is_our_error_and_says_which(vantage):
    code = next(iter(vantage.addresses))
    known = {each: "127.0.0.1" for each in vantage.addresses if each != code}
    vantage.runner.readdress(known)
    vantage.walk(1_200)
    details = [text for batch in vantage.published.batches for text in batch.details.values()]
    assert any("does not resolve" in text for text in details)


def test_what_is_known_of_a_round_trip_outlives_other_addresses():
    vantage = Vantage(2)
    vantage.walk(1_100)
    *_, other = vantage.addresses
    vantage.runner.readdress({**vantage.addresses, other: "127.0.0.2"})
    known = vantage.runner._round_trips.overdue_after_ns(np.array([0, 1], np.uint32))
    assert known[0] < 300_000_000
    assert known[1] == 1_000_000_000


@pytest.mark.parametrize(("kind", "doubted"), [(ProbeKind.TCP, 1), (ProbeKind.STREAM, 0)])
def test_a_look_that_lasts_by_design_is_never_overdue(kind, doubted):
    vantage = Vantage(1, kind=kind)
    vantage.trust()
    for _ in range(100):
        vantage.runner.tick()
        if vantage.probe.open:
            break
        vantage.clock.ns += 10 * MILLISECOND
    vantage.clock.ns += 600 * MILLISECOND
    vantage.runner.tick()
    assert vantage.runner.statistics.in_doubt == doubted


def test_a_vantage_that_was_blind_asks_again_about_what_it_believed_lost_meanwhile():
    vantage = Vantage(3, cadence=10.0, canaries=1)
    vantage.walk(22_000)
    vantage.walk(25_000, outcome=Outcome.TIMEOUT)
    assert vantage.runner.statistics.in_doubt == 0, "all are believed down, the canary too"
    vantage.published.batches.clear()
    vantage.walk(12_000, outcome=Outcome.TIMEOUT, of_canaries=Outcome.OK)
    confirming = [
        int(target)
        for batch in vantage.published.batches
        for target in batch.target[batch.flags == Flag.CONFIRM].tolist()
    ]
    assert all(confirming.count(target) >= 5 for target in range(3)), confirming


@pytest.mark.parametrize(("stall", "is_ours"), [(300, False), (700, True)])
def test_a_timeout_that_our_own_standstill_made_is_not_held_against_the_target(vantage, stall, is_ours):
    vantage.walk(10)
    while not vantage.probe.open:
        vantage.runner.tick()
        vantage.clock.ns += 10 * MILLISECOND
    vantage.clock.ns += stall * MILLISECOND
    for _ in range(30):
        vantage.runner.tick()  # on time again, long before the look ends
        vantage.clock.ns += 10 * MILLISECOND
    vantage.published.batches.clear()
    request, finish = vantage.probe.open.pop(0)
    finish(request, Answer(Outcome.TIMEOUT))
    vantage.clock.ns += PUBLISH_NS
    vantage.runner.tick()
    (row,) = [
        (batch, n)
        for batch in vantage.published.batches
        for n in np.flatnonzero(batch.outcome == Outcome.TIMEOUT).tolist()
    ]
    batch, number = row
    assert bool(batch.flags[number] & Flag.UNRELIABLE) is is_ours

"""The engine against the kernel: real sockets, a network of the test's own, packets lost and forged on purpose."""

import subprocess
import time
from threading import Event, Thread

import numpy as np
import pytest

from probes.icmp import IcmpBacklogError, IcmpEngine, IcmpMode, IcmpNotAllowedError
from probes.icmp_flight import FlightTable
from probes.icmp_packet import Family
from probes.models import Flag, Outcome
from tests.support.icmp import IDENTIFIER, NONCE, SECOND, Collected, Forger, reply, running, slots
from tests.support.netns import allow_datagram_icmp, nft, own_network, without_capabilities

pytestmark = pytest.mark.root

MODES = pytest.mark.parametrize("mode", IcmpMode, ids=lambda mode: mode.value)
SILENT = "127.0.0.9"
INPUT = """
table inet lab {
  set cut { type ipv4_addr; }
  chain input {
    type filter hook input priority 0
    %s
  }
}
"""
CUT = INPUT % "icmp type echo-request ip daddr @cut drop"


@pytest.fixture(autouse=True)
def _network():
    with own_network():
        allow_datagram_icmp()
        yield


@pytest.fixture
def silent():
    """An address that is up and never answers by itself."""
    nft(CUT)
    nft(f"add element inet lab cut {{ {SILENT} }}")
    return SILENT


@pytest.fixture
def forger(silent):
    one = Forger(silent)
    yield one
    one.close()


@pytest.fixture
def enemy():
    one = Forger("127.0.0.66")
    yield one
    one.close()


def fleet(number):
    return [f"127.{1 + (slot >> 16)}.{slot >> 8 & 255}.{slot & 255}" for slot in range(number)]


def everyone(number):
    return np.arange(number, dtype=np.uint32)


@MODES
def test_a_fleet_on_loopback_answers_to_the_last(mode):
    with running(fleet(10_000), mode=mode) as (engine, seen):
        engine.send(everyone(10_000), timeout_ns=5 * SECOND)
        looks = seen.wait(10_000)
        assert sorted(slot for slot, *_ in looks) == list(range(10_000))
        assert {outcome for _, outcome, *_ in looks} == {Outcome.OK}
        assert 0 <= np.nanmedian([rtt for _, _, rtt, *_ in looks]) < 0.001
        now = time.time_ns()
        assert all(now - 60 * SECOND < at_ns <= now for *_, at_ns, _ in looks)
        count = engine.statistics()
        assert (count.sent, count.received, count.in_flight) == (10_000, 10_000, 0)
        assert (count.foreign, count.duplicate, count.kernel_drops) == (0, 0, 0)


@MODES
def test_both_families_and_an_address_without_one_share_a_table(mode):
    with running(["127.0.0.1", "::1", "commune.example", "127.0.0.2"], mode=mode) as (engine, seen):
        engine.send(slots(0, 1, 2, 3, 1), timeout_ns=5 * SECOND)
        seen.wait(5)
        outcomes = seen.outcomes()
        assert outcomes == {0: [Outcome.OK], 1: [Outcome.OK] * 2, 2: [Outcome.ERROR], 3: [Outcome.OK]}


@MODES
def test_every_pattern_of_five_looks_is_lost_as_it_was_cut(mode):
    nft(CUT)
    hosts = fleet(32)
    lost = np.array([[pattern >> number & 1 for pattern in range(32)] for number in range(5)], bool)
    with running(hosts, mode=mode) as (engine, seen):
        for number, row in enumerate(lost):
            cut = ", ".join(host for host, is_lost in zip(hosts, row, strict=True) if is_lost)
            nft(f"flush set inet lab cut\nadd element inet lab cut {{ {cut} }}")
            engine.send(everyone(32), timeout_ns=SECOND * 4 // 10, flags=number << 3)
            seen.wait(32 * (number + 1))
        measured = np.zeros_like(lost)
        for slot, outcome, _, flags, *_ in seen.looks:
            assert outcome in {Outcome.OK, Outcome.TIMEOUT}
            measured[flags >> 3, slot] = outcome is Outcome.TIMEOUT
        assert np.array_equal(measured, lost)


def test_fping_agrees_on_who_is_alive():
    nft(CUT)
    hosts = fleet(300)
    nft(f"add element inet lab cut {{ {', '.join(hosts[::3])} }}")
    said = subprocess.run(
        ["fping", "-a", "-r", "0", "-t", "300", "-i", "0", *hosts],
        capture_output=True,
        text=True,
        check=False,
    )
    with running(hosts) as (engine, seen):
        engine.send(everyone(300), timeout_ns=SECOND * 3 // 10)
        seen.wait(300)
        alive = {hosts[slot] for slot, outcome, *_ in seen.looks if outcome is Outcome.OK}
    assert alive == set(said.stdout.split())
    assert len(alive) == 200


def test_a_fleet_that_is_all_down_times_out_in_its_time_and_holds_nothing_up():
    nft(INPUT % "icmp type echo-request drop")
    with running([*fleet(5_000), "::1"]) as (engine, seen):
        begun = time.monotonic()
        for _ in range(4):
            engine.send(everyone(5_000), timeout_ns=SECOND)
        engine.send(slots(5_000), timeout_ns=SECOND)
        seen.until(lambda: 5_000 in seen.outcomes())
        assert seen.outcomes()[5_000] == [Outcome.OK]
        assert time.monotonic() - begun < 1, "a dead target held a place"
        seen.wait(20_001)
        assert 1 <= time.monotonic() - begun < 3
        assert [outcome for _, outcome, *_ in seen.looks].count(Outcome.TIMEOUT) == 20_000
        assert engine.statistics().in_flight == 0


@pytest.mark.parametrize(
    ("family", "address", "refusal"),
    [
        (Family.V4, "127.0.0.7", "icmp type host-unreachable"),
        (Family.V4, "127.0.0.7", "icmp type admin-prohibited"),
        (Family.V6, "::1", "icmpv6 type addr-unreachable"),
    ],
)
def test_a_routers_refusal_ends_the_look_at_once(family, address, refusal):
    kind = "icmp" if family is Family.V4 else "icmpv6"
    nft(INPUT % f"{kind} type echo-request reject with {refusal}")
    with running([address], mode=IcmpMode.RAW) as (engine, seen):
        engine.send(slots(0), timeout_ns=30 * SECOND)
        seen.wait(1)
        assert seen.outcomes() == {0: [Outcome.UNREACHABLE]}
        assert engine.statistics().unreachable == 1


def test_a_look_that_the_machine_itself_cannot_send_is_our_error():
    with running(["192.0.2.1", "127.0.0.1", "2001:db8::1"]) as (engine, seen):
        engine.send(slots(0, 1, 2), timeout_ns=SECOND)
        seen.wait(3)
        assert seen.outcomes() == {0: [Outcome.ERROR], 1: [Outcome.OK], 2: [Outcome.ERROR]}
        assert engine.statistics().send_errors == 2


def test_a_late_answer_clears_the_suspicion_it_raised(forger, silent):
    with running([silent]) as (engine, seen):
        nft("flush set inet lab cut")
        engine.send(slots(0), timeout_ns=SECOND)
        seen.wait(1)
        nft(f"add element inet lab cut {{ {silent} }}")
        engine.send(slots(0), timeout_ns=30 * SECOND)
        begun = time.monotonic()
        seen.until(lambda: seen.overdue)
        assert 0.1 < time.monotonic() - begun < 1, "the floor of the estimate is 200 ms"
        forger.send(reply(0, 1))
        seen.wait(2)
        assert seen.looks[1][1] is Outcome.OK
        assert seen.looks[1][3] == Flag.LATE
        assert seen.overdue == [(1, 0)]
        assert engine.statistics().late == 1


def test_forged_foreign_double_and_broken_answers_are_counted_by_what_they_are(forger, enemy, silent):
    with running([silent], mode=IcmpMode.RAW) as (engine, seen):
        engine.send(slots(0), timeout_ns=30 * SECOND)
        seen.until(lambda: engine.statistics().sent == 1)
        enemy.send(reply(0, 0))
        forger.send(reply(0, 0, nonce=NONCE ^ 1))
        forger.send(reply(0, 0, identifier=IDENTIFIER ^ 1))
        forger.send(reply(0, 0)[:20])
        forger.send(reply(0, 77))
        forger.send(reply(0, 0))
        forger.send(reply(0, 0))
        seen.wait(1)
        count = engine.statistics()
        assert seen.outcomes() == {0: [Outcome.OK]}
        assert (count.spoofed, count.foreign, count.truncated, count.expired, count.duplicate) == (
            1,
            1,
            1,
            1,
            1,
        )
        assert count.received == 6, "the filter kept the other identifier out"


def test_what_the_kernel_dropped_for_want_of_room_is_told_from_what_the_network_lost():
    nft(CUT)
    dead = fleet(600)[500:]
    nft(f"add element inet lab cut {{ {', '.join(dead)} }}")
    with running(fleet(600), mode=IcmpMode.RAW, receive_buffer=1) as (engine, seen):
        engine.send(everyone(500), timeout_ns=SECOND // 5)
        seen.wait(500)
        unreliable = [slot for slot, outcome, _, flags, *_ in seen.looks if flags & Flag.UNRELIABLE]
        # Linux 6.18 counts every datagram that a raw socket drops twice.
        assert 100 < len(unreliable) <= engine.statistics().kernel_drops <= 2 * len(unreliable)
        engine.send(everyone(600)[500:], timeout_ns=SECOND // 5)
        seen.wait(600)
        assert {tuple(look[1:4:2]) for look in seen.looks[500:]} == {(Outcome.TIMEOUT, Flag.NONE)}


def test_a_pace_is_kept():
    with running(fleet(400), pace=2_000) as (engine, seen):
        begun = time.monotonic()
        engine.send(everyone(400), timeout_ns=5 * SECOND)
        seen.wait(400)
        assert 0.15 < time.monotonic() - begun < 2


def test_replacing_the_table_changes_what_a_slot_means_for_every_later_look(silent):
    with running([silent, "127.0.0.1"]) as (engine, seen):
        engine.send(slots(0), timeout_ns=SECOND // 5)
        seen.until(lambda: engine.statistics().in_flight == 1)
        assert engine.set_targets(["127.0.0.1"]) == 2
        engine.send(slots(0), timeout_ns=5 * SECOND)
        ((slot, outcome, *_, generation),) = seen.wait(1)
        assert (slot, outcome, generation) == (0, Outcome.OK, 2)
        with pytest.raises(IndexError, match="slot 1 of 1"):
            engine.send(slots(1), timeout_ns=SECOND)
        assert engine.statistics().in_flight == 0


def test_two_engines_do_not_hear_each_other():
    with (
        running(fleet(1_000), mode=IcmpMode.RAW) as (one, seen_by_one),
        running(fleet(1_000), mode=IcmpMode.RAW, identifier=IDENTIFIER + 1) as (other, seen_by_other),
    ):
        for engine in (one, other):
            engine.send(everyone(1_000), timeout_ns=5 * SECOND)
        seen_by_one.wait(1_000)
        seen_by_other.wait(1_000)
        assert one.statistics().received == other.statistics().received == 1_000


def test_two_engines_may_bear_one_identifier_and_still_tell_their_answers_apart():
    with running(fleet(100), mode=IcmpMode.RAW) as (one, seen_by_one):
        with running(fleet(100), mode=IcmpMode.RAW, nonce=NONCE + 1) as (_, seen_by_other):
            one.send(everyone(100), timeout_ns=5 * SECOND)
            seen_by_one.wait(100)
            assert not seen_by_other.looks
        with running(fleet(100), mode=IcmpMode.DATAGRAM) as (second, seen_by_second):
            second.send(everyone(100), timeout_ns=5 * SECOND)
            seen_by_second.wait(100)


def test_a_busy_interpreter_fakes_neither_a_loss_nor_a_round_trip():
    stop = Event()

    def be_busy():
        while not stop.is_set():
            pass

    busy = Thread(target=be_busy)
    with running(fleet(2_000)) as (engine, seen):
        busy.start()
        try:
            for _ in range(5):
                engine.send(everyone(2_000), timeout_ns=5 * SECOND)
            seen.wait(10_000)
        finally:
            stop.set()
            busy.join()
        assert {outcome for _, outcome, *_ in seen.looks} == {Outcome.OK}
        assert np.nanmedian([rtt for _, _, rtt, *_ in seen.looks]) < 0.001


def test_looks_wait_for_a_place_when_too_many_are_under_way(silent):
    with running([silent]) as (engine, seen):
        engine._match.flight = FlightTable(limit=64)
        engine.send(np.zeros(200, np.uint32), timeout_ns=SECOND // 10)
        seen.wait(200)
        assert seen.outcomes() == {0: [Outcome.TIMEOUT] * 200}
        assert engine.statistics().queued == 0


def test_a_callback_that_fails_costs_its_results_and_not_the_engine():
    seen = Collected()
    failing = iter([True])

    def fail_once(results):
        if next(failing, False):
            raise RuntimeError("the reader is broken")
        seen.take(results)

    with running(fleet(2), on_results=fail_once) as (engine, _):
        engine.send(slots(0), timeout_ns=SECOND)
        engine.send(slots(1), timeout_ns=SECOND, flags=int(Flag.CONFIRM))
        seen.until(lambda: 1 in seen.outcomes())
        assert engine.statistics().failed_turns == 1


def test_a_backlog_beyond_measure_is_refused():
    with running(fleet(1), pace=1) as (engine, _):
        everything = np.zeros(600_000, np.uint32)
        engine.send(everything, timeout_ns=SECOND)
        with pytest.raises(IcmpBacklogError, match="wait to be sent"):
            engine.send(everything, timeout_ns=SECOND)
        begun = time.monotonic()
        engine.close()
        assert time.monotonic() - begun < 1


def unopened(**options):
    seen = Collected()
    return IcmpEngine(
        monotonic_ns=time.monotonic_ns,
        wall_ns=time.time_ns,
        nonce=NONCE,
        identifier=IDENTIFIER,
        on_results=seen.take,
        on_overdue=seen.suspect,
        **options,
    )


def test_without_raw_sockets_the_engine_takes_datagrams():
    engine = unopened()
    with without_capabilities():
        engine.open()
    assert engine.mode is IcmpMode.DATAGRAM
    engine.close()


def test_where_no_icmp_is_allowed_the_error_says_how_to_mend_it():
    with own_network(), without_capabilities(), pytest.raises(IcmpNotAllowedError) as caught:
        unopened().open()
    assert "CAP_NET_RAW" in str(caught.value)
    assert "net.ipv4.ping_group_range" in str(caught.value)
    assert "Không được phép" in str(caught.value)

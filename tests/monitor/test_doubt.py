"""What a vantage that could not believe itself says against a target does not count, from its engine to the page."""

import asyncio
import socket
import time
from datetime import UTC, datetime

import pytest

from inventory.models import LookPolicy, ProbeKind
from monitor.models import State, Verdict
from monitor.moments import moment
from probes.bus import InProcessBus
from probes.models import Flag, Outcome
from probes.tcp import TcpProbe
from probes.worker import Clocks, VantageWorker
from tests.support.monitoring import an_inventory, belief_on, ns, with_address

ONE = "X-31-FIXED"


@pytest.fixture
async def duty(tmp_path):
    async with belief_on(tmp_path / "belief.db", an_inventory()) as service:
        await service.all_answer(at=0)
        yield service


def shown(duty):
    return duty.service.snapshot().targets[ONE]


async def test_failures_of_a_vantage_over_budget_turn_nothing_down_and_are_marked(duty):
    await duty.fall(ONE, at=5, flags=Flag.UNRELIABLE)
    assert (shown(duty).state, shown(duty).is_unreliable) == (State.UP, True)
    site = duty.service.snapshot().sites["X-31"]
    assert (site.verdict, site.is_unreliable) == (Verdict.READY, True)
    assert duty.service.snapshot().vantages["V1"].unreliable_at == moment(ns(5.4))
    assert not duty.service.snapshot().sites["X-32"].is_unreliable
    assert duty.metrics.dropped.labels("V1", "unreliable")._value.get() == 3


async def test_reliable_failures_after_it_decide_and_date_the_outage(duty):
    await duty.fall(ONE, at=5, flags=Flag.UNRELIABLE)
    await duty.fall(ONE, at=8)
    assert (shown(duty).state, shown(duty).is_unreliable) == (State.DOWN, False)
    assert shown(duty).since == moment(ns(8))


async def test_a_reliable_answer_after_it_clears_the_mark(duty):
    await duty.fall(ONE, at=5, flags=Flag.UNRELIABLE)
    await duty.look({ONE: Outcome.OK}, at=8)
    assert (shown(duty).state, shown(duty).is_unreliable) == (State.UP, False)


async def test_an_answer_is_an_answer_however_busy_the_vantage(duty):
    await duty.fall(ONE, at=5)
    await duty.rise(ONE, at=8, flags=Flag.UNRELIABLE)
    assert shown(duty).state is State.UP


async def test_a_failure_that_does_not_count_ends_no_run_of_answers(duty):
    await duty.fall(ONE, at=5)
    await duty.look({ONE: Outcome.OK}, at=8)
    await duty.look({ONE: Outcome.TIMEOUT}, at=9, flags=Flag.UNRELIABLE)
    await duty.look({ONE: Outcome.OK}, at=10)
    assert shown(duty).state is State.UP
    assert shown(duty).since == moment(ns(8))


async def test_failures_that_do_not_count_are_no_loss(duty):
    for at in range(5, 15):
        await duty.look({ONE: Outcome.TIMEOUT}, at=at, flags=Flag.UNRELIABLE)
    assert shown(duty).loss == 0


async def test_where_no_reliable_look_comes_the_view_is_unknown_and_never_down(duty):
    for at in range(5, 60, 5):
        await duty.fall(ONE, at=at, flags=Flag.UNRELIABLE)
        await duty.tick(at=at + 1)
    assert shown(duty).state is State.UNKNOWN


async def test_a_canary_lost_by_a_vantage_over_budget_blinds_nobody(tmp_path):
    async with belief_on(tmp_path / "belief.db", an_inventory(canaries=1)) as duty:
        await duty.all_answer(at=0, canaries=[(0, 0, Outcome.OK)])
        lost = [(0, 5 + n, Outcome.TIMEOUT) for n in range(4)]
        await duty.look({}, at=5, after=4, canaries=lost, canary_flags=Flag.UNRELIABLE)
        assert not duty.service.snapshot().vantages["V1"].is_isolated
        await duty.look({}, at=15, after=4, canaries=[(n, at + 10, o) for n, at, o in lost])
        assert duty.service.snapshot().vantages["V1"].is_isolated


class Dropping(TcpProbe):
    """Real looks by TCP, of which the kernel dropped ``kernel_drops`` answers."""

    kernel_drops = 0


async def until(condition, seconds=10.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def test_from_the_kernel_s_drops_to_the_page_a_failure_waits_for_a_vantage_in_order(tmp_path):
    look = LookPolicy(cadence=0.2, timeout=0.2, retry=0.2, down_after=3, stale_after=30)
    probe = Dropping(monotonic=time.monotonic)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        inventory = an_inventory(look=look, without=[f"X-{c}-{p}" for c in ("31", "32", "33", "34") for p in ("FIXED", "FIBRE", "MOBILE") if (c, p) != ("31", "FIXED")])  # fmt: skip
        inventory = with_address(inventory, ONE, "127.0.0.1", digest="tcp", kind=ProbeKind.TCP, port=listening.getsockname()[1])  # fmt: skip
        bus = InProcessBus()
        worker = VantageWorker(
            inventory=inventory,
            vantage="V1",
            publisher=bus,
            clocks=Clocks(lambda: datetime.now(UTC), time.time_ns, time.monotonic_ns, lambda: 0.0),
            probes=lambda: {ProbeKind.TCP: probe},
            nonce=1,
            epoch=1,
        )
        async with belief_on(tmp_path / "belief.db", inventory, clock=lambda: datetime.now(UTC)) as duty:

            async def believe():
                while True:
                    await duty.service.take(await bus.next())

            believing = asyncio.create_task(believe())
            worker.start()
            try:
                await until(lambda: shown(duty).state is State.UP)
                probe.kernel_drops = 7
                await until(worker.statistics().health.is_doubtful)
                listening.close()
                await until(lambda: shown(duty).is_unreliable)
                assert shown(duty).state is State.UP
                assert duty.metrics.dropped.labels("V1", "unreliable")._value.get() >= 1
                await until(lambda: shown(duty).state is State.DOWN)
                assert not worker.statistics().health.is_doubtful()
            finally:
                believing.cancel()
                await asyncio.to_thread(worker.stop)

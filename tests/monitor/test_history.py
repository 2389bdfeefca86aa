"""Minutes of a target: counted exactly, packed small, read from memory and disk as one, and thinned honestly."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from inventory.database import reading
from monitor.ingest import Rows
from monitor.minutes import CHUNK_MINUTES, MINUTE_NS, MinuteTable, joined, packed, sliced, thinned, unpacked
from monitor.schema import history_chunks
from probes.models import Outcome
from tests.support.monitoring import NOON, an_inventory, belief_on, ns

NOON_MINUTE = ns(0) // MINUTE_NS
HOUR = timedelta(hours=1)


def rows(*looks):
    """Looks at target 0 as (seconds after noon, outcome, round trip)."""
    return Rows(
        np.zeros(len(looks), np.intp),
        np.array([ns(at) for at, _, _ in looks], np.int64),
        np.array([outcome for _, outcome, _ in looks], np.uint8),
        np.array([rtt for _, _, rtt in looks], np.float32),
        np.zeros(len(looks), np.uint8),
    )


def ok(at, rtt=0.02):
    return (at, Outcome.OK, rtt)


def lost(at):
    return (at, Outcome.TIMEOUT, np.nan)


def test_a_minute_counts_looks_failures_and_round_trips():
    table = MinuteTable(1)
    table.add(rows(ok(0, 0.01), ok(10, 0.03), lost(20), ok(70, 0.05)))
    read = table.read(0)
    assert read.minute.tolist() == [NOON_MINUTE, NOON_MINUTE + 1]
    assert read.looks.tolist() == [3, 1]
    assert read.failures.tolist() == [1, 0]
    assert read.rtt_min.tolist() == pytest.approx([0.01, 0.05], rel=1e-3)
    assert read.rtt_mean.tolist() == pytest.approx([0.02, 0.05], rel=1e-3)
    assert read.rtt_max.tolist() == pytest.approx([0.03, 0.05], rel=1e-3)


def test_our_own_error_is_not_a_look():
    table = MinuteTable(1)
    table.add(rows((0, Outcome.ERROR, np.nan)))
    assert len(table.read(0)) == 0


def test_a_minute_of_failures_has_no_round_trip():
    table = MinuteTable(1)
    table.add(rows(lost(0), lost(5)))
    assert np.isnan(table.read(0).rtt_mean).all()


def test_a_look_of_a_closed_minute_is_still_counted():
    table = MinuteTable(1)
    table.add(rows(ok(0), ok(200)))
    table.close_before(NOON_MINUTE + 10)
    table.add(rows(lost(1), ok(210)))
    table.close_before(NOON_MINUTE + 10)
    read = table.read(0)
    assert dict(zip((read.minute - NOON_MINUTE).tolist(), read.looks.tolist(), strict=True)) == {0: 2, 3: 2}
    assert read.failures.tolist() == [1, 0]


def test_a_new_chunk_seals_the_one_before():
    table = MinuteTable(1)
    start = (CHUNK_MINUTES - NOON_MINUTE % CHUNK_MINUTES) * 60
    assert table.add(rows(ok(0))) == []
    (sealed,) = table.add(rows(ok(start)))
    ((target, minutes, loss),) = list(sealed.packed())
    assert (target, loss) == (0, 0.0)
    assert sliced(sealed.chunk, *unpacked(minutes)).minute.tolist() == [NOON_MINUTE]
    table.add(rows(ok(0)))
    assert table.lost == 1


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=40))
def test_packing_loses_no_look_and_keeps_round_trips_within_one_part_in_64(minutes):
    counts = np.array(minutes, np.uint8).reshape(-1, 2).T
    rtts = np.linspace(0, 100, 3 * counts.shape[1]).astype(np.float16).reshape(3, -1)
    again = unpacked(packed(counts, rtts))
    assert np.array_equal(again[0], counts)
    assert np.allclose(again[1].astype(float), rtts.astype(float), rtol=1 / 64, atol=1e-6)
    assert np.array_equal(unpacked(packed(*again))[1], again[1])


def test_packing_keeps_what_was_not_measured_and_the_longest_round_trip():
    counts = np.ones((2, 3), np.uint8)
    rtts = np.array([[np.nan, 65_000, 1], [np.nan, 65_000, 1], [np.nan, 65_000, 1]], np.float16)
    again = unpacked(packed(counts, rtts))[1]
    assert np.isnan(again[:, 0]).all()
    assert np.isfinite(again[:, 1]).all()


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.booleans()), min_size=1, max_size=60),
    st.integers(1, 20),
)
def test_thinning_keeps_every_look_and_the_extremes(looks, points):
    table = MinuteTable(1)
    table.add(rows(*(ok(at, 0.001 * (1 + at % 7)) if good else lost(at) for at, good in looks)))
    whole = table.read(0)
    few = thinned(whole, points)
    assert len(few) <= points
    assert (few.looks.sum(), few.failures.sum()) == (whole.looks.sum(), whole.failures.sum())
    if any(good for _, good in looks):
        assert np.nanmax(few.rtt_max) == np.nanmax(whole.rtt_max)
        assert np.nanmin(few.rtt_min) == np.nanmin(whole.rtt_min)


def test_slices_of_two_vantages_add_up():
    one, other = MinuteTable(1), MinuteTable(1)
    one.add(rows(ok(0, 0.01), ok(1, 0.01)))
    other.add(rows(ok(2, 0.04), lost(3)))
    both = joined([one.read(0), other.read(0)])
    assert (both.looks.tolist(), both.failures.tolist()) == ([4], [1])
    assert both.rtt_mean.tolist() == pytest.approx([0.02], rel=1e-2)


@pytest.fixture
def inventory():
    return an_inventory()


async def minutes_of(duty, **more):
    read = await duty.service.history.read("X-31-FIXED", NOON - HOUR, NOON + 12 * HOUR, **more)
    return dict(zip((read.minute - NOON_MINUTE).tolist(), read.looks.tolist(), strict=True))


async def count(duty):
    async with reading(duty.database) as connection:
        return await connection.scalar(select(func.count()).select_from(history_chunks))


async def test_a_closed_minute_is_on_disk_and_the_open_one_in_memory(tmp_path, inventory):
    async with belief_on(tmp_path / "b.db", inventory) as duty:
        for second in (0, 30, 60, 125):
            await duty.all_answer(at=second)
        duty.clock.set(130)
        await duty.service.flush()
        assert await count(duty) == len(inventory.targets)
        assert await minutes_of(duty) == {0: 2, 1: 1, 2: 1}


async def test_a_kill_loses_the_open_minutes_only(tmp_path, inventory):
    async with belief_on(tmp_path / "b.db", inventory) as duty:
        for second in (0, 30, 60, 125):
            await duty.all_answer(at=second)
        duty.clock.set(130)
        await duty.service.flush()
    async with belief_on(tmp_path / "b.db", inventory, at=200, epoch=2) as duty:
        await duty.all_answer(at=200)
        assert await minutes_of(duty) == {0: 2, 3: 1}
        duty.clock.set(400)
        await duty.service.flush()
        assert await minutes_of(duty) == {0: 2, 3: 1}


async def test_a_stop_loses_nothing(tmp_path, inventory):
    async with belief_on(tmp_path / "b.db", inventory) as duty:
        for second in (0, 30, 60):
            await duty.all_answer(at=second)
        await duty.service.stop()
    async with belief_on(tmp_path / "b.db", inventory, at=200, epoch=2) as duty:
        assert await minutes_of(duty) == {0: 2, 1: 1}


async def test_chunks_of_many_hours_are_read_as_one_and_thinned(tmp_path, inventory):
    async with belief_on(tmp_path / "b.db", inventory) as duty:
        for hour in range(10):
            await duty.look({"X-31-FIXED": Outcome.OK}, at=3600 * hour)
        await duty.service.flush()
        assert await count(duty) >= 1
        assert await minutes_of(duty) == {60 * hour: 1 for hour in range(10)}
        assert sum((await minutes_of(duty, points=3)).values()) == 10
        assert len(await minutes_of(duty, points=3)) <= 3


async def test_history_goes_on_over_a_swap(tmp_path, inventory):
    async with belief_on(tmp_path / "b.db", inventory) as duty:
        await duty.all_answer(at=0)
        other = an_inventory(without=["X-34-MOBILE"], digest="two")
        await duty.service.swap(other)
        await duty.look({"X-31-FIXED": Outcome.OK}, at=10, inventory=other)
        assert await minutes_of(duty) == {0: 2}


async def test_an_unknown_target_has_no_history(tmp_path, inventory):
    async with belief_on(tmp_path / "b.db", inventory) as duty:
        assert len(await duty.service.history.read("nowhere", NOON, NOON + HOUR)) == 0

"""Minutes of a target: counted exactly, packed small, read from memory and disk as one, and thinned honestly."""

import zlib
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from inventory.database import reading
from monitor.ingest import Rows
from monitor.minute_codec import block_column, block_packed, block_unpacked, packed, unpacked
from monitor.minutes import CHUNK_MINUTES, MINUTE_NS, MinuteTable, joined, thinned
from monitor.schema import history_chunks, history_spans
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


def test_only_the_newest_spans_stay_in_memory():
    table = MinuteTable(1)
    for minute in range(0, 60, 10):
        table.add(rows(ok(60 * minute)))
    written = {span.start - NOON_MINUTE: span.counts[0].sum() for span in table.dirty(with_open=True)}
    assert written == dict.fromkeys(range(0, 60, 10), 1)
    assert (table.read(0).minute - NOON_MINUTE).tolist() == [40, 50]


def test_a_late_look_is_written_as_a_part_of_its_span():
    table = MinuteTable(1)
    for minute in range(0, 60, 10):
        table.add(rows(ok(60 * minute)))
    table.dirty(with_open=True)
    table.add(rows(lost(620), ok(3600)))
    (late, newest) = table.dirty(with_open=True)
    assert (late.start - NOON_MINUTE, late.is_whole, late.counts[:, 0, 0].tolist()) == (10, False, [1, 1])
    assert newest.is_whole
    table.add(rows(ok(-60 * (CHUNK_MINUTES + 1))))
    assert table.lost == 0
    table.add(rows(ok(3600)))
    table.add(rows(ok(3600 - 60 * (CHUNK_MINUTES + 1))))
    assert table.lost == 1


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=40))
def test_packing_loses_no_look_and_keeps_round_trips_within_one_part_in_64(minutes):
    counts = np.array(minutes, np.uint8).reshape(-1, 2).T
    rtts = np.linspace(0, 100, 3 * counts.shape[1]).astype(np.float16).reshape(3, -1)
    again = unpacked(packed(counts, rtts))
    assert np.array_equal(again[0], counts)
    assert np.allclose(again[1].astype(float), rtts.astype(float), rtol=1 / 64, atol=1e-6)
    assert np.array_equal(unpacked(packed(*again))[1], again[1])


@given(st.integers(1, 5), st.integers(1, 12), st.randoms(use_true_random=False))
def test_a_block_gives_each_target_its_own(targets, minutes, rng):
    counts = np.array([rng.randrange(256) for _ in range(2 * targets * minutes)], np.uint8)
    rtts = np.array([rng.choice([np.nan, rng.uniform(0, 60_000)]) for _ in range(3 * targets * minutes)])
    counts, rtts = counts.reshape(2, targets, -1), rtts.astype(np.float16).reshape(3, targets, -1)
    block = block_packed(counts, rtts)
    whole = block_unpacked(block, targets)
    assert np.array_equal(whole[0], counts)
    assert np.allclose(whole[1].astype(float), rtts.astype(float), rtol=1 / 64, atol=1e-4, equal_nan=True)
    for place in range(targets):
        mine = block_column(block, targets, place)
        assert np.array_equal(mine[0], counts[:, place])
        assert np.array_equal(mine[1], whole[1][:, place], equal_nan=True)


def test_chunks_of_the_first_form_are_still_read():
    counts = np.array([[6, 6], [0, 1]], np.uint8)
    rtts = np.array([[1, np.nan], [2, np.nan], [3, np.nan]], np.float16)
    again = unpacked(zlib.compress(counts.tobytes() + rtts.tobytes(), 1))
    assert np.array_equal(again[0], counts)
    assert np.array_equal(again[1], rtts, equal_nan=True)


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


async def minutes_of(duty, hours=12, **more):
    read = await duty.service.history.read("X-31-FIXED", NOON - HOUR, NOON + hours * HOUR, **more)
    return dict(zip((read.minute - NOON_MINUTE).tolist(), read.looks.tolist(), strict=True))


async def count(duty, table=history_chunks):
    async with reading(duty.database) as connection:
        return await connection.scalar(select(func.count()).select_from(table))


async def test_a_closed_minute_is_on_disk_and_the_open_one_in_memory(tmp_path, inventory):
    async with belief_on(tmp_path / "b.db", inventory) as duty:
        for second in (0, 30, 60, 125):
            await duty.all_answer(at=second)
        duty.clock.set(130)
        await duty.service.flush()
        assert (await count(duty, history_spans), await count(duty)) == (1, 0)
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
        for hour in range(20):
            await duty.look({"X-31-FIXED": Outcome.OK}, at=3600 * hour)
        await duty.service.flush()
        assert await count(duty) >= 1
        assert await minutes_of(duty, hours=30) == {60 * hour: 1 for hour in range(20)}
        assert sum((await minutes_of(duty, points=3)).values()) == 12
        assert len(await minutes_of(duty, points=3)) <= 3


async def test_history_goes_on_over_a_swap(tmp_path, inventory):
    async with belief_on(tmp_path / "b.db", inventory) as duty:
        await duty.all_answer(at=0)
        other = an_inventory(without=["X-34-MOBILE"], digest="two")
        await duty.service.swap(other)
        await duty.look({"X-31-FIXED": Outcome.OK}, at=10, inventory=other)
        assert await minutes_of(duty) == {0: 2}


async def test_what_another_fleet_left_is_folded_and_counted_once(tmp_path, inventory):
    other = an_inventory(without=["X-34-MOBILE"], digest="two")
    async with belief_on(tmp_path / "b.db", inventory) as duty:
        await duty.all_answer(at=0)
        await duty.service.swap(other)
        await duty.look({"X-31-FIXED": Outcome.OK}, at=10, inventory=other)
        await duty.service.swap(inventory)
        await duty.look({"X-31-FIXED": Outcome.OK}, at=20)
        assert await minutes_of(duty) == {0: 3}
        duty.clock.set(130)
        await duty.service.flush()
        assert await minutes_of(duty) == {0: 3}
        assert await count(duty) == 1
        await duty.look({"X-31-FIXED": Outcome.OK}, at=135)
        await duty.service.swap(other)
        await duty.service.flush()
        assert await minutes_of(duty) == {0: 3, 2: 1}
        assert await count(duty, history_spans) == 0


async def test_a_restart_with_another_fleet_keeps_what_was_counted(tmp_path, inventory):
    async with belief_on(tmp_path / "b.db", inventory) as duty:
        for second in (0, 30, 60):
            await duty.all_answer(at=second)
        await duty.service.stop()
    other = an_inventory(without=["X-34-MOBILE"], digest="two")
    async with belief_on(tmp_path / "b.db", other, at=200, epoch=2) as duty:
        assert await minutes_of(duty) == {0: 2, 1: 1}


async def test_a_late_look_adds_to_what_was_written(tmp_path, inventory):
    async with belief_on(tmp_path / "b.db", inventory) as duty:
        for minute in range(40):
            await duty.look({"X-31-FIXED": Outcome.OK}, at=60 * minute)
            await duty.service.flush()
        await duty.look({"X-31-FIXED": Outcome.OK}, at=305, after=2100)
        read = dict.fromkeys(range(40), 1) | {5: 2}
        assert await minutes_of(duty) == read
        duty.clock.set(2700)
        await duty.service.flush()
        assert await minutes_of(duty) == read


async def test_an_unknown_target_has_no_history(tmp_path, inventory):
    async with belief_on(tmp_path / "b.db", inventory) as duty:
        assert len(await duty.service.history.read("nowhere", NOON, NOON + HOUR)) == 0

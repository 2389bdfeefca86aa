"""Old rows go, in batches; what is open or waits for alerting stays whatever its age."""

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from inventory.database import reading, transaction
from monitor.retention import Retention, Trimmed, trim
from monitor.schema import congestions, history_chunks, link_hours, outages, state_changes, unobserved
from tests.support.monitoring import NOON, an_inventory, belief_on

DAY = timedelta(days=1)


@pytest.fixture
async def duty(tmp_path):
    async with belief_on(tmp_path / "b.db", an_inventory()) as service:
        yield service


def a_change(number, *, at, processed_at):
    return {
        "kind": "cause", "subject": f"path:{number}", "old": "up", "new": "down", "at": at, "noticed_at": at,
        "reason": "explained", "evidence": {}, "processed_at": processed_at,
    }  # fmt: skip


def an_outage(number, *, ended_at):
    return {
        "target": f"t{number}",
        "started_at": NOON - 900 * DAY,
        "noticed_at": NOON - 900 * DAY,
        "ended_at": ended_at,
    }


def an_hour(at):
    return {
        "link": "L",
        "direction": "in",
        "hour": at,
        "day": at.date(),
        "slots": 12,
        "load": 0.5,
        "peak": 0.6,
        "busy": 0,
    }


def a_congestion(number, *, ended_at):
    return {
        "link": f"L{number}", "direction": "in", "carrier": "VNPT", "started_at": NOON - 900 * DAY,
        "until": NOON - 900 * DAY, "ended_at": ended_at, "peak": 0.9, "norm": 0.8,
    }  # fmt: skip


async def fill(duty):
    old, new = NOON - 800 * DAY, NOON - DAY
    chunks = [
        {"target": f"t{n}", "vantage": "V1", "start": start, "minutes": b"", "loss": 0.0}
        for n in range(7)
        for start in (NOON - 100 * DAY, new)
    ]
    changes = [a_change(n, at=at, processed_at=at) for n in range(7) for at in (old, new)]
    gaps = [
        {"vantage": "V1", "started_at": old, "ended_at": end, "reason": "silent"} for end in (old + DAY, None)
    ]
    async with transaction(duty.database) as connection:
        await connection.execute(insert(history_chunks), chunks)
        await connection.execute(insert(state_changes), [*changes, a_change(99, at=old, processed_at=None)])
        await connection.execute(
            insert(outages), [an_outage(n, ended_at=e) for n, e in enumerate((old, new, None))]
        )
        await connection.execute(insert(unobserved), gaps)
        await connection.execute(insert(link_hours), [an_hour(old), an_hour(new)])
        await connection.execute(
            insert(congestions), [a_congestion(n, ended_at=e) for n, e in enumerate((old, new, None))]
        )


async def left(duty):
    async with reading(duty.database) as connection:
        return [
            await connection.scalar(select(func.count()).select_from(table))
            for table in (history_chunks, state_changes, outages, unobserved, link_hours, congestions)
        ]


@pytest.mark.parametrize("rows_at_once", [1, 3, 500])
async def test_what_is_old_goes_and_what_is_open_stays(duty, rows_at_once):
    await fill(duty)
    trimmed = await trim(
        duty.database,
        history_before=NOON - 90 * DAY,
        changes_before=NOON - 730 * DAY,
        rows_at_once=rows_at_once,
    )
    assert trimmed == Trimmed(history=7, changes=7, outages=1, unobserved=1, loads=2)
    assert await left(duty) == [7, 8, 2, 1, 1, 2]


async def test_the_loop_trims_by_days_and_says_when(duty):
    await fill(duty)
    keeping = Retention(
        database=duty.database, clock=lambda: NOON, metrics=duty.metrics, history_days=90, changes_days=730
    )
    assert (await keeping.turn()).history == 7
    assert keeping.last_success == NOON

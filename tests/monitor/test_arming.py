"""What is not in service yet stays quiet until it has first been healthy for a while, and counts for good after that."""

import sqlite3
from contextlib import closing
from dataclasses import replace

from monitor import migrations
from monitor.models import ChangeReason, State, Verdict
from probes.models import Outcome
from tests.support.monitoring import an_inventory, belief_on

LINE = "X-31-FIXED"


def arming(seconds, **more):
    inventory = an_inventory(**more)
    return replace(inventory, policy=replace(inventory.policy, arm_seconds=seconds))


def causes(duty):
    return [change.subject for change in duty.heard if change.kind == "cause"]


async def test_a_site_that_nobody_has_installed_yet_is_untested_and_nobodys_incident(tmp_path):
    async with belief_on(tmp_path / "db", arming(60)) as duty:
        for at in range(0, 30, 2):
            await duty.look(dict.fromkeys(duty.inventory.targets, Outcome.TIMEOUT), at=at)
        await duty.tick(at=40)
        snapshot = duty.service.snapshot()
        assert {view.state for view in snapshot.targets.values()} == {State.UNKNOWN}
        assert {view.verdict for view in snapshot.sites.values()} == {Verdict.UNTESTED}
        assert duty.heard == []
        assert duty.service.belief.outages == {}


async def test_what_is_being_installed_comes_and_goes_without_an_outage(tmp_path):
    async with belief_on(tmp_path / "db", arming(60)) as duty:
        await duty.all_answer(at=0)
        assert not duty.service.snapshot().targets[LINE].is_armed
        await duty.fall(LINE, at=30)
        await duty.all_answer(at=35, but=[LINE])
        await duty.tick(at=40)
        view = duty.service.snapshot().targets[LINE]
        assert (view.state, view.is_armed) == (State.UNKNOWN, False)
        assert duty.service.snapshot().sites["X-31"].verdict is Verdict.READY  # on its other two paths
        told = [change.reason for change in duty.heard if change.subject == LINE and change.kind == "target"]
        assert told == [ChangeReason.FIRST_RESULT, ChangeReason.NOT_ARMED]
        assert causes(duty) == []


async def test_an_interruption_begins_the_wait_anew(tmp_path):
    async with belief_on(tmp_path / "db", arming(60)) as duty:
        await duty.all_answer(at=0)
        await duty.fall(LINE, at=50)
        await duty.all_answer(at=70)
        await duty.all_answer(at=129)
        targets = duty.service.snapshot().targets
        assert not targets[LINE].is_armed
        assert targets["X-32-FIXED"].is_armed
        await duty.all_answer(at=130)
        assert duty.service.snapshot().targets[LINE].is_armed


async def test_what_is_armed_is_detected_as_fast_as_ever(tmp_path):
    async with belief_on(tmp_path / "db", arming(60)) as duty:
        await duty.all_answer(at=0)
        await duty.all_answer(at=60)
        await duty.fall(LINE, at=61)
        assert duty.service.snapshot().targets[LINE].state is State.DOWN
        await duty.tick(at=64)
        assert causes(duty) == [f"path:{LINE}"]


async def test_a_kill_disarms_nothing(tmp_path):
    async with belief_on(tmp_path / "db", arming(60)) as duty:
        await duty.all_answer(at=0)
        await duty.all_answer(at=60)
    async with belief_on(tmp_path / "db", arming(60), at=70, epoch=2) as duty:
        assert duty.service.snapshot().targets[LINE].is_armed
        await duty.fall(LINE, at=71)
        assert duty.service.snapshot().targets[LINE].state is State.DOWN
    async with belief_on(tmp_path / "db", arming(60), at=80, epoch=3) as duty:
        await duty.rise(LINE, at=81)
        await duty.fall(LINE, at=84)
        assert duty.service.snapshot().targets[LINE].state is State.DOWN


async def test_a_line_moved_to_another_address_is_new(tmp_path):
    async with belief_on(tmp_path / "db", arming(60)) as duty:
        await duty.all_answer(at=0)
        await duty.all_answer(at=60)
        other = arming(60, digest="two")
        moved = replace(other.targets[LINE], address="127.9.9.9")
        await duty.service.swap(replace(other, targets={**other.targets, LINE: moved}))
        targets = duty.service.snapshot().targets
        assert not targets[LINE].is_armed
        assert targets["X-32-FIXED"].is_armed


async def test_without_a_wait_everything_counts_from_its_first_look(tmp_path):
    async with belief_on(tmp_path / "db", arming(0)) as duty:
        await duty.fall(LINE, at=0)
        assert duty.service.snapshot().targets[LINE].state is State.DOWN


def test_what_answered_before_there_was_arming_is_armed_since_then(tmp_path):
    file = tmp_path / "thongsuot.db"
    url = f"sqlite+aiosqlite:///{file}"
    migrations.upgrade(url)
    migrations.downgrade(url, "0001")
    with closing(sqlite3.connect(file)) as connection, connection:
        for target, answered in (("A", "2021-05-23 05:00:00.000000"), ("B", None)):
            connection.execute(
                "INSERT INTO target_states (target, vantage, view, since, last_ok_at) VALUES (?, 'V', 'up', ?, ?)",
                (target, "2021-05-23 04:00:00.000000", answered),
            )
    migrations.upgrade(url)
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT target, armed_at FROM target_states ORDER BY target").fetchall()
    assert rows == [("A", "2021-05-23 05:00:00.000000"), ("B", None)]

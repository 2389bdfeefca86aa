"""A record is bounded, begins anywhere, survives being cut off, and tells what another policy would have made of it."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from alerting.roster_gaps import is_gap
from inventory.database import metadata, open_engine
from inventory.loader import load
from inventory.models import LookPolicy
from inventory.samples import sample
from monitor import schema
from monitor.assembly.replays import from_changes, from_record
from monitor.cli import main
from monitor.metrics import ServiceMetrics
from monitor.planned import MARK, PlannedWork, WorkKind
from monitor.recorded import RecordedMonitor
from monitor.recording import EventKind, Recorder, read_record, size_of
from probes.bus_wire import WireError
from tests.support import databases
from tests.support.monitoring import NOON, Duty, HandClock, an_inventory
from tests.support.replays import replayed, stored_lines

INVENTORY = an_inventory()
OLT = ("X-31-FIXED", "X-31-FIBRE", "X-32-FIXED", "X-32-FIBRE")


@asynccontextmanager
async def recorded(folder, *, epoch=1, limit=1 << 20, inventory=INVENTORY):
    database = open_engine(databases.at(folder / "live.db"))
    async with database.begin() as connection:
        tables = [getattr(schema, name) for name in schema.__all__]
        await connection.run_sync(lambda plain: metadata.create_all(plain, tables=tables))
    recorder, clock, metrics = Recorder(folder / "record", limit_bytes=limit), HandClock(), ServiceMetrics()
    service = RecordedMonitor(
        database=database, inventory=inventory, clock=clock, metrics=metrics, recorder=recorder
    )
    duty = Duty(service, clock, inventory, metrics, database, epoch=epoch)
    duty.record = folder / "record"
    try:
        await service.start()
        yield duty
    finally:
        recorder.close()
        await database.dispose()


async def a_cut(duty, *, at=10.0, lasts=60):
    await duty.all_answer(at=at - 5)
    await duty.fall(*OLT, at=at)
    await duty.all_answer(at=at + 0.5, but=OLT)
    for second in range(1, lasts, 4):
        await duty.tick(at=at + second)
        await duty.all_answer(at=at + second + 1, but=OLT)
    await duty.rise(*OLT, at=at + lasts)
    await duty.tick(at=at + lasts + 2)


async def test_a_replay_is_what_was_believed_over_a_stop_a_reload_and_planned_work(tmp_path):
    work = PlannedWork(
        1, WorkKind.RISK, "OLT-1", NOON, NOON + timedelta(seconds=40), "VNPT", "CV 1", entered_at=NOON
    )
    async with recorded(tmp_path) as duty:
        await duty.service.plan([work])
        await a_cut(duty)
        moved = replace(INVENTORY, digest="two")
        await duty.service.swap(moved)
        await duty.look(dict.fromkeys(moved.targets, 1), at=80, inventory=moved)
        await duty.service.stop()
    async with recorded(tmp_path, epoch=2) as duty:
        duty.clock.set(100)
        await a_cut(duty, at=110)
        wanted = await stored_lines(duty.database)
    replay, lines = await replayed(duty.record, INVENTORY, tmp_path / "again.db")
    assert lines == wanted
    assert any(MARK.encode() in line for line in lines)
    assert replay.looks > 300
    assert not replay.unknown_fleets


async def test_a_record_keeps_to_its_limit_and_what_is_left_of_it_begins_like_a_restart(tmp_path):
    limit = 16_000
    async with recorded(tmp_path, limit=limit) as duty:
        for turn in range(80):
            await duty.look(
                [(c, 10 + turn + n / 7, 1) for n in range(20) for c in INVENTORY.targets], at=20 + turn
            )
            await duty.tick(at=20 + turn)
        assert size_of(duty.record) <= limit
    first = next(read_record(duty.record))
    assert first.kind is EventKind.KEYFRAME
    assert first.at_ns > 0
    replay, _ = await replayed(duty.record, INVENTORY, tmp_path / "again.db")
    assert replay.events > 10
    assert replay.changes == []


async def test_an_event_that_was_cut_off_ends_the_reading_and_rubbish_is_refused(tmp_path):
    async with recorded(tmp_path) as duty:
        await duty.all_answer(at=1)
    [segment] = duty.record.glob("*.rec")
    segment.write_bytes(segment.read_bytes()[:-3])
    assert [event.kind for event in read_record(duty.record)] == [EventKind.STARTED]
    segment.write_bytes(b"nothing of ours")
    with pytest.raises(WireError, match=segment.name):
        list(read_record(duty.record))
    segment.write_bytes(b"TSrecord1\n" + b"\xff" * 16)
    with pytest.raises(WireError, match="none of ours"):
        list(read_record(duty.record))


async def test_another_policy_would_have_believed_something_else(tmp_path):
    async with recorded(tmp_path) as duty:
        await a_cut(duty)
    patient = replace(INVENTORY, policy=replace(INVENTORY.policy, default_look=LookPolicy(down_after=60)))
    events = list(read_record(duty.record))
    now = await from_record(events, INVENTORY, tmp_path / "a.db", is_same_policy=True)
    then = await from_record(events, patient, tmp_path / "b.db", is_same_policy=False)
    assert (now.outages, [i.condition for i in now.incidents if not is_gap(i.condition)]) == (
        4,
        ["risk:OLT-1"],
    )
    assert (then.outages, then.incidents) == (0, ())


async def test_causes_that_are_stored_can_be_acted_on_anew_without_any_record(tmp_path):
    async with recorded(tmp_path) as duty:
        await a_cut(duty)
        before = await stored_lines(duty.database)
        url = databases.at(tmp_path / "live.db")
        found = await from_changes(url, INVENTORY, tmp_path / "c.db", window=(None, None))
        [incident] = [each for each in found.incidents if not is_gap(each.condition)]
        assert incident.condition == "risk:OLT-1"
        assert incident.ended_at is not None
        late = await from_changes(
            url, INVENTORY, tmp_path / "d.db", window=(NOON + timedelta(hours=1), NOON + timedelta(hours=2))
        )
        assert late.incidents == ()
        assert await stored_lines(duty.database) == before


def test_the_command_prints_both_policies_and_refuses_what_is_none(tmp_path, capsys, monkeypatch):
    province = sample("soc-trang-2021")
    monkeypatch.setenv("THONGSUOT_INVENTORY", str(province))

    async def filmed():
        inventory = load(province)
        async with recorded(tmp_path, inventory=inventory) as duty:
            await duty.all_answer(at=1, vantage=next(iter(inventory.vantages)))
            await duty.tick(at=2)

    asyncio.run(filmed())
    record = str(tmp_path / "record")
    assert main(["replay", "--record", record, "--policy", str(province / "policy.yml"), "--json"]) == 0
    out = capsys.readouterr().out
    facts = json.loads(out[out.index("{\n") :])
    assert set(facts) == {"present", "other"}
    assert facts["present"]["looks"] > 500
    assert len(facts["present"]["changes"]) > 500
    assert facts["present"]["changes"] == facts["other"]["changes"]
    assert main(["replay", "--record", record]) == 0
    assert "state changes" in capsys.readouterr().out
    (tmp_path / "bad.yml").write_text("look: {}\n", encoding="utf-8")
    assert main(["replay", "--record", record, "--policy", str(tmp_path / "bad.yml")]) == 1
    assert "bad.yml" in capsys.readouterr().err
    assert main(["replay", "--record", str(tmp_path / "none")]) == 2

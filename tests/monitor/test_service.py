"""Batches become rows that commit together: outages, verdicts, causes, and the snapshot that follows them."""

import asyncio

import pytest
from sqlalchemy import select, text

from inventory.database import reading
from monitor import store
from monitor.models import ChangeReason, State, SubjectKind, Verdict
from monitor.moments import moment
from monitor.schema import state_changes
from probes.models import Flag, Outcome
from tests.support.monitoring import COMMUNES, NOON, a_batch, an_inventory, belief_on, ns, with_address

VNPT_1 = ("X-31-FIXED", "X-31-FIBRE", "X-32-FIXED", "X-32-FIBRE")
VNPT = tuple(f"X-{c}-{line}" for c in COMMUNES for line in ("FIXED", "FIBRE"))


@pytest.fixture
async def duty(tmp_path):
    async with belief_on(tmp_path / "belief.db", an_inventory()) as service:
        await service.all_answer(at=0)
        service.heard.clear()
        yield service


async def rows(duty, query):
    async with reading(duty.database) as connection:
        return (await connection.execute(query)).all()


async def open_outages(duty):
    async with reading(duty.database) as connection:
        return await store.open_outages(connection)


def causes_in(changes):
    return [change for change in changes if change.kind is SubjectKind.CAUSE]


async def test_the_first_answers_make_every_site_ready(duty):
    snapshot = duty.service.snapshot()
    assert {site.verdict for site in snapshot.sites.values()} == {Verdict.READY}
    assert set(snapshot.areas.values()) == {Verdict.READY}
    assert snapshot.last_result_at == NOON


async def test_an_outage_opens_at_the_first_failed_sample_of_the_run(duty):
    await duty.fall("X-31-FIXED", at=5)
    (outage,) = await open_outages(duty)
    assert (outage.target, outage.started_at) == ("X-31-FIXED", moment(ns(5)))
    assert duty.service.snapshot().targets["X-31-FIXED"].state is State.DOWN


async def test_an_outage_ends_at_the_first_good_sample_of_the_run(duty):
    await duty.fall("X-31-FIXED", at=5)
    await duty.rise("X-31-FIXED", at=30)
    assert not await open_outages(duty)
    async with reading(duty.database) as connection:
        (outage,) = await store.outages_of(connection, ["X-31-FIXED"], moment(ns(0)), moment(ns(60)))
    assert outage.ended_at == moment(ns(30))


async def test_one_answer_does_not_end_an_outage(duty):
    await duty.fall("X-31-FIXED", at=5)
    await duty.look({"X-31-FIXED": Outcome.OK}, at=30)
    await duty.look({"X-31-FIXED": Outcome.TIMEOUT}, at=31)
    assert len(await open_outages(duty)) == 1


async def test_a_cut_olt_is_one_cause_with_its_owner_and_its_sites(duty):
    await duty.fall(*VNPT_1, at=5)
    await duty.look({c: Outcome.OK for c in duty.inventory.targets if c not in VNPT_1}, at=6)
    (cause,) = causes_in(duty.heard)
    assert (cause.subject, cause.old, cause.new, cause.at) == ("risk:OLT-1", "up", "down", moment(ns(5)))
    assert cause.evidence == {
        "owner": "VNPT",
        "sites": ["X-31", "X-32"],
        "paths": sorted(VNPT_1),
        "targets": sorted(VNPT_1),
        "priority": "B",
        "last_path": ["X-31", "X-32"],
        "isolated": [],
        "flapping": [],
        "explanation": {
            "vi": "2/2 xã mất đường đi qua OLT OLT-1; nơi khác không mất",
            "en": "2 of 2 communes lost their way over OLT OLT-1; none elsewhere",
        },
    }
    assert {outage.cause for outage in await open_outages(duty)} == {"risk:OLT-1"}


async def test_a_cause_is_over_when_the_last_of_its_targets_answers(duty):
    await duty.fall(*VNPT_1, at=5)
    await duty.look({c: Outcome.OK for c in duty.inventory.targets if c not in VNPT_1}, at=6)
    await duty.rise(*VNPT_1[:3], at=30)
    assert list(duty.service.snapshot().causes) == ["risk:OLT-1"]
    await duty.rise(VNPT_1[3], at=40)
    assert not duty.service.snapshot().causes
    over = causes_in(duty.heard)[-1]
    assert (over.new, over.at, over.reason) == ("up", moment(ns(40)), ChangeReason.RECOVERED)


async def test_a_ring_that_falls_one_line_after_another_stays_one_cause(duty):
    await duty.fall(*VNPT[:5], at=5)
    await duty.look({f"X-{c}-MOBILE": Outcome.OK for c in COMMUNES}, at=6)
    await duty.tick(at=7.4)
    for number, code in enumerate(VNPT[5:]):
        await duty.fall(code, at=8 + number)
    heard = causes_in(duty.heard)
    assert [(change.subject, change.old) for change in heard] == [
        ("risk:RING", "up"),
        *[("risk:RING", "down")] * 3,
    ]
    assert heard[-1].evidence["targets"] == sorted(VNPT)


async def test_a_ring_found_late_joins_what_one_of_its_olts_explained(duty):
    await duty.fall(*VNPT_1, at=5)
    await duty.look({f"X-{c}-MOBILE": Outcome.OK for c in COMMUNES}, at=6)
    await duty.tick(at=7.4)
    for number, code in enumerate(VNPT[4:]):
        await duty.fall(code, at=8 + number)
    await duty.tick(at=20)
    opened = [change.subject for change in causes_in(duty.heard) if change.old == "up"]
    assert opened == ["risk:OLT-1", "risk:RING"]


async def test_the_end_of_a_hold_is_known_and_ticked_exactly(duty):
    await duty.fall("X-31-FIXED", "X-33-FIXED", at=5, after=1)
    assert not causes_in(duty.heard)
    deadline = duty.service.next_deadline()
    assert deadline == moment(ns(7.4))
    duty.clock.at = deadline
    await duty.service.tick()
    assert [cause.subject for cause in causes_in(duty.heard)] == ["risk:RING"]
    assert duty.service.next_deadline() is None


async def test_a_batch_that_is_delivered_twice_changes_nothing(duty):
    batch = a_batch(
        [("X-31-FIXED", 5 + n / 5, Outcome.TIMEOUT) for n in range(3)], duty.inventory, sequence=7
    )
    await duty.service.take(batch)
    before = await rows(duty, select(state_changes))
    await duty.service.take(batch)
    assert await rows(duty, select(state_changes)) == before
    assert duty.metrics.batches.labels("V1", "duplicate")._value.get() == 1


async def test_only_causes_are_queued_for_alerting(duty):
    await duty.fall(*VNPT_1, at=5)
    await duty.look({c: Outcome.OK for c in duty.inventory.targets if c not in VNPT_1}, at=6)
    queued = await rows(duty, select(state_changes.c.kind).where(state_changes.c.processed_at.is_(None)))
    assert [row.kind for row in queued] == ["cause"]


async def test_a_batch_of_an_unknown_fleet_is_refused_and_counted(duty):
    await duty.service.take(
        a_batch({"X-31-FIXED": Outcome.OK}, an_inventory(digest="another"), at=5, sequence=9)
    )
    assert duty.metrics.batches.labels("V1", "unknown_fleet")._value.get() == 1


async def test_a_replayed_look_never_turns_anything_down(duty):
    await duty.fall("X-31-FIXED", at=5, flags=Flag.REPLAYED)
    assert not await open_outages(duty)


async def test_silence_is_unknown_and_not_down(duty):
    await duty.tick(at=31)
    assert {view.state for view in duty.service.snapshot().targets.values()} == {State.UNKNOWN}
    assert not await open_outages(duty)
    changes = await rows(duty, select(state_changes).where(state_changes.c.reason == "stale"))
    assert {row.at for row in changes} == {moment(ns(30))}


async def test_nothing_grows_stale_while_answers_wait_to_be_taken(duty):
    await duty.tick(at=31, is_behind=True)
    assert State.UNKNOWN not in {view.state for view in duty.service.snapshot().targets.values()}


async def test_an_open_outage_outlives_silence(duty):
    await duty.fall("X-31-FIXED", at=5)
    await duty.tick(at=60)
    assert duty.service.snapshot().targets["X-31-FIXED"].state is State.UNKNOWN
    assert len(await open_outages(duty)) == 1
    await duty.rise("X-31-FIXED", at=70)
    assert not await open_outages(duty)


async def test_subscribers_hear_only_what_is_committed(duty):
    ids = {change.id for change in duty.heard}
    await duty.fall("X-31-FIXED", at=5)
    stored = {row.id for row in await rows(duty, select(state_changes.c.id))}
    assert {change.id for change in duty.heard} - ids <= stored
    assert all(change.id for change in duty.heard)


async def test_what_the_database_refuses_is_written_with_the_next_batch(duty):
    async with duty.database.begin() as connection:
        await connection.execute(text("ALTER TABLE outages RENAME TO away"))
    version = duty.service.snapshot().version
    with pytest.raises(Exception, match="outages"):
        await duty.fall("X-31-FIXED", at=5)
    assert duty.service.snapshot().version == version
    assert duty.service.snapshot().targets["X-31-FIXED"].state is State.UP
    async with duty.database.begin() as connection:
        await connection.execute(text("ALTER TABLE away RENAME TO outages"))
    await duty.look({"X-32-FIXED": Outcome.OK}, at=8)
    assert [outage.target for outage in await open_outages(duty)] == ["X-31-FIXED"]
    assert duty.service.snapshot().targets["X-31-FIXED"].state is State.DOWN


async def test_belief_about_another_inventory_keeps_what_did_not_change(duty):
    await duty.fall("X-31-FIXED", at=5)
    other = an_inventory(without=["X-34-MOBILE"], digest="two")
    await duty.service.swap(other)
    snapshot = duty.service.snapshot()
    assert snapshot.targets["X-31-FIXED"].state is State.DOWN
    assert "X-34-MOBILE" not in snapshot.targets
    await duty.rise("X-31-FIXED", at=30, inventory=other)
    assert duty.service.snapshot().targets["X-31-FIXED"].state is State.UP
    assert not await open_outages(duty)


async def test_a_batch_under_way_during_a_swap_is_understood(duty):
    await duty.service.swap(an_inventory(without=["X-31-FIBRE"], digest="two"))
    await duty.fall("X-31-MOBILE", at=5)  # counted in the numbers of the fleet before
    assert [outage.target for outage in await open_outages(duty)] == ["X-31-MOBILE"]


async def test_a_target_whose_address_changed_is_another_one(duty):
    await duty.fall("X-31-FIXED", at=5)
    duty.clock.set(20)
    await duty.service.swap(with_address(duty.inventory, "X-31-FIXED", "127.9.9.9", digest="two"))
    assert not await open_outages(duty)
    assert duty.service.snapshot().targets["X-31-FIXED"].state is State.UNKNOWN


async def test_two_batches_at_once_are_taken_one_after_the_other(duty):
    batches = [
        a_batch([("X-31-FIXED", 5 + n / 5, Outcome.TIMEOUT)], duty.inventory, sequence=10 + n)
        for n in range(3)
    ]
    await asyncio.gather(*(duty.service.take(batch) for batch in batches))
    assert [outage.started_at for outage in await open_outages(duty)] == [moment(ns(5))]


async def test_who_asks_while_batches_come_without_a_pause_is_told_of_the_last_commit(duty):
    lines = ("X-31-FIXED", "X-33-FIXED")
    seen, is_over = set(), False

    async def ask():
        while not is_over:
            targets = duty.service.snapshot().targets
            seen.add(tuple(targets[line].state is State.DOWN for line in lines))
            await asyncio.sleep(0)

    asking = asyncio.create_task(ask())
    for line, at in zip(lines, (5, 7), strict=True):
        await duty.fall(line, at=at)
    is_over = True
    await asking
    assert (True, False) in seen

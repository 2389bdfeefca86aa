"""A kill at any moment: one outage stays one, its start stays, and the time that nobody looked is unobserved."""

from sqlalchemy import select

from inventory.database import reading
from monitor import store
from monitor.models import State, SubjectKind, Verdict
from monitor.moments import moment
from monitor.schema import outages, state_changes, unobserved
from probes.models import Outcome
from tests.support.monitoring import COMMUNES, a_batch, an_inventory, belief_on, ns

INVENTORY = an_inventory()
OLT_1 = ("X-31-FIXED", "X-31-FIBRE", "X-32-FIXED", "X-32-FIBRE")
OTHERS = tuple(code for code in INVENTORY.targets if code not in OLT_1)


async def stored(duty, table):
    async with reading(duty.database) as connection:
        return (await connection.execute(select(table))).all()


async def causes(duty):
    rows = await stored(duty, state_changes)
    return [(row.subject, row.old, row.new) for row in rows if row.kind == SubjectKind.CAUSE]


async def cut_and_kill(file):
    """An OLT is cut at 5 s and explained; the service is killed with its outages open."""
    async with belief_on(file, INVENTORY) as duty:
        await duty.all_answer(at=0)
        await duty.fall(*OLT_1, at=5)
        await duty.look(dict.fromkeys(OTHERS, Outcome.OK), at=6)
        assert await causes(duty) == [("risk:OLT-1", "up", "down")]


async def test_an_open_outage_keeps_its_start_over_a_kill(tmp_path):
    await cut_and_kill(tmp_path / "b.db")
    async with belief_on(tmp_path / "b.db", INVENTORY, at=60, epoch=2) as duty:
        await duty.fall(*OLT_1, at=61)
        assert {row.started_at for row in await stored(duty, outages)} == {moment(ns(5))}
        assert len(await stored(duty, outages)) == len(OLT_1)


async def test_a_live_cause_stays_one_over_a_kill(tmp_path):
    await cut_and_kill(tmp_path / "b.db")
    async with belief_on(tmp_path / "b.db", INVENTORY, at=60, epoch=2) as duty:
        assert list(duty.service.snapshot().causes) == ["risk:OLT-1"]
        await duty.all_answer(at=61, but=OLT_1)
        await duty.tick(at=65)
        await duty.rise(*OLT_1, at=70)
        assert await causes(duty) == [("risk:OLT-1", "up", "down"), ("risk:OLT-1", "down", "up")]
        assert {row.ended_at for row in await stored(duty, outages)} == {moment(ns(70))}


async def test_what_came_back_while_nobody_looked_ends_at_the_first_good_sample(tmp_path):
    await cut_and_kill(tmp_path / "b.db")
    async with belief_on(tmp_path / "b.db", INVENTORY, at=60, epoch=2) as duty:
        await duty.rise(*OLT_1, at=61)
        assert {row.ended_at for row in await stored(duty, outages)} == {moment(ns(61))}


async def test_the_time_between_the_last_heartbeat_and_the_first_look_is_unobserved(tmp_path):
    await cut_and_kill(tmp_path / "b.db")
    async with belief_on(tmp_path / "b.db", INVENTORY, at=60, epoch=2) as duty:
        await duty.all_answer(at=61)
        await duty.all_answer(at=62)
        (gap,) = await stored(duty, unobserved)
        assert (gap.vantage, gap.reason) == ("V1", "not_running")
        assert (gap.started_at, gap.ended_at) == (moment(ns(6)), moment(ns(61)))


async def test_the_heartbeat_is_written_every_two_seconds(tmp_path):
    async with belief_on(tmp_path / "b.db", INVENTORY) as duty:
        for tenth in range(60):
            await duty.look({"X-31-FIXED": Outcome.OK}, at=tenth / 10)
    async with belief_on(tmp_path / "b.db", INVENTORY, at=60, epoch=2) as duty:
        await duty.all_answer(at=60)
        (gap,) = await stored(duty, unobserved)
        assert moment(ns(4)) <= gap.started_at <= moment(ns(6))


async def test_a_failure_that_nothing_explained_yet_is_explained_after_the_kill(tmp_path):
    file = tmp_path / "b.db"
    async with belief_on(file, INVENTORY) as duty:
        await duty.all_answer(at=0)
        await duty.fall(*OLT_1, at=5)
        assert await causes(duty) == []  # still in the hold
    async with belief_on(file, INVENTORY, at=60, epoch=2) as duty:
        await duty.tick(at=60)
        assert await causes(duty) == []  # nobody has looked yet
        await duty.all_answer(at=61, but=OLT_1)
        await duty.tick(at=63)
        assert await causes(duty) == [("risk:OLT-1", "up", "down")]


async def test_a_batch_from_before_the_kill_is_not_taken_again(tmp_path):
    file = tmp_path / "b.db"
    batch = a_batch([("X-31-FIXED", 5 + n / 5, Outcome.TIMEOUT) for n in range(3)], INVENTORY, sequence=4)
    async with belief_on(file, INVENTORY) as duty:
        await duty.all_answer(at=0)
        await duty.service.take(batch)
        before = await stored(duty, state_changes)
    async with belief_on(file, INVENTORY, at=60) as duty:
        await duty.service.take(batch)
        assert await stored(duty, state_changes) == before


async def test_a_stop_remembers_every_view_and_a_start_takes_it_over(tmp_path):
    file = tmp_path / "b.db"
    async with belief_on(file, INVENTORY) as duty:
        await duty.all_answer(at=0)
        await duty.all_answer(at=20)
        await duty.service.stop()
        changes = len(await stored(duty, state_changes))
    async with belief_on(file, INVENTORY, at=25, epoch=2) as duty:
        snapshot = duty.service.snapshot()
        assert {view.state for view in snapshot.targets.values()} == {State.UP}
        assert {view.last_result_at for view in snapshot.targets.values()} == {moment(ns(20))}
        assert {site.verdict for site in snapshot.sites.values()} == {Verdict.READY}
        await duty.all_answer(at=26)
        assert len(await stored(duty, state_changes)) == changes


async def test_nothing_grows_stale_because_we_were_not_running(tmp_path):
    file = tmp_path / "b.db"
    async with belief_on(file, INVENTORY) as duty:
        await duty.all_answer(at=0)
    async with belief_on(file, INVENTORY, at=3600, epoch=2) as duty:
        await duty.look({"X-31-FIXED": Outcome.OK}, at=3600)
        await duty.tick(at=3620)
        assert {view.state for view in duty.service.snapshot().targets.values()} == {State.UP}
        await duty.tick(at=3640)
        states = duty.service.snapshot().targets
        assert states["X-34-MOBILE"].state is State.UNKNOWN


async def test_an_outage_of_a_target_that_left_the_inventory_ends_with_the_start(tmp_path):
    await cut_and_kill(tmp_path / "b.db")
    smaller = an_inventory(without=OLT_1)
    async with belief_on(tmp_path / "b.db", smaller, at=60, epoch=2) as duty:
        async with reading(duty.database) as connection:
            assert await store.open_outages(connection) == []
            assert await store.live_causes(connection) == []
        assert (await causes(duty))[-1] == ("risk:OLT-1", "down", "up")


async def test_a_vantage_isolated_at_the_kill_is_released_with_its_first_batch(tmp_path):
    file = tmp_path / "b.db"
    inventory = an_inventory(canaries=1)
    async with belief_on(file, inventory) as duty:
        await duty.all_answer(at=0, canaries=[(0, 0, Outcome.OK)])
        await duty.look({}, at=2, canaries=[(0, n, Outcome.TIMEOUT) for n in (1, 2)])
        assert duty.service.snapshot().vantages["V1"].is_isolated
    async with belief_on(file, inventory, at=60, epoch=2) as duty:
        await duty.all_answer(at=60, canaries=[(0, 60, Outcome.OK)])
        rows = {row.reason: (row.started_at, row.ended_at) for row in await stored(duty, unobserved)}
        assert rows == {
            "isolated": (moment(ns(0)), moment(ns(2))),
            "not_running": (moment(ns(2)), moment(ns(60))),
        }


async def test_every_commune_of_a_cut_district_is_counted_after_a_kill(tmp_path):
    file = tmp_path / "b.db"
    vnpt = [f"X-{c}-{line}" for c in COMMUNES for line in ("FIXED", "FIBRE")]
    async with belief_on(file, INVENTORY) as duty:
        await duty.all_answer(at=0)
        await duty.fall(*vnpt[:7], at=5)
        assert await causes(duty) == []
    async with belief_on(file, INVENTORY, at=30, epoch=2) as duty:
        await duty.all_answer(at=31, but=vnpt)
        await duty.tick(at=33)
        (cause,) = [change for change in duty.heard if change.kind is SubjectKind.CAUSE]
        assert (
            cause.evidence["explanation"]["vi"]
            == "4/4 xã mất đường đi qua vòng ring RING; nơi khác không mất"
        )
        assert cause.at == moment(ns(5))

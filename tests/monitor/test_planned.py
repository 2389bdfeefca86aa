"""Announced work marks what fails inside its window, and nothing else; nothing is ever dropped for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from inventory.database import reading
from inventory.topology import Topology
from monitor.availability import availability
from monitor.models import SubjectKind
from monitor.planned import MARK, PlannedBook, PlannedWork, WorkKind, targets_of
from monitor.planned_entry import WorkEntry
from monitor.planned_service import PlannedService
from monitor.store import recent_changes
from tests.support.monitoring import NOON, an_inventory, belief_on, ns

INVENTORY = an_inventory()
TOPOLOGY = Topology(INVENTORY)
OLT = ("X-31-FIXED", "X-31-FIBRE", "X-32-FIXED", "X-32-FIBRE")


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def a_work(start=0, end=600, *, kind=WorkKind.RISK, subject="OLT-1", **changes):
    work = PlannedWork(1, kind, subject, at(start), at(end), "VNPT", "CV 12", entered_at=at(-3600))
    return replace(work, **changes)


def covering(*works, began, now, target="X-31-FIXED"):
    found = PlannedBook(works, INVENTORY, TOPOLOGY).covering(target, ns(began), ns(now))
    return found and ([work.id for work in found[0]], (found[1] - ns(0)) // 10**9)


@pytest.mark.parametrize(
    ("kind", "subject", "count"),
    [
        (WorkKind.CARRIER, "VNPT", 8),
        (WorkKind.RISK, "RING", 8),
        (WorkKind.RISK, "OLT-1", 4),
        (WorkKind.PATH, "X-31-FIXED", 1),
        (WorkKind.SITE, "X-31", 3),
        (WorkKind.AREA, "D", 12),
        (WorkKind.AREA, "31", 3),
        (WorkKind.TARGET, "X-31-MOBILE", 1),
        (WorkKind.LINK, "X-31-FIXED", 1),
        (WorkKind.RISK, "GONE", 0),
        (WorkKind.TARGET, "GONE", 0),
        (WorkKind.SITE, "GONE", 0),
    ],
)
def test_a_work_covers_what_stands_on_its_subject(kind, subject, count):
    assert len(targets_of(a_work(kind=kind, subject=subject), INVENTORY, TOPOLOGY)) == count


def test_what_begins_inside_an_open_window_is_planned_until_the_window_ends():
    assert covering(a_work(), began=5, now=6) == ([1], 600)
    assert covering(a_work(), began=0, now=599) == ([1], 600)
    assert covering(a_work(), began=5, now=600) is None
    assert covering(a_work(), began=-1, now=6) is None
    assert covering(a_work(), began=5, now=6, target="X-33-FIXED") is None


def test_windows_that_touch_are_one_window():
    follows = a_work(600, 900, id=2)
    assert covering(a_work(), follows, began=5, now=700) == ([1, 2], 900)
    assert covering(a_work(), a_work(700, 900, id=2), began=5, now=750) is None


def test_what_is_announced_after_the_lights_went_out_is_no_plan():
    late = a_work(entered_at=at(60))
    assert covering(late, began=5, now=70) is None
    assert covering(late, began=65, now=70) == ([1], 600)


def test_a_cancelled_work_covers_nothing_from_then_on_and_what_it_covered_stays():
    cancelled = a_work(cancelled_at=at(100), cancelled_by="trucban")
    assert covering(cancelled, began=5, now=50) == ([1], 100)
    assert covering(cancelled, began=5, now=100) is None
    book = PlannedBook([cancelled], INVENTORY, TOPOLOGY)
    assert book.windows("X-31-FIXED", (ns(0), ns(1000))) == [(ns(0), ns(100))]


def test_planned_down_time_stands_apart_in_availability():
    book = PlannedBook([a_work(100, 200)], INVENTORY, TOPOLOGY)
    window = (ns(0), ns(1000))
    parts = availability(
        window=window,
        down=[(ns(150), ns(250))],
        unobserved=[],
        planned=book.windows("X-31-FIXED", window),
    )
    assert (parts.planned_ns, parts.down_ns, parts.up_ns) == (50 * 10**9, 50 * 10**9, 900 * 10**9)


async def changes_of(duty, kind):
    async with reading(duty.database) as connection:
        return await recent_changes(connection, limit=50, kinds=[kind])


async def fallen(duty, *codes, at=10.0):
    await duty.all_answer(at=at - 5)
    await duty.fall(*codes, at=at)
    await duty.all_answer(at=at + 0.5, but=codes)
    await duty.tick(at=at + 3)


async def test_changes_inside_a_window_carry_its_mark_and_an_outage_opens_all_the_same(tmp_path):
    async with belief_on(tmp_path / "b.db", INVENTORY) as duty:
        await duty.service.plan([a_work()])
        await fallen(duty, *OLT)
        for kind in (SubjectKind.TARGET, SubjectKind.PATH, SubjectKind.SITE):
            found = [c for c in await changes_of(duty, kind) if c.new in {"down", "at_risk"}]
            assert found
            assert all(c.evidence[MARK]["whole"] for c in found)
        [cause] = await changes_of(duty, SubjectKind.CAUSE)
        assert cause.evidence[MARK] == {
            "works": [{"id": 1, "owner": "VNPT", "reference": "CV 12"}],
            "whole": True,
            "until": at(600).isoformat(),
        }
        assert len(duty.service.belief.outages) == 4


async def test_a_cause_that_exceeds_the_announced_subject_is_not_wholly_planned(tmp_path):
    async with belief_on(tmp_path / "b.db", INVENTORY) as duty:
        await duty.service.plan([a_work(kind=WorkKind.SITE, subject="X-31")])
        await fallen(duty, *OLT)
        [cause] = await changes_of(duty, SubjectKind.CAUSE)
        assert cause.subject == "risk:OLT-1"
        assert cause.evidence[MARK]["whole"] is False


async def test_a_cause_that_outlasts_its_window_is_told_anew_without_the_mark(tmp_path):
    async with belief_on(tmp_path / "b.db", INVENTORY) as duty:
        await duty.service.plan([a_work(0, 60)])
        await fallen(duty, *OLT)
        await duty.all_answer(at=55, but=OLT)
        await duty.tick(at=59)
        assert len(await changes_of(duty, SubjectKind.CAUSE)) == 1
        await duty.tick(at=60.5)
        again, _ = await changes_of(duty, SubjectKind.CAUSE)
        assert (again.old, again.new) == ("down", "down")
        assert MARK not in again.evidence
        await duty.tick(at=70)
        assert len(await changes_of(duty, SubjectKind.CAUSE)) == 2


async def test_a_cancelled_work_takes_its_mark_back(tmp_path):
    async with belief_on(tmp_path / "b.db", INVENTORY) as duty:
        await duty.service.plan([a_work()])
        await fallen(duty, *OLT)
        await duty.service.plan([a_work(cancelled_at=at(20))])
        await duty.tick(at=21)
        again, _ = await changes_of(duty, SubjectKind.CAUSE)
        assert MARK not in again.evidence


async def test_works_are_entered_listed_and_cancelled_once(tmp_path):
    async with belief_on(tmp_path / "b.db", INVENTORY) as duty:
        told = []

        async def changed():
            told.append(len(await register.known()))

        register = PlannedService(
            database=duty.database, inventory=lambda: INVENTORY, clock=duty.clock, on_change=changed
        )
        entry = WorkEntry("risk:OLT-1", at(100), at(200), reference="CV 12")
        work, faults = await register.enter(entry, actor="trucban")
        assert faults == ()
        assert (work.owner, work.entered_by, work.entered_at) == ("VNPT", "trucban", at(0))
        assert await register.cancel(work.id, actor="other", owner="VIETTEL") is None
        assert (await register.cancel(work.id, actor="trucban")).cancelled_by == "trucban"
        assert await register.cancel(work.id, actor="trucban") is None
        assert await register.cancel(99, actor="trucban") is None
        assert told == [1, 1]


@pytest.mark.parametrize(
    ("entry", "column", "said"),
    [
        (WorkEntry("", at(0), at(9), reference="x"), "subject", "risk:CODE"),
        (WorkEntry("risk:OLT-9", at(0), at(9), reference="x"), "subject", "did you mean OLT-"),
        (WorkEntry("nothing", at(0), at(9), reference="x"), "subject", "nothing in the inventory"),
        (WorkEntry("D", at(0), at(9), reference="x"), "owner", "which party"),
        (WorkEntry("OLT-1", at(0), at(9), owner="VNPTT", reference="x"), "owner", "did you mean VNPT?"),
        (WorkEntry("OLT-1", at(0), at(9)), "reference", "number of the letter"),
        (WorkEntry("OLT-1", at(0), at(9), reference="x" * 121), "reference", "120"),
        (WorkEntry("OLT-1", None, at(9), reference="x"), "start", "missing"),
        (WorkEntry("OLT-1", at(9), at(9), reference="x"), "end", "after it starts"),
        (WorkEntry("OLT-1", at(0), at(32 * 86400), reference="x"), "end", "31 days"),
    ],
)
async def test_every_fault_of_an_entry_is_explained(tmp_path, entry, column, said):
    async with belief_on(tmp_path / "b.db", INVENTORY) as duty:
        register = PlannedService(database=duty.database, inventory=lambda: INVENTORY, clock=duty.clock)
        work, [fault] = await register.enter(entry, actor="trucban")
        assert work is None
        assert fault.column == column
        assert said in fault.reason_en
        assert await register.known() == []

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from inventory.loader import load
from inventory.models import Phase
from inventory.phases import phase_at
from inventory.rebase import rebased
from inventory.samples import sample
from tests.support.inventories import at

INVENTORY = load(sample("soc-trang-2021"))


def test_the_day_the_calendar_and_the_roster_move_together():
    moved = rebased(INVENTORY, date(2026, 11, 22))
    assert moved.election.day == date(2026, 11, 22)
    assert phase_at(moved.election, at("2026-11-22 12:00")) is Phase.POLL
    assert moved.election.report_slots[1] == at("2026-11-22 05:30")
    days = moved.election.day - INVENTORY.election.day
    assert [shift.start - days for shift in moved.shifts] == [shift.start for shift in INVENTORY.shifts]


def test_nothing_else_moves():
    moved = rebased(INVENTORY, date(2026, 11, 22))
    assert moved.targets is INVENTORY.targets
    assert moved.people is INVENTORY.people
    assert moved.policy is INVENTORY.policy
    assert rebased(moved, INVENTORY.election.day).shifts == INVENTORY.shifts


def test_another_day_is_another_inventory_and_the_same_day_the_same():
    moved = rebased(INVENTORY, date(2026, 11, 22))
    assert moved.digest not in {INVENTORY.digest, rebased(INVENTORY, date(2026, 11, 23)).digest}
    assert moved.digest == rebased(INVENTORY, date(2026, 11, 22)).digest
    assert rebased(INVENTORY, INVENTORY.election.day) is INVENTORY


def test_a_shift_keeps_its_local_hour_where_clocks_change():
    berlin = ZoneInfo("Europe/Berlin")
    summer = datetime(2021, 5, 23, 6, tzinfo=berlin)
    shift = replace(INVENTORY.shifts[0], start=summer, end=summer.replace(hour=14))
    elsewhere = replace(INVENTORY, election=replace(INVENTORY.election, zone=berlin), shifts=(shift,))
    (moved,) = rebased(elsewhere, date(2021, 12, 1)).shifts
    assert moved.start.astimezone(berlin) == datetime(2021, 12, 1, 6, tzinfo=berlin)

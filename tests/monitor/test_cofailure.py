"""Paths that fall together are proposed as a group where evidence says so, and chance, crowds and known groups do not."""

from datetime import timedelta
from random import Random

from inventory.topology import Topology
from monitor.cofailure import lines_to_add, proposals
from monitor.models import Outage
from tests.support.monitoring import NOON, an_inventory

INVENTORY = an_inventory()
TOPOLOGY = Topology(INVENTORY)
DAY = 86_400
SINCE, UNTIL = NOON - timedelta(days=30), NOON
HOMES = ("X-31-MOBILE", "X-33-FIXED")


def falls(*codes, at, lasts=300.0, apart=1.0):
    began = SINCE + timedelta(seconds=at)
    return [
        Outage(
            0, code, began + timedelta(seconds=apart * n), began, began + timedelta(seconds=lasts + apart * n)
        )
        for n, code in enumerate(codes)
    ]


def found(*outages):
    rows = [row for some in outages for row in some]
    return proposals(rows, INVENTORY, TOPOLOGY, since=SINCE, until=UNTIL)


def test_two_paths_that_fell_together_four_times_are_proposed_with_their_evidence():
    [group] = found(*(falls(*HOMES, at=DAY * n) for n in range(1, 5)))
    assert group.paths == HOMES
    assert group.falls == (4, 4)
    assert [at.day for at in group.moments] == [(SINCE + timedelta(days=n)).day for n in range(1, 5)]
    assert group.share == 1.0
    assert group.chance < 1e-9
    assert group.code.startswith("LEARNED-")


def test_three_paths_are_one_group():
    three = (*HOMES, "X-34-MOBILE")
    [group] = found(*(falls(*three, at=DAY * n) for n in range(1, 5)))
    assert group.paths == tuple(sorted(three))
    assert len(group.moments) == 4


def test_a_known_group_needs_no_proposal():
    assert found(*(falls("X-31-FIXED", "X-33-FIXED", at=DAY * n) for n in range(1, 9))) == ()


def test_twice_is_not_enough_and_half_the_time_is_not_together():
    assert found(*(falls(*HOMES, at=DAY * n) for n in (1, 2))) == ()
    alone = [falls(HOMES[0], at=DAY * n + 5000) for n in range(1, 5)]
    assert found(*(falls(*HOMES, at=DAY * n) for n in range(1, 5)), *alone) == ()


def test_what_falls_together_and_comes_back_apart_is_not_one_thing():
    rows = [
        row
        for n in range(1, 6)
        for row in (*falls(HOMES[0], at=DAY * n), *falls(HOMES[1], at=DAY * n, lasts=900))
    ]
    assert found(rows) == ()


def test_a_storm_that_takes_everything_says_nothing_of_two_paths():
    assert found(*(falls(*INVENTORY.paths, at=DAY * n, apart=0.1) for n in range(1, 9))) == ()


def test_lines_that_fall_at_random_are_never_proposed():
    for seed in range(20):
        rng = Random(seed)
        rows = [
            row
            for code in INVENTORY.paths
            for _ in range(60)
            for row in falls(code, at=rng.uniform(0, 30 * DAY), lasts=rng.uniform(10, 60))
        ]
        assert found(rows) == ()


def test_the_lines_to_add_are_those_of_the_inventory_with_the_group_in_them():
    [group] = found(*(falls(*HOMES, at=DAY * n) for n in range(1, 5)))
    risk, paths = lines_to_add(group, INVENTORY)
    assert risk == f'{group.code},feeder,"Cùng hỏng: X-31-MOBILE, X-33-FIXED",,,'
    assert paths[0] == f"X-31-MOBILE,X-31,mobile,VIETTEL,,,BTS-31 {group.code}"
    assert paths[1] == f"X-33-FIXED,X-33,fixed_line,VNPT,,,OLT-2 {group.code}"

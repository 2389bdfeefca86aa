"""The table of looks under way, against a plain dictionary."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.icmp_flight import FlightTable, Stage
from tests.support.icmp import SECOND, slots

NEAR_WRAP = 2**32 - 3


def launch(table, *where, at_ns=0, timeout_ns=2 * SECOND, overdue_ns=SECOND, flags=0):
    looks = table.reserve(len(where))
    table.launch(
        slots(*where)[: len(looks)],
        sent_ns=np.full(len(looks), at_ns),
        spread_ns=np.zeros(len(looks), np.int64),
        overdue_after_ns=np.full(len(looks), overdue_ns),
        timeout_ns=timeout_ns,
        flags=flags,
    )
    return looks


def stages(table, looks):
    return [Stage(stage) for stage in table.find(looks)[1]["stage"]]


def test_several_looks_at_one_slot_are_under_way_at_once_and_end_each_for_itself():
    table = FlightTable()
    looks = np.concatenate([launch(table, 7, at_ns=at * SECOND // 5) for at in range(3)])
    table.finish(table.find(looks[1:2])[0], Stage.ANSWERED)
    assert stages(table, looks) == [Stage.WAITING, Stage.ANSWERED, Stage.WAITING]
    assert table.in_flight == 2


def test_an_overdue_look_is_told_once_and_expires_at_its_timeout():
    table = FlightTable()
    looks = launch(table, 3, at_ns=0)
    assert [len(rows) for rows in table.due(SECOND - 1)] == [0, 0]
    overdue, expired = table.due(SECOND)
    assert (overdue["slot"].tolist(), len(expired)) == ([3], 0)
    assert [len(rows) for rows in table.due(SECOND + 1)] == [0, 0]
    assert stages(table, looks) == [Stage.OVERDUE]
    overdue, expired = table.due(2 * SECOND)
    assert (len(overdue), expired["slot"].tolist()) == (0, [3])
    assert table.in_flight == 0


def test_a_look_found_past_its_timeout_expires_without_suspicion():
    table = FlightTable()
    launch(table, 3)
    overdue, expired = table.due(5 * SECOND)
    assert (len(overdue), len(expired)) == (0, 1)


def test_a_hundred_thousand_dead_targets_expire_in_one_step_and_leave_room():
    table = FlightTable(limit=1 << 17)
    looks = launch(table, *range(100_000))
    _, expired = table.due(2 * SECOND)
    assert np.array_equal(np.sort(expired["slot"]), np.arange(100_000))
    assert stages(table, looks[:1]) == [Stage.EXPIRED]
    assert len(table.reserve(1 << 17)) == 1 << 17


def test_look_numbers_wrap_without_losing_a_look():
    table = FlightTable(first_look=NEAR_WRAP)
    looks = launch(table, *range(6))
    assert looks.tolist() == [2**32 - 3, 2**32 - 2, 2**32 - 1, 0, 1, 2]
    assert table.find(looks)[1]["slot"].tolist() == list(range(6))
    assert table.latest(np.array([0xFFFF, 0, 2], np.uint16)).tolist() == [2**32 - 1, 0, 2]


def test_the_newest_look_with_a_sequence_number_is_the_one_meant_by_it():
    table = FlightTable()
    launch(table, *([0] * 70_000))
    assert table.latest(np.array([4_463, 4_464, 65_535], np.uint16)).tolist() == [69_999, 4_464, 65_535]


def test_growing_keeps_what_is_under_way_and_what_is_just_over():
    table = FlightTable(first_look=NEAR_WRAP)
    first = launch(table, *range(4_000))
    table.finish(table.find(first[::2])[0], Stage.ANSWERED)
    launch(table, *range(8_000), at_ns=SECOND)
    assert stages(table, first[:4]) == [Stage.ANSWERED, Stage.WAITING] * 2
    _, expired = table.due(2 * SECOND)
    assert sorted(expired["slot"].tolist()) == list(range(1, 4_000, 2))


def test_a_full_table_gives_what_room_it_has_and_more_when_looks_have_ended():
    table = FlightTable(limit=64)
    looks = launch(table, *range(60))
    assert len(table.reserve(10)) == 4
    launch(table, *range(4))
    assert len(table.reserve(10)) == 0
    table.finish(table.find(looks[:3])[0], Stage.ANSWERED)
    assert len(table.reserve(10)) == 3
    assert len(table.reserve(1_000)) == 3


def test_abandoned_looks_are_unknown():
    table = FlightTable()
    looks = launch(table, 1, 2)
    table.abandon()
    assert stages(table, looks) == [Stage.NONE] * 2
    assert table.in_flight == 0
    assert [len(rows) for rows in table.due(9 * SECOND)] == [0, 0]


def test_of_repeated_places_only_the_first_counts():
    table = FlightTable()
    assert table.first_of_each(np.array([5, 9, 5, 5, 9, 1])).tolist() == [
        True,
        True,
        False,
        False,
        False,
        True,
    ]


STEP = st.one_of(
    st.tuples(st.just("launch"), st.integers(1, 40), st.integers(1, 9)),
    st.tuples(st.just("answer"), st.integers(0, 10_000), st.just(0)),
    st.tuples(st.just("pass"), st.integers(0, 12), st.just(0)),
)


@settings(deadline=None)
@given(st.lists(STEP, max_size=60), st.sampled_from([0, NEAR_WRAP]))
def test_no_look_is_lost_or_ended_twice_whatever_happens(steps, first_look):
    table = FlightTable(limit=256, first_look=first_look)
    now, waiting = 0, {}
    for what, number, timeout in steps:
        if what == "launch":
            looks = launch(table, *range(number), at_ns=now, timeout_ns=timeout, overdue_ns=3)
            waiting |= dict.fromkeys(looks.tolist(), now + timeout)
        elif what == "answer" and waiting:
            look = sorted(waiting)[number % len(waiting)]
            table.finish(table.find(slots(look))[0], Stage.ANSWERED)
            del waiting[look]
        elif what == "pass":
            now += number
            expired = {look for look, deadline in waiting.items() if deadline <= now}
            assert set(table.due(now)[1]["look"].tolist()) == expired
            waiting = {look: deadline for look, deadline in waiting.items() if look not in expired}
        assert table.in_flight == len(waiting)
        assert not waiting or table.earliest_ns <= min(waiting.values())

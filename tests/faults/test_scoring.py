"""The scorer itself, on truths small enough to be counted by hand."""

import math

import pytest

from tests.support.scoring import (
    Believed,
    Expected,
    Injury,
    Opened,
    expectations_met,
    false_pages,
    injuries_of,
    pages_after,
    score,
    spread,
)

CUT = Injury("A", "cut", 100.0, 130.0)


def scored(injuries, outages):
    return score(injuries, outages, watched_seconds=86_400, targets=2)


def an_entry(action, targets, *, at, fault=0, unenforced=()):
    return {
        "at": f"2021-05-23T05:00:{at:02d}.500000+00:00",
        "began_at": f"2021-05-23T05:00:{at:02d}.000000+00:00",
        "action": action,
        "fault": fault,
        "amount": 1.0,
        "targets": targets,
        "unenforced": unenforced,
    }


def test_a_cut_that_was_noticed_is_found_and_its_delay_counts_from_the_cut():
    told = scored([CUT], [Believed("A", 101.0, 103.5, 131.0)])
    assert (told.recall, told.precision, told.false_outages) == (1.0, 1.0, 0)
    assert told.delays == (3.5,)


def test_a_look_under_way_when_the_line_broke_may_date_the_outage_before_the_cut():
    assert scored([CUT], [Believed("A", 99.2, 103.0, 131.0)]).recall == 1.0


def test_an_outage_of_another_target_finds_nothing_and_is_false():
    told = scored([CUT], [Believed("B", 101.0, 103.0, 131.0)])
    assert (told.recall, told.precision, told.false_outages) == (0.0, 0.0, 1)
    assert told.false_a_target_day == 0.5


def test_an_outage_that_ended_before_the_cut_is_false():
    assert scored([CUT], [Believed("A", 50.0, 52.0, 60.0)]).false_outages == 1


def test_two_outages_during_one_cut_find_it_once_and_are_both_explained():
    told = scored([CUT], [Believed("A", 101.0, 103.0, 110.0), Believed("A", 111.0, 113.0, 131.0)])
    assert (told.found, told.false_outages, told.delays) == (1, 0, (3.0,))


def test_short_cuts_are_counted_apart():
    told = scored([CUT, Injury("B", "cut", 10.0, 14.0)], [Believed("A", 101.0, 103.0, 131.0)])
    assert (told.recall, told.short_recall) == (1.0, 0.0)


@pytest.mark.parametrize("kind", ["loss", "slow"])
def test_what_is_lossy_or_slow_excuses_no_outage(kind):
    told = scored([Injury("A", kind, 100.0, 130.0)], [Believed("A", 101.0, 103.0, 131.0)])
    assert (told.cuts, told.false_outages) == (0, 1)


def test_nothing_done_and_nothing_believed_has_no_shares():
    told = scored([], [])
    assert math.isnan(told.recall)
    assert math.isnan(told.precision)
    assert told.false_a_target_day == 0.0


def test_the_faults_log_becomes_injuries_from_the_asking_to_the_mending():
    [injury] = injuries_of(
        [
            an_entry("cut", ["A", "B"], at=10, fault=1, unenforced=["B"]),
            an_entry("restore", ["A", "B"], at=30),
        ]
    )
    assert (injury.target, injury.kind) == ("A", "cut")
    assert injury.ended - injury.began == 20.5


def test_lifting_one_fault_by_number_leaves_the_other():
    injuries = injuries_of(
        [
            an_entry("cut", ["A"], at=10, fault=1),
            an_entry("slow", ["A"], at=11, fault=2),
            an_entry("restore", ["A"], at=20, fault=1),
        ]
    )
    assert [(injury.kind, injury.ended == math.inf) for injury in injuries] == [
        ("cut", False),
        ("slow", True),
    ]


RING = Expected("VNPT", frozenset({"risk:RING"}), 100.0, 130.0)


@pytest.mark.parametrize(
    ("opened", "is_right"),
    [
        ([Opened("VNPT", "risk:RING", 103.0)], True),
        ([Opened("VNPT", "risk:OLT", 103.0)], False),
        ([Opened("EVN", "risk:RING", 103.0)], False),
        ([Opened("VNPT", "risk:RING", 103.0), Opened("VNPT", "path:X", 104.0)], False),
        ([Opened("VNPT", "risk:RING", 99.0)], False),
        ([], False),
    ],
    ids=["right", "wrong condition", "wrong owner", "a child beside it", "before the fault", "none"],
)
def test_a_cause_is_right_when_exactly_the_one_incident_was_opened(opened, is_right):
    assert expectations_met([RING], opened) == [is_right]


def test_a_page_is_false_when_no_fault_of_that_carrier_explains_it():
    opened = [
        Opened("VNPT", "risk:RING", 103.0, 103.1),
        Opened("VIETTEL", "path:Y", 103.0, 103.1),
        Opened("VIETTEL", "path:Z", 104.0),
        Opened("STTTT", "vantage:V", 105.0, 105.1),
    ]
    assert false_pages([RING], opened, carriers=["VNPT", "VIETTEL"]) == {"VIETTEL": 1}
    assert pages_after([RING], opened) == [pytest.approx(3.1)]


def test_the_95th_percentile_is_a_delay_that_happened():
    assert spread([float(n) for n in range(1, 21)]) == {"median": 10.5, "p95": 19.0, "worst": 20.0}

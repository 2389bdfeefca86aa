from dataclasses import replace
from datetime import timedelta

import pytest

from inventory.lint import RULES, lint
from inventory.lint_roster import gaps
from inventory.loader import load
from inventory.samples import NAMES, sample
from tests.support.inventories import GOOD, at, loaded

INVENTORY = load(GOOD)


def told(inventory):
    return [(finding.rule, finding.subject) for finding in lint(inventory)]


@pytest.mark.parametrize(
    "inventory", [INVENTORY, *(load(sample(name)) for name in NAMES)], ids=["good", *NAMES]
)
def test_an_inventory_that_lacks_nothing_has_no_finding(inventory):
    assert lint(inventory) == ()


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param(
            [("paths.csv", "UB1-MOBILE,UB1,mobile_data,VIETTEL", "UB1-MOBILE,UB1,mobile_data,VNPT")],
            [("commune-one-carrier", "00001")],
            id="a commune with one carrier",
        ),
        pytest.param(
            [("sites.csv", "UB2,00002", "UB2,00001")],
            [("commune-without-path", "00002")],
            id="a commune without a path",
        ),
        pytest.param(
            [("sites.csv", "UB2,00002", "UB3,00002,radio_station,Đài,C,,,\nUB2,00002")],
            [("site-without-path", "UB3")],
            id="a site without a path",
        ),
        pytest.param(
            [
                ("sites.csv", "UB2,00002", "UB3,00002,tally_entry_point,Điểm nhập,A,,,\nUB2,00002"),
                ("paths.csv", "UB2-FIBRE", "UB3-FIBRE,UB3,fibre,VNPT,,,OLT1\nUB2-FIBRE"),
                ("targets.csv", "T5,", "T7,UB3-FIBRE,icmp,127.1.1.7,,,\nT5,"),
            ],
            [("site-one-path", "UB3")],
            id="a site that matters with a single path",
        ),
        pytest.param(
            [("paths.csv", "VIETTEL,,,BTS1", "VIETTEL,,,OLT1")],
            [("paths-share-risk", "UB1")],
            id="both paths on one OLT",
        ),
        pytest.param(
            [("risks.csv", "BTS số 1,VIETTEL,,", "BTS số 1,VIETTEL,,FEEDER1")],
            [("paths-share-risk", "UB2")],
            id="telephone and fallback on one power feeder",
        ),
        pytest.param(
            [
                ("sites.csv", "UB2,00002", "MC1,94,tally_server,Máy chủ,A,,,\nUB2,00002"),
                (
                    "paths.csv",
                    "UB2-FIBRE",
                    "MC1-1,MC1,leased_line,VNPT,,,\nMC1-2,MC1,fibre,VNPT,,,\nUB2-FIBRE",
                ),
                ("targets.csv", "T5,", "T7,MC1-1,icmp,127.1.1.7,,,\nT8,MC1-2,icmp,127.1.1.8,,,\nT5,"),
            ],
            [("tally-one-carrier", "MC1")],
            id="a tally server over one carrier",
        ),
        pytest.param(
            [("targets.csv", "T2,UB1-MOBILE,icmp,127.1.1.2,,,V1\n", "")],
            [("path-without-target", "UB1-MOBILE")],
            id="a path that nothing looks at",
        ),
        pytest.param(
            [
                ("risks.csv", "BTS1,", "RING2,ring,Vòng ring 2,VNPT,,\nBTS1,"),
                ("targets.csv", "T6,RING1", "T6,RING2"),
            ],
            [("target-without-path", "T6")],
            id="a target that no path stands on",
        ),
        pytest.param(
            [("targets.csv", "127.1.1.5", "127.1.1.1")],
            [("duplicate-address", "T5")],
            id="one address for a path and a link",
        ),
        pytest.param(
            [("paths.csv", "+84570000001", "+84 299 3820 001")],
            [("duplicate-number", "UB2-MOBILE")],
            id="one number on two paths",
        ),
        pytest.param(
            [("areas.csv", "Hai commune,2,2", "Hai commune,1,2")],
            [("tile-collision", "00002")],
            id="two communes on one tile",
        ),
        pytest.param(
            [("shifts/ca.csv", "VNPT,response,VNPT-1,2021-05-20 06:00,2021-05-27 06:00,\n", "")],
            [("duty-unfilled", "VNPT/response")] * 3,
            id="a party without shifts in any phase",
        ),
        pytest.param(
            [
                (
                    "shifts/ca.csv",
                    "VNPT-1,2021-05-20 06:00,2021-05-27 06:00,\n",
                    "VNPT-1,2021-05-20 06:00,2021-05-23 20:00,\nVNPT,response,VNPT-1,2021-05-23 20:30,2021-05-27 06:00,\n",
                )
            ],
            [("duty-gap", "VNPT/response")],
            id="half an hour without anybody, in poll and tally at once, told once",
        ),
        pytest.param(
            [
                (
                    "people.csv",
                    "sms:+84570000102@VIETTEL email:vnpt-1@vnpt.example@VIETTEL",
                    "email:x@vnpt.example",
                )
            ],
            [("own-network-only", "VNPT-1")],
            id="a carrier's person who rides on that carrier only",
        ),
        pytest.param(
            [
                (
                    "people.csv",
                    "voice:02990000001 email:so-1@so.example webhook:https://chat.example/h/1@VNPT",
                    "",
                )
            ],
            [("person-unreachable", "SO-1")],
            id="a person on duty without any contact",
        ),
        pytest.param(
            [("shifts/ca.csv", "2021-05-27 06:00,\n", "2021-05-27 06:00,SO-1\n")],
            [("person-of-another-party", "SO-1")],
            id="the department's person as a carrier's substitute",
        ),
        pytest.param(
            [("shifts/ca.csv", "2021-05-27 06:00,\n", "2021-05-27 06:00,VNPT-1\n")],
            [("substitute-is-same", "VNPT-1")],
            id="nobody's substitute but one's own",
        ),
    ],
)
def test_what_endangers_the_election_is_found(changes, found, tmp_path):
    assert told(loaded(tmp_path, *changes)) == found


def test_a_tile_may_pass_from_a_commune_to_its_successor(tmp_path):
    changes = [("areas.csv", "Hai commune,2,2,,", "Hai commune,1,2,2025-07-01,")]
    assert told(loaded(tmp_path, *changes)) == []


def test_an_address_may_answer_in_two_ways_for_the_same_path(tmp_path):
    changes = [("targets.csv", "T5,", "T7,UB1-MOBILE,tcp,127.1.1.2,22,,\nT5,")]
    assert told(loaded(tmp_path, *changes)) == []


def test_a_finding_speaks_both_languages_and_names_the_hours(tmp_path):
    row = (
        "shifts/ca.csv",
        "VNPT-1,2021-05-20 06:00,2021-05-27 06:00",
        "VNPT-1,2021-05-20 06:00,2021-05-24 12:00",
    )
    (finding,) = lint(loaded(tmp_path, row))
    assert finding.message_vi == "VNPT không có ai trực response từ 12:00 24/05/2021 đến 19:00 24/05/2021"
    assert finding.message_en == "VNPT has nobody on response duty from 12:00 24/05/2021 to 19:00 24/05/2021"
    assert str(finding) == f"duty-gap: VNPT/response: {finding.message_vi}"


def test_gaps_are_what_no_minute_of_a_shift_covers():
    start, end = at("2021-05-21 00:00"), at("2021-05-22 00:00")
    shift = INVENTORY.shifts[0]
    hours = [(2, 6), (4, 9), (9, 12), (15, 16), (23, 30), (-5, 1)]
    shifts = [
        replace(shift, start=start + timedelta(hours=first), end=start + timedelta(hours=last))
        for first, last in hours
    ]
    found = gaps(shifts, start=start, end=end)
    for minute in range(24 * 60):
        moment = start + timedelta(minutes=minute)
        covered = any(one.start <= moment < one.end for one in shifts)
        assert covered != any(since <= moment < until for since, until in found)


def test_every_rule_is_listed_once():
    assert len(set(RULES)) == len(RULES) == 10

"""The fold of the record, against a day worked out by hand, and its laws."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.models import CauseClass
from dashboards.i18n import Language
from dashboards.reports import folding
from dashboards.reports.arithmetic import Share, Times, share, spread
from dashboards.reports.facts import Control
from dashboards.reports.folding import UnreconciledError, fold
from dashboards.reports.record import PathOutage
from dashboards.reports.tongue import Tongue
from inventory.models import Phase, Priority
from tests.support.election_day import OUTAGES, at, reference_day

DAY = 86400


@pytest.fixture(scope="module")
def facts():
    return fold(reference_day())


def lines(found):
    return {line.key: line for line in found}


def test_the_day_is_divided_to_the_second(facts):
    assert facts.window == DAY
    assert facts.whole.objects == 4
    assert facts.whole.times == Times(
        up=320464, down=17936, mitigated=2400, disputed=900, planned=2700, unobserved=1200
    )
    assert facts.whole.outages == 15
    assert facts.whole.planned_only == 2


def test_each_carrier_has_its_own_hours(facts):
    found = lines(facts.by_carrier)
    assert found["VNPT"].times == Times(162735, 6165, 0, 900, 1800, 1200)
    assert found["VNPT"].times.ratio == 162735 / 169800
    assert found["VNPT"].times.undisputed_ratio == 162735 / 168900
    assert found["VNPT"].outages == 8
    assert (found["VNPT"].longest, found["VNPT"].longest_of) == (1800, "V1")
    assert found["VIETTEL"].times == Times(157729, 11771, 2400, 0, 900, 0)
    assert found["VIETTEL"].times.ratio == 157729 / 171900
    assert (found["VIETTEL"].longest, found["VIETTEL"].longest_of) == (7200, "T1")


def test_an_outage_across_two_phases_is_divided_and_counted_once(facts):
    found = lines(facts.by_phase)
    assert {key: line.times.lost for key, line in found.items()} == {
        Phase.READY: 3011,
        Phase.POLL: 10605,
        Phase.TALLY: 7620,
    }
    assert {key: line.outages for key, line in found.items()} == {
        Phase.READY: 4,
        Phase.POLL: 9,
        Phase.TALLY: 2,
    }
    assert found[Phase.READY].times.whole == 4 * 5 * 3600


def test_lost_time_is_divided_among_causes_without_counting_an_instant_twice(facts):
    assert {line.key: line.times.lost for line in facts.by_cause if line.times.lost} == {
        CauseClass.POWER_LOSS: 2805,
        CauseClass.FIBRE_CUT: 5700,
        CauseClass.EQUIPMENT: 2400,
        CauseClass.CONGESTION: 360,
        CauseClass.WEATHER: 360,
        CauseClass.SOFTWARE: 11,
        CauseClass.THIRD_PARTY: 1200,
        CauseClass.UNKNOWN: 8400,
    }


def test_districts_and_kinds_of_path_have_their_hours(facts):
    assert {key: line.times.lost for key, line in lines(facts.by_area).items()} == {"941": 16725, "943": 4511}
    assert {key: line.times.lost for key, line in lines(facts.by_medium).items()} == {
        "fibre": 4365,
        "fixed_line": 2700,
        "mobile_data": 12360,
        "mobile": 1811,
    }


def test_lengths_are_told_by_median_p90_worst_and_n(facts):
    found = facts.lengths
    assert (found.n, found.median, found.p90, found.worst, found.total) == (15, 1200, 3600, 7200, 21236)
    assert found.worst_of == "T1"


def test_touching_and_overlapping_rows_are_one_outage_with_all_their_identifiers(facts):
    first = facts.outages[[each.start for each in facts.outages].index(int(at("01:00:00").timestamp()))]
    assert first.sources == ("outage:1", "outage:2")
    assert first.times.lost == 1200
    [evening] = [each for each in facts.outages if "outage:7" in each.sources]
    assert evening.sources == ("outage:6", "outage:7")
    assert evening.end - evening.start == 120


def test_what_lasts_past_the_window_is_cut_and_marked(facts):
    [open_one] = [each for each in facts.outages if each.is_open]
    assert (open_one.path, open_one.times.lost, open_one.sources) == ("T1", 7200, ("outage:15",))
    [before] = [each for each in facts.outages if "outage:12" in each.sources]
    assert before.times.lost == 1200


def test_a_site_without_any_path_is_counted_once(facts):
    [loss] = facts.losses
    assert loss.end - loss.start == 420
    assert loss.sources == ("change:7", "change:7b")


def test_people_s_times_are_those_on_record(facts):
    response = facts.response
    assert response.incidents == 3
    assert (response.detect.n, response.detect.median, response.detect.p90) == (3, 10, 30)
    assert response.detect.worst_of == "SC-21-3"
    assert (response.acknowledge.n, response.acknowledge.median, response.acknowledge.worst) == (2, 270, 360)
    assert response.acknowledge_from_page.median == (170 + 359) // 2
    assert (response.temporary.n, response.temporary.median) == (1, 1195)
    assert (response.restore.n, response.restore.median, response.restore.worst) == (2, 2250, 3600)
    assert (response.false_restorations.n, response.false_restorations.sources) == (1, ("SC-21-2",))
    assert response.unacknowledged.sources == ("SC-21-3",)


def test_deadlines_kept_are_told_by_priority_and_phase(facts):
    found = {(each.priority, each.phase): each for each in facts.owed}
    assert found[Priority.A, Phase.POLL].acknowledge == Share(0, 1, ("SC-21-2",), ("SC-21-2",))
    assert found[Priority.A, Phase.POLL].temporary.late == ("SC-21-2",)
    assert found[Priority.A, Phase.POLL].restore.met == 1
    assert found[Priority.B, Phase.POLL].temporary.met == 1
    assert found[Priority.C, Phase.TALLY].acknowledge.late == ("SC-21-3",)
    assert found[Priority.C, Phase.TALLY].restore.of == 0


def test_a_drill_enters_no_live_figure(facts):
    assert facts.incidents == 3
    assert facts.drills.incidents == 1
    assert facts.drills.acknowledge.median == 60
    assert "DT-21-1" not in facts.response.sources


def test_gaps_in_the_roster_and_aid_are_told_with_their_rows(facts):
    [gap] = facts.roster_gaps
    assert (gap.seconds, gap.gaps, gap.sources) == (1800, 1, ("gap:1", "gap:2"))
    [aid] = facts.aid
    assert (aid.asked, aid.activated, aid.lead.median) == (1, 1, 900)


def test_every_table_reconciles(facts):
    assert facts.reconciles
    assert {control.name for control in facts.controls} >= {"classes", "carrier.lost", "cause.lost"}


def test_facts_that_do_not_reconcile_are_refused(monkeypatch):
    monkeypatch.setattr(folding, "_controls", lambda *_: (Control("made up", 1, 2),))
    with pytest.raises(UnreconciledError, match="made up: parts 1, whole 2"):
        fold(reference_day())


def test_a_deadline_that_is_neither_met_nor_past_does_not_count():
    waiting = share([("a", None, at("12:00:00")), ("b", None, None)], at=at("11:00:00"))
    assert (waiting.met, waiting.of, waiting.ratio) == (0, 0, None)


def test_a_spread_of_nothing_has_no_figures():
    assert spread([]).median is None


def figures(facts):
    """Everything but the identifiers of rows, which splitting changes."""
    bare = [
        replace(line, sources=())
        for table in (
            (facts.whole,),
            facts.by_carrier,
            facts.by_area,
            facts.by_medium,
            facts.by_phase,
            facts.by_cause,
        )
        for line in table
    ]
    return bare, facts.lengths, [replace(each, sources=()) for each in facts.outages]


def cut(outage: PathOutage, after: timedelta) -> list[PathOutage]:
    """Cut a row in two at a whole second, where it is long enough."""
    end = outage.ended_at or at("+1 00:00:00")
    middle = outage.started_at + after
    if not outage.started_at < middle < end:
        return [outage]
    return [
        replace(outage, identifier=f"{outage.identifier}a", ended_at=middle),
        replace(outage, identifier=f"{outage.identifier}b", started_at=middle),
    ]


@settings(max_examples=40, deadline=None)
@given(st.permutations(OUTAGES), st.data())
def test_no_total_depends_on_order_duplicates_or_splits(shuffled, data):
    rows = list(shuffled)
    rows += data.draw(st.lists(st.sampled_from(OUTAGES), max_size=8))
    seconds = data.draw(st.lists(st.integers(1, 3000), min_size=len(rows), max_size=len(rows)))
    pieces = [
        piece
        for row, after in zip(rows, seconds, strict=True)
        for piece in cut(row, timedelta(seconds=after))
    ]
    assert figures(fold(reference_day(outages=tuple(pieces)))) == figures(fold(reference_day()))


moments = st.integers(0, DAY).map(lambda second: at("00:00:00") + timedelta(seconds=second))
any_outages = st.lists(
    st.builds(
        lambda number, path, ends, cause: PathOutage(f"outage:{number}", path, min(ends), max(ends), cause),
        st.integers(0, 10**6),
        st.sampled_from(["V1", "V2", "T1", "T2"]),
        st.tuples(moments, moments),
        st.sampled_from(list(CauseClass)),
    ),
    max_size=25,
    unique_by=lambda row: row.identifier,
)


@settings(max_examples=60, deadline=None)
@given(any_outages)
def test_the_parts_of_any_day_sum_to_it(rows):
    found = fold(reference_day(outages=tuple(rows)))
    assert found.reconciles
    assert found.whole.times.whole == 4 * DAY


@given(st.lists(st.integers(min_value=0, max_value=10**7), min_size=1, max_size=12))
def test_shares_of_a_whole_print_as_a_hundred_per_cent_and_stay_within_a_hundredth(parts):
    tongue = Tongue(Language.EN, ZoneInfo("UTC"))
    printed = [round(float(each[:-1]) * 100) for each in tongue.shares(parts) if each.endswith("%")]
    if sum(parts):
        assert sum(printed) == 10_000
        assert all(
            abs(share - part * 10_000 / sum(parts)) < 1 for share, part in zip(printed, parts, strict=True)
        )
    else:
        assert printed == []

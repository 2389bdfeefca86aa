from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from inventory.loader import load
from inventory.models import Phase
from inventory.phases import LEADING, local_time, next_span, offset, phase_at, span_of
from inventory.reasons import UnusableError
from inventory.samples import sample
from tests.support.inventories import at

ELECTION = load(sample("soc-trang-2021")).election


@pytest.mark.parametrize(
    ("moment", "phase"),
    [
        pytest.param("2020-01-01 00:00", Phase.PREPARE, id="long before, the preparation"),
        pytest.param("2021-05-05 09:00", Phase.PREPARE, id="D-18"),
        pytest.param("2021-05-08 09:00", Phase.EARLY, id="D-15, early voting over preparation"),
        pytest.param("2021-05-12 09:00", Phase.INSPECT, id="D-11, inspection over early voting"),
        pytest.param("2021-05-19 09:00", Phase.EARLY, id="D-4, inspection done"),
        pytest.param("2021-05-20 00:00", Phase.FREEZE, id="D-3, the freeze begins"),
        pytest.param("2021-05-21 00:00", Phase.READY, id="D-2, duty round the clock"),
        pytest.param("2021-05-23 04:59", Phase.READY, id="the last minute before the poll"),
        pytest.param("2021-05-23 05:00", Phase.POLL, id="the poll opens"),
        pytest.param("2021-05-23 18:59", Phase.POLL, id="the last minute before the tally"),
        pytest.param("2021-05-23 19:00", Phase.TALLY, id="the tally leads although late units still vote"),
        pytest.param("2021-05-24 18:59", Phase.TALLY, id="the tally's last minute"),
        pytest.param("2021-05-24 19:00", Phase.POST, id="after the tally, although the freeze still holds"),
        pytest.param("2021-05-30 09:00", Phase.POST, id="D+7, post leads rerun and close"),
        pytest.param("2021-06-04 09:00", Phase.RERUN, id="D+12"),
        pytest.param("2022-01-01 00:00", Phase.CLOSE, id="long after, the close"),
    ],
)
def test_the_leading_phase_is_the_one_that_asks_most(moment, phase):
    assert phase_at(ELECTION, at(moment)) is phase


def test_at_every_quarter_of_an_hour_the_leading_phase_holds_and_none_before_it_does():
    moment = at("2021-03-18 00:00")
    while moment < at("2021-06-08 00:00"):
        holding = {span.phase for span in ELECTION.spans if span.start <= moment < span.end}
        lead = phase_at(ELECTION, moment)
        assert lead in holding
        assert not holding & set(LEADING[: LEADING.index(lead)])
        moment += timedelta(minutes=15)


def test_in_a_gap_the_phase_that_ended_last_goes_on(tmp_path):
    election = load(sample("soc-trang-2021")).election
    spans = tuple(span for span in election.spans if span.phase in {Phase.PREPARE, Phase.POLL})
    gapped = type(election)(
        code="x",
        name="x",
        name_en="x",
        day=election.day,
        zone=election.zone,
        agency=election.agency,
        spans=spans,
    )
    assert phase_at(gapped, at("2021-05-15 00:00")) is Phase.PREPARE
    assert phase_at(gapped, at("2021-05-25 00:00")) is Phase.POLL


def test_the_next_phase_is_the_one_that_begins_next():
    following = next_span(ELECTION, at("2021-05-21 12:00"))
    assert (following.phase, following.start) == (Phase.POLL, at("2021-05-23 05:00"))
    assert next_span(ELECTION, at("2021-05-23 05:00")).phase is Phase.TALLY
    assert next_span(ELECTION, at("2021-06-30 00:00")) is None


def test_a_phase_has_its_span_or_none():
    assert span_of(ELECTION, Phase.TALLY).end == at("2021-05-24 19:00")
    assert span_of(type(ELECTION)(**{**_fields(ELECTION), "spans": ()}), Phase.TALLY) is None


def _fields(election):
    return {name: getattr(election, name) for name in election.__dataclass_fields__}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("D 05:00", "2021-05-23 05:00"),
        ("D-12 00:00", "2021-05-11 00:00"),
        ("D+1 19:00", "2021-05-24 19:00"),
        ("D-66 23:59", "2021-03-18 23:59"),
    ],
)
def test_an_offset_counts_whole_local_days(text, moment):
    assert offset(text, day=date(2021, 5, 23), zone=ZoneInfo("Asia/Ho_Chi_Minh")) == at(moment)


@pytest.mark.parametrize(
    "text", ["D", "05:00", "D-1 24:00", "D -1 05:00", "d 05:00", "D+1000 05:00", "D 5:00"]
)
def test_an_offset_in_another_form_is_refused(text):
    with pytest.raises(UnusableError, match="mốc so với ngày bầu cử"):
        offset(text, day=date(2021, 5, 23), zone=ZoneInfo("Asia/Ho_Chi_Minh"))


@pytest.mark.parametrize("hour", ["2021-03-28 02:30", "2021-10-31 02:30"])
def test_an_hour_that_the_clocks_skip_or_show_twice_is_refused(hour):
    with pytest.raises(UnusableError, match="đổi giờ"):
        local_time(datetime.fromisoformat(hour), zone=ZoneInfo("Europe/Berlin"))

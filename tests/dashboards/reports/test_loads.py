"""Congestion in reports: what was measured is told, and "no congestion" says on how many links it was looked at."""

from dataclasses import replace
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboards.i18n import Language
from dashboards.reports.arithmetic import Times
from dashboards.reports.facts import Facts, Line
from dashboards.reports.loads import congested
from dashboards.reports.sentences import contradictions, objections, situation
from dashboards.reports.tongue import Tongue
from inventory.models import Link
from monitor.load import Direction
from monitor.load_store import CongestionRow
from tests.support.monitoring import NOON, an_inventory

HOUR = timedelta(hours=1)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
LINK = Link("L-1", "Trục Mỹ Xuyên", "VNPT", "94", "95", capacity_mbps=1000.0)


def a_row(*, start=0.0, end: float | None = 1.0, until=1.0):
    return CongestionRow(
        7,
        "L-1",
        Direction.OUT,
        "VNPT",
        NOON + start * HOUR,
        NOON + until * HOUR,
        None if end is None else NOON + end * HOUR,
        0.93,
        0.8,
    )


def told(*rows, since=NOON, until=NOON + 2 * HOUR):
    return congested(rows, replace(an_inventory(), links={"L-1": LINK}), since=since, until=until)


def facts(**changes):
    """A good day: all was observed, nothing broke."""
    whole = Line("", 10, Times(up=3600))
    return replace(Facts(since=0, until=3600, taken_at=3600, whole=whole), **changes)


@pytest.fixture(params=["vi", "en"])
def tongue(request):
    return Tongue(Language(request.param), ZONE)


def test_an_interval_is_cut_to_the_window_and_one_that_lasts_ends_where_it_was_last_seen():
    (cut,) = told(a_row(start=-1, end=3))
    assert (cut.started_at, cut.ended_at, cut.is_open) == (NOON, NOON + 2 * HOUR, True)
    (lasting,) = told(a_row(end=None, until=0.5))
    assert (lasting.ended_at, lasting.is_open) == (NOON + HOUR / 2, True)


def test_what_lies_outside_of_the_window_is_not_told():
    assert told(a_row(start=-2, end=-1, until=-1), a_row(start=3, end=4, until=4)) == ()


def test_its_name_in_the_record_counts_nobody_else_s():
    (found,) = told(a_row())
    assert found.identifier == f"L-1/out/{NOON.astimezone(UTC):%Y%m%dT%H%MZ}"


def test_a_measured_congestion_keeps_the_set_sentence_out(tongue):
    found = facts(congestions=told(a_row()), links=4, links_measured=4)
    assert objections(found, tongue)
    assert "không xảy ra nghẽn mạng" not in situation(found, tongue)
    assert "no congestion," not in situation(found, tongue)


@pytest.mark.parametrize("text", ["Không xảy ra nghẽn mạng.", "There was no congestion."])
def test_an_edited_text_that_denies_it_is_held_against_it(text, tongue):
    assert contradictions(text, facts(congestions=told(a_row())), tongue)
    assert not contradictions(text, facts(), tongue)


def test_where_not_every_link_was_measured_the_sentence_says_how_many_were(tongue):
    sentence = situation(facts(links=44, links_measured=3), tongue)
    assert "3/44" in sentence or "3 of 44" in sentence
    assert "44" not in situation(facts(links=44, links_measured=44), tongue)

"""What pages show of links: the load now, the busiest hour, what is to be expected on election day, and what is spare."""

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from inventory.models import Link
from monitor.congestion import Congestion
from monitor.load import Direction, Reading
from monitor.load_forecast import BusyHour, forecast
from monitor.load_summary import link_loads
from monitor.moments import moment, nanoseconds
from tests.support.monitoring import NOON, an_inventory

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
WIDE = Link("L-1", "Trục 1", "VNPT", "94", "95", capacity_mbps=1000.0)
NARROW = Link("L-2", "Trục 2", "VIETTEL", "94", "95", capacity_mbps=100.0)


def an_hour(days_ago, load, *, link="L-1"):
    """The busiest hour of a day: link, local day, when and how busy."""
    at = NOON - timedelta(days=days_ago)
    return link, at.astimezone(ZONE).date(), BusyHour(at, load)


def course(*loads):
    """Busy hours day by day, the last one today."""
    hours = (an_hour(len(loads) - 1 - n, load) for n, load in enumerate(loads))
    return {day: found for _, day, found in hours}


def loads(*hours, newest=None, lasting=None, measured=("L-1", "L-2"), scope=None):
    province = replace(an_inventory(), links={link.code: link for link in (WIDE, NARROW)})
    days = {}
    for link, day, found in hours:
        days.setdefault(link, {})[day] = found
    return link_loads(
        province,
        days,
        newest=newest or {},
        lasting=lasting or {},
        measured=frozenset(measured),
        now=NOON,
        day=NOON.date() + timedelta(days=10),
        scope=scope,
    )


def test_a_steady_rise_is_carried_on_to_election_day():
    last = max(course(0.5))
    found = forecast(course(0.30, 0.32, 0.34, 0.36, 0.38), last + timedelta(days=10), norm=0.8)
    assert (round(found.load, 6), round(found.a_day, 6)) == (0.58, 0.02)
    assert found.reached == last + timedelta(days=21)


def test_one_day_of_a_festival_does_not_bend_the_course():
    found = forecast(course(0.4, 0.4, 0.95, 0.4, 0.4, 0.4), max(course(0.4)) + timedelta(days=5), norm=0.8)
    assert (round(found.load, 6), found.reached) == (0.4, None)


@pytest.mark.parametrize("loads_", [(), (0.4,), (0.4, 0.5, 0.6, 0.7)])
def test_of_fewer_than_five_days_nothing_is_foretold(loads_):
    assert forecast(course(*loads_), date(2030, 1, 1), norm=0.8) is None


def test_a_day_that_is_past_is_not_foretold():
    days = course(0.4, 0.4, 0.4, 0.4, 0.4)
    assert forecast(days, min(days), norm=0.8) is None


def test_a_load_never_falls_below_nothing():
    days = course(0.4, 0.3, 0.2, 0.1, 0.05)
    assert forecast(days, max(days) + timedelta(days=30), norm=0.8).load == 0


def test_spare_is_what_lies_between_the_busiest_hour_of_the_week_and_the_norm():
    wide, narrow = sorted(loads(an_hour(2, 0.3), an_hour(9, 0.7)), key=lambda each: each.link.code)
    assert (wide.busiest.load, round(wide.spare_mbps, 6)) == (0.3, 500.0)
    assert (narrow.busiest, narrow.spare_mbps) == (None, None)


def test_a_link_beyond_the_norm_has_nothing_to_spare():
    assert loads(an_hour(1, 0.9))[0].spare_mbps == 0


def test_an_old_figure_is_not_what_is_carried_now():
    noon = nanoseconds(NOON)
    old, new = noon - 16 * 60 * 10**9, noon - 60 * 10**9
    seen = {("L-1", Direction.IN): Reading(old, 0.5), ("L-1", Direction.OUT): Reading(new, 0.6)}
    (wide,) = [each for each in loads(newest=seen) if each.link is WIDE]
    assert (wide.inward, wide.outward) == (None, 0.6)


def test_the_congested_come_first_then_the_busiest():
    begun = nanoseconds(NOON - timedelta(minutes=20))
    lasting = {("L-2", Direction.OUT): Congestion("L-2", Direction.OUT, begun, begun, 0.85)}
    found = loads(an_hour(0, 0.9), an_hour(0, 0.85, link="L-2"), lasting=lasting)
    assert [each.link.code for each in found] == ["L-2", "L-1"]
    assert found[0].congested_since == moment(begun)


def test_a_carrier_is_told_of_its_own_links_alone():
    assert [each.link.code for each in loads(an_hour(0, 0.9), scope="VIETTEL")] == ["L-2"]


def test_a_link_that_nothing_measures_says_so():
    assert [each.is_measured for each in loads(measured=())] == [False, False]

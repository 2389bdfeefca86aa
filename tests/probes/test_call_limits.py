import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from probes.call_limits import CallLimits, parse_hours

PROVINCE = ZoneInfo("Asia/Ho_Chi_Minh")
NOON = dt.datetime(2026, 3, 15, 5, 0, tzinfo=dt.UTC)


class Clock:
    def __init__(self, at=NOON):
        self.seconds = 1000.0
        self.at = at

    def limits(self, **given):
        return CallLimits(monotonic=lambda: self.seconds, clock=lambda: self.at, zone=PROVINCE, **given)


def test_a_gateway_is_called_once_a_minute_and_another_one_apart_from_it():
    clock = Clock()
    limits = clock.limits()
    assert limits.refusal("10.0.0.1", ()) == ""
    assert limits.refusal("10.0.0.1", ()) == "rate-capped"
    assert limits.refusal("10.0.0.2", ()) == ""
    clock.seconds += 59.9
    assert limits.refusal("10.0.0.1", ()) == "rate-capped"
    clock.seconds += 0.2
    assert limits.refusal("10.0.0.1", ()) == ""


def test_a_burst_is_granted_and_then_paid_for():
    clock = Clock()
    limits = clock.limits(interval=10.0, burst=3)
    assert [limits.refusal("g", ()) for _ in range(4)] == ["", "", "", "rate-capped"]
    clock.seconds += 10
    assert [limits.refusal("g", ()) for _ in range(2)] == ["", "rate-capped"]
    clock.seconds += 1000
    assert [limits.refusal("g", ()) for _ in range(4)] == ["", "", "", "rate-capped"]


def test_a_call_that_was_not_allowed_by_the_hour_costs_nothing():
    clock = Clock(dt.datetime(2026, 3, 15, 20, 0, tzinfo=dt.UTC))  # 03:00 there
    limits = clock.limits()
    hours = parse_hours("07:00-21:00")
    assert limits.refusal("g", hours) == "outside-hours"
    clock.at = NOON
    assert limits.refusal("g", hours) == ""


@pytest.mark.parametrize(
    ("hours", "local", "allowed"),
    [
        ("07:00-21:00", "07:00", True),
        ("07:00-21:00", "06:59", False),
        ("07:00-21:00", "20:59", True),
        ("07:00-21:00", "21:00", False),
        ("22:00-02:00", "23:30", True),
        ("22:00-02:00", "01:59", True),
        ("22:00-02:00", "02:00", False),
        ("07:00-11:30,13:00-24:00", "12:00", False),
        ("07:00-11:30,13:00-24:00", "23:59", True),
    ],
)
def test_hours_are_the_provinces_own(hours, local, allowed):
    at = dt.datetime.fromisoformat(f"2026-03-15T{local}").replace(tzinfo=PROVINCE).astimezone(dt.UTC)
    assert (Clock(at).limits().refusal("g", parse_hours(hours)) == "") is allowed


@pytest.mark.parametrize(
    "text", ["", "7-21", "07:00", "25:00-26:00", "24:30-07:00", "07:00-07:00", "07:00–21:00"]
)
def test_hours_that_are_none_are_refused(text):
    with pytest.raises(ValueError, match="hours are written"):
        parse_hours(text)


def test_gateways_long_ago_are_forgotten():
    clock = Clock()
    limits = clock.limits(interval=1.0)
    for number in range(10_000):
        limits.refusal(str(number), ())
    clock.seconds += 10
    limits.refusal("new", ())
    assert len(limits._full_at) == 1

"""Who is on duty, held against a calendar that is walked minute by minute, and by which contact to reach them."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerting.oncall import Gap, board, contacts_for, gaps, on_duty, reachable
from inventory.models import Contact, ContactChannel, Duty, Person, Severity, Shift
from tests.support.acting import MINUTE, NOON, a_shift, an_inventory

OPS = Duty.OPERATIONS


def local_shifts(zone, *, days, hours, first, leave_out=()):
    """Shifts of ``hours`` in a row by the wall clock of ``zone``, the way an office writes them."""
    shifts = []
    start = first.replace(tzinfo=zone)
    for number in range(days * 24 // hours):
        end = (start.replace(tzinfo=None) + timedelta(hours=hours)).replace(tzinfo=zone)
        if number not in leave_out:
            shifts.append(Shift("VNPT", OPS, f"p{number}", start.astimezone(UTC), end.astimezone(UTC)))
        start = end
    return shifts


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Asia/Ho_Chi_Minh", datetime(2021, 5, 21, 6, tzinfo=UTC)),
        # A zone that springs forward and back, because rosters are imported from tools that have one.
        ("Europe/Berlin", datetime(2021, 3, 27, 22, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2021, 10, 30, 22, tzinfo=UTC)),
    ],
)
def test_every_minute_of_the_calendar_has_exactly_the_person_whose_local_hours_hold_it(zone, first):
    shifts = local_shifts(ZoneInfo(zone), days=3, hours=8, first=first, leave_out={4})
    at, end = shifts[0].start, shifts[-1].end
    found = []
    while at < end:
        holding = [s for s in shifts if s.start <= at < s.end]
        shift = on_duty(shifts, party="VNPT", duty=OPS, at=at)
        assert len(holding) <= 1
        assert shift == (holding[0] if holding else None)
        if shift is None:
            found.append(at)
        at += MINUTE
    missing = gaps(shifts, party="VNPT", duty=OPS, since=shifts[0].start, until=end)
    assert missing == (Gap(found[0], found[-1] + MINUTE),)
    held = Counter(on_duty(shifts, party="VNPT", duty=OPS, at=s.start).person for s in shifts)
    assert len(held) == len(shifts)


def test_at_the_instant_of_change_the_incoming_person_is_on_duty():
    early, late = a_shift("VNPT", OPS, "a", hours=6), a_shift("VNPT", OPS, "b", start=NOON, hours=6)
    assert on_duty([early, late], party="VNPT", duty=OPS, at=NOON) == late
    assert on_duty([early, late], party="VNPT", duty=OPS, at=NOON - timedelta(microseconds=1)) == early


def test_an_exception_laid_over_the_plan_holds_while_it_lasts():
    plan = a_shift("VNPT", OPS, "plan")
    exception = a_shift("VNPT", OPS, "exception", start=NOON, hours=1)
    assert on_duty([exception, plan], party="VNPT", duty=OPS, at=NOON + 30 * MINUTE) == exception
    assert on_duty([exception, plan], party="VNPT", duty=OPS, at=NOON + 60 * MINUTE) == plan


def test_overlapping_shifts_leave_no_gap_and_an_empty_roster_is_one_gap():
    until = NOON + timedelta(hours=2)
    shifts = [a_shift("VNPT", OPS, "a", start=NOON, hours=1), a_shift("VNPT", OPS, "b", start=NOON, hours=2)]
    assert gaps(shifts, party="VNPT", duty=OPS, since=NOON, until=until) == ()
    assert gaps([], party="VNPT", duty=OPS, since=NOON, until=until) == (Gap(NOON, until),)


def test_the_board_lists_kept_duties_and_says_since_when_nobody_holds_one():
    gone = a_shift("VIETTEL", OPS, "x", hours=2)
    coming = a_shift("VIETTEL", OPS, "y", start=NOON + timedelta(hours=1), hours=1)
    inventory = an_inventory()
    rows = {(r.party, r.duty): r for r in board(an_inventory(shifts=(*inventory.shifts, gone, coming)), NOON)}
    assert rows["VNPT", OPS].person == "vnpt-1"
    assert rows["VNPT", OPS].until == NOON + timedelta(hours=18)
    assert rows["VNPT", OPS].substitute == "vnpt-2"
    missing = rows["VIETTEL", OPS]
    assert (missing.gap, missing.person, missing.since, missing.until) == (True, "", gone.end, coming.start)
    assert list(rows) == [
        ("STTTT", Duty.LEADERSHIP), ("STTTT", OPS), ("VIETTEL", OPS), ("VNPT", OPS),
    ]  # fmt: skip


def person(*contacts):
    return Person("p", "VNPT", "Trực ca", contacts=contacts)


SMS_ON_VNPT = Contact(ContactChannel.SMS, "+84910000001", "VNPT")
SMS_ON_VIETTEL = Contact(ContactChannel.SMS, "+84860000002", "VIETTEL")
MAIL_ON_VNPT = Contact(ContactChannel.EMAIL, "a@vnpt.invalid", "VNPT")
MAIL_ON_FPT = Contact(ContactChannel.EMAIL, "a@fpt.invalid", "FPT")
SMS_UNKNOWN = Contact(ContactChannel.SMS, "+84900000003")
VOICE = Contact(ContactChannel.VOICE, "+84299000000", "VNPT")


@pytest.mark.parametrize(
    ("contacts", "severity", "chosen"),
    [
        pytest.param(
            (SMS_ON_VNPT, MAIL_ON_FPT),
            "P1",
            (MAIL_ON_FPT, SMS_ON_VNPT),
            id="other networks come before its own",
        ),
        pytest.param(
            (SMS_ON_VNPT, SMS_UNKNOWN, SMS_ON_VIETTEL),
            "P2",
            (SMS_ON_VIETTEL, SMS_UNKNOWN, SMS_ON_VNPT),
            id="a network that nobody wrote down stands between",
        ),
        pytest.param((SMS_ON_VNPT, MAIL_ON_FPT), "P3", (MAIL_ON_FPT,), id="a small matter goes by mail"),
        pytest.param(
            (MAIL_ON_VNPT, SMS_ON_VIETTEL),
            "P4",
            (SMS_ON_VIETTEL, MAIL_ON_VNPT),
            id="unless the mail rides on the carrier and something else does not",
        ),
        pytest.param((SMS_ON_VNPT,), "P4", (SMS_ON_VNPT,), id="its own network is better than nothing"),
        pytest.param((VOICE, SMS_ON_VNPT), "P1", (SMS_ON_VNPT,), id="a voice line is for people to call"),
    ],
)
def test_a_page_about_a_carrier_does_not_depend_on_that_carrier_alone(contacts, severity, chosen):
    assert contacts_for(person(*contacts), carrier="VNPT", severity=Severity(severity)) == chosen


def test_somebody_with_a_voice_line_only_cannot_be_paged():
    assert not reachable(person(VOICE))
    assert not reachable(None)
    assert reachable(person(VOICE, SMS_ON_VNPT))

"""Calendars against an oracle that looks at every minute of two months and more, also where the clocks change.

The oracle knows nothing of intervals, of zone tables or of the code under test: it is an array with one cell a minute,
in which every turn colours its cells. Its wall clock comes from the rule of the European Union (last Sunday of March
and of October, 01:00 UTC) and from the seven hours of Viet Nam.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from alerting.oncall import gaps, on_duty
from alerting.roster import FindingKind, RosterShift, findings
from alerting.roster_rotation import Rotation, expanded
from inventory.models import Duty, Phase, Shift
from inventory.phases import local_time
from tests.support.acting import an_inventory

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = 24 * 60
VIETNAM, BERLIN = "Asia/Ho_Chi_Minh", "Europe/Berlin"
PARTIES = ("VNPT", "VIETTEL")
DUTIES = (Duty.OPERATIONS, Duty.LEADERSHIP)
PEOPLE = ("a", "b", "c", "d")


def minute_of(moment):
    return (moment - EPOCH) // MINUTE


def last_sunday(year, month):
    """Answer the minute of 01:00 UTC on the last Sunday of a month of 31 days."""
    day = datetime(year, month, 31, 1, tzinfo=UTC)
    return minute_of(day - timedelta(days=(day.weekday() + 1) % 7))


@dataclass(frozen=True)
class Calendar:
    """Every minute of ``days`` from midnight UTC of a day. ``minutes`` count from 1970, ``wall`` as clocks show them."""

    zone_name: str
    first: datetime
    days: int

    @property
    def zone(self):
        return ZoneInfo(self.zone_name)

    @cached_property
    def minutes(self):
        return minute_of(self.first) + np.arange(self.days * DAY)

    @cached_property
    def wall(self):
        if self.zone_name == VIETNAM:
            return self.minutes + 7 * 60
        year = self.first.year
        summer = (self.minutes >= last_sunday(year, 3)) & (self.minutes < last_sunday(year, 10))
        return self.minutes + np.where(summer, 120, 60)

    def changed_hours(self):
        """Answer the minutes on the wall that the clocks skip or show twice."""
        if self.zone_name == VIETNAM:
            return ()
        changes = (last_sunday(self.first.year, 3) + 60, last_sunday(self.first.year, 10) + 60)
        return tuple((begin, begin + 60) for begin in changes)

    def moment(self, place):
        return self.first + int(place) * MINUTE

    def place(self, moment):
        return min(max(minute_of(moment) - int(self.minutes[0]), 0), len(self.minutes))

    def place_on_wall(self, naive):
        """Answer the first cell in which the clocks on the wall show ``naive``."""
        return int(np.flatnonzero(self.wall == minute_of(naive.replace(tzinfo=UTC)))[0])


CALENDARS = (
    pytest.param(Calendar(VIETNAM, datetime(2021, 4, 10, tzinfo=UTC), 64), id="viet-nam"),
    pytest.param(Calendar(BERLIN, datetime(2021, 3, 1, tzinfo=UTC), 64), id="into-summer-time"),
    pytest.param(Calendar(BERLIN, datetime(2021, 10, 1, tzinfo=UTC), 64), id="out-of-summer-time"),
)


def turn_at(calendar, start, hours):
    """Answer the number of the turn of every minute: by the wall, an hour late where the clocks skip or repeat it."""
    begun = minute_of(start.replace(tzinfo=UTC))
    number = (calendar.wall - begun) // (hours * 60)
    edge = begun + number * hours * 60
    for first, last in calendar.changed_hours():
        number -= (edge >= first) & (edge < last) & (calendar.wall < edge + 60)
    return number


@pytest.mark.parametrize(
    ("clock", "hours"), [((6, 0), 12), ((2, 30), 24), ((2, 0), 12)], ids=["day-night", "half-past-two", "two"]
)
@pytest.mark.parametrize("calendar", CALENDARS)
def test_every_minute_of_a_rotation_has_the_person_whose_turn_the_wall_clock_shows(calendar, clock, hours):
    start = (calendar.first + timedelta(days=1)).replace(tzinfo=None, hour=clock[0], minute=clock[1])
    until = start + timedelta(days=calendar.days - 3)
    rotation = Rotation("VNPT", Duty.OPERATIONS, PEOPLE[:3], start, until, hours=hours)
    shifts = expanded(rotation, zone=calendar.zone)
    begin, end = calendar.place_on_wall(start), calendar.place_on_wall(until)
    turns = turn_at(calendar, start, hours)[begin:end]
    expected = [PEOPLE[turn % 3] for turn in turns]
    held = [
        shift.person if (shift := holder(shifts, "VNPT", Duty.OPERATIONS, calendar.moment(place))) else ""
        for place in range(begin, end)
    ]
    assert held == expected
    whole = {"since": calendar.first, "until": calendar.moment(len(calendar.minutes))}
    found = gaps(shifts, party="VNPT", duty=Duty.OPERATIONS, **whole)
    assert [(calendar.place(gap.start), calendar.place(gap.end)) for gap in found] == [
        (0, begin),
        (end, len(calendar.minutes)),
    ]


def holder(shifts, party, duty, moment):
    return on_duty(shifts, party=party, duty=duty, at=moment)


def dated(calendar, seed):
    """Answer shifts as offices type them, by the wall, with their cells: some left out, some too long, some doubled."""
    chance = np.random.default_rng(seed)
    found = []
    for party in PARTIES:
        for duty in DUTIES:
            for day in range(2, calendar.days - 3):
                for hour in (6, 18):
                    if chance.random() < 0.12:
                        continue
                    begins = (calendar.first + timedelta(days=day)).replace(tzinfo=None, hour=hour)
                    ends = begins + timedelta(hours=12, minutes=int(chance.choice([0, 0, 0, -45, 50])))
                    person = str(chance.choice(PEOPLE))
                    found.append(
                        (
                            RosterShift(
                                f"s{len(found)}",
                                party,
                                duty,
                                person,
                                local_time(begins, zone=calendar.zone),
                                local_time(ends, zone=calendar.zone),
                            ),
                            slice(calendar.place_on_wall(begins), calendar.place_on_wall(ends)),
                        )
                    )
    return found


def pairs(count):
    return count * (count - 1) // 2


def coloured(calendar, found, kind, key=lambda _one: True):
    """Answer, for every minute, how many findings of a kind speak of it."""
    cells = np.zeros(len(calendar.minutes), dtype=int)
    for one in found:
        if one.kind is kind and key(one):
            cells[calendar.place(one.start) : calendar.place(one.end)] += 1
    return cells


@pytest.fixture(scope="module", params=CALENDARS)
def looked_at(request):
    """A calendar with its typed shifts, and what the roster finds wrong with them."""
    calendar = request.param
    typed = dated(calendar, seed=calendar.first.month)
    inventory = an_inventory()
    found = findings(
        [shift for shift, _ in typed],
        inventory,
        since=calendar.first,
        until=calendar.moment(len(calendar.minutes)),
    )
    return calendar, typed, inventory, found


def counted(calendar, typed, key):
    """Answer, for each key of shifts, how many hold in every minute."""
    cells = defaultdict(lambda: np.zeros(len(calendar.minutes), dtype=int))
    for shift, where in typed:
        cells[key(shift)][where] += 1
    return cells


def test_the_gaps_of_typed_rosters_are_the_minutes_that_nobody_colours(looked_at):
    calendar, typed, inventory, found = looked_at
    watched = np.zeros(len(calendar.minutes), dtype=bool)
    for span in inventory.election.spans:
        if span.phase in {Phase.READY, Phase.POLL, Phase.TALLY}:
            watched[calendar.place(span.start) : calendar.place(span.end)] = True
    held = counted(calendar, typed, lambda shift: (shift.party, shift.duty))
    owed = {(party.code, duty) for party in inventory.parties.values() for duty in party.duties}
    for key in owed | held.keys():
        expected = watched.copy() if key in owed else np.zeros_like(watched)
        cells = held[key]
        if (used := np.flatnonzero(cells)).size:
            expected[used[0] : used[-1] + 1] = True
        expected &= cells == 0
        got = coloured(calendar, found, FindingKind.GAP, lambda one, key=key: (one.party, one.duty) == key)
        assert np.array_equal(got, expected.astype(int)), key
    assert coloured(calendar, found, FindingKind.GAP).sum() > 1000


def test_the_overlaps_of_typed_rosters_are_the_minutes_that_two_colour(looked_at):
    calendar, typed, _inventory, found = looked_at
    for key, cells in counted(calendar, typed, lambda shift: (shift.party, shift.duty)).items():
        got = coloured(
            calendar, found, FindingKind.OVERLAP, lambda one, key=key: (one.party, one.duty) == key
        )
        assert np.array_equal(got, pairs(cells)), key
        assert got.any()


def test_double_duty_in_typed_rosters_is_where_one_person_colours_two_duties(looked_at):
    calendar, typed, _inventory, found = looked_at
    whole = counted(calendar, typed, lambda shift: shift.person)
    each = counted(calendar, typed, lambda shift: (shift.person, shift.party, shift.duty))
    for person, cells in whole.items():
        same = sum(pairs(own) for key, own in each.items() if key[0] == person)
        got = coloured(
            calendar, found, FindingKind.DOUBLE_DUTY, lambda one, person=person: one.person == person
        )
        # Three at once may be told as one finding, because a finding names the other duty and not its party.
        expected = pairs(cells) - same
        assert np.array_equal(got > 0, expected > 0), person
        assert np.array_equal(got[cells <= 2], expected[cells <= 2]), person
        assert got.any()


def test_who_is_on_duty_by_a_typed_roster_is_who_began_last_in_every_minute(looked_at):
    calendar, typed, _inventory, _found = looked_at
    mine: list[tuple[Shift, slice]] = [
        (shift.plain(), where)
        for shift, where in typed
        if (shift.party, shift.duty) == ("VNPT", Duty.OPERATIONS)
    ]
    colours = np.full(len(calendar.minutes), "", dtype=object)
    for shift, where in sorted(mine, key=lambda pair: (pair[1].start, pair[0].person)):
        colours[where] = shift.person
    plain = [shift for shift, _ in mine]
    held = [
        shift.person if (shift := holder(plain, "VNPT", Duty.OPERATIONS, calendar.moment(place))) else ""
        for place in range(len(calendar.minutes))
    ]
    assert held == list(colours)

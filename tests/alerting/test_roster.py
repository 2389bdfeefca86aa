"""What is wrong with a roster, against a slow oracle that looks at every minute; rotations across a change of clocks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.handover import GRACE, Handover, HandoverState, due_at, held_over
from alerting.oncall import gaps, on_duty
from alerting.roster import FindingKind, RosterShift, cut_by, findings, identifier_of, seeded
from alerting.roster_rotation import Rotation, expanded
from inventory.models import Contact, ContactChannel, Duty, Person, Phase, Shift
from inventory.reasons import UnusableError
from tests.support.acting import MINUTE, an_inventory

START = datetime(2021, 5, 19, 17, 0, tzinfo=UTC)
"""A day and a half before duty round the clock begins."""
SPAN = 4 * 24 * 60
DUTIES = (Duty.OPERATIONS, Duty.LEADERSHIP)
PEOPLE = ("vnpt-1", "vnpt-2", "viettel-1")
PARTIES = ("VNPT", "VIETTEL")
BERLIN = ZoneInfo("Europe/Berlin")
minutes = st.integers(0, SPAN)


def at(minute):
    return START + minute * MINUTE


@st.composite
def rosters(draw, most=8):
    found = []
    for number in range(draw(st.integers(0, most))):
        first, second = sorted(draw(st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1])))
        found.append(
            RosterShift(
                f"s{number}",
                draw(st.sampled_from(PARTIES)),
                draw(st.sampled_from(DUTIES)),
                draw(st.sampled_from(PEOPLE)),
                at(first),
                at(second),
            )
        )
    return found


def held(shifts, party, duty, moment):
    return [s for s in shifts if (s.party, s.duty) == (party, duty) and s.start <= moment < s.end]


def is_watched(inventory, moment):
    return any(
        span.start <= moment < span.end
        for span in inventory.election.spans
        if span.phase in {Phase.READY, Phase.POLL, Phase.TALLY}
    )


@settings(max_examples=60, deadline=None)
@given(rosters())
def test_gaps_overlaps_and_double_duty_are_those_that_a_look_at_every_minute_finds(shifts):
    inventory = an_inventory()
    until = at(SPAN)
    found = findings(shifts, inventory, since=START, until=until)
    owed = {(p.code, duty) for p in inventory.parties.values() for duty in p.duties}
    for minute in range(0, SPAN, 7):
        moment = at(minute)
        for party in PARTIES:
            for duty in DUTIES:
                here = held(shifts, party, duty, moment)
                turns = [s for s in shifts if (s.party, s.duty) == (party, duty)]
                wanted = ((party, duty) in owed and is_watched(inventory, moment)) or (
                    bool(turns) and min(s.start for s in turns) <= moment < max(s.end for s in turns)
                )
                told = {
                    f.kind for f in found if (f.party, f.duty) == (party, duty) and f.start <= moment < f.end
                }
                assert (FindingKind.GAP in told) == (wanted and not here)
                assert (FindingKind.OVERLAP in told) == (len(here) > 1)
        doubled = {
            person
            for person in PEOPLE
            if len({(s.party, s.duty) for s in shifts if s.person == person and s.start <= moment < s.end})
            > 1
        }
        assert doubled == {
            f.person for f in found if f.kind is FindingKind.DOUBLE_DUTY and f.start <= moment < f.end
        }


@settings(max_examples=80, deadline=None)
@given(rosters(), minutes, minutes)
def test_an_override_takes_exactly_its_minutes_and_leaves_every_other_as_it_was(shifts, one, other):
    start, end = at(min(one, other)), at(max(one, other) + 1)
    mine = [s for s in shifts if (s.party, s.duty) == ("VNPT", Duty.OPERATIONS)]
    changed, added, removed = cut_by(mine, start, end, new_id=iter(f"n{n}" for n in range(100)))
    after = {s.id: s for s in mine} | {s.id: s for s in (*changed, *added)}
    left = [s for identifier, s in after.items() if identifier not in removed]
    for minute in range(0, SPAN, 11):
        moment = at(minute)
        before = sorted(s.person for s in held(mine, "VNPT", Duty.OPERATIONS, moment))
        now = sorted(s.person for s in held(left, "VNPT", Duty.OPERATIONS, moment))
        assert now == ([] if start <= moment < end else before)


@settings(max_examples=60, deadline=None)
@given(
    st.datetimes(datetime(2021, 3, 20), datetime(2021, 4, 2)),  # noqa: DTZ001 - a time on the wall
    st.sampled_from((6, 8, 12, 24)),
    st.integers(1, 3),
    st.integers(3, 40),
    st.sampled_from((BERLIN, ZoneInfo("Asia/Ho_Chi_Minh"))),
)
def test_a_rotation_holds_every_minute_once_even_when_the_clocks_change(start, hours, people, turns, zone):
    start = start.replace(minute=0, second=0, microsecond=0)
    rotation = Rotation(
        "VNPT", Duty.OPERATIONS, PEOPLE[:people], start, start + turns * timedelta(hours=hours), hours=hours
    )
    shifts = expanded(rotation, zone=zone)
    assert all(one.end == next_.start for one, next_ in pairwise(shifts))
    assert not gaps(shifts, party="VNPT", duty=Duty.OPERATIONS, since=shifts[0].start, until=shifts[-1].end)
    moment = shifts[0].start
    while moment < shifts[-1].end:
        wall = moment.astimezone(zone).replace(tzinfo=None)
        found = on_duty(shifts, party="VNPT", duty=Duty.OPERATIONS, at=moment)
        assert found is not None
        turn = int((wall - start) / timedelta(hours=hours))
        # In the hour that clocks skip or show twice, the turn changes an hour later than the wall says.
        assert found.person in {PEOPLE[:people][turn % people], PEOPLE[:people][(turn - 1) % people]}
        if zone is not BERLIN:
            assert found.person == PEOPLE[:people][turn % people]
        moment += timedelta(minutes=13)


def test_a_night_shift_over_the_change_to_summer_time_is_an_hour_shorter():
    night = Rotation(
        "VNPT",
        Duty.OPERATIONS,
        PEOPLE,
        datetime(2021, 3, 27, 22, 0),  # noqa: DTZ001 - a time on the wall
        datetime(2021, 3, 28, 6, 0),  # noqa: DTZ001 - a time on the wall
    )
    (shift,) = expanded(night, zone=BERLIN)
    assert shift.end - shift.start == timedelta(hours=7)


def test_a_rotation_by_rule_begins_when_the_rule_says_and_the_next_person_stands_by():
    rule = Rotation(
        "VNPT",
        Duty.OPERATIONS,
        PEOPLE[:2],
        datetime(2021, 5, 22, 6, 0),  # noqa: DTZ001 - a time on the wall
        datetime(2021, 5, 23, 6, 0),  # noqa: DTZ001 - a time on the wall
        rule="FREQ=DAILY;BYHOUR=6,14,22",
    )
    shifts = expanded(rule, zone=ZoneInfo("Asia/Ho_Chi_Minh"))
    assert [(s.start.hour, s.person, s.substitute) for s in shifts] == [
        (23, "vnpt-1", "vnpt-2"),
        (7, "vnpt-2", "vnpt-1"),
        (15, "vnpt-1", "vnpt-2"),
    ]


@pytest.mark.parametrize("rule", ["FREQ=SOMETIMES", "nonsense", "FREQ=SECONDLY"])
def test_a_rule_that_makes_no_roster_is_refused_in_words(rule):
    rotation = Rotation(
        "VNPT",
        Duty.OPERATIONS,
        PEOPLE,
        datetime(2021, 5, 22, 6, 0),  # noqa: DTZ001 - a time on the wall
        datetime(2021, 5, 23, 6, 0),  # noqa: DTZ001 - a time on the wall
        rule=rule,
    )
    with pytest.raises(UnusableError, match=r"RRULE|ca"):
        expanded(rotation, zone=BERLIN)


def test_somebody_who_can_only_be_reached_over_the_own_network_is_found():
    own = Person("own", "VNPT", "Một", contacts=(Contact(ContactChannel.SMS, "+84910000009", "VNPT"),))
    mute = Person("mute", "VNPT", "Hai", contacts=(Contact(ContactChannel.VOICE, "+84910000008", "VIETTEL"),))
    inventory = an_inventory(people={"own": own, "mute": mute})
    shifts = [
        RosterShift("a", "VNPT", Duty.OPERATIONS, "own", at(0), at(60)),
        RosterShift("b", "VNPT", Duty.OPERATIONS, "mute", at(60), at(120)),
        RosterShift("c", "VNPT", Duty.OPERATIONS, "nobody", at(120), at(180)),
    ]
    kinds = {
        f.person: f.kind
        for f in findings(shifts, inventory, since=START, until=at(180))
        if f.person and f.kind is not FindingKind.UNCONFIRMED
    }
    assert kinds == {
        "own": FindingKind.OWN_NETWORK,
        "mute": FindingKind.NO_CONTACT,
        "nobody": FindingKind.UNKNOWN_PERSON,
    }


def test_two_shifts_that_touch_neither_overlap_nor_leave_a_gap():
    inventory = an_inventory()
    shifts = [
        RosterShift("a", "VNPT", Duty.OPERATIONS, "vnpt-1", at(0), at(60)),
        RosterShift("b", "VNPT", Duty.OPERATIONS, "vnpt-2", at(60), at(120)),
    ]
    found = findings(shifts, inventory, since=START, until=at(120), party="VNPT")
    mine = [f for f in found if f.duty is Duty.OPERATIONS]
    assert {f.kind for f in mine} == {FindingKind.UNCONFIRMED}


def test_a_shift_of_a_file_keeps_its_id_and_differs_from_every_other():
    one = Shift("VNPT", Duty.OPERATIONS, "vnpt-1", at(0), at(60))
    other = Shift("VNPT", Duty.OPERATIONS, "vnpt-1", at(0), at(61))
    assert identifier_of(one) == identifier_of(one) != identifier_of(other)
    assert seeded(one).plain() == one


def a_handover(**changed):
    base = {
        "id": 1,
        "party": "VNPT",
        "duty": Duty.OPERATIONS,
        "outgoing": "vnpt-1",
        "incoming": "vnpt-2",
        "boundary": at(60),
        "ends_at": at(120),
        "offered_at": at(50),
        "offered_by": "vnpt-1",
        "due_at": due_at(at(60), at(50)),
    }
    return Handover(**{**base, **changed})


SHIFTS = (
    Shift("VNPT", Duty.OPERATIONS, "vnpt-1", at(0), at(60)),
    Shift("VNPT", Duty.OPERATIONS, "vnpt-2", at(60), at(120)),
    Shift("VNPT", Duty.OPERATIONS, "vnpt-1", at(120), at(180)),
)


@pytest.mark.parametrize(
    ("state", "minute", "expected"),
    [
        (HandoverState.OFFERED, 59, "vnpt-1"),
        (HandoverState.OFFERED, 60, "vnpt-1"),
        (HandoverState.OFFERED, 119, "vnpt-1"),
        (HandoverState.ACCEPTED, 60, "vnpt-2"),
        (HandoverState.WITHDRAWN, 60, "vnpt-2"),
        (HandoverState.OFFERED, 120, "vnpt-1"),
    ],
)
def test_the_outgoing_person_is_called_until_the_incoming_one_accepts(state, minute, expected):
    standing = held_over(SHIFTS, [a_handover(state=state)], at(minute))
    found = on_duty(standing, party="VNPT", duty=Duty.OPERATIONS, at=at(minute))
    assert found is not None
    assert found.person == expected


def test_while_nobody_accepts_the_incoming_person_stands_by():
    standing = held_over(SHIFTS, [a_handover()], at(70))
    found = on_duty(standing, party="VNPT", duty=Duty.OPERATIONS, at=at(70))
    assert found is not None
    assert found.substitute == "vnpt-2"


def test_a_handover_is_overdue_a_grace_after_the_later_of_change_and_offer():
    assert due_at(at(60), at(50)) == at(60) + GRACE
    late = a_handover(offered_at=at(80), due_at=due_at(at(60), at(80)))
    assert not late.is_overdue(at(94))
    assert late.is_overdue(at(95))
    assert not late.is_overdue(at(120)), "it lapses when the incoming turn is over"

"""Mutual aid as a machine: every live state has a running deadline, whatever anybody does in whatever order."""

from datetime import timedelta
from inspect import getdoc

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import alerting.aid
from alerting.aid import (
    LEAD_TIMES,
    LIVE_AIDS,
    TRANSITIONS,
    Aid,
    AidEvent,
    AidKind,
    AidRefusedError,
    AidState,
    apply,
    deadline_of,
    diagram,
    expiry,
)
from tests.support.acting import MINUTE, NOON


def an_aid(**changes):
    values = {
        "id": 1,
        "number": "UC-21-0001",
        "incident": 1,
        "kind": AidKind.ROAMING,
        "requester": "VNPT",
        "helper": "VIETTEL",
        "area": "947",
        "need": "Chuyển vùng cho 11 xã",
        "minutes": 120,
        "state": AidState.DRAFT,
        "deadline_at": NOON + 60 * MINUTE,
        "created_at": NOON,
    }
    return Aid(**(values | changes))


class AidMachine(RuleBasedStateMachine):
    """Somebody does something, or time passes to the deadline; both for ever."""

    def __init__(self):
        super().__init__()
        self.now = NOON
        self.aid = an_aid()
        self.steps = 0

    @rule(
        kind=st.sampled_from(AidKind),
        standby=st.booleans(),
        minutes=st.integers(1, 2000),
        lead=st.one_of(st.none(), st.integers(1, 500)),
    )
    def begins(self, kind, standby, minutes, lead):
        terms = {"lead_minutes": lead} if lead else {}
        self.aid = an_aid(
            kind=kind,
            is_standby=standby,
            minutes=minutes,
            terms=terms,
            created_at=self.now,
            deadline_at=self.now + 60 * MINUTE,
        )

    @rule(event=st.sampled_from(AidEvent), after=st.integers(0, 600))
    def does(self, event, after):
        self.now += timedelta(seconds=after)
        before = self.aid
        if (before.state, event) in TRANSITIONS:
            self.aid = apply(before, event, self.now)
            assert self.aid.version == before.version + 1
        else:
            with pytest.raises(AidRefusedError):
                apply(before, event, self.now)

    @rule()
    def deadline_passes(self):
        if self.aid.state in LIVE_AIDS:
            self.now = max(self.now, self.aid.deadline_at)
            self.aid = apply(self.aid, expiry(self.aid), self.now)
            assert self.aid.deadline_at is None or self.aid.deadline_at > self.now

    @invariant()
    def every_live_state_has_a_running_deadline(self):
        assert (self.aid.deadline_at is not None) is (self.aid.state in LIVE_AIDS)
        assert (self.aid.ended_at is None) is (self.aid.state in LIVE_AIDS)

    @invariant()
    def the_clocks_are_in_order(self):
        aid = self.aid
        times = [
            aid.created_at,
            aid.requested_at,
            aid.accepted_at,
            aid.activated_at,
            aid.active_at,
            aid.released_at,
        ]
        known = [at for at in times if at is not None]
        assert known == sorted(known)


TestAidMachine = AidMachine.TestCase
TestAidMachine.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)


def test_the_diagram_in_the_docstring_is_made_from_the_table():
    drawn = "\n".join(
        line.removeprefix("    ") for line in getdoc(alerting.aid).split("::\n\n")[1].splitlines()
    )
    assert drawn.strip() == diagram()


def test_every_event_that_ends_a_wait_or_reminds_is_possible_where_it_is_due():
    for state in LIVE_AIDS:
        for standby in (False, True):
            assert (state, expiry(an_aid(state=state, is_standby=standby))) in TRANSITIONS


@pytest.mark.parametrize("kind", AidKind)
def test_every_kind_has_a_lead_time_and_a_partner_may_only_promise_less(kind):
    aid = an_aid(kind=kind, state=AidState.ACTIVATING)
    assert deadline_of(aid, NOON, event=AidEvent.ACTIVATED) == NOON + LEAD_TIMES[kind]
    for lead, expected in ((5, 5 * MINUTE), (5000, LEAD_TIMES[kind])):
        promised = an_aid(kind=kind, state=AidState.ACTIVATING, terms={"lead_minutes": lead})
        assert deadline_of(promised, NOON, event=AidEvent.ACTIVATED) == NOON + expected


def test_help_that_stands_by_waits_for_as_long_as_it_was_offered():
    standing = an_aid(state=AidState.REQUESTED, is_standby=True)
    accepted = apply(standing, AidEvent.ACCEPTED, NOON, terms={"valid_minutes": 600})
    assert accepted.deadline_at == NOON + 600 * MINUTE
    assert expiry(accepted) is AidEvent.LAPSED
    asked = apply(an_aid(state=AidState.REQUESTED), AidEvent.ACCEPTED, NOON)
    assert asked.deadline_at == NOON + 15 * MINUTE
    assert expiry(asked) is AidEvent.REMINDED


def test_what_cannot_be_says_what_can():
    with pytest.raises(AidRefusedError) as refused:
        apply(an_aid(), AidEvent.VERIFIED, NOON)
    assert refused.value.allowed == ["lapsed", "note", "requested", "withdrawn"]
    assert "draft" in str(refused.value)

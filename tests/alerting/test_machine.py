"""The whole of acting as a state machine: whatever beliefs, people and clocks do, the invariants hold."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from alerting import actions, direction, disputes
from alerting.clocks import clocks
from alerting.errors import RefusedError
from alerting.ledger import fold, verify
from alerting.models import (
    ACKNOWLEDGEABLE,
    LIVE,
    CauseClass,
    DeliveryState,
    DisputeKind,
    IncidentEvent,
    IncidentState,
    Matter,
    PendingReason,
)
from alerting.reported import Report
from alerting.run_store import active_run
from alerting.schema import incidents
from alerting.store import incident, ledger_of, messages_of
from alerting.timers import due
from alerting.verification import verify as verify_by_call
from inventory.database import reading
from inventory.models import Severity
from tests.support.acting import MINUTE, RING_SUBJECT, a_duty_room, a_policy, an_inventory, ring_evidence

SUBJECTS = st.sampled_from([RING_SUBJECT, "path:UB-31501-DT", "path:UB-31502-DT"])
ACTORS = st.sampled_from(["Trực ca VNPT 1", "Trực ca VNPT 2", "Trực ban Sở 1"])
PLACES = st.integers(0, 3)
OWNERS = st.sampled_from(["VNPT", "VIETTEL", "STTTT"])
WORDS = st.sampled_from(["", "đang xử lý"])


class Acting(RuleBasedStateMachine):
    """Beliefs come, people act, time passes; the database is a real file."""

    @initialize()
    def open(self):
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
        folder = self.stack.enter_context(tempfile.TemporaryDirectory(dir=memory))
        policy = a_policy(countersign=frozenset({Severity.P1}), countersign_within=6 * MINUTE)
        room = a_duty_room(Path(folder), inventory=an_inventory(policy=policy))
        self.room = self.runner.run(self.stack.enter_async_context(room))
        self.generations = {}
        self.seen = {}
        self.refusals = 0

    def teardown(self):
        if hasattr(self, "runner"):
            self.runner.run(self.stack.aclose())
            self.runner.close()

    def try_to(self, action):
        try:
            self.runner.run(action)
        except RefusedError:
            self.refusals += 1

    def newest(self):
        return self.any_of(0)

    @rule(subject=SUBJECTS, communes=st.integers(1, 11), isolated=st.integers(0, 2))
    def a_cause_goes_down(self, subject, communes, isolated):
        evidence = ring_evidence(communes=communes, isolated=isolated)
        self.runner.run(self.room.believe(subject, evidence=evidence))
        self.runner.run(self.room.service.absorb())

    @rule(subject=SUBJECTS)
    def a_cause_comes_up(self, subject):
        self.runner.run(self.room.believe(subject, new="up"))
        self.runner.run(self.room.service.absorb())

    @rule(seconds=st.sampled_from([1, 20, 31, 200, 900, 4000, 90_000]))
    def time_passes(self, seconds):
        self.runner.run(self.room.pass_time(seconds=min(seconds, 4000)))
        self.room.clock.advance(seconds=max(0, seconds - 4000))
        self.runner.run(self.room.service.tick())

    @rule(actor=ACTORS)
    def somebody_acknowledges(self, actor):
        self.try_to(self.room.service.acknowledge(self.newest(), actor=actor))

    @rule(actor=ACTORS, note=WORDS)
    def somebody_reports(self, actor, note):
        self.try_to(self.room.service.progress(self.newest(), actor=actor, note=note))

    @rule(actor=ACTORS)
    def somebody_claims_that_it_is_restored(self, actor):
        self.try_to(self.room.service.report_restored(self.newest(), actor=actor))

    @rule(actor=ACTORS, note=WORDS, cause=st.sampled_from(CauseClass))
    def somebody_closes(self, actor, note, cause):
        self.try_to(self.room.service.close(self.newest(), actor=actor, cause=cause, note=note))

    @rule(actor=ACTORS, note=WORDS)
    def somebody_cancels(self, actor, note):
        self.try_to(self.room.service.cancel(self.newest(), actor=actor, note=note))

    @rule(actor=ACTORS, note=WORDS)
    def somebody_notes(self, actor, note):
        self.try_to(self.room.service.note(self.newest(), actor=actor, note=note))

    def any_of(self, place):
        """Answer some incident: the newest for 0, older ones for more."""
        return sorted(self.seen)[-1 - place % len(self.seen)] if self.seen else 1

    def do(self, place, deed, **keywords):
        self.try_to(self.room.service.act(self.any_of(place), partial(deed, **keywords)))

    @rule(actor=ACTORS, place=PLACES)
    def somebody_starts(self, actor, place):
        self.do(place, actions.start, actor=actor)

    @rule(actor=ACTORS, place=PLACES, reason=st.sampled_from(PendingReason), minutes=st.sampled_from([5, 90]))
    def somebody_waits(self, actor, place, reason, minutes):
        until = self.room.clock() + timedelta(minutes=minutes)
        self.do(place, actions.pause, actor=actor, reason=reason, until=until, note="chờ")

    @rule(actor=ACTORS, place=PLACES)
    def somebody_mitigates(self, actor, place):
        self.do(place, actions.mitigate, actor=actor, note="đường khác")

    @rule(actor=ACTORS, place=PLACES, holds=st.booleans())
    def somebody_calls_the_place(self, actor, place, holds):
        self.do(place, verify_by_call, actor=actor, holds=holds, note="đã gọi")

    @rule(actor=ACTORS, place=PLACES, kind=st.sampled_from(DisputeKind))
    def somebody_disputes(self, actor, place, kind):
        self.do(place, disputes.dispute, actor=actor, kind=kind, cause=CauseClass.THIRD_PARTY, note="không")

    @rule(place=PLACES, upheld=st.booleans(), owner=OWNERS)
    def the_leader_decides(self, place, upheld, owner):
        self.do(place, disputes.decide, actor="Lãnh đạo Sở", upheld=upheld, owner=owner, note="kết luận")

    @rule(place=PLACES)
    def the_leader_countersigns(self, place):
        self.do(place, actions.countersign, actor="Lãnh đạo Sở")

    @rule(place=PLACES, owner=OWNERS)
    def the_department_reassigns(self, place, owner):
        self.do(place, direction.reassign, actor="Trực ban Sở 1", owner=owner, note="đổi")

    @rule(place=PLACES, severity=st.sampled_from(Severity))
    def the_department_regrades(self, place, severity):
        self.do(place, direction.regrade, actor="Trực ban Sở 1", severity=severity, note="đổi")

    @rule(place=PLACES)
    def the_department_reopens(self, place):
        self.do(place, direction.reopen, actor="Trực ban Sở 1", note="chưa xong")

    @rule(child=PLACES, parent=PLACES)
    def the_department_merges(self, child, parent):
        into = self.any_of(parent)
        self.try_to(self.room.service.merge(self.any_of(child), into, actor="Trực ban Sở 1", note="cùng"))

    @rule(place=PLACES)
    def the_department_unmerges(self, place):
        self.try_to(self.room.service.unmerge(self.any_of(place), actor="Trực ban Sở 1", note="không cùng"))

    @rule(matter=st.sampled_from(Matter), key=st.sampled_from("ab"), confirmed=st.booleans(), owner=OWNERS)
    def somebody_tells(self, matter, key, confirmed, owner):
        told = Report(matter, "báo", "Trực ban Sở 1", key, site="UB-31503", owner=owner, confirmed=confirmed)
        self.try_to(self.room.service.report(told))

    @precondition(lambda self: hasattr(self, "room"))
    @invariant()
    def whatever_happened_everything_holds(self):
        self.runner.run(self.checked())

    async def checked(self):
        """Hold what changed since the last step against every invariant, and everything against the clock."""
        await self.room.service.tick()
        now = self.room.clock()
        async with reading(self.room.database) as connection:
            versions = (await connection.execute(select(incidents.c.id, incidents.c.version))).all()
            for identifier, version in versions:
                if self.seen.get(identifier, (0,))[0] != version:
                    one = await incident(connection, identifier)
                    entries = await ledger_of(connection, identifier)
                    self.seen[identifier] = (version, one, entries)
                    self.is_a_fold_of_a_whole_ledger_with_a_deadline_and_an_owner(one, entries)
                    await self.calls_whoever_must_answer_and_nobody_else(connection, one)
        found = [one for _, one, _ in self.seen.values()]
        self.has_one_unresolved_incident_a_condition(found)
        for _, one, entries in self.seen.values():
            self.has_nothing_overdue(one, now)
            self.has_every_instant_on_one_clock_of_one_owner(one, entries, now)

    def is_a_fold_of_a_whole_ledger_with_a_deadline_and_an_owner(self, one, entries):
        assert verify(entries) is None
        assert fold(entries) == one
        assert (one.deadline_at is not None) == (one.state in LIVE)
        assert one.owner in self.room.service.inventory.parties
        assert entries[0].event in {IncidentEvent.OPENED, IncidentEvent.SUSPECTED}
        assert (one.parent is not None) == (one.state is IncidentState.MERGED)
        if one.ended_at is not None:
            assert one.ended_at >= one.began_at
        assert one.generation >= self.generations.get(one.id, 0)
        self.generations[one.id] = one.generation

    def has_nothing_overdue(self, one, now):
        assert one.deadline_at is None or one.deadline_at > now
        assert not due(one, now) or one.state not in LIVE

    def has_every_instant_on_one_clock_of_one_owner(self, one, entries, now):
        sums = clocks(entries, now)
        assert sum(sums.values(), timedelta()) == now - one.opened_at
        assert all(spent >= timedelta() for spent in sums.values())
        assert {owner for owner, _ in sums} <= set(self.room.service.inventory.parties)

    def has_one_unresolved_incident_a_condition(self, found):
        unresolved = [one.condition for one in found if one.state in LIVE - {IncidentState.RESOLVED}]
        assert len(unresolved) == len(set(unresolved))

    async def calls_whoever_must_answer_and_nobody_else(self, connection, one):
        run = await active_run(connection, one.id)
        # A page for the leader's own word waits whoever holds the incident.
        waiting = [
            message
            for message in await messages_of(connection, one.id)
            if message.kind == "page" and message.state == DeliveryState.PENDING and ":~" not in message.key
        ]
        if one.state is IncidentState.SUSPECTED and run is None:
            assert waiting == []
        elif one.state in ACKNOWLEDGEABLE:
            assert run is not None
            assert run.generation == one.generation
            assert run.next_at > self.room.clock()
            assert all(message.generation == one.generation for message in waiting)
        else:
            assert run is None
            assert waiting == []


_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
Acting.TestCase.settings = settings(
    max_examples=12, stateful_step_count=24, deadline=None, suppress_health_check=_SLOW
)
TestActing = Acting.TestCase

SOAK = settings(
    max_examples=2100, stateful_step_count=50, deadline=None, derandomize=False, suppress_health_check=_SLOW
)
"""A little more than 100,000 steps."""


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_hundred_thousand_steps_keep_every_invariant():
    run_state_machine_as_test(Acting, settings=SOAK)

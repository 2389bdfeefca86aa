"""The whole of acting as a state machine: whatever beliefs, people and clocks do, the invariants hold."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alerting.errors import RefusedError
from alerting.ledger import fold, verify
from alerting.models import ACKNOWLEDGEABLE, LIVE, CauseClass, DeliveryState, IncidentEvent, IncidentState
from alerting.run_store import active_run
from inventory.database import reading
from tests.support.acting import RING_SUBJECT, a_duty_room, ring_evidence

SUBJECTS = st.sampled_from([RING_SUBJECT, "path:UB-31501-DT", "path:UB-31502-DT"])
ACTORS = st.sampled_from(["Trực ca VNPT 1", "Trực ca VNPT 2", "Trực ban Sở 1"])
WORDS = st.sampled_from(["", "đang xử lý"])


class Acting(RuleBasedStateMachine):
    """Beliefs come, people act, time passes; the database is a real file."""

    @initialize()
    def open(self):
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        room = a_duty_room(Path(folder))
        self.room = self.runner.run(self.stack.enter_async_context(room))
        self.generations = {}
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
        found = self.runner.run(self.room.incidents())
        return found[-1].id if found else 1

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

    @precondition(lambda self: hasattr(self, "room"))
    @invariant()
    def every_incident_is_a_fold_of_a_whole_ledger_with_a_deadline_and_an_owner(self):
        for one in self.runner.run(self.room.incidents()):
            entries = self.runner.run(self.room.ledger(one.id))
            assert verify(entries) is None
            assert fold(entries) == one
            assert (one.deadline_at is not None) == (one.state in LIVE)
            assert one.owner in self.room.service.inventory.parties
            assert entries[0].event is IncidentEvent.OPENED
            if one.ended_at is not None:
                assert one.ended_at >= one.began_at

    @precondition(lambda self: hasattr(self, "room"))
    @invariant()
    def no_deadline_is_left_overdue_once_its_time_was_attended_to(self):
        self.runner.run(self.room.service.tick())
        for one in self.runner.run(self.room.incidents()):
            assert one.deadline_at is None or one.deadline_at > self.room.clock()

    @precondition(lambda self: hasattr(self, "room"))
    @invariant()
    def a_condition_has_one_unresolved_incident_and_generations_only_grow(self):
        found = self.runner.run(self.room.incidents())
        unresolved = [one.condition for one in found if one.state in LIVE - {IncidentState.RESOLVED}]
        assert len(unresolved) == len(set(unresolved))
        for one in found:
            assert one.generation >= self.generations.get(one.id, 1)
            self.generations[one.id] = one.generation

    @precondition(lambda self: hasattr(self, "room"))
    @invariant()
    def whoever_must_answer_is_being_called_and_nobody_else(self):
        for one in self.runner.run(self.room.incidents()):
            run = self.runner.run(self.run_of(one.id))
            pages = [m for m in self.runner.run(self.room.messages(one.id)) if m.kind == "page"]
            waiting = [m for m in pages if m.state == DeliveryState.PENDING]
            if one.state in ACKNOWLEDGEABLE:
                assert run is not None
                assert run.generation == one.generation
                assert run.next_at > self.room.clock()
                assert all(m.generation == one.generation for m in waiting)
            else:
                assert run is None
                assert waiting == []

    async def run_of(self, identifier):
        async with reading(self.room.database) as connection:
            return await active_run(connection, identifier)


Acting.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=18,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestActing = Acting.TestCase

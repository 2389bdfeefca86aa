"""The whole of acting as a state machine, which Hypothesis drives: every step is held against every invariant.

One step costs a few milliseconds: all examples of a process share one engine (what it has compiled stays compiled)
over one file in memory, which is emptied for each, and the driver answers in the caller's thread. Many steps are
walked in as many processes as there are cores.
"""

import asyncio
import multiprocessing
import os
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

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
from alerting.incident import TRANSITIONS, allowed
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
from inventory.database import metadata, open_engine, reading
from inventory.models import Severity
from tests.support.acting import (
    MINUTE,
    RING_SUBJECT,
    Clock,
    a_policy,
    an_inventory,
    over,
    ring_evidence,
)
from tests.support.inline_sqlite import inline

__all__ = ["SLOW", "Acting", "Walked", "a_ground", "walk"]

SUBJECTS = st.sampled_from([RING_SUBJECT, "path:UB-31501-DT", "path:UB-31502-DT"])
ACTORS = st.sampled_from(["Trực ca VNPT 1", "Trực ca VNPT 2", "Trực ban Sở 1"])
PLACES = st.integers(0, 4)
ANY = 4
"""The place that stands for every incident, whether it can be done to it or not."""
PHOTOGRAPH = b"\x89PNG\r\n\x1a\n" + bytes(32)
OWNERS = st.sampled_from(["VNPT", "VIETTEL", "STTTT"])
WORDS = st.sampled_from(["", "đang xử lý"])
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
_BATCH = 2000
"""Steps that a process walks before it reports: small enough that cores end together, large against its start."""

_EXAMPLES = 10
"""Examples of a run of Hypothesis, each of at most fifty steps: a batch walks few more than it was asked for."""


@dataclass
class Walked:
    """What was walked: the figures that are printed, and the rows of the machine's table that were used."""

    steps: int = 0
    examples: int = 0
    cpu_seconds: float = 0
    incidents: int = 0
    entries: int = 0
    refusals: int = 0
    rows: Counter = field(default_factory=Counter)

    def count(self, example):
        """Add an example that has ended."""
        ledgers = [entries for _, _, entries in example.seen.values()]
        self.steps += max(0, example.steps)
        self.examples += 1
        self.incidents += len(ledgers)
        self.refusals += example.refusals
        for entries in ledgers:
            self.entries += len(entries)
            self.rows.update((entry.old, entry.event.value, entry.new) for entry in entries)

    def add(self, other):
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def unused(self):
        """Answer the rows of the table that no step used."""
        table = {
            (row.source.value if row.source else "", row.event.value, row.target.value) for row in TRANSITIONS
        }
        return sorted(table - self.rows.keys())

    def shown(self):
        figures = ", ".join(f"{name} {value:.6g}" for name, value in vars(self).items() if name != "rows")
        return f"{figures}, rows of the table {len(self.rows)}"


class _Ground:
    """A file in memory with every table, its engine and its loop."""

    def __init__(self, folder, runner):
        self.runner = runner
        self._file = folder / "acting.db"
        self._engine = open_engine(inline(self._file))
        runner.run(self._create())
        self._empty = self._file.read_bytes()
        policy = a_policy(countersign=frozenset({Severity.P1}), countersign_within=6 * MINUTE)
        self._inventory = an_inventory(policy=policy)
        self._folder = folder

    async def _create(self):
        async with self._engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        await self._engine.dispose()

    def close(self):
        self.runner.run(self._engine.dispose())

    def a_room(self):
        """Answer a duty room in which nothing has happened; the one before it is over."""
        self.close()
        # The last connection that closes takes the write-ahead log with it.
        assert [path.name for path in self._folder.glob("acting.db*")] == [self._file.name]
        self._file.write_bytes(self._empty)
        return over(self._engine, self._folder, inventory=self._inventory, clock=Clock())


@contextmanager
def a_ground():
    """Let machines of this process act over a file in memory until the block ends; answers what they walked."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with ExitStack() as open_now:
        folder = open_now.enter_context(tempfile.TemporaryDirectory(dir=memory))
        ground = _Ground(Path(folder), open_now.enter_context(asyncio.Runner()))
        open_now.callback(ground.close)
        Acting.ground, Acting.walked = ground, Walked()
        yield Acting.walked


def walk(steps):
    """Drive the machine for at least ``steps`` steps on all cores, by examples drawn anew; answers what was walked.

    Raises what the first process raised that saw something not hold, with the steps that led there.
    """
    walked = Walked()
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as cores:
        try:
            for done in as_completed([cores.submit(_batch, _BATCH) for _ in range(-(-steps // _BATCH))]):
                walked.add(done.result())
        except BaseException:
            cores.shutdown(cancel_futures=True)
            raise
    return walked


def _batch(steps):
    chosen = settings(
        max_examples=_EXAMPLES,
        stateful_step_count=50,
        deadline=None,
        derandomize=False,
        suppress_health_check=SLOW,
    )
    began = time.process_time()
    with a_ground() as walked:
        while walked.steps < steps:
            run_state_machine_as_test(Acting, settings=chosen)
    walked.cpu_seconds = time.process_time() - began
    return walked


class Acting(RuleBasedStateMachine):
    """Beliefs come, people act, time passes; the database is a real file, empty at first."""

    ground = None
    walked = Walked()

    @initialize(down=st.lists(SUBJECTS, max_size=2, unique=True))
    def open(self, down):
        self.runner = self.ground.runner
        self.room = self.ground.a_room()
        self.generations = {}
        self.seen = {}
        self.refusals = 0
        self.steps = -1  # the first look comes before the first step
        # Hypothesis leaves rules out of each example; with those that open anything all others would be idle.
        for subject in down:
            self.believe(subject, evidence=ring_evidence(communes=2))

    def teardown(self):
        if hasattr(self, "room"):
            self.walked.count(self)

    def believe(self, subject, **told):
        self.runner.run(self.room.believe(subject, **told))
        self.runner.run(self.room.service.absorb())

    def try_to(self, action):
        try:
            self.runner.run(action)
        except RefusedError:
            self.refusals += 1

    def one_for(self, event, place):
        """Answer an incident in whose state ``event`` can happen, the newest for place 0; at times one where it cannot.

        Without this nine deeds of ten are refused, and whole rows of the table are never walked.
        """
        apt = {identifier for identifier, (_, one, _) in self.seen.items() if event in allowed(one.state)}
        if place == ANY or not apt:
            apt = self.seen.keys()
        known = sorted(apt, key=lambda identifier: self.seen[identifier][1].opened_at)
        return known[-1 - place % len(known)] if known else 1

    def do(self, event, place, deed, **keywords):
        self.try_to(self.room.service.act(self.one_for(event, place), partial(deed, **keywords)))

    @rule(subject=SUBJECTS, communes=st.integers(1, 11), isolated=st.integers(0, 2))
    def a_cause_goes_down(self, subject, communes, isolated):
        self.believe(subject, evidence=ring_evidence(communes=communes, isolated=isolated))

    @rule(subject=SUBJECTS)
    def a_cause_comes_up(self, subject):
        self.believe(subject, new="up")

    @rule(seconds=st.sampled_from([1, 20, 31, 200, 900, 4000, 90_000]))
    def time_passes(self, seconds):
        self.runner.run(self.room.pass_time(seconds=min(seconds, 4000)))
        self.room.clock.advance(seconds=max(0, seconds - 4000))
        self.runner.run(self.room.service.tick())

    @rule(actor=ACTORS, place=PLACES)
    def somebody_acknowledges(self, actor, place):
        chosen = self.one_for(IncidentEvent.ACKNOWLEDGED, place)
        self.try_to(self.room.service.acknowledge(chosen, actor=actor))

    @rule(actor=ACTORS, note=WORDS, place=PLACES)
    def somebody_reports(self, actor, note, place):
        chosen = self.one_for(IncidentEvent.PROGRESS, place)
        self.try_to(self.room.service.progress(chosen, actor=actor, note=note))

    @rule(actor=ACTORS, place=PLACES)
    def somebody_claims_that_it_is_restored(self, actor, place):
        chosen = self.one_for(IncidentEvent.RESTORED, place)
        self.try_to(self.room.service.report_restored(chosen, actor=actor))

    @rule(actor=ACTORS, note=WORDS, cause=st.sampled_from(CauseClass), place=PLACES)
    def somebody_closes(self, actor, note, cause, place):
        chosen = self.one_for(IncidentEvent.CLOSED, place)
        self.try_to(self.room.service.close(chosen, actor=actor, cause=cause, note=note))

    @rule(actor=ACTORS, note=WORDS, place=PLACES)
    def somebody_cancels(self, actor, note, place):
        chosen = self.one_for(IncidentEvent.CANCELLED, place)
        self.try_to(self.room.service.cancel(chosen, actor=actor, note=note))

    @rule(actor=ACTORS, note=WORDS, place=PLACES)
    def somebody_notes(self, actor, note, place):
        self.try_to(self.room.service.note(self.one_for(IncidentEvent.NOTE, place), actor=actor, note=note))

    @rule(actor=ACTORS, place=PLACES)
    def somebody_attaches_a_photograph(self, actor, place):
        chosen = self.one_for(IncidentEvent.EVIDENCE, place)
        self.try_to(self.room.service.files.attach(chosen, actor=actor, name="anh.png", content=PHOTOGRAPH))

    @rule(actor=ACTORS, place=PLACES)
    def somebody_starts(self, actor, place):
        self.do(IncidentEvent.STARTED, place, actions.start, actor=actor)

    @rule(actor=ACTORS, place=PLACES, reason=st.sampled_from(PendingReason), minutes=st.sampled_from([5, 90]))
    def somebody_waits(self, actor, place, reason, minutes):
        until = self.room.clock() + timedelta(minutes=minutes)
        asked = {"actor": actor, "reason": reason, "until": until, "note": "chờ"}
        self.do(IncidentEvent.PAUSED, place, actions.pause, **asked)

    @rule(actor=ACTORS, place=PLACES)
    def somebody_mitigates(self, actor, place):
        self.do(IncidentEvent.MITIGATED, place, actions.mitigate, actor=actor, note="đường khác")

    @rule(actor=ACTORS, place=PLACES, holds=st.booleans())
    def somebody_calls_the_place(self, actor, place, holds):
        self.do(IncidentEvent.VERIFIED, place, verify_by_call, actor=actor, holds=holds, note="đã gọi")

    @rule(actor=ACTORS, place=PLACES, kind=st.sampled_from(DisputeKind))
    def somebody_disputes(self, actor, place, kind):
        why = {"kind": kind, "cause": CauseClass.THIRD_PARTY, "note": "không"}
        self.do(IncidentEvent.DISPUTED, place, disputes.dispute, actor=actor, **why)

    @rule(place=PLACES, upheld=st.booleans(), owner=OWNERS)
    def the_leader_decides(self, place, upheld, owner):
        decided = {"upheld": upheld, "owner": owner, "note": "kết luận"}
        self.do(IncidentEvent.DECIDED, place, disputes.decide, actor="Lãnh đạo Sở", **decided)

    @rule(place=PLACES)
    def the_leader_countersigns(self, place):
        self.do(IncidentEvent.COUNTERSIGNED, place, actions.countersign, actor="Lãnh đạo Sở")

    @rule(place=PLACES, owner=OWNERS)
    def the_department_reassigns(self, place, owner):
        to = {"owner": owner, "note": "đổi"}
        self.do(IncidentEvent.REASSIGNED, place, direction.reassign, actor="Trực ban Sở 1", **to)

    @rule(place=PLACES, severity=st.sampled_from(Severity))
    def the_department_regrades(self, place, severity):
        to = {"severity": severity, "note": "đổi"}
        self.do(IncidentEvent.REGRADED, place, direction.regrade, actor="Trực ban Sở 1", **to)

    @rule(place=PLACES)
    def the_department_reopens(self, place):
        self.do(IncidentEvent.REOPENED, place, direction.reopen, actor="Trực ban Sở 1", note="chưa xong")

    @rule(child=PLACES, parent=PLACES)
    def the_department_merges(self, child, parent):
        chosen, into = (self.one_for(IncidentEvent.MERGED, place) for place in (child, parent))
        self.try_to(self.room.service.merge(chosen, into, actor="Trực ban Sở 1", note="cùng"))

    @rule(place=PLACES)
    def the_department_unmerges(self, place):
        chosen = self.one_for(IncidentEvent.UNMERGED, place)
        self.try_to(self.room.service.unmerge(chosen, actor="Trực ban Sở 1", note="không cùng"))

    @rule(matter=st.sampled_from(Matter), key=st.sampled_from("ab"), confirmed=st.booleans(), owner=OWNERS)
    def somebody_tells(self, matter, key, confirmed, owner):
        told = Report(matter, "báo", "Trực ban Sở 1", key, site="UB-31503", owner=owner, confirmed=confirmed)
        self.try_to(self.room.service.report(told))

    @precondition(lambda self: hasattr(self, "room"))
    @invariant()
    def whatever_happened_everything_holds(self):
        self.steps += 1
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

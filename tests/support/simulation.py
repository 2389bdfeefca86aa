"""A province without sockets: the real schedule, runner, belief and acting, over looks that a seeded world answers.

Nothing waits: time is a number that the experiment moves. The world decides by columns who answers and how late,
so that a day of 2,200 targets costs minutes; whatever happens after that is the product's own code.

    World ──► SimulatedEngine ──► Runner ──► MonitorService ──► AlertingService      (all on one virtual clock)
"""

import math
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np

from alerting import schema as alerting_schema
from alerting.service import AlertingService
from inventory.database import open_engine, reading
from inventory.models import ProbeKind
from inventory.phases import phase_at
from inventory.topology import Topology
from monitor import schema as monitor_schema
from monitor.metrics import ServiceMetrics
from monitor.models import SubjectKind
from monitor.recorded import RecordedMonitor
from monitor.recording import Recorder
from monitor.service import MonitorService
from probes.fleet import build_fleet, pacing_of
from probes.gather import Gather
from probes.icmp import IcmpResults
from probes.models import Flag, Outcome
from probes.round_trip import RoundTripEstimate
from probes.runner import Runner
from tests.support.replays import stored_lines
from tests.support.scoring import Believed, Injury, Opened
from tests.support.tables import make_tables

__all__ = ["Bursts", "Experiment", "World", "a_watched", "experiment"]

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Bursts:
    """A line as Gilbert and Elliott drew it: good and bad spells of random length, each with its own loss."""

    good_seconds: float
    bad_seconds: float
    bad_loss: float
    good_loss: float = 0.0


class World:
    """Who answers a look, by slot; faults are put into it and every one is written down as an injury."""

    def __init__(self, codes, *, rng, rtt_seconds=0.02):
        self.codes = tuple(codes)
        self.place = {code: slot for slot, code in enumerate(self.codes)}
        self.rng = rng
        self.injuries = []
        self._open = {}
        self._rtt = rng.uniform(0.5, 1.5, len(self.codes)) * rtt_seconds
        self._cuts = np.zeros(len(self.codes), np.int16)
        self._is_met = np.zeros(len(self.codes), bool)
        self._loss = np.zeros(len(self.codes))
        self._delay = np.zeros(len(self.codes))
        self._bursts = None
        self._is_bursty = np.zeros(len(self.codes), bool)
        self._is_bad = np.zeros(len(self.codes), bool)
        self._turned = np.zeros(len(self.codes))
        self.looks = 0

    def sever(self, codes, *, at):
        """Cut targets; ``at`` is what the clock says, NaN for what is no outage of theirs."""
        slots = self._slots(codes)
        self._is_met[slots[self._cuts[slots] == 0]] = False
        self._cuts[slots] += 1
        self._open.update((code, at) for code in codes if code not in self._open)

    def mend(self, codes, *, at):
        slots = self._slots(codes)
        self._cuts[slots] -= 1
        whole = [code for code, slot in zip(codes, slots.tolist(), strict=True) if not self._cuts[slot]]
        self.injuries.extend(
            Injury(code, "cut", self._open.pop(code), at, is_met=bool(self._is_met[self.place[code]]))
            for code in whole
        )

    def wounds(self):
        """Every cut so far, ended or not, that was no blindness of ours."""
        running = (Injury(code, "cut", at) for code, at in self._open.items())
        return tuple(injury for injury in (*self.injuries, *running) if not math.isnan(injury.began))

    def lose(self, ratio, codes=None):
        self._loss[self._slots(codes)] = ratio

    def delay(self, seconds, codes=None):
        self._delay[self._slots(codes)] = seconds

    def burst(self, bursts, codes=None):
        self._bursts = bursts
        self._is_bursty[self._slots(codes)] = True

    def answers(self, slots, now):
        """Round trips in seconds of looks sent ``now`` (seconds); NaN where nothing will ever come."""
        self.looks += len(slots)
        rtt = self._rtt[slots] * (0.9 + 0.2 * self.rng.random(len(slots))) + self._delay[slots]
        lost = self._cuts[slots] > 0
        self._is_met[slots[lost]] = True
        chance = self._loss[slots]
        if self._bursts is not None:
            chance = np.maximum(chance, self._burst_loss(slots, now))
        if chance.any():
            lost = lost | (self.rng.random(len(slots)) < chance)
        return np.where(lost, np.nan, rtt)

    def _burst_loss(self, slots, now):
        shape = self._bursts
        out_of_good, out_of_bad = 1 / shape.good_seconds, 1 / shape.bad_seconds
        bad_share = out_of_good / (out_of_good + out_of_bad)
        memory = np.exp(-(out_of_good + out_of_bad) * (now - self._turned[slots]))
        was = self._is_bad[slots]
        chance = bad_share + (was - bad_share) * memory
        self._is_bad[slots] = self.rng.random(len(slots)) < chance
        self._turned[slots] = now
        lost = np.where(self._is_bad[slots], shape.bad_loss, shape.good_loss)
        return np.where(self._is_bursty[slots], lost, 0.0)

    def _slots(self, codes):
        if codes is None:
            return np.arange(len(self.codes))
        return np.array([self.place[code] for code in codes], np.intp)


@dataclass
class VirtualClock:
    """Steady nanoseconds, and the wall's, which an experiment may step."""

    steady_ns: int
    offset_ns: int

    def monotonic_ns(self):
        return self.steady_ns

    def wall_ns(self):
        return self.steady_ns + self.offset_ns

    def now(self):
        whole, part = divmod(self.wall_ns(), SECOND)
        return datetime.fromtimestamp(whole, UTC) + timedelta(microseconds=part // 1000)


class SimulatedEngine:
    """Looks that end when the world says so; the product's own estimator calls them overdue."""

    def __init__(self, world, clock, *, tick_ns):
        self._world = world
        self._clock = clock
        self._tick_ns = tick_ns
        self._generation = 0
        self._ended = defaultdict(list)
        self._overdue = defaultdict(list)
        self.runner = None

    def set_targets(self, addresses):
        self._generation += 1
        self._estimate = RoundTripEstimate(len(addresses))
        return self._generation

    def send(self, slots, *, timeout_ns, flags=0):
        now = self._clock.steady_ns
        rtt = self._world.answers(slots, now / SECOND)
        is_lost = np.isnan(rtt) | (rtt * SECOND >= timeout_ns)
        end = np.where(is_lost, timeout_ns, rtt * SECOND)
        patience = self._estimate.overdue_after_ns(slots)
        is_late = end > patience
        for turn, chosen in self._turns(now + patience[is_late]):
            self._overdue[turn].append(slots[is_late][chosen])
        outcome = np.where(is_lost, Outcome.TIMEOUT, Outcome.OK).astype(np.uint8)
        marks = np.where(is_late & ~is_lost, Flag.LATE, 0).astype(np.uint8) | np.uint8(flags)
        at_ns = np.full(len(slots), self._clock.wall_ns(), np.int64)
        columns = (slots, at_ns, outcome, np.where(is_lost, np.nan, rtt).astype(np.float32), marks)
        for turn, chosen in self._turns(now + end.astype(np.int64)):
            self._ended[turn].append(tuple(column[chosen] for column in columns))

    def pump(self):
        """Hand over everything that has come due: what arrives within one turn arrives together."""
        turn = self._clock.steady_ns // self._tick_ns
        for slots in self._overdue.pop(turn, ()):
            self.runner.take_overdue(self._generation, slots)
        ended = self._ended.pop(turn, None)
        if ended is None:
            return
        results = IcmpResults(
            self._generation, *(np.concatenate(parts) for parts in zip(*ended, strict=True))
        )
        good = results.outcome == Outcome.OK
        self._estimate.update(results.slot[good], (results.rtt[good] * 1e9).astype(np.int64))
        self.runner.take_icmp(results)

    def _turns(self, due):
        """Split what is due by the turn in which it will be noticed."""
        turns = -(-due // self._tick_ns)
        if len(turns) and (turns == turns[0]).all():
            return [(int(turns[0]), slice(None))]
        return [(turn, turns == turn) for turn in np.unique(turns).tolist()]


@dataclass
class Mailbag:
    """The bus: batches in order, taken by the experiment when it believes."""

    batches: list = field(default_factory=list)

    def publish(self, batch):
        self.batches.append(batch)

    def taken(self):
        """Everything published since, as one batch (a number that was skipped is no gap)."""
        batches, self.batches = self.batches, []
        if len(batches) <= 1:
            return batches
        columns = ("target", "at_ns", "outcome", "rtt", "code", "evidence", "flags", "phases")
        joined = {name: np.concatenate([getattr(batch, name) for batch in batches]) for name in columns}
        return [replace(batches[-1], **joined, details={}, measures={})]


def a_watched(inventory, *, cadence=5.0):
    """The same inventory looked at by ICMP alone, at one cadence all day."""
    look = replace(inventory.policy.default_look, cadence=cadence)
    targets = {
        code: replace(target, kind=ProbeKind.ICMP, port=None, options={})
        for code, target in inventory.targets.items()
    }
    return replace(inventory, targets=targets, policy=replace(inventory.policy, looks={}, default_look=look))


class Experiment:
    """A province under watch, moved by :meth:`run_until`; times are seconds since it began."""

    def __init__(self, database, inventory, *, record=None, seed, start, tick=0.02, believe_every=1):
        self.inventory = inventory
        self.topology = Topology(inventory)
        self.clock = VirtualClock(0, round(start.timestamp() * SECOND))
        self.start = start.timestamp()
        self._database = database
        self.record = record
        self._recorder = None
        self._tick_ns = round(tick * SECOND)
        self._believe_every = believe_every
        self._epochs = count(1)
        self._numbers = count(1)
        self._vantage = next(iter(inventory.vantages.values()))
        fleet = build_fleet(inventory, self.topology, self._vantage)
        self.world = World(fleet.codes(), rng=np.random.default_rng(seed))
        self.canaries = fleet.codes()[len(inventory.targets) :]
        self._events = []
        self._ticked_ns = 0
        self._ticks = 0
        self._has_causes = self._is_dirty = False
        self._is_cut_off = False
        self.bad = ()

    # What happens to it

    def at(self, seconds, act):
        """Do something when its time comes."""
        self._events.append((round(seconds * SECOND), len(self._events), act))
        self._events.sort(key=lambda event: event[:2])

    def cut(self, codes, *, began, ended=math.inf, is_ours=False):
        """Cut targets from ``began`` to ``ended``; what is ``is_ours`` (the vantage's uplink) is nobody's outage."""
        codes = tuple(codes)
        self.at(began, lambda: self.world.sever(codes, at=math.nan if is_ours else self.now()))
        if ended < math.inf:
            self.at(ended, lambda: self.world.mend(codes, at=self.now()))

    def now(self):
        """What the wall clock says, as Unix seconds."""
        return self.clock.wall_ns() / SECOND

    def cut_off(self, is_cut_off):
        """Let what the vantage reports be lost on its way to the service, or arrive again."""
        self._is_cut_off = is_cut_off

    def step_clock(self, seconds):
        """Move the wall clock, as an operator or a broken time server would."""
        self.clock.offset_ns += round(seconds * SECOND)

    # How it runs

    async def begin(self):
        """Start belief, acting and looking, as after a power cut."""
        parts = {
            "database": self._database,
            "inventory": self.inventory,
            "clock": self.clock.now,
            "metrics": ServiceMetrics(),
        }
        if self.record is None:
            self.monitor = MonitorService(**parts)
        else:
            self.close()
            self._recorder = Recorder(self.record, limit_bytes=1 << 30)
            self.monitor = RecordedMonitor(**parts, recorder=self._recorder)
        self.monitor.subscribe(self._hear)
        self.alerting = AlertingService(
            database=self._database,
            inventory=self.inventory,
            clock=self.clock.now,
            token=lambda: f"token-{next(self._numbers)}",
            public_url="http://127.0.0.1",
        )
        await self.monitor.start()
        self._look()

    def _look(self):
        fleet = build_fleet(self.inventory, self.topology, self._vantage)
        phase = phase_at(self.inventory.election, self.clock.now())
        engine = SimulatedEngine(self.world, self.clock, tick_ns=self._tick_ns)
        self.mailbag = Mailbag()
        self.runner = engine.runner = Runner(
            fleet=fleet,
            pacing=pacing_of(fleet, self.inventory, phase),
            addresses={slot.code: slot.address for slot in fleet.slots},
            probes={},
            icmp=engine,
            gather=Gather(vantage=self._vantage.code, epoch=next(self._epochs), clock_age=lambda: math.nan),
            publisher=self.mailbag,
            monotonic_ns=self.clock.monotonic_ns,
            wall_ns=self.clock.wall_ns,
        )
        self._engine = engine

    def close(self):
        """Let go of the record."""
        if self._recorder is not None:
            self._recorder.close()

    async def kill(self, *, seconds):
        """Kill everything, let time pass, start anew over the same database."""
        self.clock.steady_ns += round(seconds * SECOND)
        self._carry_out()
        await self.begin()

    async def run_until(self, seconds):
        end = round(seconds * SECOND)
        while self.clock.steady_ns < end:
            self.clock.steady_ns += self._tick_ns
            self._carry_out()
            if self._is_cut_off:
                self.mailbag.taken()
            self._engine.pump()
            self.runner.tick()
            self._ticks += 1
            if self._ticks % self._believe_every == 0:
                await self._believe()

    def _carry_out(self):
        while self._events and self._events[0][0] <= self.clock.steady_ns:
            self._events.pop(0)[2]()

    async def _believe(self):
        for batch in () if self._is_cut_off else self.mailbag.taken():
            await self.monitor.take(batch)
        deadline = self.monitor.next_deadline()
        is_due = deadline is not None and deadline <= self.clock.now()
        is_time = self.clock.steady_ns - self._ticked_ns >= SECOND
        if is_due or is_time:
            await self.monitor.tick()
        if self._is_dirty or (is_time and self._has_causes):
            self._is_dirty = False
            await self.alerting.absorb()
            await self.alerting.tick()
        if is_time:
            self._ticked_ns = self.clock.steady_ns

    def _hear(self, changes):
        if any(change.kind in {SubjectKind.CAUSE, SubjectKind.VANTAGE} for change in changes):
            self._has_causes = self._is_dirty = True

    # What came of it

    async def outages(self):
        rows = await self._rows(monitor_schema.outages)
        return [
            Believed(
                row.target,
                row.started_at.timestamp(),
                row.noticed_at.timestamp(),
                row.ended_at.timestamp() if row.ended_at else math.inf,
            )
            for row in rows
        ]

    async def opened(self):
        """Incidents that stand with their first page; of one that was merged, its page counts for what it joined."""
        incidents = {row.id: row for row in await self._rows(alerting_schema.incidents)}
        first = {}
        for row in await self._rows(alerting_schema.outbox):
            if row.kind == "page":
                stands = incidents[row.incident].parent or row.incident
                at = row.created_at.timestamp()
                first[stands] = min(first.get(stands, at), at)
        return [
            Opened(row.owner, row.condition, row.opened_at.timestamp(), first.get(row.id, math.inf))
            for row in incidents.values()
            if row.parent is None
        ]

    async def unobserved(self):
        return await self._rows(monitor_schema.unobserved)

    async def changes(self):
        return await stored_lines(self._database)

    async def _rows(self, table):
        async with reading(self._database) as connection:
            return list(await connection.execute(table.select()))


@asynccontextmanager
async def experiment(folder, inventory, *, seed=1, start, **more):
    """An experiment that has begun, over a database file of its own."""
    database = open_engine(f"sqlite+aiosqlite:///{folder}/simulated.db")
    await make_tables(database)
    running = Experiment(database, inventory, seed=seed, start=start, **more)
    try:
        await running.begin()
        yield running
    finally:
        running.close()
        await database.dispose()

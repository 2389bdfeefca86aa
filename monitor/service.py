"""Belief at work: every batch is taken once, what it decides commits together, then the snapshot is swapped.

The order inside :meth:`MonitorService.take` is load, decide, apply: the batch is sifted and folded into belief in
memory (no await, no SQL), the decisions are written in one transaction, and only then does anybody see them. If the
database refuses, the decisions stay in line and are written with the next ones; the snapshot stays that of the last
commit, so that pages never show what a restart would not know.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from inventory.database import reading, transaction
from inventory.models import Inventory
from inventory.phases import phase_at
from inventory.topology import Topology
from monitor import store
from monitor.attribution import Attribution
from monitor.clock_step import STEP_NS, forget_future, not_later
from monitor.columns import FleetColumns, snapshot_of
from monitor.confirmation import Confirmation
from monitor.decisions import Decisions
from monitor.doubt import without_doubt
from monitor.flapping import WINDOW_NS
from monitor.fleet import FleetBelief
from monitor.fleets import Fleets
from monitor.gauges import show_belief
from monitor.history import History
from monitor.ingest import Rows, TargetChange
from monitor.intake import Intake
from monitor.late import LateLooks, apart
from monitor.late_store import write
from monitor.measured import MeasureBook
from monitor.metrics import ServiceMetrics
from monitor.models import StateChange, Verdict
from monitor.moments import NEVER, SECOND, moment, nanoseconds, span
from monitor.planned import PlannedWork
from monitor.planned_marks import PlannedMarks
from monitor.snapshot import Snapshot
from monitor.succession import inherit, judge, policies_of, resume, unchanged
from probes.models import Evidence, SampleBatch

__all__ = ["HEARTBEAT", "MonitorService"]

log = structlog.get_logger()

HEARTBEAT = timedelta(seconds=2)
"""How often it is written down that a vantage still looks; a restart knows the time without looks this exactly."""

_REFUSALS_TOLD = 100

Subscriber = Callable[[Sequence[StateChange]], None]


class MonitorService:
    """Belief about one inventory, shared by one loop; :meth:`swap` replaces the inventory."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        inventory: Inventory,
        clock: Callable[[], datetime],
        metrics: ServiceMetrics,
    ) -> None:
        self.inventory = inventory
        self.topology = Topology.of(inventory)
        self.database = database
        self._clock = clock
        self._metrics = metrics
        self.measures = MeasureBook(inventory)
        self._lock = asyncio.Lock()
        self._subscribers: list[Subscriber] = []
        self._unwritten: list[Decisions] = []
        self._fleets = Fleets()
        self._started_ns = self._latest_ns = NEVER
        self._due_ns: int | None = None
        self._has_looked = False
        self._beats: dict[str, int] = {}
        self._refused: set[tuple[str, str, str]] = set()
        self._works: tuple[PlannedWork, ...] = ()
        self._version = 0
        self._is_stale = False
        self._is_deciding = self._is_asked = False
        self._install()
        self._fleets.enter(inventory.digest, self.topology.index)

    def _install(self) -> None:
        inventory, topology = self.inventory, self.topology
        self._phase = phase_at(inventory.election, self._clock())
        self.belief = FleetBelief(inventory, topology, policies_of(inventory, topology, self._phase))
        self._attribution = Attribution(self.belief)
        self.planned = PlannedMarks(self._works, self.belief)
        self.history = History(
            self.database, topology.index, tuple(inventory.vantages), fleet=inventory.digest
        )
        self._intakes = {
            code: Intake(code, [canary.group for canary in v.canaries])
            for code, v in inventory.vantages.items()
        }
        self._confirmations = {code: Confirmation(code, self.belief) for code in inventory.vantages}
        self._late = LateLooks(topology.codes, lambda: policies_of(inventory, topology, self._phase))
        self._metrics.durations.regroup(inventory, topology)
        self._publish()

    # What others ask

    def snapshot(self) -> Snapshot:
        """Answer what is believed as of the last commit; made anew only if something was taken since."""
        if self._is_stale and not self._unwritten and not self._is_deciding:
            self._publish()
        self._is_asked |= self._is_stale
        return self._snapshot

    def columns(self) -> FleetColumns:
        """Answer the columns that the snapshot stands on."""
        self.snapshot()
        return self._columns

    def verdicts(self) -> dict[str, Verdict]:
        """Answer the verdict of every site that has one."""
        judged = self.belief.sites
        return {site: each.verdict for site, each in zip(judged, judged.verdict, strict=True)}

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Call ``callback`` with the changes of every commit, on the loop; answers how to end that."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    def next_deadline(self) -> datetime | None:
        """Answer when :meth:`tick` is due at the latest because a hold ends; ``None`` if nothing waits."""
        return moment(self._due_ns) if self._due_ns is not None and self._has_looked else None

    # What the worker does

    async def start(self) -> None:
        """Take over what the last run left: views, outages, causes, and since when nobody looked."""
        async with self._lock:
            now_ns = self._now_ns()
            self._started_ns = now_ns
            out = Decisions()
            async with reading(self.database) as connection:
                views, outages = await store.target_rows(connection), await store.open_outages(connection)
                verdicts, causes = (
                    await store.site_verdict_rows(connection),
                    await store.live_causes(connection),
                )
                heartbeats = await store.vantage_rows(connection)
                turns = await store.turns_since(
                    connection, self._clock() - timedelta(microseconds=WINDOW_NS // 1000)
                )
                blind = {row.vantage for row in await store.open_unobserved(connection)}
            resume(self.belief, views=views, outages=outages, verdicts=verdicts, now_ns=now_ns, out=out)
            for target, at in turns:
                self.belief.turns.note(target, nanoseconds(at))
            self._attribution.restore(
                causes, {o: moment(at) for o, at in self.belief.outages.items()}, now_ns
            )
            self._attribution.end_empty(now_ns, out)
            for row in heartbeats:
                if row.code in self._intakes:
                    seen_ns = nanoseconds(row.seen_at)
                    self._intakes[row.code].resume(row, seen_ns, was_isolated=row.code in blind)
            for code in sorted(blind - self._intakes.keys()):
                Intake(code, (), was_isolated=True).end(now_ns, out)
            await self.history.resume(self._clock())
            self._is_stale = True
            await self._commit(out)
            log.info("belief resumed", targets=len(views), outages=len(outages), causes=len(causes))

    async def take(self, batch: SampleBatch) -> None:
        """Take one batch; one that was taken before, or speaks of an unknown fleet, changes nothing."""
        async with self._lock:
            now_ns = self._moved_on()
            batch = not_later(batch, now_ns)
            intake = self._intakes.get(batch.vantage)
            rows, doubted = self._rows(batch)
            result = "taken"
            if intake is None:
                result = "unknown_vantage"
            elif not intake.is_new(batch):
                result = "duplicate"
            elif rows is None:
                result = "unknown_fleet"
            self._metrics.batches.labels(batch.vantage if intake is not None else "unknown", result).inc()
            if intake is None or rows is None or result != "taken":
                self._refuse(batch, result)
                return
            self._is_deciding = True
            try:
                self._doubt(intake, doubted)
                out = self._decide(batch, intake, rows, now_ns)
                self._unwritten.extend([out] if out else [])
            finally:
                self._is_deciding = False
            self._is_stale = True
            await self._commit()
            self._metrics.clock_age.labels(batch.vantage).set(batch.clock_age)

    async def tick(self, *, is_behind: bool = False) -> None:
        """Do what time alone decides: holds that end, a phase that begins, views that grow stale unless we are behind."""
        async with self._lock:
            now_ns = self._moved_on()
            out = Decisions()
            self._keep_phase()
            if self._has_looked:
                for vantage, table in () if is_behind else self.belief.tables.items():
                    turned = table.grow_stale(now_ns, not_before_ns=self._started_ns)
                    self.belief.apply(vantage, self._confirmed(vantage, turned), now_ns, out)
                for subject in self.planned.changed(self._attribution.causes, now_ns):
                    self._attribution.tell_again(subject)
                self._due_ns = self._attribution.settle(now_ns, out)
            self.planned.mark(out, now_ns)
            await self._commit(out)

    async def plan(self, works: Iterable[PlannedWork]) -> None:
        """Know of these planned works from now on, instead of those known before."""
        async with self._lock:
            self._works = tuple(works)
            self.planned = self.planned.succeeded(self._works, self.belief)

    def prove(self, vantage: str, proven: Mapping[str, int], evidence: Evidence) -> None:
        """Know of evidence that no look brings: see :meth:`FleetBelief.prove`."""
        self.belief.prove(vantage, proven, evidence)
        self._is_stale = True

    async def flush(self) -> None:
        """Write the minutes that have closed."""
        await self.history.flush(self._clock())

    async def swap(self, inventory: Inventory) -> None:
        """Believe about another inventory from now on; targets that did not change keep state and counters."""
        async with self._lock:
            now_ns = self._now_ns()
            out = Decisions()
            old, old_causes, old_intakes = self.belief, self._attribution, self._intakes
            confirmations, planned, history = self._confirmations, self.planned, self.history
            kept = unchanged(old.inventory, inventory)
            self.inventory, self.topology = inventory, Topology.of(inventory)
            self._install()
            self.measures.swap(inventory)
            for code, intake in self._intakes.items():
                if code in old_intakes:
                    self._intakes[code] = old_intakes[code]
                    self._intakes[code].replace_canaries(intake.sight.groups)
            for code in old_intakes.keys() - self._intakes.keys():
                old_intakes[code].end(now_ns, out)
            gone = [code for code in old.codes if code not in kept]
            self._fleets.enter(inventory.digest, self.topology.index, gone=gone)
            self.planned = planned.succeeded(self._works, self.belief)
            vantages = tuple(inventory.vantages)
            self.history = history.moved(self.topology.index, vantages, fleet=inventory.digest)
            inherit(self.belief, old, kept, now_ns, out)
            for code in self._confirmations.keys() & confirmations.keys():
                self._confirmations[code] = confirmations[code]
                confirmations[code].govern(self.belief, kept)
            judge(self.belief, old, kept, now_ns, out)
            self._attribution.succeed(old_causes, kept, now_ns)
            self._due_ns = self._attribution.settle(now_ns, out)
            self.planned.mark(out, now_ns)
            self._is_stale = True
            await self._commit(out)
            log.info("inventory swapped", targets=len(self.topology.codes), kept=len(kept))

    async def stop(self) -> None:
        """Write down everything that memory holds: views, the open minute, and when we last looked."""
        async with self._lock:
            out = Decisions()
            for vantage in self.belief.tables:
                out.targets.update(self.belief.rows(vantage))
            out.vantages = {code: each.row() for code, each in self._intakes.items() if each.epoch >= 0}
            await self._commit(out)
        await self.history.flush(self._clock(), with_open=True)

    def know_fleet(self, digest: str, codes: tuple[str, ...]) -> None:
        """Take batches of another inventory, whose fleet was ``codes``."""
        self._fleets.know(digest, codes)

    # How a batch is decided and written

    def _decide(self, batch: SampleBatch, intake: Intake, rows: Rows, now_ns: int) -> Decisions:
        out = Decisions()
        if not self._has_looked:
            self._has_looked = True
            self._attribution.hold_again(now_ns)
        intake.begin(batch, now_ns, out)
        counted = intake.sift(batch, rows, now_ns, out)
        self._metrics.count_looks(batch.vantage, counted)
        self.measures.take(batch)
        self.history.add(batch.vantage, counted)
        self.history.add(batch.vantage, self._late.take(batch, self._came_late, now_ns, out, intake))
        turned = self.belief.tables[batch.vantage].take(counted)
        self.belief.apply(batch.vantage, self._confirmed(batch.vantage, turned), now_ns, out)
        self._due_ns = self._attribution.settle(now_ns, out)
        self.planned.mark(out, now_ns)
        if out or now_ns - self._beats.get(batch.vantage, NEVER) >= HEARTBEAT.total_seconds() * 1e9:
            self._beats[batch.vantage] = now_ns
            out.vantages[batch.vantage] = intake.row()
        return out

    def _confirmed(self, vantage: str, turned: Sequence[TargetChange]) -> list[TargetChange]:
        intake = self._intakes[vantage]
        return self._confirmations[vantage].sift(turned, intake.sight, intake.heard_ns)

    def _refuse(self, batch: SampleBatch, reason: str) -> None:
        """Say once why batches of a vantage are refused; how many is a metric, and duplicates are no news."""
        told = (batch.vantage, batch.fleet, reason)
        if reason == "duplicate" or told in self._refused or len(self._refused) >= _REFUSALS_TOLD:
            return
        self._refused.add(told)
        log.warning("batches refused", vantage=batch.vantage, reason=reason, fleet=batch.fleet)

    def _doubt(self, intake: Intake, doubted: Rows | None) -> None:
        if doubted is None or not len(doubted):
            return
        self.belief.tables[intake.vantage].doubt(doubted)
        intake.unreliable_ns = max(intake.unreliable_ns, int(doubted.at_ns.max()))
        self._metrics.dropped.labels(intake.vantage, "unreliable").inc(len(doubted))

    def _rows(self, batch: SampleBatch) -> tuple[Rows, Rows] | tuple[None, None]:
        """Tell looks at targets, in our numbering, from failures that do not count; nothing of an unknown fleet."""
        numbered = self._fleets.numbered(batch)
        if numbered is None:
            return None, None
        rows, flags, self._came_late = apart(batch, *numbered)
        return without_doubt(rows, flags)

    async def _commit(self, out: Decisions | None = None) -> None:
        if out:
            self._unwritten.append(out)
        self._metrics.unwritten.set(len(self._unwritten))
        if not self._unwritten:
            return
        async with transaction(self.database) as connection:
            changes = [each for decisions in self._unwritten for each in await write(connection, decisions)]
        self._unwritten.clear()
        self._metrics.unwritten.set(0)
        self._is_stale = True
        self._version += bool(changes)
        for change in changes:
            self._metrics.changes.labels(change.kind.value).inc()
        if changes:
            for subscriber in list(self._subscribers):
                subscriber(changes)
        # Who believes without a pause is never between two commits when somebody asks.
        if self._is_asked:
            self._publish()

    def _publish(self) -> None:
        self._is_stale = self._is_asked = False
        self._snapshot, self._columns = snapshot_of(
            self.belief,
            at=self._clock(),
            version=self._version,
            causes=self._attribution.shown(),
            vantages={code: intake.shown() for code, intake in self._intakes.items()},
        )
        show_belief(self._metrics, self._attribution, self._intakes, self._latest_ns)

    def _keep_phase(self) -> None:
        phase = phase_at(self.inventory.election, self._clock())
        if phase is self._phase:
            return
        log.info("phase changed", old=self._phase, new=phase)
        self._phase = phase
        policies = policies_of(self.inventory, self.topology, phase)
        for table in self.belief.tables.values():
            table.govern(policies)

    def _moved_on(self) -> int:
        """Answer the time; if the clock was set back, forget what lies ahead of it first."""
        now_ns = self._now_ns()
        if now_ns < self._latest_ns - STEP_NS:
            log.warning("the clock was set back", seconds=round((self._latest_ns - now_ns) / SECOND, 1))
            step_ns = self._latest_ns - now_ns
            forget_future(self.belief, now_ns, step_ns=step_ns)
            self._attribution.forget_future(now_ns, step_ns=step_ns)
            self._unwritten.append(Decisions(set_back=(moment(now_ns), span(step_ns))))
            for intake in self._intakes.values():
                intake.forget_future(now_ns)
                self._confirmations[intake.vantage].forget_future()
            self._beats.clear()
            self._started_ns = min(self._started_ns, now_ns)
        self._latest_ns = now_ns
        return now_ns

    def _now_ns(self) -> int:
        return nanoseconds(self._clock())

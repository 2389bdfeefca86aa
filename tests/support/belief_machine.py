"""The whole of belief as a state machine, which Hypothesis drives: looks, faults, reloads, restarts in any order.

The world is known: which targets are cut, which vantages are blind, which inventory each of them goes by. Every look
is answered as the world is, so that what is believed can be held against it: after each step for what must never be,
and after a spell of good weather, or of a fault that everybody sees, for what must be by then.
"""

import asyncio
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from inventory.database import metadata, open_engine, reading
from inventory.models import Canary, LookPolicy, Risk, RiskKind
from monitor.metrics import ServiceMetrics
from monitor.models import State, SubjectKind
from monitor.planned import PlannedWork, WorkKind
from monitor.schema import causes, outages, unobserved
from monitor.service import MonitorService
from probes.models import Outcome
from tests.support.inline_sqlite import inline
from tests.support.monitoring import HandClock, a_batch, an_inventory, with_address

__all__ = ["Believing", "a_ground"]

LINES = ("X-31-FIXED", "X-31-FIBRE", "X-31-MOBILE", "X-32-FIXED", "X-33-FIBRE", "X-33-FIXED", "X-34-MOBILE")
GROUPS = {
    "a line": ("X-31-FIXED",),
    "OLT-1": tuple(f"X-{c}-{m}" for c in ("31", "32") for m in ("FIXED", "FIBRE")),
    "the ring": tuple(f"X-{c}-{m}" for c in ("31", "32", "33", "34") for m in ("FIXED", "FIBRE")),
    "all": tuple(f"X-{c}-{m}" for c in ("31", "32", "33", "34") for m in ("FIXED", "FIBRE", "MOBILE")),
}
RENAMED = {"X-33-FIBRE": "X-33-CAPQUANG"}
SEEING = frozenset({State.UP, State.DEGRADED, State.PARTIAL})
EDITS = (
    "a target is removed",
    "a path is removed",
    "an address is moved",
    "a line goes to another carrier",
    "a target is renamed",
    "a parent is changed",
    "a group is removed",
    "a second vantage",
    "another vantage",
    "no canaries",
    "other canaries",
    "two must agree",
    "what is new must arm",
)


def edited(edits):
    """The district with these edits made; the same edits give the same inventory."""
    vantages = ("V2",) if "another vantage" in edits else ("V1",)
    vantages += ("V3",) if "a second vantage" in edits else ()
    canaries = 0 if "no canaries" in edits else 3 if "other canaries" in edits else 2
    inventory = an_inventory(
        look=LookPolicy(retry=0.4, stale_after=12.0),
        vantages=vantages,
        quorum=2 if "two must agree" in edits else 1,
        without=["X-34-MOBILE"] if "a target is removed" in edits else [],
    )
    paths, risks, targets = dict(inventory.paths), dict(inventory.risks), dict(inventory.targets)
    if "a path is removed" in edits:
        del paths["X-32-FIBRE"], targets["X-32-FIBRE"]
    if "a line goes to another carrier" in edits:
        paths["X-32-FIXED"] = replace(paths["X-32-FIXED"], carrier="VIETTEL", risks=("BTS-32",))
    if "a parent is changed" in edits:
        risks["OLT-2"] = replace(risks["OLT-2"], parent="CORE")
        risks["NEW"] = Risk("NEW", RiskKind.RING, "Vòng ring mới", "VNPT", "D", "CORE")
        risks["OLT-1"] = replace(risks["OLT-1"], parent="NEW")
    if "a group is removed" in edits:
        del risks["OLT-1"]
        paths = {
            c: replace(p, risks=tuple("RING" if r == "OLT-1" else r for r in p.risks))
            for c, p in paths.items()
        }
    if "a target is renamed" in edits:
        targets = {
            t.code: t for t in (replace(t, code=RENAMED.get(t.code, t.code)) for t in targets.values())
        }
    inventory = replace(
        inventory,
        paths=paths,
        risks=risks,
        targets=targets,
        vantages={
            c: replace(v, canaries=tuple(Canary(f"127.1.0.{n}", f"group {n}") for n in range(canaries)))
            for c, v in inventory.vantages.items()
        },
        policy=replace(
            inventory.policy, arm_seconds=2.0 if "what is new must arm" in edits else 0.0, lone_seconds=1.0
        ),
        digest=" and ".join(sorted(edits)) or "as it was",
    )
    if "an address is moved" in edits:
        return with_address(inventory, "X-33-FIXED", "127.9.9.9", digest=inventory.digest)
    return inventory


class _Ground:
    """A file in memory with every table, its engine and its loop."""

    def __init__(self, folder, runner):
        self.runner, self._file = runner, folder / "belief.db"
        self.engine = open_engine(inline(self._file))
        runner.run(self._create())
        self._empty = self._file.read_bytes()

    async def _create(self):
        async with self.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        await self.engine.dispose()

    def close(self):
        self.runner.run(self.engine.dispose())

    def emptied(self):
        """Answer the engine over an empty file; whoever used it before is over."""
        self.close()
        self._file.write_bytes(self._empty)
        return self.engine


@contextmanager
def a_ground():
    """Let machines of this process believe over a file in memory until the block ends."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with ExitStack() as open_now:
        folder = open_now.enter_context(tempfile.TemporaryDirectory(dir=memory))
        Believing.ground = _Ground(Path(folder), open_now.enter_context(asyncio.Runner()))
        open_now.callback(Believing.ground.close)
        yield


class Believing(RuleBasedStateMachine):
    """Looks come as the world is, the inventory is edited, the service is killed; the database is a real file."""

    ground = None

    @initialize()
    def begin(self):
        self.database = self.ground.emptied()
        self.clock = HandClock()
        self.now = 0.0
        self.cut, self.blind = set(), set()
        self.told = {}
        self.inventory = self.before = edited(frozenset())
        self.epoch, self.sequence = 0, 0
        self.start()
        self.spell(4)

    def run(self, action):
        return self.ground.runner.run(action)

    def start(self):
        self.epoch += 1
        self.service = MonitorService(
            database=self.database, inventory=self.inventory, clock=self.clock, metrics=ServiceMetrics()
        )
        self.service.subscribe(self.hear)
        self.run(self.service.start())

    def hear(self, changes):
        for change in changes:
            key = change.kind, change.subject
            if change.kind not in {SubjectKind.CAUSE, SubjectKind.VANTAGE, SubjectKind.TARGET}:
                continue
            before = self.told.get(key)
            self.told[key] = change.new
            if change.kind is not SubjectKind.CAUSE:
                assert before in {None, change.old}, (before, change)
                continue
            assert (before == "down") == (change.old == "down"), (before, change)
            if change.new == "down":
                assert change.evidence["targets"], change
                assert set(change.evidence["targets"]) <= self.inventory.targets.keys(), change

    # How looks come

    def look(self, *, lost=(), is_of_before=False):
        """One batch of every vantage; of the inventory before, what is looked at is where it was then."""
        fleet = self.before if is_of_before else self.inventory
        self.clock.set(self.now)
        for vantage, place in fleet.vantages.items():
            if vantage not in self.inventory.vantages:
                continue
            self.sequence += 1
            is_blind = vantage in self.blind
            seen = {
                code: Outcome.TIMEOUT if is_blind or code in lost or not self.answers(target) else Outcome.OK
                for code, target in fleet.targets.items()
                if not target.vantages or vantage in target.vantages
            }
            answer = Outcome.TIMEOUT if is_blind else Outcome.OK
            canaries = [(n, self.now, answer) for n in range(len(place.canaries))]
            batch = a_batch(
                seen,
                fleet,
                at=self.now,
                vantage=vantage,
                epoch=self.epoch,
                sequence=self.sequence,
                canaries=canaries,
            )
            self.run(self.service.take(batch))
        self.now += 0.4

    def answers(self, target):
        """Whether a target answers at the address that it is looked at: nobody is left at an address that was moved."""
        mine = {t.address for t in self.inventory.targets.values()}
        return target.of not in self.cut and target.address in mine

    def spell(self, seconds, **more):
        """Look and tick for so long."""
        until = self.now + seconds
        while self.now < until:
            self.look(**more)
        self.clock.set(self.now)
        self.run(self.service.tick())

    # What happens

    @rule(seconds=st.sampled_from([0.4, 1.2, 2.0, 6.0]), lost=st.sets(st.sampled_from(LINES), max_size=3))
    def they_look(self, seconds, lost):
        self.spell(seconds, lost=lost)

    @rule(seconds=st.sampled_from([0.4, 1.6]))
    def looks_of_the_inventory_before_arrive(self, seconds):
        self.spell(seconds, is_of_before=True)

    @rule(seconds=st.sampled_from([1, 5, 13, 40]))
    def nobody_looks(self, seconds):
        for _ in range(min(seconds, 15)):
            self.now += seconds / min(seconds, 15)
            self.clock.set(self.now)
            self.run(self.service.tick())

    @rule(group=st.sampled_from(sorted(GROUPS)))
    def a_group_is_cut(self, group):
        self.cut |= set(GROUPS[group])

    @rule(group=st.sampled_from(sorted(GROUPS)))
    def a_group_is_mended(self, group):
        self.cut -= set(GROUPS[group])

    @rule(vantage=st.sampled_from(["V1", "V2", "V3"]))
    def a_vantage_goes_blind(self, vantage):
        self.blind.add(vantage)

    @precondition(lambda self: self.blind)
    @rule()
    def every_vantage_sees_again(self):
        self.blind.clear()

    @rule(edits=st.sets(st.sampled_from(EDITS), max_size=4))
    def the_inventory_is_loaded_again(self, edits):
        self.before, self.inventory = self.inventory, edited(edits)
        self.clock.set(self.now)
        # What belief says of it is held against the inventory that it then knows.
        self.run(self.service.swap(self.inventory))

    @rule(
        edits=st.sets(st.sampled_from(EDITS), max_size=4),
        is_the_same=st.booleans(),
        away=st.sampled_from([0.5, 20]),
    )
    def the_service_is_killed_and_started(self, edits, is_the_same, away):
        self.now += away
        self.clock.set(self.now)
        if not is_the_same:
            self.before, self.inventory = self.inventory, edited(edits)
            # Views of a vantage that was away are taken over as they were, without a word.
            self.told = {key: new for key, new in self.told.items() if key[0] is not SubjectKind.TARGET}
        self.start()

    @rule(subject=st.sampled_from(["risk:OLT-1", "path:X-31-FIXED"]), minutes=st.sampled_from([0.1, 60]))
    def work_is_planned(self, subject, minutes):
        at = self.clock()
        work = PlannedWork(
            1,
            WorkKind(subject.partition(":")[0]),
            subject.partition(":")[2],
            at,
            at + timedelta(minutes=minutes),
            "VNPT",
            "1",
        )
        self.run(self.service.plan([work]))

    # What must be

    @rule()
    def good_weather_ends_every_outage(self):
        self.cut.clear()
        self.blind.clear()
        self.spell(20)
        belief = self.service.belief
        assert not belief.outages
        assert not self.service.snapshot().causes
        assert {belief.state(code) for code in belief.codes} == {State.UP}
        assert not any(view.is_isolated for view in self.service.snapshot().vantages.values())
        assert self.open_rows(unobserved.c.vantage, unobserved) == []
        assert self.open_causes() == []

    @rule(group=st.sampled_from(sorted(GROUPS)))
    def a_cut_that_everybody_sees_is_found_and_explained(self, group):
        self.blind.clear()
        self.cut.clear()
        self.spell(14)
        self.cut |= set(GROUPS[group])
        self.spell(16)
        lost = {c for c, t in self.inventory.targets.items() if t.of in self.cut}
        assert self.service.belief.outages.keys() == lost
        explained = {target for cause in self.service._attribution.causes for target in cause.down}
        assert explained == lost

    @invariant()
    def what_is_believed_holds_together(self):
        if hasattr(self, "service"):
            self.no_outage_is_open_for_what_is_seen_or_gone()
            self.what_is_believed_follows_from_what_was_seen()
            self.every_outage_is_explained_once_or_waits()

    def no_outage_is_open_for_what_is_seen_or_gone(self):
        belief = self.service.belief
        for target in belief.outages:
            assert target in self.inventory.targets
            assert belief.state(target) not in SEEING, target
        stored = self.open_rows(outages.c.target, outages)
        assert sorted(stored) == sorted(belief.outages)

    def what_is_believed_follows_from_what_was_seen(self):
        belief = self.service.belief
        for number, code in enumerate(belief.codes):
            assert belief.state(code) is belief.recall_state(number), code
            assert belief.state(code) is not State.DOWN or code in belief.outages, code

    def every_outage_is_explained_once_or_waits(self):
        attribution, known = self.service._attribution, self.service.belief.outages
        explained = [target for cause in attribution.causes for target in cause.down]
        waiting = [failure.target for failure in attribution.waiting]
        assert sorted(explained + waiting) == sorted(known)
        for cause in attribution.causes:
            assert cause.down, cause.subject
            assert cause.owner in self.inventory.parties
        live = {row.subject for row in self.open_causes()}
        assert {cause.subject for cause in attribution.causes} <= live

    def open_rows(self, column, table):
        async def ask():
            async with reading(self.database) as connection:
                found = await connection.execute(select(column).where(table.c.ended_at.is_(None)))
                return list(found.scalars())

        return self.run(ask())

    def open_causes(self):
        async def ask():
            async with reading(self.database) as connection:
                return list(await connection.execute(select(causes)))

        return self.run(ask())

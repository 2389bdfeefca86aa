"""What people say by telephone reaches belief over the bus, as evidence with a rank and an age, and never as a state."""

import asyncio
import random
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from alerting.rollcall import RollAnswer, RollCall
from inventory.models import ProbeKind, Target
from inventory.topology import Topology
from monitor.assembly.clocks import CLOCKS
from monitor.assembly.roll_calls import RollCalls
from monitor.models import State
from probes.bus import InProcessBus
from probes.models import Evidence, Look, Outcome, batch_of
from probes.tcp import TcpProbe
from probes.worker import VantageWorker
from tests.support.monitoring import NOON, an_inventory, belief_on, ns

OLT = ("X-31-FIXED", "X-31-FIBRE", "X-32-FIXED", "X-32-FIBRE")


def asked(*paths, without=()):
    """The district with a roll call target for each of ``paths``."""
    known = an_inventory(without=without)
    words = {f"{path}.word": Target(f"{path}.word", path, ProbeKind.ROLLCALL, "") for path in paths}
    return replace(known, targets={**known.targets, **words})


async def told(duty, *targets, at):
    index = list(duty.inventory.targets)
    duty.sequence += 1
    duty.clock.set(at)
    looks = [
        Look(index.index(code), ns(at), Outcome.OK, evidence=Evidence.HUMAN_CONFIRMED) for code in targets
    ]
    await duty.service.take(
        batch_of(looks, vantage="V1", fleet=duty.inventory.digest, epoch=1, sequence=duty.sequence)
    )


def path_of(duty, code):
    views = [path for site in duty.service.snapshot().sites.values() for path in site.paths]
    return next(path for path in views if path.code == code)


async def test_a_path_that_machines_see_down_stays_down_and_keeps_who_confirmed_it_when(tmp_path):
    async with belief_on(tmp_path / "b.db", asked("X-31-MOBILE")) as duty:
        machines = {code: Outcome.OK for code in duty.inventory.targets if not code.endswith(".word")}
        await duty.look(machines, at=0)
        await duty.look(machines, at=1)
        await duty.fall("X-31-MOBILE", at=2)
        verdict = duty.service.snapshot().sites["X-31"].verdict
        await told(duty, "X-31-MOBILE.word", at=5)
        path = path_of(duty, "X-31-MOBILE")
        assert path.state is State.DOWN
        assert (path.evidence, path.evidence_at.timestamp()) == (
            Evidence.HUMAN_CONFIRMED,
            NOON.timestamp() + 5,
        )
        assert duty.service.snapshot().sites["X-31"].verdict is verdict


async def test_silence_after_an_answer_takes_nothing_from_a_path_that_machines_see(tmp_path):
    async with belief_on(tmp_path / "b.db", asked("X-31-MOBILE")) as duty:
        machines = {code: Outcome.OK for code in duty.inventory.targets if not code.endswith(".word")}
        await duty.look(machines, at=0)
        await told(duty, "X-31-MOBILE.word", at=1)
        for at in range(20, 400, 20):
            await duty.look(machines, at=at)
            await duty.tick(at=at)
        assert path_of(duty, "X-31-MOBILE").state is State.UP
        assert duty.service.snapshot().targets["X-31-MOBILE.word"].state is State.UNKNOWN
        assert path_of(duty, "X-31-MOBILE").evidence is Evidence.HUMAN_CONFIRMED


async def test_a_path_that_no_machine_looks_at_is_confirmed_and_still_not_known_to_be_up(tmp_path):
    async with belief_on(tmp_path / "b.db", asked("X-31-MOBILE", without=("X-31-MOBILE",))) as duty:
        await told(duty, "X-31-MOBILE.word", at=1)
        path = path_of(duty, "X-31-MOBILE")
        assert (path.state, path.evidence) == (State.UNKNOWN, Evidence.HUMAN_CONFIRMED)


async def test_an_answer_of_before_the_cut_does_not_hide_what_they_have_in_common(tmp_path):
    async with belief_on(tmp_path / "b.db", asked("X-31-FIXED", "X-32-FIXED")) as duty:
        machines = {code: Outcome.OK for code in duty.inventory.targets if not code.endswith(".word")}
        await duty.look(machines, at=0)
        await duty.look(machines, at=1)
        await told(duty, "X-31-FIXED.word", "X-32-FIXED.word", at=2)
        await duty.fall(*OLT, at=10)
        await duty.look({code: Outcome.OK for code in machines if code not in OLT}, at=11)
        await duty.tick(at=13)
        causes = {change.subject for change in duty.heard if change.kind == "cause"}
        assert causes == {"risk:OLT-1"}


class Record:
    """Roll calls in memory, as the service tells them."""

    def __init__(self):
        self.calls = []

    def add(self, answer, path=""):
        number = len(self.calls) + 1
        self.calls.append(RollCall(number, "X-31", answer, path, "", "", NOON, "trực ban"))

    async def last_id(self):
        return len(self.calls)

    async def after(self, identifier):
        return self.calls[identifier:]


async def test_each_answer_is_told_once_and_only_what_it_confirms():
    inventory, record, heard = asked("X-31-FIXED", "X-31-MOBILE"), Record(), []
    topology = Topology(inventory)
    record.add(RollAnswer.CLEAR)
    calls = RollCalls(
        record, SimpleNamespace(inventory=inventory, topology=topology), tell=lambda *told: heard.append(told)
    )
    await calls.refresh()
    assert heard == []
    record.add(RollAnswer.LOST)
    record.add(RollAnswer.PARTIAL, "X-31-FIXED")
    record.add(RollAnswer.NO_CONTACT, "X-31-MOBILE")
    await calls.refresh()
    await calls.refresh()
    assert heard == [(["X-31-FIXED.word"], ns(0))]


@pytest.mark.root
async def test_what_was_told_leaves_the_vantage_in_a_batch_like_every_sample():
    inventory, bus = asked("X-31-FIXED"), InProcessBus()
    worker = VantageWorker(
        inventory=inventory,
        vantage="V1",
        publisher=bus,
        clocks=CLOCKS,
        probes=lambda: {ProbeKind.TCP: TcpProbe(monotonic=time.monotonic)},
        nonce=random.getrandbits(64),
        epoch=1,
    )
    number = list(inventory.targets).index("X-31-FIXED.word")
    worker.start()
    try:
        worker.tell(["X-31-FIXED.word", "NO-SUCH"], evidence=Evidence.HUMAN_CONFIRMED, at_ns=time.time_ns())
        async with asyncio.timeout(10):
            while number not in (batch := await bus.next()).target.tolist():
                pass
    finally:
        worker.stop()
    row = batch.target.tolist().index(number)
    assert (batch.outcome[row], batch.evidence[row]) == (Outcome.OK, Evidence.HUMAN_CONFIRMED)
    assert batch.fleet == inventory.digest

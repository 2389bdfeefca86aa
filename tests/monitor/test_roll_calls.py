"""What people say by telephone reaches belief over the bus, as evidence with a rank and an age, and never as a state."""

import asyncio
import random
import shutil
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from alerting.rollcall import CONFIRMING, RollAnswer, RollCall
from alerting.rollcall_service import Answered
from inventory.database import reading
from inventory.models import Phase, ProbeKind, Target
from inventory.samples import sample
from inventory.topology import Topology
from monitor.app import Service
from monitor.assembly.clocks import CLOCKS
from monitor.assembly.roll_calls import RollCalls
from monitor.fleet import FleetBelief
from monitor.models import State
from monitor.moments import NEVER
from monitor.schema import state_changes, unobserved
from monitor.settings import Settings
from monitor.succession import policies_of
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

    async def standing(self):
        return [call for call in self.calls if call.answer in CONFIRMING]


async def test_each_answer_is_told_once_and_only_what_it_confirms():
    inventory, record, heard = asked("X-31-FIXED", "X-31-MOBILE"), Record(), []
    topology = Topology(inventory)
    record.add(RollAnswer.CLEAR)
    recalled = []
    calls = RollCalls(
        record,
        SimpleNamespace(inventory=inventory, topology=topology),
        tell=lambda *told: heard.append(told),
        recall=recalled.append,
    )
    await calls.refresh()
    assert (heard, recalled) == ([], [{"X-31-FIXED.word": ns(0), "X-31-MOBILE.word": ns(0)}])
    record.add(RollAnswer.LOST)
    record.add(RollAnswer.PARTIAL, "X-31-FIXED")
    record.add(RollAnswer.NO_CONTACT, "X-31-MOBILE")
    await calls.refresh()
    await calls.refresh()
    assert heard == [(["X-31-FIXED.word"], ns(0))]
    assert len(recalled) == 1


@asynccontextmanager
async def composed(folder, clock, monkeypatch, **more):
    """The whole service over an inventory that asks for roll calls, as it is started and stopped; it does not look."""
    monkeypatch.setattr("monitor.app.now", clock)
    monkeypatch.setattr("monitor.assembly.believing.now", clock)
    service = Service(Settings(inventory=folder / "inventory", state=folder, looks=False, **more))
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


def said(service, path):
    views = [each for site in service.monitor.snapshot().sites.values() for each in site.paths]
    view = next(each for each in views if each.code == path)
    return view.state, view.evidence, view.evidence_at


async def until_said(service, path, expected):
    async with asyncio.timeout(60):
        while said(service, path) != expected:
            await asyncio.sleep(0.05)


async def test_after_a_restart_what_people_confirmed_in_the_last_two_days_is_evidence_again_and_nothing_more(
    tmp_path, monkeypatch, database_url
):
    shutil.copytree(sample("soc-trang-2021"), tmp_path / "inventory")
    line, old_line = "UBBC-31498-FIXED", "UBBC-31501-FIXED"
    with (tmp_path / "inventory" / "targets.csv").open("a", encoding="utf-8") as targets:
        targets.writelines(f"{path}.word,{path},rollcall,,,,\n" for path in (line, old_line))
    clock = SimpleNamespace(at=NOON)
    given = {"database_url": database_url, "administrator_password": "mật khẩu của quản trị"}
    async with composed(tmp_path, lambda: clock.at, monkeypatch, **given) as service:
        await service.pages.rollcall.answer(Answered("UBBC-31501", RollAnswer.CLEAR), actor="trực ban")
        clock.at += timedelta(days=1, hours=20)
        await service.pages.rollcall.answer(
            Answered("UBBC-31498", RollAnswer.PARTIAL, path=line), actor="trực ban"
        )
        heard_at = clock.at
        await until_said(service, line, (State.UNKNOWN, Evidence.HUMAN_CONFIRMED, heard_at))
        # Whatever an earlier stop wrote of it is gone: what counts is what was answered.
        service.monitor.belief.tables[service.looking.code].evidence[:] = 0
        service.monitor.belief.tables[service.looking.code].evidence_ns[:] = 0
        await service.pages.rollcall.answer(Answered("UBBC-31498", RollAnswer.LOST), actor="trực ban")
    clock.at += timedelta(hours=5)
    async with composed(tmp_path, lambda: clock.at, monkeypatch, **given) as service:
        await until_said(service, line, (State.UNKNOWN, Evidence.HUMAN_CONFIRMED, heard_at))
        assert said(service, old_line)[1] is Evidence.NONE
        async with reading(service.database) as connection:
            assert (await connection.execute(select(state_changes))).all() == []
            assert (await connection.execute(select(unobserved))).all() == []


def test_evidence_known_again_takes_nothing_that_is_known_better_or_later():
    inventory = asked("X-31-FIXED")
    topology = Topology(inventory)
    belief = FleetBelief(inventory, topology, policies_of(inventory, topology, Phase.POLL))
    number, table = topology.index["X-31-FIXED.word"], belief.tables["V1"]
    for at, kept in ((5, 5), (3, 5), (9, 9)):
        belief.prove("V1", {"X-31-FIXED.word": ns(at), "NO-SUCH": ns(at)}, Evidence.HUMAN_CONFIRMED)
        assert int(table.evidence_ns[number]) == ns(kept)
    belief.prove("V1", {"X-31-FIXED.word": ns(20)}, Evidence.PROTOCOL)
    belief.prove("NO-SUCH", {"X-31-FIXED.word": ns(20)}, Evidence.HUMAN_CONFIRMED)
    assert (int(table.evidence[number]), int(table.evidence_ns[number])) == (Evidence.HUMAN_CONFIRMED, ns(9))
    assert table.last_result_ns[number] == NEVER


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
        async with asyncio.timeout(60):
            while number not in (batch := await bus.next()).target.tolist():
                pass
    finally:
        worker.stop()
    row = batch.target.tolist().index(number)
    assert (batch.outcome[row], batch.evidence[row]) == (Outcome.OK, Evidence.HUMAN_CONFIRMED)
    assert batch.fleet == inventory.digest

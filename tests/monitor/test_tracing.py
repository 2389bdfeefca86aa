"""An incident that opens gets the routes towards what it cut: few, in time, once, and shown where people read it."""

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from alerting.case import SYSTEM
from alerting.roster_gaps import is_gap
from dashboards.i18n import Language, words_in
from dashboards.moments import Moments
from dashboards.views.incident import timeline
from monitor.assembly.tracing import Tracing
from probes.traceroute import Hop, Route
from tests.support.acting import COMMUNES, a_duty_room, an_inventory, until
from tests.support.routers import TARGET, a_line_of_routers

RING = [f"127.9.4.{number}" for number in range(1, 12)]


class Ways:
    """Stands in for the network: every way ends after its first router; counts what is asked at once."""

    def __init__(self, *, gate=None):
        self.asked = []
        self.under_way = self.most_at_once = 0
        self.gate = gate

    async def __call__(self, address):
        self.asked.append(address)
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        if self.gate is not None:
            await self.gate.wait()
        self.under_way -= 1
        return Route(address, (Hop(1, "10.0.0.1", 0.0014),), asked=6)


@asynccontextmanager
async def tracing(room, tracer=None):
    stop = asyncio.Event()
    worker = Tracing(
        database=room.database, alerting=room.service, vantage="V-SO", clock=room.clock, tracer=tracer
    )
    (run,) = worker.loops().values()
    task = asyncio.create_task(run(stop))
    try:
        yield worker
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)


async def routes_of(room, identifier=1):
    return [note for entry in await room.ledger(identifier) for note in entry.details.get("routes", ())]


async def test_an_opened_incident_tells_in_its_ledger_where_the_path_breaks(tmp_path):
    async with a_duty_room(tmp_path) as room, tracing(room, Ways()):
        opened = await room.cut()
        found = await until(lambda: routes_of(room))
        incident = await room.incident(opened.id)  # held against its hash-chained ledger
        entry = (await room.ledger(opened.id))[-1]
    assert [each["address"] for each in found] == [RING[0], RING[1]]
    assert found[0]["hops"] == [[1, "10.0.0.1", 1.4]]
    assert (entry.actor, entry.details["vantage"]) == (SYSTEM, "V-SO")
    assert incident.facts["traced"] == ["UB-31501-DT-1", "UB-31502-DT-1"]
    assert (incident.state, incident.deadline_at) == (opened.state, opened.deadline_at)


async def test_it_is_traced_once_however_much_it_grows(tmp_path):
    ways = Ways()
    async with a_duty_room(tmp_path) as room, tracing(room, ways):
        await room.cut(communes=2)
        await until(lambda: routes_of(room))
        await room.cut(communes=9)
        await room.pass_time(minutes=5)
        again = Tracing(database=room.database, alerting=room.service, vantage="V-2", clock=room.clock, tracer=ways)  # fmt: skip
        await again._attach(1)  # as after a restart
        assert len(await routes_of(room)) == len(ways.asked) == 2


async def test_many_incidents_at_once_are_traced_a_few_at_a_time(tmp_path):
    ways = Ways(gate=asyncio.Event())
    async with a_duty_room(tmp_path) as room, tracing(room, ways):
        for code in COMMUNES[:6]:
            await room.believe(f"risk:VT-BTS-{code}", evidence={"owner": "VIETTEL", "targets": [f"UB-{code}-DD-1"], "sites": [f"UB-{code}"], "paths": [f"UB-{code}-DD"], "priority": "B", "last_path": [], "isolated": []})  # fmt: skip
        await room.service.absorb()

        async def two_wait():
            return ways.under_way == 2

        await until(two_wait)
        ways.gate.set()

        async def all_told():
            cut = [each.id for each in await room.incidents() if not is_gap(each.condition)]
            return len(cut) == 6 and all([await routes_of(room, number) for number in cut])

        await until(all_told)
    assert ways.most_at_once == 2
    assert len(ways.asked) == 6


async def test_an_incident_that_waited_too_long_goes_without(tmp_path):
    ways = Ways()
    async with a_duty_room(tmp_path) as room:
        opened = await room.cut()
        room.clock.advance(minutes=3)
        late = Tracing(database=room.database, alerting=room.service, vantage="V-SO", clock=room.clock, tracer=ways)  # fmt: skip
        await late._attach(opened.id)
    assert not ways.asked


async def test_what_has_no_numeric_address_is_not_traced(tmp_path):
    inventory = an_inventory()
    targets = {code: replace(each, address="ten.vn") for code, each in inventory.targets.items()}
    ways = Ways()
    async with a_duty_room(tmp_path, inventory=replace(inventory, targets=targets)) as room:
        opened = await room.cut()
        await Tracing(database=room.database, alerting=room.service, vantage="V", clock=room.clock, tracer=ways)._attach(opened.id)  # fmt: skip
    assert not ways.asked


async def test_a_tracer_that_fails_is_counted_and_costs_the_incident_nothing(tmp_path):
    async def broken(_address):
        raise OSError("no sockets left")

    async with a_duty_room(tmp_path) as room, tracing(room, broken):
        await room.cut()

        async def counted():
            return room.service.metrics.failures.labels("tracing")._value.get()

        assert await until(counted) == 1
        assert (await room.incident()).facts.get("traced") is None


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (Language.VI, "đường tới 127.9.4.1 đứt sau 10.0.0.1 (chặng 1, 1,4 ms)"),
        (Language.EN, "the path to 127.9.4.1 breaks after 10.0.0.1 (hop 1, 1.4 ms)"),
    ],
)
async def test_the_incident_s_page_says_where_the_path_breaks(tmp_path, language, words):
    async with a_duty_room(tmp_path) as room, tracing(room, Ways()):
        opened = await room.cut()
        await until(lambda: routes_of(room))
        entries = await room.ledger(opened.id)
        moments = Moments(an_inventory().election.zone, room.clock(), words_in(language))
        lines = timeline(entries, an_inventory(), words_in(language), moments)
    assert lines[0].details[0] == f"UB-31501-DT-1: {words}"
    assert lines[0].details[1] == "1 10.0.0.1 1.4 ms"


@pytest.mark.root
def test_real_routers_are_followed_to_the_one_after_which_the_line_is_cut(tmp_path):
    inventory = an_inventory()
    targets = {code: replace(each, address=TARGET) for code, each in inventory.targets.items()}

    async def scenario():
        async with (
            a_duty_room(tmp_path, inventory=replace(inventory, targets=targets)) as room,
            tracing(room),
        ):
            await room.cut()
            return await until(lambda: routes_of(room), within=60)

    with a_line_of_routers(f"ev{os.getpid()}") as line:
        line.cut()
        (found,) = asyncio.run(scenario())
    assert [address for _, address, _ in found["hops"]] == list(line.routers)
    assert found["en"].startswith(f"the path to {TARGET} breaks after {line.routers[-1]}")

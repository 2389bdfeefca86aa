"""The lab's SNMP agents: the field's tool reads them, their counters run, and ``fill`` makes a link as full as asked."""

import asyncio
import random
import shutil
import socket
import subprocess
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from inventory.models import Link, ProbeKind, Target
from monitor.load import Direction
from monitor.measured import load_of
from probes.lab.agent_responder import usual_load
from probes.lab.endpoints import Service, endpoints_of
from probes.lab.faults import FaultKind, FaultTable, Selector
from probes.lab.responders import Responders
from probes.models import Outcome
from probes.snmp import SnmpProbe
from tests.support.lab import a_province
from tests.support.looks import look, opened
from tests.support.servers import free_port

NIGHT = datetime(2021, 5, 23, 2, 0, tzinfo=UTC)
LINK = Link("L-1", "Trục", "VNPT", "94", "95", capacity_mbps=1000.0)
OPTIONS = {"if_index": "1"}


class Clock:
    def __init__(self):
        self.now = NIGHT

    def __call__(self):
        return self.now


def province(port):
    plain = a_province()
    agent = Target("L-1.snmp", LINK.code, ProbeKind.SNMP, "127.9.9.9", port, OPTIONS)
    return replace(plain, links={"L-1": LINK}, targets={**plain.targets, agent.code: agent})


@asynccontextmanager
async def agents():
    """The responders of one agent, its port, and the clock that its counters run by."""
    port, clock = free_port(socket.SOCK_DGRAM), Clock()
    endpoints, _ = endpoints_of(province(port))
    served = [each for each in endpoints if each.service is Service.AGENT]
    responders = Responders(served, certificate=None, rng=random.Random(1), clock=clock)
    await responders.start()
    try:
        yield responders, port, clock
    finally:
        await responders.stop()


def a_probe(clock):
    """A look whose time is that of the counters."""

    def seconds():
        return clock.now.timestamp()

    return SnmpProbe(monotonic=seconds, wall_ns=time.time_ns)


async def told(probe, port):
    return await look(probe, "127.9.9.9", port, options=OPTIONS, timeout=3.0)


async def test_a_look_finds_the_interface_up_and_its_rate_is_what_the_clock_says():
    async with agents() as (_, port, clock), opened(a_probe(clock)) as probe:
        first = await told(probe, port)
        clock.now += timedelta(seconds=300)
        second = await told(probe, port)
    assert (first.outcome, second.outcome) == (Outcome.OK, Outcome.OK)
    assert first.measures == {}
    expected = usual_load("L-1.snmp", 2 + 5 / 60)
    inward, outward = (load_of(LINK, direction, second.measures) for direction in Direction)
    assert inward == pytest.approx(expected, rel=0.01)
    assert outward == pytest.approx(expected / 2, rel=0.01)


async def test_what_is_filled_is_full_until_it_is_restored():
    async with agents() as (responders, port, clock), opened(a_probe(clock)) as probe:
        await told(probe, port)
        clock.now += timedelta(seconds=60)
        usual = await told(probe, port)
        responders.fill({"L-1.snmp": 0.95})
        clock.now += timedelta(seconds=60)
        full = await told(probe, port)
        responders.fill({})
        clock.now += timedelta(seconds=60)
        after = await told(probe, port)
    loads = [load_of(LINK, Direction.IN, each.measures) for each in (usual, full, after)]
    usual_now = usual_load("L-1.snmp", 2.0)
    assert loads == pytest.approx([usual_now, 0.95, usual_now], rel=0.02)


@pytest.mark.skipif(shutil.which("snmpget") is None, reason="needs snmpget (apt-get install snmp)")
async def test_the_field_s_own_tool_reads_it():
    async with agents() as (_, port, _clock):
        asked = [
            "snmpget",
            "-v2c",
            "-c",
            "public",
            "-Oqvn",
            f"127.9.9.9:{port}",
            "1.3.6.1.2.1.31.1.1.1.15.1",
            "1.3.6.1.2.1.2.2.1.8.1",
            "1.3.6.1.2.1.1.1.0",
        ]
        done = await asyncio.to_thread(
            subprocess.run, asked, capture_output=True, text=True, check=True, timeout=10
        )
    speed, status, unknown = done.stdout.splitlines()
    assert (speed, status) == ("1000", "1")
    assert "No Such Instance" in unknown


async def test_noise_is_not_answered():
    async with agents() as (responders, port, clock):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            for noise in (b"", b"\x30", b"GET / HTTP/1.1", bytes(range(256))):
                caller.sendto(noise, ("127.9.9.9", port))
        async with opened(a_probe(clock)) as probe:
            assert (await told(probe, port)).outcome is Outcome.OK
        assert responders is not None


def test_a_link_filled_twice_is_as_full_as_the_fuller_of_both():
    table = FaultTable()
    table.add(FaultKind.FILL, 0.9, Selector(target="a"), "ab")
    table.add(FaultKind.FILL, 0.95, Selector(target="a"), "b")
    effects = table.effects()
    assert effects.full == {"a": 0.9, "b": 0.95}
    assert (effects.cut, effects.loss, effects.delay) == (frozenset(), {}, {})


def test_agents_of_other_things_are_not_the_lab_s():
    elsewhere = Target("C1.snmp", "C1-SIP", ProbeKind.SNMP, "127.9.9.8", 161, OPTIONS)
    plain = a_province()
    _, unserved = endpoints_of(replace(plain, targets={**plain.targets, elsewhere.code: elsewhere}))
    assert unserved == ("C1.snmp",)


@pytest.mark.parametrize("target", ["VNPT-LINK-941.snmp", "FPT-LINK-950.snmp"])
def test_nothing_is_congested_while_nothing_is_wrong(target):
    loads = [usual_load(target, hour) for hour in range(24)]
    assert max(loads) < 0.6
    assert loads.index(max(loads)) == 20

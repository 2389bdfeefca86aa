"""SNMP looks against a real snmpd, beside snmpget."""

import asyncio
import math
import socket
import time
from pathlib import Path

import pytest
import uvloop

from probes.models import Evidence, Measure, Outcome, Request
from tests.support.looks import look, looks, opened
from tests.support.netns import own_network
from tests.support.servers import free_port, needs_program
from tests.support.snmp import USER, USER_ARGUMENTS, a_snmp_probe, net_snmp, snmp_tool, snmpd

COMMUNITY = {"community": "monitor"}
OLD = {"user": "old", "auth": "sha1", "auth_key": "authpass123", "priv": "des", "priv_key": "privpass123"}
UPS = """
override 1.3.6.1.2.1.33.1.2.1.0 integer 2
override 1.3.6.1.2.1.33.1.2.4.0 integer 87
override 1.3.6.1.2.1.33.1.4.1.0 integer 5
override 1.3.6.1.2.1.2.2.1.8.41 integer 2
override 1.3.6.1.2.1.2.2.1.7.41 integer 1
override 1.3.6.1.2.1.2.2.1.8.42 integer 7
override 1.3.6.1.2.1.2.2.1.7.42 integer 1
override 1.3.6.1.2.1.2.2.1.8.43 integer 2
override 1.3.6.1.2.1.2.2.1.7.43 integer 2
"""
BOTH = pytest.mark.parametrize("engine", ["gufo", "pysnmp"])


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    port = free_port(socket.SOCK_DGRAM)
    with snmpd(tmp_path_factory.mktemp("snmpd"), port=port, more=UPS):
        yield port


async def asked(port, options, **given):
    async with opened(a_snmp_probe()) as probe:
        return await look(probe, "127.0.0.1", port, options=options, **given)


@BOTH
@pytest.mark.parametrize(
    "user",
    [
        {**COMMUNITY, "version": "1"},
        COMMUNITY,
        USER,
        {**USER, "auth": "sha256", "priv": "aes128"},
        OLD,
        {"user": "plain"},
    ],
    ids=["v1", "v2c", "v3", "v3 spelt out", "v3 sha1 des", "v3 in the clear"],
)
async def test_an_agent_that_knows_us_is_ok_and_proves_the_protocol(agent, user, engine):
    answer = await asked(agent, {**user, "if_index": "1", "engine": engine})
    assert answer.outcome is Outcome.OK, answer.detail
    assert answer.code == 1
    assert answer.evidence is Evidence.PROTOCOL
    assert 0 < answer.rtt < 1.0


@BOTH
async def test_a_wrong_community_is_silence(agent, engine):
    answer = await asked(agent, {"community": "guess", "engine": engine}, timeout=0.4)
    assert answer.outcome is Outcome.TIMEOUT
    assert answer.detail == "no answer"
    assert math.isnan(answer.rtt)


@BOTH
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"auth_key": "authpass124"}, "wrong auth_key or auth"),
        ({"user": "nobody"}, "unknown user"),
        ({"user": "outsider"}, "access denied"),
    ],
    ids=["wrong key", "unknown user", "no rights"],
)
async def test_an_agent_that_does_not_accept_us_is_a_mismatch_of_authentication(
    agent, engine, change, reason
):
    answer = await asked(agent, {**USER, **change, "engine": engine})
    assert answer.outcome is Outcome.MISMATCH
    assert answer.detail.startswith("authentication: ")
    assert answer.evidence is Evidence.NONE
    if engine == "gufo":
        assert answer.detail == f"authentication: {reason}"


async def test_a_wrong_privacy_key_is_silence_but_the_detail_says_what_to_look_at(agent):
    answer = await asked(agent, {**USER, "priv_key": "privpass124"}, timeout=0.4)
    assert answer.outcome is Outcome.TIMEOUT
    assert "priv_key" in answer.detail


def test_a_port_that_nobody_holds_refuses_at_once_under_uvloop():
    async def both():
        began = time.monotonic()
        first = await asked(free_port(socket.SOCK_DGRAM), COMMUNITY, timeout=3.0)
        return first, time.monotonic() - began

    answer, spent = uvloop.run(both())
    assert answer.outcome is Outcome.REFUSED
    assert math.isnan(answer.rtt)
    assert spent < 1.0


async def test_an_agent_that_comes_back_is_seen_on_the_socket_that_was_refused(tmp_path):
    port = free_port(socket.SOCK_DGRAM)
    async with opened(a_snmp_probe()) as probe:
        for _ in range(3):
            answer = await look(probe, "127.0.0.1", port, options=COMMUNITY)
            assert answer.outcome is Outcome.REFUSED
        with snmpd(tmp_path, port=port):
            answer = await look(probe, "127.0.0.1", port, options=COMMUNITY)
    assert answer.outcome is Outcome.OK


@pytest.mark.parametrize(
    ("index", "code", "detail"),
    [
        ("41", 2, "interface down"),
        ("42", 7, "interface lower layer down"),
        ("43", 2, "interface switched off"),
        ("99", 0, "no such interface: 99"),
    ],
)
async def test_an_interface_that_is_not_up_is_a_mismatch_with_its_status(agent, index, code, detail):
    answer = await asked(agent, {**COMMUNITY, "if_index": index})
    assert (answer.outcome, answer.code, answer.detail) == (Outcome.MISMATCH, code, detail)


async def test_a_ups_on_battery_feeds_its_load_and_says_so(agent):
    answer = await asked(agent, {**COMMUNITY, "profile": "ups"})
    assert answer.outcome is Outcome.OK
    assert (answer.code, answer.detail) == (5, "on battery")
    assert answer.measures == {Measure.ON_BATTERY: 1.0, Measure.BATTERY_RATIO: 0.87}


async def test_an_object_that_is_not_there_is_named(agent):
    oids = "1.3.6.1.2.1.1.3.0,1.3.6.1.2.1.1.99.0"
    answer = await asked(agent, {**COMMUNITY, "oids": oids})
    assert (answer.outcome, answer.detail) == (Outcome.MISMATCH, "no such object: 1.3.6.1.2.1.1.99.0")


@BOTH
@pytest.mark.parametrize("user", [COMMUNITY, USER], ids=["v2c", "v3"])
async def test_what_we_read_is_what_snmpget_reads(agent, user, engine):
    root = "1.3.6.1.2.1.2.2.1"
    arguments = USER_ARGUMENTS if user is USER else ("-v2c", "-c", "monitor")
    columns = [f"{root}.2.1", f"{root}.3.1", f"{root}.4.1", f"{root}.7.1", f"{root}.8.1"]
    told = net_snmp(agent, *columns, arguments=arguments)
    async with opened(a_snmp_probe()) as probe:
        walked = await probe.walk("127.0.0.1", agent, {**user, "engine": engine}, root)
    ours = dict(walked.rows)
    assert walked.stopped == ""
    assert [ours[columns[0]].decode(), *(str(ours[column]) for column in columns[1:])] == [
        told[0].strip('"'),
        *told[1:],
    ]


@BOTH
async def test_an_interface_is_found_by_name_and_the_table_is_read_once(agent, engine):
    options = {**COMMUNITY, "if_name": "lo", "engine": engine}
    async with opened(a_snmp_probe()) as probe:
        first = await look(probe, "127.0.0.1", agent, options=options, timeout=5.0)
        sent = probe.statistics().clients.sent
        second = await look(probe, "127.0.0.1", agent, options=options)
        assert probe.statistics().clients.sent == sent + 1
    assert first.outcome is second.outcome is Outcome.OK


async def test_an_interface_that_no_row_is_called_after_is_a_mismatch(agent):
    answer = await asked(agent, {**COMMUNITY, "if_name": "Gi0/7"}, timeout=5.0)
    assert (answer.outcome, answer.detail) == (Outcome.MISMATCH, "no interface is called 'Gi0/7'")


async def test_a_name_on_a_silent_agent_times_out_in_time():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        began = time.monotonic()
        answer = await asked(silent.getsockname()[1], {**COMMUNITY, "if_name": "lo"}, timeout=0.3)
    assert answer.outcome is Outcome.TIMEOUT
    assert 0.3 <= time.monotonic() - began < 1.0


async def test_three_hundred_looks_at_one_agent_lose_nothing(agent):
    async with opened(a_snmp_probe()) as probe:
        requests = [
            Request(n, "127.0.0.1", agent, {**COMMUNITY, "if_index": str(1 + n % 4)}, 2.0) for n in range(300)
        ]
        answers = await looks(probe, requests)
        statistics = probe.statistics()
    assert all(answer.outcome in {Outcome.OK, Outcome.MISMATCH} for answer in answers)
    assert statistics.sockets == 1
    assert statistics.clients.sent < 100, "looks that wait together are asked for together"


@pytest.mark.parametrize("user", [COMMUNITY, USER], ids=["v2c", "v3"])
async def test_an_agent_that_restarted_is_met_again_without_a_failed_look(tmp_path, user):
    port = free_port(socket.SOCK_DGRAM)
    options = {**user, "if_name": "lo"}
    async with opened(a_snmp_probe()) as probe:
        for turn in range(2):
            with snmpd(tmp_path / str(turn), port=port):
                answer = await look(probe, "127.0.0.1", port, options=options, timeout=4.0)
                assert answer.outcome is Outcome.OK, (turn, answer.detail)


async def test_pysnmp_meets_a_restarted_agent_again_after_one_silence(tmp_path):
    port = free_port(socket.SOCK_DGRAM)
    options = {**USER, "engine": "pysnmp"}
    outcomes = []
    async with opened(a_snmp_probe()) as probe:
        for turn in range(2):
            with snmpd(tmp_path / str(turn), port=port):
                for _ in range(2):
                    answer = await look(probe, "127.0.0.1", port, options=options, timeout=4.0)
                    outcomes.append(answer.outcome)
    assert outcomes == [Outcome.OK, Outcome.OK, Outcome.TIMEOUT, Outcome.OK]


async def test_options_that_cannot_be_meant_are_our_fault_not_the_agents():
    answer = await asked(1, {"version": "4"})
    assert answer.outcome is Outcome.ERROR
    assert "version must be one of 1 2c 3" in answer.detail
    answer = await asked(1, {**USER, "auth_key": "short"})
    assert "short" not in answer.detail.replace("shorter", "")


async def test_a_name_for_an_address_is_not_resolved_by_the_library():
    async with opened(a_snmp_probe()) as probe:
        answer = await look(probe, "localhost", 161, options=COMMUNITY)
    assert answer.outcome is Outcome.ERROR
    assert "not a numeric address" in answer.detail


async def test_closing_ends_every_look_as_an_error():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        probe = a_snmp_probe()
        await probe.open()
        ended = []
        for options in (COMMUNITY, {**COMMUNITY, "if_name": "lo"}, {**COMMUNITY, "engine": "pysnmp"}):
            request = Request(0, "127.0.0.1", port, options, 60.0)
            probe.begin(request, lambda _, answer: ended.append(answer.outcome))
        await asyncio.sleep(0)
        await probe.close()
    assert ended == [Outcome.ERROR] * 3


def set_cache(port, seconds):
    """net-snmp keeps its interface table for three seconds by itself."""
    for table in ("1.3.6.1.2.1.2.2",):
        oid = f".1.3.6.1.4.1.8072.1.5.3.1.2.{table}"
        done = snmp_tool("snmpset", "-v2c", "-c", "writer", f"127.0.0.1:{port}", oid, "i", str(seconds))
        assert done.returncode == 0, done.stderr


def lo_octets():
    """What the kernel counted on the loopback of this thread's network."""
    for line in Path("/proc/thread-self/net/dev").read_text().splitlines():
        name, _, counts = line.partition(":")
        if name.strip() == "lo":
            return int(counts.split()[0])
    raise AssertionError("no loopback")


@pytest.mark.root
def test_utilisation_agrees_with_the_kernel_and_a_restart_makes_no_spike(tmp_path):
    needs_program("snmpset")

    async def measured():
        port = free_port(socket.SOCK_DGRAM)
        options = {**COMMUNITY, "if_name": "lo", "capacity_mbps": "100"}
        async with opened(a_snmp_probe()) as probe:

            async def see():
                return await look(probe, "127.0.0.1", port, options=options, timeout=3.0)

            with snmpd(tmp_path / "1", port=port):
                set_cache(port, 0)
                await pushed(0.5)
                first = await see()
                before, began = lo_octets(), time.monotonic()
                await pushed(2.0)
                second = await see()
                truth = (lo_octets() - before) * 8 / (time.monotonic() - began)
            with snmpd(tmp_path / "2", port=port):
                set_cache(port, 0)
                await pushed(1.2)
                third = await see()
                await pushed(1.2)
                fourth = await see()
            return first, second, third, fourth, truth

    with own_network():
        first, second, third, fourth, truth = uvloop.run(measured())
    assert not first.measures
    assert second.measures[Measure.RATE_IN_BITS] == pytest.approx(truth, rel=0.15)
    assert second.measures[Measure.UTILISATION_IN_RATIO] == pytest.approx(truth / 100e6, rel=0.15)
    assert truth > 1e6
    assert third.outcome is Outcome.OK
    assert not third.measures, "the first look after a restart tells no rate"
    assert third.detail == "the agent has started again"
    assert fourth.measures[Measure.RATE_IN_BITS] > 1e6


async def pushed(seconds):
    """Send a steady stream over the loopback."""
    loop = asyncio.get_running_loop()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as source,
    ):
        sink.bind(("127.0.0.1", 0))
        until = loop.time() + seconds
        while loop.time() < until:
            for _ in range(5):
                source.sendto(bytes(1000), sink.getsockname())
            await asyncio.sleep(0.005)

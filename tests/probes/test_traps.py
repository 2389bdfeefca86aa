"""Traps and informs from net-snmp's own senders."""

import asyncio
import socket
import time
from contextlib import asynccontextmanager

import pytest

from probes.snmp_plan import snmp_plan
from probes.trap_events import TrapKind, vendor_kinds
from probes.trap_storm import StormGuard
from probes.traps import TrapReceiver
from tests.support.servers import needs_program
from tests.support.snmp import USER, USER_ARGUMENTS

DOWN = ("1.3.6.1.6.3.1.1.5.3", "1.3.6.1.2.1.2.2.1.1.7", "i", "7", "1.3.6.1.2.1.2.2.1.8.7", "i", "2")
GASP = "1.3.6.1.4.1.2011.6.128.1.1.2.43"
PLAIN = ("-v2c", "-c", "monitor")
TRUSTED = {"communities": ("monitor",), "users": (snmp_plan(USER).credentials,)}


class Heard:
    """The events of a receiver, to be waited for."""

    def __init__(self):
        self.events = []
        self.receiver = None

    @property
    def port(self):
        return self.receiver.ports[0]

    @property
    def counted(self):
        return self.receiver.statistics()

    async def until(self, condition):
        async with asyncio.timeout(60):
            while not condition(self.counted):
                await asyncio.sleep(0.005)


@asynccontextmanager
async def listening(*, sources=("127.0.0.1",), hosts=("127.0.0.1",), **given):
    heard = Heard()
    heard.receiver = TrapReceiver(
        on_event=heard.events.append,
        sources=sources,
        monotonic=time.monotonic,
        wall_ns=time.time_ns,
        **{**TRUSTED, **given},
    )
    await heard.receiver.open(hosts=hosts, port=0)
    try:
        yield heard
    finally:
        await heard.receiver.close()


async def send(tool, *arguments):
    """Run a sender to its end; answers its exit code (an inform's says whether it was acknowledged)."""
    needs_program(tool)
    process = await asyncio.create_subprocess_exec(
        tool, *arguments, env={"MIBS": "", "PATH": "/usr/bin:/bin"}, stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait()


@pytest.mark.parametrize(
    "arguments",
    [PLAIN, (*USER_ARGUMENTS, "-e", "0x8000000001020304")],
    ids=["v2c", "v3 SHA-256 AES"],
)
async def test_a_trap_of_a_line_that_went_down_names_its_sender_and_interface(arguments):
    async with listening() as heard:
        before = time.time_ns()
        assert await send("snmptrap", *arguments, f"127.0.0.1:{heard.port}", "", *DOWN) == 0
        await heard.until(lambda counted: counted.events)
    [event] = heard.events
    assert (event.source, event.kind, event.if_index) == ("127.0.0.1", TrapKind.LINK_DOWN, 7)
    assert before <= event.at_ns <= time.time_ns()


@pytest.mark.parametrize("arguments", [PLAIN, USER_ARGUMENTS], ids=["v2c", "v3"])
async def test_an_inform_is_acknowledged_and_told_once(arguments):
    async with listening() as heard:
        code = await send(
            "snmpinform", *arguments, "-r", "0", "-t", "3", f"127.0.0.1:{heard.port}", "", *DOWN
        )
    assert code == 0, "the sender got no answer"
    assert len(heard.events) == 1


async def test_a_trap_of_version_1_is_understood():
    async with listening() as heard:
        end = f"127.0.0.1:{heard.port}"
        row = ("1.3.6.1.2.1.2.2.1.1.9", "i", "9")
        await send(
            "snmptrap", "-v1", "-c", "monitor", end, "1.3.6.1.4.1.99", "10.0.0.1", "3", "0", "55", *row
        )
        await send("snmptrap", "-v1", "-c", "monitor", end, "1.3.6.1.4.1.99", "10.0.0.1", "0", "0", "55")
        await heard.until(lambda counted: counted.events == 2)
    assert [(event.kind, event.if_index) for event in heard.events] == [
        (TrapKind.LINK_UP, 9),
        (TrapKind.COLD_START, 0),
    ]
    assert {event.source for event in heard.events} == {"127.0.0.1"}, "not the address that the trap claims"


async def test_a_dying_gasp_is_known_by_configuration():
    async with listening(vendors=vendor_kinds({GASP: "dying_gasp"})) as heard:
        end = f"127.0.0.1:{heard.port}"
        await send("snmptrap", *PLAIN, end, "", f"{GASP}.2")
        await send("snmptrap", *PLAIN, end, "", "1.3.6.1.4.1.2011.6.128.1.1.2.44")
        await heard.until(lambda counted: counted.other and counted.events)
    assert [event.kind for event in heard.events] == [TrapKind.DYING_GASP]


async def test_strangers_and_wrong_words_are_counted_apart_and_change_nothing():
    forged = [text if text != "authpass123" else "authpass124" for text in USER_ARGUMENTS]
    unsigned = ("-v3", "-u", "v3user", "-l", "noAuthNoPriv", "-e", "0x8000000001020304")
    async with listening() as heard:
        end = f"127.0.0.1:{heard.port}"
        await send("snmptrap", "-v2c", "-c", "guess", end, "", *DOWN)
        await send("snmptrap", *forged, "-e", "0x8000000001020304", end, "", *DOWN)
        await send("snmptrap", *unsigned, end, "", *DOWN)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
            noise.sendto(b"\x30\x82\xff\xff", ("127.0.0.1", heard.port))
        await heard.until(lambda counted: counted.received == 4)
        heard.receiver.watch(["192.0.2.1"])
        await send("snmptrap", *PLAIN, end, "", *DOWN)
        await heard.until(lambda counted: counted.foreign == 1)
        counted = heard.counted
        # The forger named an engine; who signs for it rightly is believed all the same.
        heard.receiver.watch(["127.0.0.1"])
        await send("snmptrap", *USER_ARGUMENTS, "-e", "0x8000000001020304", end, "", *DOWN)
        await heard.until(lambda counted: counted.events == 1)
    assert (counted.unknown, counted.rejected, counted.malformed) == (2, 1, 1)
    assert counted.events == 0


async def test_a_storm_is_bounded_by_source_and_counted():
    guard = StormGuard(now=time.monotonic(), source_rate=1.0, source_burst=5.0)
    async with listening(guard=guard) as heard:
        await send("snmptrap", *PLAIN, f"127.0.0.1:{heard.port}", "", *DOWN)
        await heard.until(lambda counted: counted.events == 1)
        captured = await captured_trap()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
            for _ in range(300):
                device.sendto(captured, ("127.0.0.1", heard.port))
        await heard.until(lambda counted: counted.received == 301)
        counted = heard.counted
    assert counted.events <= 8
    assert counted.dropped_by_source >= 290
    assert counted.events + counted.dropped_by_source == 301


async def test_a_receiver_listens_on_ipv6_too():
    async with listening(hosts=("127.0.0.1", "::1"), sources=("::1",)) as heard:
        await send("snmptrap", *PLAIN, f"udp6:[::1]:{heard.receiver.ports[1]}", "", *DOWN)
        await heard.until(lambda counted: counted.events)
    assert heard.events[0].source == "::1"


async def test_a_port_that_is_taken_is_an_error_at_once():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        receiver = TrapReceiver(
            on_event=print, sources=(), monotonic=time.monotonic, wall_ns=time.time_ns, **TRUSTED
        )
        with pytest.raises(OSError, match="in use"):
            await receiver.open(hosts=("127.0.0.1",), port=taken.getsockname()[1])
        await receiver.close()


async def captured_trap():
    """What snmptrap sends, to be sent again many times."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trap_sink:
        trap_sink.bind(("127.0.0.1", 0))
        await send("snmptrap", *PLAIN, f"127.0.0.1:{trap_sink.getsockname()[1]}", "", *DOWN)
        trap_sink.settimeout(5)
        return trap_sink.recv(65_536)

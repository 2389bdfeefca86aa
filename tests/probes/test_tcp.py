import asyncio
import math
import resource
import socket
import subprocess
import time
from pathlib import Path

import pytest
import uvloop

from probes.models import Evidence, Outcome, Request
from tests.support.looks import a_tcp_probe, look, looks, opened
from tests.support.netns import own_network
from tests.support.servers import free_port, needs_program


@pytest.fixture
def listener():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(512)
        yield listening


def descriptors_held():
    return len(list(Path("/proc/self/fd").iterdir()))


def port_of(listening):
    return listening.getsockname()[1]


async def test_a_port_that_listens_is_ok_and_proves_the_transport(listener):
    async with opened(a_tcp_probe()) as probe:
        answer = await look(probe, "127.0.0.1", port_of(listener))
    assert answer.outcome is Outcome.OK
    assert answer.evidence is Evidence.TRANSPORT
    assert 0 < answer.rtt < 0.05
    assert answer.phases[1] == answer.rtt
    assert math.isnan(answer.phases[0])


async def test_a_port_that_nobody_holds_refuses():
    async with opened(a_tcp_probe()) as probe:
        answer = await look(probe, "127.0.0.1", free_port())
    assert answer.outcome is Outcome.REFUSED
    assert math.isnan(answer.rtt)


async def test_a_silent_port_times_out_no_later_than_asked():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()):  # the queue is full: further SYNs are dropped
            async with opened(a_tcp_probe()) as probe:
                began = time.monotonic()
                answer = await look(probe, "127.0.0.1", port_of(full), timeout=0.3)
                spent = time.monotonic() - began
    assert answer.outcome is Outcome.TIMEOUT
    assert answer.detail == "connect"
    assert 0.3 <= spent < 1.0


async def test_an_answer_that_waited_for_a_busy_loop_is_no_timeout(listener):
    async with opened(a_tcp_probe()) as probe:
        waiting = asyncio.get_running_loop().create_future()
        request = Request(0, "127.0.0.1", port_of(listener), {}, 0.05)
        probe.begin(request, lambda _, answer: waiting.set_result(answer))
        time.sleep(0.2)  # somebody else's fault: the loop does not turn until long after the deadline
        answer = await asyncio.wait_for(waiting, 60)
    assert answer.outcome is Outcome.OK
    assert answer.rtt < 0.05, "the handshake's time is the kernel's, not ours"


async def test_a_peer_that_closes_at_once_was_reached_all_the_same(listener):
    async with opened(a_tcp_probe()) as probe:
        waiting = asyncio.get_running_loop().create_future()
        request = Request(0, "127.0.0.1", port_of(listener), {}, 1.0)
        probe.begin(request, lambda _, answer: waiting.set_result(answer))
        accepted, _ = listener.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        accepted.close()
        answer = await asyncio.wait_for(waiting, 60)
    assert answer.outcome is Outcome.OK


async def test_a_name_is_never_looked_up():
    async with opened(a_tcp_probe()) as probe:
        answer = await look(probe, "localhost", 80)
    assert answer.outcome is Outcome.ERROR
    assert "localhost" in answer.detail


@pytest.mark.root
@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        ("icmp type host-unreachable", Outcome.UNREACHABLE),
        ("icmp type admin-prohibited", Outcome.UNREACHABLE),
        ("tcp reset", Outcome.REFUSED),
    ],
)
async def test_a_router_that_says_no_is_told_apart_from_a_route_that_we_lack(listener, verdict, outcome):
    needs_program("nft")
    with own_network():
        rules = f"table ip t {{ chain c {{ type filter hook input priority 0; ip daddr 127.7.7.7 reject with {verdict}; }}; }}"
        subprocess.run(["/usr/sbin/nft", "-f", "-"], input=rules.encode(), check=True)
        async with opened(a_tcp_probe()) as probe:
            rejected = await look(probe, "127.7.7.7", 80)
            without_route = await look(probe, "192.0.2.1", 80)
    assert rejected.outcome is outcome
    assert (without_route.outcome, without_route.detail) == (Outcome.ERROR, "not sent: ENETUNREACH")


async def test_no_route_of_ours_speaks_of_us_and_not_of_the_target():
    async with opened(a_tcp_probe()) as probe:
        answer = await look(probe, "255.255.255.255", 80)
    assert answer.outcome is Outcome.ERROR


async def test_ipv6_is_looked_at_the_same_way():
    try:
        listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("left out: this machine has no IPv6 loopback")
    with listening:
        async with opened(a_tcp_probe()) as probe:
            answer = await look(probe, "::1", listening.getsockname()[1])
    assert answer.outcome is Outcome.OK


async def test_two_thousand_looks_at_once_all_end_and_leave_no_descriptor_behind(listener):
    port = port_of(listener)
    before = descriptors_held()
    count = min(2000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    listener.setblocking(False)
    loop = asyncio.get_running_loop()

    def accept():
        for _ in range(64):
            try:
                listener.accept()[0].close()
            except (BlockingIOError, ConnectionError):
                return

    loop.add_reader(listener, accept)
    async with opened(a_tcp_probe()) as probe:
        requests = [Request(n, f"127.0.{n // 250}.{n % 250 + 1}", port, {}, 5.0) for n in range(count)]
        requests = [
            Request(r.target, "127.0.0.1" if n % 2 == 0 else r.address, r.port, {}, 5.0)
            for n, r in enumerate(requests)
        ]
        answers = await looks(probe, requests)
    loop.remove_reader(listener)
    reached = [answer for answer in answers[::2] if answer.outcome is Outcome.OK]
    refused = [answer for answer in answers[1::2] if answer.outcome is Outcome.REFUSED]
    assert len(reached) == len(answers[::2])
    assert len(refused) >= len(answers[1::2]) - 1  # 127.0.0.1 may be among them
    assert descriptors_held() <= before


async def test_running_out_of_descriptors_is_an_error_of_ours(listener):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with opened(a_tcp_probe()) as probe:
        used = descriptors_held()
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 2, hard))
        try:
            requests = [Request(n, "127.0.0.1", port_of(listener), {}, 0.5) for n in range(50)]
            answers = await looks(probe, requests)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    errors = [answer for answer in answers if answer.outcome is Outcome.ERROR]
    assert errors
    assert all("open files" in answer.detail for answer in errors)


async def test_closing_ends_what_is_under_way_as_an_error_of_ours():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()):
            probe = a_tcp_probe()
            await probe.open()
            ended = []
            request = Request(0, "127.0.0.1", port_of(full), {}, 30.0)
            probe.begin(request, lambda _, answer: ended.append(answer))
            await probe.close()
    assert [answer.outcome for answer in ended] == [Outcome.ERROR]


def test_the_loop_of_production_gives_the_same_answers(listener):
    async def scenario():
        async with opened(a_tcp_probe()) as probe:
            reached = await look(probe, "127.0.0.1", port_of(listener))
            refused = await look(probe, "127.0.0.1", free_port())
            unroutable = await look(probe, "255.255.255.255", 80)
        return reached.outcome, refused.outcome, unroutable.outcome

    outcomes = uvloop.run(scenario())
    assert outcomes == (Outcome.OK, Outcome.REFUSED, Outcome.ERROR)

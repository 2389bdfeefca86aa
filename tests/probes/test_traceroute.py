"""Routes: where a path breaks, within a deadline, and what is said of it."""

import os
import time

import icmplib
import pytest

from probes.traceroute import Hop, Route, first_hops, trace, trace_beside
from tests.support.netns import without_capabilities
from tests.support.routers import TARGET, a_line_of_routers


def answering(*addresses, silent=(), lost=()):
    """A tracer over routers at distances 1, 2, …; ``silent`` ones never speak, ``lost`` ones the second time."""
    asked = []

    def tracer(address, *, count, interval, timeout, first_hop, max_hops):
        assert (count, first_hop) == (1, max_hops)
        asked.append(first_hop)
        if first_hop > len(addresses) or first_hop in silent:
            return []
        if first_hop in lost and asked.count(first_hop) == 1:
            return []
        return [icmplib.Hop(addresses[first_hop - 1], 1, [2.5], first_hop)]

    return tracer


def traced(tracer, **given):
    return trace("192.0.2.9", monotonic=time.monotonic, tracer=tracer, **given)


def test_a_path_that_is_whole_ends_at_its_address():
    route = traced(answering("10.0.0.1", "10.0.0.2", "192.0.2.9"))
    assert route.is_reached
    assert route.last == Hop(3, "192.0.2.9", 0.0025)
    assert route.told()[1] == "192.0.2.9 is reached: 192.0.2.9 (hop 3, 2.5 ms)"


def test_a_path_that_breaks_names_the_last_router_that_answered():
    route = traced(answering("10.0.0.1", "10.0.0.2"))
    assert not route.is_reached
    assert route.last.address == "10.0.0.2"
    assert route.asked == 7
    assert "đứt sau 10.0.0.2" in route.told()[0]


def test_a_silent_router_on_the_way_is_passed_over():
    route = traced(answering("10.0.0.1", "x", "10.0.0.3", "192.0.2.9", silent={2}))
    assert [hop.distance for hop in route.hops] == [1, 3, 4]
    assert route.is_reached


def test_one_lost_answer_does_not_break_a_path():
    assert traced(answering("10.0.0.1", "192.0.2.9", lost={1, 2})).is_reached


def test_a_router_that_says_there_is_no_way_on_ends_the_route():
    route = traced(answering("10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.2"))
    assert [hop.address for hop in route.hops] == ["10.0.0.1", "10.0.0.2"]
    assert route.asked == 3


def test_a_deadline_holds_whatever_the_routers_do():
    clock = iter(range(0, 1000, 4))
    route = trace(
        "192.0.2.9", monotonic=lambda: float(next(clock)), tracer=answering(), deadline=10.0, most_hops=30
    )
    assert route.asked <= 3


@pytest.mark.parametrize("address", ["host.example", "", "1.2.3", "-1"])
def test_a_name_is_not_traced_because_resolving_it_has_no_deadline(address):
    assert trace(address, monotonic=time.monotonic).problem == "not a numeric address"


def test_nothing_on_the_way_is_said_as_it_is():
    assert traced(answering()).told()[1] == "nothing answers on the way to 192.0.2.9"


def test_the_first_two_routers_are_what_a_vantage_should_hold_as_canaries():
    tracer = answering("10.0.0.1", "10.0.0.2", "10.0.0.3", "192.0.2.9")
    assert first_hops("192.0.2.9", monotonic=time.monotonic, tracer=tracer) == ("10.0.0.1", "10.0.0.2")
    direct = answering("192.0.2.9")
    assert first_hops("192.0.2.9", monotonic=time.monotonic, tracer=direct) == ()


@pytest.mark.root
async def test_a_loopback_address_is_one_hop_away():
    route = await trace_beside("127.0.0.5", monotonic=time.monotonic)
    assert route.is_reached
    assert [hop.address for hop in route.hops] == ["127.0.0.5"]
    assert 0 < route.hops[0].rtt < 1


@pytest.mark.root
def test_where_raw_sockets_are_not_allowed_the_route_says_so():
    with without_capabilities():
        route = trace("127.0.0.1", monotonic=time.monotonic)
    assert "not allowed" in route.problem
    assert not route.hops


@pytest.mark.root
def test_real_routers_are_found_and_a_cut_behind_them_is_placed():
    with a_line_of_routers(str(os.getpid())) as line:
        whole = trace(TARGET, monotonic=time.monotonic)
        assert [hop.address for hop in whole.hops] == [*line.routers, TARGET]
        assert first_hops(TARGET, monotonic=time.monotonic) == line.routers
        line.cut()
        broken = trace(TARGET, monotonic=time.monotonic, hop_timeout=0.2)
        assert not broken.is_reached
        assert broken.last.address == line.routers[1]


def test_a_route_with_a_problem_tells_the_problem():
    assert "x" in Route("192.0.2.9", problem="x").told()[0]

"""Where a path breaks: the route towards an address, hop by hop, by icmplib; for a person, or an incident's evidence.

One echo request a hop (two where the first is lost), all within one deadline. It blocks: :func:`trace` belongs on a
thread, which :func:`trace_beside` gives it. Needs raw sockets; where they are not allowed the route says so.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import icmplib

__all__ = ["Hop", "Route", "Tracer", "first_hops", "trace", "trace_beside"]

_DEADLINE_SECONDS: Final = 15.0
_HOP_SECONDS: Final = 1.0
_MOST_HOPS: Final = 30
_SILENT_HOPS: Final = 5
"""So many hops in a row that say nothing: the path ends there, or nobody further on speaks."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A router that answered, ``distance`` hops away, after ``rtt`` seconds."""

    distance: int
    address: str
    rtt: float


@dataclass(frozen=True, slots=True)
class Route:
    """What answered on the way. ``problem`` says why there is no route, empty where there is one."""

    address: str
    hops: tuple[Hop, ...] = ()
    is_reached: bool = False
    asked: int = 0
    problem: str = ""

    @property
    def last(self) -> Hop | None:
        """The last hop that answered: the path breaks after it, unless it is the address itself."""
        return self.hops[-1] if self.hops else None

    def told(self) -> tuple[str, str]:
        """Answer the finding as one sentence, in Vietnamese and in English."""
        if self.problem:
            return (
                f"không dò được đường tới {self.address}: {self.problem}",
                f"the route to {self.address} could not be traced: {self.problem}",
            )
        if self.last is None:
            return (
                f"không nút nào trên đường tới {self.address} trả lời",
                f"nothing answers on the way to {self.address}",
            )
        took = f"{self.last.rtt * 1000:.1f}"
        place = f"{self.last.address} (hop {self.last.distance}, {took} ms)"
        place_vi = f"{self.last.address} (chặng {self.last.distance}, {took.replace('.', ',')} ms)"
        if self.is_reached:
            return f"đường tới {self.address} thông: {place_vi}", f"{self.address} is reached: {place}"
        return (
            f"đường tới {self.address} đứt sau {place_vi}",
            f"the path to {self.address} breaks after {place}",
        )


class Tracer(Protocol):
    """icmplib's traceroute, or what stands in for it in a test."""

    def __call__(
        self, address: str, *, count: int, interval: float, timeout: float, first_hop: int, max_hops: int
    ) -> Sequence[icmplib.Hop]:
        """Answer the hops from ``first_hop`` to ``max_hops`` that spoke."""


def trace(
    address: str,
    *,
    monotonic: Callable[[], float],
    deadline: float = _DEADLINE_SECONDS,
    most_hops: int = _MOST_HOPS,
    hop_timeout: float = _HOP_SECONDS,
    tracer: Tracer = icmplib.traceroute,
) -> Route:
    """Follow the way to a numeric address until it answers, nobody does, or ``deadline`` seconds have passed."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return Route(address, problem="not a numeric address")
    ends = monotonic() + deadline
    hops: list[Hop] = []
    distance = 0
    while distance < most_hops and monotonic() < ends:
        distance += 1
        try:
            found = _hop(address, distance, min(hop_timeout, max(0.05, ends - monotonic())), tracer)
        except icmplib.SocketPermissionError:
            return Route(address, problem="raw sockets are not allowed (root, or CAP_NET_RAW)")
        except (icmplib.ICMPLibError, OSError) as error:
            return Route(address, tuple(hops), asked=distance, problem=str(error))
        if found is not None:
            if hops and hops[-1].address == found.address:
                break  # the same router again: it says that there is no way on
            hops.append(found)
            if found.address == address:
                return Route(address, tuple(hops), is_reached=True, asked=distance)
        if distance - (hops[-1].distance if hops else 0) >= _SILENT_HOPS:
            break
    return Route(address, tuple(hops), asked=distance)


async def trace_beside(
    address: str,
    *,
    monotonic: Callable[[], float],
    deadline: float = _DEADLINE_SECONDS,
    hop_timeout: float = _HOP_SECONDS,
) -> Route:
    """Trace on a thread, so that the loop goes on."""
    return await asyncio.to_thread(
        trace, address, monotonic=monotonic, deadline=deadline, hop_timeout=hop_timeout
    )


def first_hops(
    address: str, *, monotonic: Callable[[], float], count: int = 2, tracer: Tracer = icmplib.traceroute
) -> tuple[str, ...]:
    """Answer the first routers on the way out: what a vantage's canaries should be, nearest first."""
    route = trace(
        address, monotonic=monotonic, deadline=2.0 * count, most_hops=count, tracer=tracer, hop_timeout=1.0
    )
    return tuple(dict.fromkeys(hop.address for hop in route.hops if hop.address != address))


def _hop(address: str, distance: int, timeout: float, tracer: Tracer) -> Hop | None:
    """Ask one distance; a second time where the first question found nobody: a router may spare its answers."""
    for _ in range(2):
        found = tracer(address, count=1, interval=0.0, timeout=timeout, first_hop=distance, max_hops=distance)
        if found:
            rtts = found[0].rtts
            return Hop(distance, found[0].address, rtts[0] / 1000 if rtts else float("nan"))
    return None

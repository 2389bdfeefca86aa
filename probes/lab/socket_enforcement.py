"""Faults enforced on the responders' own sockets, where we are not root.

Datagrams are dropped by a filter on the socket (:mod:`probes.lab.socket_filter`). A cut TCP target gets a listener
whose queue is full (:mod:`probes.lab.blockers`): its SYN is dropped by the kernel, as on a cut line; to accept and
never answer would be something else, a port that is open. Loss on TCP needs a filter that some kernels keep for
root. What nothing of ours can reach is the kernel itself, which answers ICMP on loopback. All that is left out is
named, target by target.
"""

import asyncio
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from probes.lab.blockers import Blockers
from probes.lab.endpoints import Endpoint, Service, Transport
from probes.lab.faults import Effects
from probes.lab.socket_filter import MOST_INSTRUCTIONS, attach, detach, drop_program

__all__ = ["SocketEnforcement"]

Sockets = Callable[[Transport, int], Sequence[socket.socket]]


class SocketEnforcement:
    """Keeps the responders' sockets equal to the effects. ``sockets`` answers those that serve a port."""

    name = "sockets"

    def __init__(self, endpoints: Iterable[Endpoint], *, sockets: Sockets) -> None:
        self._endpoints = {endpoint.target: endpoint for endpoint in endpoints}
        self._sockets = sockets
        self._blockers = Blockers(lambda port: sockets(Transport.TCP, port))

    async def open(self) -> None:
        """Nothing to acquire: the sockets are the responders'."""
        await asyncio.sleep(0)

    async def apply(self, effects: Effects) -> frozenset[str]:
        """Enforce ``effects`` from now on; answer the targets left out."""
        left_out = self._out_of_reach(effects) | self._block(effects) | self._filter(effects)
        await asyncio.sleep(0)
        return frozenset(left_out)

    async def close(self) -> None:
        """Undo everything."""
        await self.apply(Effects())

    def _out_of_reach(self, effects: Effects) -> set[str]:
        faulty = {*effects.cut, *effects.loss, *effects.delay}
        silent = {code for code in faulty if self._endpoints[code].service is Service.ECHO}
        return silent | {code for code in effects.delay if self._endpoints[code].service is Service.PORT}

    def _block(self, effects: Effects) -> set[str]:
        cut = {
            code: (self._endpoints[code].address, self._endpoints[code].port)
            for code in effects.cut
            if self._endpoints[code].service.transport is Transport.TCP
        }
        failed = self._blockers.set(cut.values())
        return {code for code, place in cut.items() if place in failed}

    def _filter(self, effects: Effects) -> set[str]:
        left_out: set[str] = set()
        for transport, port in {(e.service.transport, e.port) for e in self._endpoints.values() if e.port}:
            dropped = self._dropped(transport, port, effects)
            if not self._is_filtered(transport, port, dropped):
                left_out |= dropped.keys()
        return left_out

    def _dropped(self, transport: Transport, port: int, effects: Effects) -> dict[str, int]:
        """Answer how many of a thousand packets are to be dropped by filter, by target on this port."""
        permille = dict(effects.loss)
        if transport is Transport.UDP:
            permille |= dict.fromkeys(effects.cut, 1000)
        return {
            code: dropped
            for code, dropped in permille.items()
            if (self._endpoints[code].service.transport, self._endpoints[code].port) == (transport, port)
        }

    def _is_filtered(self, transport: Transport, port: int, dropped: dict[str, int]) -> bool:
        levels: defaultdict[int, set[str]] = defaultdict(set)
        for code, permille in dropped.items():
            levels[permille].add(self._endpoints[code].address)
        program = drop_program(levels)
        if len(program) > MOST_INSTRUCTIONS:
            return False
        for served in self._sockets(transport, port):
            try:
                attach(served, program) if dropped else detach(served)
            except PermissionError:
                return False
        return True

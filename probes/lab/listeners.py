"""The lab's sockets: one a transport and port for the whole province, reachable from this machine alone.

A socket bound to every address but only to the loopback *device* serves all of 127.0.0.0/8 with one descriptor, and
nothing that comes in from a network can reach it. Where the device cannot be had (old kernels ask for privilege),
or somebody else holds the port on one address, each address gets its own socket.
"""

import socket
from collections.abc import Iterable, Sequence
from typing import Final

from probes.lab.endpoints import Transport

__all__ = ["PortTakenError", "listen"]

_DEVICE = b"lo"
_BACKLOG: Final = 4096
_KIND = {Transport.TCP: socket.SOCK_STREAM, Transport.UDP: socket.SOCK_DGRAM}


class PortTakenError(OSError):
    """Somebody else holds a port that the inventory's targets need."""


def listen(transport: Transport, port: int, addresses: Iterable[str]) -> list[socket.socket]:
    """Open what serves ``addresses`` on ``port``; raises PortTakenError where that cannot be."""
    try:
        return [_bound(transport, "0.0.0.0", port, device=_DEVICE)]
    except OSError:
        return _one_by_one(transport, port, sorted(set(addresses)))


def _one_by_one(transport: Transport, port: int, addresses: Sequence[str]) -> list[socket.socket]:
    opened: list[socket.socket] = []
    try:
        for address in addresses:
            opened.append(_bound(transport, address, port, device=b""))
    except OSError as error:
        for served in opened:
            served.close()
        raise PortTakenError(error.errno, f"{transport} {address}:{port}: {error.strerror}") from error
    return opened


def _bound(transport: Transport, address: str, port: int, *, device: bytes) -> socket.socket:
    served = socket.socket(socket.AF_INET, _KIND[transport] | socket.SOCK_NONBLOCK)
    try:
        if device:
            served.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
        if transport is Transport.TCP:
            served.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            served.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        served.bind((address, port))
        if transport is Transport.TCP:
            served.listen(_BACKLOG)
    except OSError:
        served.close()
        raise
    return served

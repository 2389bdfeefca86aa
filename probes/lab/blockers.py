"""Cutting one address of a TCP port without privilege: a listener of its own whose queue is full.

The kernel gives a SYN to the listener that is bound to the very address rather than to the one bound to all, and
drops it without a word while the queue of that listener is full. One waiting connection fills a queue of length
zero, so this costs one descriptor a cut target, for as long as it is cut.
"""

import errno
import socket
import struct
from collections.abc import Callable, Iterable, Sequence

__all__ = ["Blockers"]

_RESET_AT_ONCE = struct.pack("ii", 1, 0)
_FILLED_BY_SECONDS = 1.0

Place = tuple[str, int]
Sockets = Callable[[int], Sequence[socket.socket]]


class Blockers:
    """Keeps a blocker at each place given. ``sockets`` answers the listeners that serve a port."""

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets
        self._blocking: dict[Place, socket.socket] = {}

    def set(self, places: Iterable[Place]) -> set[Place]:
        """Block exactly these places from now on; answer those where that was not possible."""
        wanted = set(places)
        for place in self._blocking.keys() - wanted:
            self._blocking.pop(place).close()
        failed: set[Place] = set()
        for place in wanted - self._blocking.keys():
            try:
                self._blocking[place] = self._blocker(place)
            except OSError:
                failed.add(place)
        return failed

    def _blocker(self, place: Place) -> socket.socket:
        blocker = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        # Connections that were served here a moment ago linger in TIME_WAIT and must not keep the place.
        blocker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        shared = [blocker, *self._sockets(place[1])]
        try:
            # Sharing is allowed for this moment only: else a second lab could take half of our connections.
            _share(shared, allowed=True)
            blocker.bind(place)
            blocker.listen(0)
            _share(shared, allowed=False)
            _fill(place)
        except OSError:
            blocker.close()
            raise
        finally:
            _share(shared[1:], allowed=False)
        return blocker


def _share(sockets: Iterable[socket.socket], *, allowed: bool) -> None:
    for each in sockets:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(allowed))


def _fill(place: Place) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as filler:
        filler.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
        filler.settimeout(_FILLED_BY_SECONDS)
        code = filler.connect_ex(place)
        if code not in {0, errno.EISCONN}:
            raise OSError(code, "the queue could not be filled")

"""Views of UDP sockets that a library opened: their errors, stamps and datagrams, without taking them over."""

import fcntl
import select
import socket
import struct
from collections.abc import Callable
from typing import Final

from probes.datagram_notes import IcmpError, ask_for_errors, icmp_error_of
from probes.poller import Poller

__all__ = ["SocketView", "SocketViews"]

_SIOCGSTAMPNS: Final = 0x8907
"""linux/sockios.h: when the datagram last received came, once asked for; not in the socket module."""
_TIMESPEC = struct.Struct("qq")
_LARGEST = 65_536
_NOTES_SIZE = 512
_MSG_ERRQUEUE = 0x2000


class SocketView:
    """A second look at a descriptor that somebody else owns and closes."""

    __slots__ = ("_socket", "descriptor", "on_error", "on_readable")

    def __init__(
        self, descriptor: int, on_readable: Callable[[], None], on_error: Callable[[IcmpError], None]
    ) -> None:
        self.descriptor = descriptor
        self.on_readable = on_readable
        self.on_error = on_error
        self._socket = socket.socket(fileno=descriptor)
        ask_for_errors(self._socket)
        self.stamp_ns()  # from the first time asked, the kernel keeps stamps for this socket

    def stamp_ns(self) -> int:
        """Answer when the datagram last received came, by the kernel's wall clock; 0 where it does not know."""
        try:
            stamp = fcntl.ioctl(self.descriptor, _SIOCGSTAMPNS, bytes(_TIMESPEC.size))
        except OSError:
            return 0
        seconds, nanoseconds = _TIMESPEC.unpack(stamp)
        return max(0, int(seconds) * 1_000_000_000 + int(nanoseconds))

    def peek(self) -> bytes:
        """Read the next datagram and leave it; empty where there is none."""
        try:
            return self._socket.recv(_LARGEST, socket.MSG_PEEK)
        except OSError:
            return b""

    def drain(self, most: int = _LARGEST) -> int:
        """Throw away what has arrived; answers how many datagrams."""
        for count in range(most):
            try:
                self._socket.recv(1)
            except OSError:
                return count
        return most

    def take_error(self) -> IcmpError | None:
        """Take the next error that the kernel keeps for this socket."""
        try:
            _, ancillary, _, _ = self._socket.recvmsg(1, _NOTES_SIZE, _MSG_ERRQUEUE)
        except OSError:
            # None kept; one may still stand on the socket itself, and is cleared by asking.
            code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            return IcmpError(code, is_remote=True) if code else None
        return icmp_error_of(ancillary)

    def detach(self) -> None:
        """Stop looking; the owner closes the descriptor."""
        self._socket.detach()


class SocketViews:
    """All views of one probe behind one descriptor of the event loop."""

    def __init__(self) -> None:
        self._views: dict[int, SocketView] = {}
        self._poller = Poller(self._on_event)

    def __len__(self) -> int:
        return len(self._views)

    def start(self) -> None:
        """Start on the running loop."""
        self._poller.open()

    def stop(self) -> None:
        """Stop watching."""
        self._poller.close()

    def open(
        self, descriptor: int, on_readable: Callable[[], None], on_error: Callable[[IcmpError], None]
    ) -> SocketView:
        """Watch a descriptor from now on."""
        view = SocketView(descriptor, on_readable, on_error)
        self._views[descriptor] = view
        self._poller.watch(descriptor, select.EPOLLIN)
        return view

    def close(self, view: SocketView) -> None:
        """Stop watching, just before the owner closes the descriptor."""
        del self._views[view.descriptor]
        view.detach()

    def drain(self) -> None:
        """Handle everything that is ready."""
        self._poller.drain(all_of_it=True)

    def _on_event(self, descriptor: int, mask: int) -> None:
        view = self._views.get(descriptor)
        if view is None:
            return  # closed by what was handled before it in the same batch
        if mask & select.EPOLLERR:
            error = view.take_error()
            if error is not None:
                view.on_error(error)
        # Whoever was called may have closed or replaced the socket.
        if mask & select.EPOLLIN and self._views.get(descriptor) is view:
            view.on_readable()

"""An epoll of our own that the event loop watches as one single descriptor.

Registering a socket here is one system call and no object of the loop's, a batch of ready sockets costs the loop
one wake-up, and an error condition on a datagram socket is an ordinary event: libuv answers POLLERR by silently
no longer watching the socket.
"""

import asyncio
import select
from collections.abc import Callable

__all__ = ["Poller"]


class Poller:
    """Calls ``on_event(descriptor, mask)`` on the loop for whatever is ready; level triggered."""

    def __init__(
        self, on_event: Callable[[int, int], None], *, batch: int = 256, ceiling: int = 65536
    ) -> None:
        self._on_event = on_event
        self._batch = batch
        self._ceiling = ceiling
        self._epoll: select.epoll | None = None

    def open(self) -> None:
        """Start watching on the running loop."""
        self._epoll = select.epoll()
        asyncio.get_running_loop().add_reader(self._epoll.fileno(), self.drain)

    def watch(self, descriptor: int, mask: int) -> None:
        """Begin to report ``mask`` for a descriptor; closing the descriptor ends it."""
        self._opened.register(descriptor, mask)

    def change(self, descriptor: int, mask: int) -> None:
        """Report ``mask`` from now on instead."""
        self._opened.modify(descriptor, mask)

    def drain(self, *, all_of_it: bool = False) -> None:
        """Handle what is ready now: at most one batch unless asked, so that the loop's other work has its turn."""
        if self._epoll is None:
            return
        most = self._ceiling if all_of_it else self._batch
        for descriptor, mask in self._epoll.poll(0, most):
            self._on_event(descriptor, mask)

    def close(self) -> None:
        """Stop watching; the descriptors watched stay their owners'."""
        if self._epoll is None:
            return
        asyncio.get_running_loop().remove_reader(self._epoll.fileno())
        self._epoll.close()
        self._epoll = None

    @property
    def _opened(self) -> select.epoll:
        if self._epoll is None:
            raise RuntimeError("the poller is not open")
        return self._epoll

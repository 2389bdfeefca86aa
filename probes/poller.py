"""An epoll of our own that the event loop watches as one single descriptor.

Registering a socket here is one system call and no object of the loop's, a batch of ready sockets costs the loop
one wake-up, and an error condition on a datagram socket is an ordinary event: libuv answers POLLERR by silently
no longer watching the socket.

Whose times are the kernel's own loses nothing by being read a little later: ``gather_seconds`` lets events that come
one by one wait for each other, as a network card under load does, instead of waking the loop for each.
"""

import asyncio
import select
from collections.abc import Callable

__all__ = ["GATHER_SECONDS", "Poller"]

GATHER_SECONDS = 0.005
"""Long enough to spare most wakings, and far below anything that belief waits for."""


class Poller:
    """Calls ``on_event(descriptor, mask)`` on the loop for whatever is ready; level triggered."""

    def __init__(
        self,
        on_event: Callable[[int, int], None],
        *,
        batch: int = 256,
        ceiling: int = 65536,
        gather_seconds: float = 0.0,
    ) -> None:
        self._on_event = on_event
        self._gather_seconds = gather_seconds
        self._timer: asyncio.TimerHandle | None = None
        self._batch = batch
        self._ceiling = ceiling
        self._epoll: select.epoll | None = None

    def open(self) -> None:
        """Start watching on the running loop."""
        self._epoll = select.epoll()
        self._await()

    def watch(self, descriptor: int, mask: int) -> None:
        """Begin to report ``mask`` for a descriptor; closing the descriptor ends it."""
        self._opened.register(descriptor, mask)

    def change(self, descriptor: int, mask: int) -> None:
        """Report ``mask`` from now on instead."""
        self._opened.modify(descriptor, mask)

    def drain(self, *, all_of_it: bool = False) -> int:
        """Handle what is ready now, and answer how much: at most one batch unless asked, so that others have a turn."""
        if self._epoll is None:
            return 0
        ready = self._epoll.poll(0, self._ceiling if all_of_it else self._batch)
        for descriptor, mask in ready:
            self._on_event(descriptor, mask)
        return len(ready)

    def close(self) -> None:
        """Stop watching; the descriptors watched stay their owners'."""
        if self._epoll is None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        asyncio.get_running_loop().remove_reader(self._epoll.fileno())
        self._epoll.close()
        self._epoll = None

    def _await(self) -> None:
        wake = self._woke if self._gather_seconds else self.drain
        asyncio.get_running_loop().add_reader(self._opened.fileno(), wake)

    def _woke(self) -> None:
        """Handle what is ready, and be deaf for a moment: what comes meanwhile is handled together."""
        asyncio.get_running_loop().remove_reader(self._opened.fileno())
        self._gather()

    def _gather(self) -> None:
        self._timer = None
        count = self.drain()
        if self._epoll is None:
            return  # closed by what was handled
        if count:
            wait = 0.0 if count == self._batch else self._gather_seconds
            self._timer = asyncio.get_running_loop().call_later(wait, self._gather)
        else:
            self._await()

    @property
    def _opened(self) -> select.epoll:
        if self._epoll is None:
            raise RuntimeError("the poller is not open")
        return self._epoll

"""Many datagrams in one system call: ``sendmmsg`` and ``recvmmsg`` over arrays that are laid out once.

The kernel's structures (``mmsghdr``, ``iovec``, ``sockaddr``, ``cmsghdr``) are numpy arrays whose pointers
into each other are written at construction; a batch only patches what changes. Layouts are those of 64-bit
Linux. No packet costs a Python instruction.

The calls keep the interpreter lock (``PyDLL``). They never block and take a fraction of a millisecond; giving
the lock up would mean queueing for it behind a busy event loop, up to five milliseconds between the last
packet of a batch and the clock reading that dates it.
"""

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from errno import EAGAIN, EINTR, ENOBUFS
from socket import MSG_DONTWAIT, SOL_SOCKET

import numpy as np
import numpy.typing as npt

from probes.icmp_address import SOCKADDR
from probes.icmp_packet import ECHO, ECHO_SIZE, WIDTH

__all__ = ["Arrivals", "ReceiveRing", "SendBlock", "Sent"]

_MESSAGE = np.dtype(
    {
        "names": ["name", "name_size", "parts", "part_count", "control", "control_size", "flags", "length"],
        "formats": ["u8", "u4", "u8", "u8", "u8", "u8", "i4", "u4"],
        "offsets": [0, 8, 16, 24, 32, 40, 48, 56],
        "itemsize": 64,
    }
)
_PART = np.dtype([("base", "u8"), ("size", "u8")])
_CONTROL = np.dtype([("size", "u8"), ("level", "i4"), ("type", "i4"), ("seconds", "i8"), ("nanos", "i8")])
_SCM_TIMESTAMPNS = 35
_NOT_NOW = frozenset({EAGAIN, ENOBUFS, EINTR})
_SHORTEST, _LONGEST = 16, 64
_BATCH_NS = 1_000_000
"""Transmit stamps are interpolated over a batch, so a batch that takes longer than this is made shorter."""

_libc = ctypes.PyDLL(None, use_errno=True)
_libc.sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
_libc.recvmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True, slots=True)
class Sent:
    """The first ``count`` rows of a block have left, but for ``failed`` (row numbers), which never will.

    ``at_ns`` is monotonic and ``spread_ns`` how far off it may be: the length of the batch it lies in.
    """

    count: int
    at_ns: npt.NDArray[np.int64]
    spread_ns: npt.NDArray[np.int64]
    failed: list[int]


class SendBlock:
    """Room for ``capacity`` echo requests, sent in batches of 16 to 64; :attr:`packets` is for the codec."""

    def __init__(self, capacity: int, *, monotonic_ns: Callable[[], int]) -> None:
        self.packets: npt.NDArray[np.void] = np.zeros(capacity, ECHO)
        self._monotonic_ns = monotonic_ns
        self._parts = np.zeros(capacity, _PART)
        self._parts["base"] = self.packets.ctypes.data + np.arange(capacity) * ECHO_SIZE
        self._parts["size"] = ECHO_SIZE
        self._messages = np.zeros(capacity, _MESSAGE)
        self._messages["parts"] = self._parts.ctypes.data + np.arange(capacity) * _PART.itemsize
        self._messages["part_count"] = 1
        self._base = int(self._messages.ctypes.data)
        self._batch = _LONGEST

    def address(self, base: int, name_size: int, slots: npt.NDArray[np.uint32]) -> None:
        """Point the first messages at the addresses of ``slots`` in the array of rows at ``base``."""
        rows = self._messages[: len(slots)]
        rows["name"] = base + slots.astype(np.uint64) * SOCKADDR.itemsize
        rows["name_size"] = name_size

    def send(self, descriptor: int, count: int, *, after_batch: Callable[[], bool]) -> Sent:
        """Send the first ``count`` messages, stopping early where the kernel takes no more just now."""
        done, failed = 0, []
        marks: list[tuple[int, int, int]] = []
        while done < count:
            before = self._monotonic_ns()
            sent = _libc.sendmmsg(
                descriptor,
                self._base + done * _MESSAGE.itemsize,
                min(self._batch, count - done),
                MSG_DONTWAIT,
            )
            after = self._monotonic_ns()
            if sent < 0:
                if ctypes.get_errno() in _NOT_NOW:
                    break
                failed.append(done)
                sent = 1
            marks.append((sent, before, after))
            self._adapt(after - before)
            done += sent
            after_batch()
        return _interpolated(done, marks, failed)

    def _adapt(self, took_ns: int) -> None:
        if took_ns > _BATCH_NS:
            self._batch = max(_SHORTEST, self._batch // 2)
        elif self._batch < _LONGEST:
            self._batch += 1


def _interpolated(done: int, marks: list[tuple[int, int, int]], failed: list[int]) -> Sent:
    """Date each packet by its place in its batch: the kernel sends one after the other, at an even pace."""
    counts, before, after = np.array(marks, np.int64).reshape(-1, 3).T
    spread = np.repeat(after - before, counts)
    place = np.arange(done) - np.repeat(np.cumsum(counts) - counts, counts)
    at_ns = np.repeat(before, counts) + spread * place // np.repeat(counts, counts)
    return Sent(done, at_ns, spread, failed)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Datagrams taken from a socket: views into the ring, good until it is next filled.

    ``at_ns`` is the kernel's receive stamp, CLOCK_REALTIME, or 0 where it gave none.
    """

    datagrams: npt.NDArray[np.uint8]
    lengths: npt.NDArray[np.uint32]
    names: npt.NDArray[np.void]
    at_ns: npt.NDArray[np.int64]


class ReceiveRing:
    """Room for ``capacity`` datagrams with sender and kernel time stamp."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._datagrams = np.zeros((capacity, WIDTH), np.uint8)
        self._names = np.zeros(capacity, SOCKADDR)
        self._controls = np.zeros(capacity, _CONTROL)
        self._parts = np.zeros(capacity, _PART)
        self._messages = np.zeros(capacity, _MESSAGE)
        row = np.arange(capacity)
        self._parts["base"] = self._datagrams.ctypes.data + row * WIDTH
        self._parts["size"] = WIDTH
        self._messages["name"] = self._names.ctypes.data + row * SOCKADDR.itemsize
        self._messages["parts"] = self._parts.ctypes.data + row * _PART.itemsize
        self._messages["part_count"] = 1
        self._messages["control"] = self._controls.ctypes.data + row * _CONTROL.itemsize
        self._base = int(self._messages.ctypes.data)
        self._used = 0
        self._reset(capacity)

    def _reset(self, count: int) -> None:
        """Give the kernel back the sizes it has overwritten with what it used."""
        self._messages["name_size"][:count] = SOCKADDR.itemsize
        self._messages["control_size"][:count] = _CONTROL.itemsize
        self._used = 0

    def fill(self, descriptor: int) -> bool:
        """Take what waits at the socket; tell whether anything may be left for lack of room."""
        room = self._capacity - self._used
        if not room:
            return True
        base = self._base + self._used * _MESSAGE.itemsize
        got = _libc.recvmmsg(descriptor, base, room, MSG_DONTWAIT, None)
        if got < 0:
            number = ctypes.get_errno()
            if number not in _NOT_NOW:
                raise OSError(number, os.strerror(number))
            return False
        self._used += got
        return bool(got == room)

    def empty(self) -> Arrivals:
        """Hand over all that was taken."""
        count = self._used
        control = self._controls[:count]
        is_stamp = (control["level"] == SOL_SOCKET) & (control["type"] == _SCM_TIMESTAMPNS)
        is_stamp &= self._messages["control_size"][:count] == _CONTROL.itemsize
        stamps = control["seconds"] * 1_000_000_000 + control["nanos"]
        arrivals = Arrivals(
            self._datagrams[:count],
            self._messages["length"][:count].copy(),
            self._names[:count],
            np.where(is_stamp, stamps, 0),
        )
        self._reset(count)
        return arrivals

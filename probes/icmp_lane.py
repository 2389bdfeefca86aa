"""One family's way out and back: its socket, its codec, and the arrays that both work on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from probes.icmp_address import SOCKADDR_SIZE, Addresses
from probes.icmp_batch import ReceiveRing, SendBlock, Sent
from probes.icmp_packet import EchoCodec, Family, Reading
from probes.icmp_socket import IcmpMode, IcmpSocket

__all__ = ["CHUNK", "IcmpLane", "Take"]

CHUNK = 4096
"""Looks prepared, and replies sorted out, at a time: large enough that numpy's overhead of a turn (a good half of a
millisecond) vanishes, small enough that the arrays stay near the processor: 8192 are no faster, 1024 slower by a tenth."""


@dataclass(frozen=True, slots=True)
class Take:
    """What was taken from a lane: a reading, and sender and kernel stamp (UTC nanoseconds) of every row of it."""

    family: Family
    reading: Reading
    names: npt.NDArray[np.void]
    at_ns: npt.NDArray[np.int64]


class IcmpLane:
    """Sends and receives echoes of one family; decides nothing."""

    def __init__(
        self,
        family: Family,
        opened: IcmpSocket,
        *,
        mode: IcmpMode,
        nonce: int,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self.family = family
        self.socket = opened
        self._descriptor = opened.fileno()
        self._codec = EchoCodec(
            family,
            nonce=nonce,
            identifier=opened.identifier,
            has_ip_header=mode is IcmpMode.RAW and family is Family.V4,
        )
        self._block = SendBlock(CHUNK, monotonic_ns=monotonic_ns)
        self._ring = ReceiveRing(CHUNK)
        self._codec.prepare(self._block.packets)

    def transmit(
        self, addresses: Addresses, slots: npt.NDArray[np.uint32], looks: npt.NDArray[np.uint32]
    ) -> Sent:
        """Send up to :data:`CHUNK` requests, taking in replies between batches so that no buffer overflows."""
        self._block.address(addresses.base, SOCKADDR_SIZE[self.family], slots)
        self._codec.write(self._block.packets[: len(slots)], slots, looks)
        return self._block.send(self._descriptor, len(slots), after_batch=self._fill)

    def take(self) -> tuple[Take | None, bool]:
        """Return what has arrived, if anything, and whether more may be waiting."""
        is_more = self._fill()
        arrivals = self._ring.empty()
        if not len(arrivals.lengths):
            return None, is_more
        reading = self._codec.read(arrivals.datagrams, arrivals.lengths)
        return Take(self.family, reading, arrivals.names, arrivals.at_ns), is_more

    def _fill(self) -> bool:
        return self._ring.fill(self._descriptor)

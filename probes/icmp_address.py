"""The addresses of a fleet as the kernel wants them: one ``sockaddr`` a slot, in one array."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, if_nametoindex, inet_pton

import numpy as np
import numpy.typing as npt

from probes.icmp_packet import Family

__all__ = ["SOCKADDR", "SOCKADDR_SIZE", "Addresses"]

SOCKADDR = np.dtype(
    {
        "names": ["family", "port", "v4", "v6_high", "v6_low", "scope"],
        "formats": ["u2", "u2", "u4", "u8", "u8", "u4"],
        "offsets": [0, 2, 4, 8, 16, 24],
        "itemsize": 32,
    }
)
"""``sockaddr_in`` and ``sockaddr_in6`` laid over each other, and padded so that rows are aligned."""
SOCKADDR_SIZE = {Family.V4: 16, Family.V6: 28}

_AF = {Family.V4: int(AF_INET), Family.V6: int(AF_INET6)}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Numeric addresses by slot, as text and as rows of :data:`SOCKADDR`; never changed once made.

    An address that is no numeric address (an unresolved name, an empty cell) has family 0 and belongs to no
    :class:`Family`: a look at it is an ERROR of ours, and never stops the others.
    """

    text: tuple[str, ...]
    rows: npt.NDArray[np.void]

    @classmethod
    def of(cls, addresses: Sequence[str]) -> "Addresses":
        """Parse addresses in slot order; IPv6 may bear a zone (``fe80::1%eth0``)."""
        packed = b"".join(map(_sockaddr, addresses))
        return cls(tuple(addresses), np.frombuffer(packed, SOCKADDR))

    def __len__(self) -> int:
        return len(self.text)

    @property
    def base(self) -> int:
        """Memory address of slot 0's row; each next is 32 bytes on."""
        return int(self.rows.ctypes.data)

    def is_of(self, family: Family, slots: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
        """Tell which slots have an address of ``family``."""
        return np.asarray(self.rows["family"][slots] == _AF[family])

    def is_at(
        self, family: Family, slots: npt.NDArray[np.uint32], packed: npt.NDArray[np.uint8]
    ) -> npt.NDArray[np.bool_]:
        """Tell which packed addresses (a row of 4 or 16 bytes each) are those of ``slots``."""
        names = np.zeros(len(packed), SOCKADDR)
        start = 4 if family is Family.V4 else 8
        names.view(np.uint8).reshape(-1, SOCKADDR.itemsize)[:, start : start + family.address_size] = packed
        return self.is_source(family, slots, names)

    def is_source(
        self, family: Family, slots: npt.NDArray[np.uint32], names: npt.NDArray[np.void]
    ) -> npt.NDArray[np.bool_]:
        """Tell which of ``names`` (senders, rows of :data:`SOCKADDR`) are the addresses of ``slots``."""
        if family is Family.V4:
            return np.asarray(self.rows["v4"][slots] == names["v4"])
        high = self.rows["v6_high"][slots] == names["v6_high"]
        return np.asarray(high & (self.rows["v6_low"][slots] == names["v6_low"]))


def _sockaddr(address: str) -> bytes:
    try:
        if ":" not in address:
            return AF_INET.to_bytes(2, sys.byteorder) + b"\0\0" + inet_pton(AF_INET, address) + bytes(24)
        bare, _, zone = address.partition("%")
        scope = int(zone) if zone.isdecimal() else if_nametoindex(zone) if zone else 0
        head = AF_INET6.to_bytes(2, sys.byteorder) + bytes(6)
        return head + inet_pton(AF_INET6, bare) + scope.to_bytes(4, sys.byteorder) + bytes(4)
    except (OSError, OverflowError, ValueError):
        return bytes(SOCKADDR.itemsize)

"""Echo requests, replies and the errors that quote them, for a whole batch at a time; no socket in sight.

A request carries, behind the eight bytes of ICMP header (RFC 792, RFC 4443), a payload of sixteen that only
its sender can read, in native byte order: a 64-bit nonce of the engine, the slot of the target and the number
of the look. A reply is ours only if all of it came back; the sequence number is the look's low sixteen bits,
which is all that is left of it in an error from a router that quotes no more than it must (RFC 792: 8 bytes).

A raw IPv4 socket is given packets before the kernel has verified their checksum. That costs nothing here:
every bit of the payload is compared with what was sent, so a damaged reply is a foreign one.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

__all__ = ["ECHO", "ECHO_SIZE", "WIDTH", "EchoCodec", "Family", "Quotes", "Reading", "checksum"]

ECHO = np.dtype(
    [
        ("type", "u1"),
        ("code", "u1"),
        ("checksum", "u2"),
        ("identifier", ">u2"),
        ("sequence", ">u2"),
        ("nonce", "u8"),
        ("slot", "u4"),
        ("look", "u4"),
    ]
)
ECHO_SIZE = ECHO.itemsize
WIDTH = 160
"""Bytes kept of a datagram: the longest headers (60), an error's own (8), a quoted IPv6 header (40) and echo."""

_HEADER = 8
_IPV4 = 20
_IPV6 = 40


class Family(Enum):
    """IP version, with its ICMP message types (request, reply, errors that end a look) and address place."""

    V4 = (8, 0, (3, 11), _IPV4, 16, 4)
    V6 = (128, 129, (1, 3), _IPV6, 24, 16)

    def __init__(
        self, request: int, reply: int, errors: tuple[int, ...], header: int, destination: int, address: int
    ) -> None:
        self.request = request
        self.reply = reply
        self.errors = errors
        self.header_size = header
        self.destination_at = destination
        self.address_size = address


@dataclass(frozen=True, slots=True)
class Quotes:
    """Errors that quote one of our requests. ``known`` tells where the quote reached our nonce and payload.

    Where it did not, only ``sequence`` and ``destination`` (packed addresses, a row each) can name the look.
    """

    row: npt.NDArray[np.intp]
    sequence: npt.NDArray[np.uint16]
    look: npt.NDArray[np.uint32]
    known: npt.NDArray[np.bool_]
    destination: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a batch of datagrams holds: the rows that answer us, with slot and look; errors; and the rest, counted."""

    row: npt.NDArray[np.intp]
    slot: npt.NDArray[np.uint32]
    look: npt.NDArray[np.uint32]
    quotes: Quotes | None
    truncated: int
    foreign: int


def checksum(packets: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    """Return the Internet checksum (RFC 1071) of each row, in the byte order of the rows' own memory.

    The one's complement sum does not depend on byte order, RFC 1071 section 2 (B), so it is taken over native
    words and stored as one; nor on their size, (2) (C), so they are of 32 bits. Rows are a multiple of that wide.
    """
    words = packets.view(np.uint32)
    sums = np.zeros(len(packets), np.uint64)
    for column in range(words.shape[1]):
        sums += words[:, column]
    for bits in (32, 16, 16):
        sums = (sums & ((1 << bits) - 1)) + (sums >> bits)
    folded: npt.NDArray[np.uint16] = (~sums).astype(np.uint16)
    return folded


class EchoCodec:
    """Writes and reads the echoes of one engine in one family.

    ``has_ip_header`` tells whether datagrams arrive with their IP header before them, as they do from a raw
    IPv4 socket and from no other.
    """

    def __init__(self, family: Family, *, nonce: int, identifier: int, has_ip_header: bool) -> None:
        self._family = family
        self._nonce = np.uint64(nonce)
        self._identifier = identifier
        self._start = _IPV4 if has_ip_header else 0

    def prepare(self, block: npt.NDArray[np.void]) -> None:
        """Fill in what is the same in every request of ``block`` (of dtype :data:`ECHO`)."""
        block["type"] = self._family.request
        block["code"] = 0
        block["identifier"] = self._identifier
        block["nonce"] = self._nonce

    def write(
        self, block: npt.NDArray[np.void], slots: npt.NDArray[np.uint32], looks: npt.NDArray[np.uint32]
    ) -> None:
        """Turn prepared rows into requests. Over IPv6 the kernel overwrites the checksum, as only it can."""
        block["sequence"] = looks & 0xFFFF
        block["slot"] = slots
        block["look"] = looks
        block["checksum"] = 0
        block["checksum"] = checksum(block.view(np.uint8).reshape(len(block), ECHO_SIZE))

    def read(self, datagrams: npt.NDArray[np.uint8], lengths: npt.NDArray[np.uint32]) -> Reading:
        """Sort out datagrams, a row of :data:`WIDTH` bytes each; ``lengths`` are as received.

        Rows are realigned in place where an IPv4 header bears options.
        """
        if self._start:
            lengths = _without_options(datagrams, lengths)
        echo = np.ndarray(len(datagrams), ECHO, datagrams, self._start, (datagrams.strides[0],))
        is_whole = lengths >= self._start + ECHO_SIZE
        is_reply = (echo["type"] == self._family.reply) & (echo["code"] == 0)
        ours = is_reply & is_whole & (echo["nonce"] == self._nonce)
        ours &= (echo["look"] & 0xFFFF) == echo["sequence"]
        ours &= echo["identifier"] == self._identifier
        row = np.flatnonzero(ours)
        if len(row) == len(datagrams):
            return Reading(row, echo["slot"], echo["look"], None, 0, 0)
        truncated = int(np.count_nonzero(is_reply & ~is_whole))
        quotes = self._quotes(datagrams, lengths, np.flatnonzero(~is_reply))
        quoting = 0 if quotes is None else len(quotes.row)
        foreign = len(datagrams) - len(row) - truncated - quoting
        return Reading(row, echo["slot"][row], echo["look"][row], quotes, truncated, foreign)

    def _quotes(
        self, datagrams: npt.NDArray[np.uint8], lengths: npt.NDArray[np.uint32], row: npt.NDArray[np.intp]
    ) -> Quotes | None:
        """Read the requests of ours that errors among ``row`` quote."""
        family = self._family
        row = row[np.isin(datagrams[row, self._start], family.errors)]
        quoted = self._start + _HEADER
        if not len(row):
            return None
        packets = datagrams[row]
        inner = np.full(len(row), family.header_size)
        if family is Family.V4:
            inner = (packets[:, quoted] & 0xF).astype(np.intp) * 4
        protocol = packets[:, quoted + (9 if family is Family.V4 else 6)]
        at = np.clip(quoted + inner, 0, WIDTH - ECHO_SIZE)
        echo = np.take_along_axis(packets, at[:, None] + np.arange(ECHO_SIZE), axis=1).view(ECHO)[:, 0]
        have = lengths[row].astype(np.intp) - at
        ours = (inner >= family.header_size) & (have >= _HEADER)
        ours &= (echo["type"] == family.request) & (echo["identifier"] == self._identifier)
        ours &= protocol == (1 if family is Family.V4 else 58)
        known = have >= ECHO_SIZE
        ours &= ~known | ((echo["nonce"] == self._nonce) & ((echo["look"] & 0xFFFF) == echo["sequence"]))
        place = quoted + family.destination_at
        destination = packets[:, place : place + family.address_size]
        return Quotes(
            row=row[ours],
            sequence=echo["sequence"][ours].astype(np.uint16),
            look=echo["look"][ours],
            known=known[ours],
            destination=destination[ours],
        )


def _without_options(
    datagrams: npt.NDArray[np.uint8], lengths: npt.NDArray[np.uint32]
) -> npt.NDArray[np.uint32]:
    """Move what stands behind an IPv4 header with options to where it stands without, and shorten its length."""
    header = (datagrams[:, 0] & 0xF) * 4
    odd = np.flatnonzero(header != _IPV4)
    if not len(odd):
        return lengths
    lengths = lengths.copy()
    for row in odd:
        start = int(header[row])
        kept = WIDTH - max(start, _IPV4)
        datagrams[row, _IPV4 : _IPV4 + kept] = datagrams[row, WIDTH - kept :].copy()
        lengths[row] = max(int(lengths[row]) - start + _IPV4, 0) if start >= _IPV4 else 0
    return lengths

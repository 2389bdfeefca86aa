"""The envelope of an SNMP message: version, and the community or the engine and user it names; nothing behind it.

Enough to turn a datagram away before the costly decoding begins, and to know whose keys it needs (RFC 1901, RFC 3412
section 6, RFC 3414 section 2.4). BER with definite lengths (RFC 3417 section 8).
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["Envelope", "SnmpHeaderError", "envelope_of", "is_well_formed"]

_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_OCTETS: Final = 0x04
_VERSIONS: Final = {0: "1", 1: "2c", 3: "3"}
_AUTHENTICATED: Final = 1
_ENCRYPTED: Final = 2
_CONSTRUCTED: Final = 0x20
_NEVER_EMPTY: Final = frozenset({0x02, 0x06, 0x41, 0x42, 0x43, 0x46})
_LONGEST_ENGINE = 32
"""SnmpEngineID, RFC 3411."""


class SnmpHeaderError(ValueError):
    """What came is no SNMP message."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """``community`` for versions 1 and 2c; ``engine_id`` (empty: asks for ours) and ``user`` for version 3.

    ``is_signed`` and ``is_hidden`` are what the flags claim; whoever decodes holds the message to it.
    """

    version: str
    community: bytes = b""
    engine_id: bytes = b""
    user: bytes = b""
    is_signed: bool = False
    is_hidden: bool = False


def envelope_of(datagram: bytes) -> Envelope:
    """Read the envelope; SnmpHeaderError where there is none."""
    message, _ = _part(datagram, 0, _SEQUENCE)
    number, at = _part(message, 0, _INTEGER)
    version = _VERSIONS.get(int.from_bytes(number, signed=True), "")
    if version == "3":
        return _user_based(message, at)
    if not version:
        raise SnmpHeaderError("no version of SNMP that is known")
    community, _ = _part(message, at, _OCTETS)
    return Envelope(version, community=community)


def is_well_formed(datagram: bytes) -> bool:
    """Whether the datagram is one BER value, every length within what holds it; says nothing of its meaning."""
    spans = [(0, len(datagram))]
    while spans:
        at, end = spans.pop()
        while at < end:
            size, start = _length(datagram, at + 1, end)
            if start + size > end:
                return False
            if datagram[at] & _CONSTRUCTED:
                spans.append((start, start + size))
            elif not size and datagram[at] in _NEVER_EMPTY:
                return False
            at = start + size
    return bool(datagram)


def _length(octets: bytes, at: int, end: int) -> tuple[int, int]:
    """Read a length; answers it and where the value begins. A length that cannot be meant comes out too long."""
    if at >= end:
        return end + 1, at
    size, start = octets[at], at + 1
    if size < 0x80:
        return size, start
    count = size & 0x7F
    if not 1 <= count <= 4 or start + count > end:
        return end + 1, start
    return int.from_bytes(octets[start : start + count]), start + count


def _user_based(message: bytes, at: int) -> Envelope:
    about, at = _part(message, at, _SEQUENCE)
    flags = _flags(about)
    octets, _ = _part(message, at, _OCTETS)
    parameters, _ = _part(octets, 0, _SEQUENCE)
    engine_id, at = _part(parameters, 0, _OCTETS)
    _, at = _part(parameters, at, _INTEGER)
    _, at = _part(parameters, at, _INTEGER)
    user, _ = _part(parameters, at, _OCTETS)
    if len(engine_id) > _LONGEST_ENGINE:
        raise SnmpHeaderError("engine identifier too long")
    return Envelope(
        "3",
        engine_id=engine_id,
        user=user,
        is_signed=bool(flags & _AUTHENTICATED),
        is_hidden=bool(flags & _ENCRYPTED),
    )


def _flags(about: bytes) -> int:
    _, at = _part(about, 0, _INTEGER)
    _, at = _part(about, at, _INTEGER)
    flags, _ = _part(about, at, _OCTETS)
    if len(flags) != 1:
        raise SnmpHeaderError("flags not understood")
    return flags[0]


def _part(octets: bytes, at: int, tag: int) -> tuple[bytes, int]:
    """Take the value at ``at``, which must have this tag; answers it and where the next begins."""
    if len(octets) < at + 2 or octets[at] != tag:
        raise SnmpHeaderError(f"expected tag {tag:#04x}")
    size, at = _length(octets, at + 1, len(octets))
    if len(octets) < at + size:
        raise SnmpHeaderError("cut short")
    return octets[at : at + size], at + size

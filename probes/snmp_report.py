"""What an SNMPv3 agent complains of: the usmStats counter in a REPORT, read from the datagram itself.

A library tells that "authentication failed"; which of six reasons it was stands only in the object identifier of
the report (RFC 3414 section 3.2), and a mender must know it. Reports come unencrypted, or they could not be read by
whoever has the wrong key, so the object identifier can be found by its octets.
"""

from enum import IntEnum
from typing import Final

__all__ = ["Complaint", "complaint_in"]

_USM_STATS: Final = bytes.fromhex("2b060106030f0101")
"""1.3.6.1.6.3.15.1.1, usmStats."""
_OID_TAG = 0x06
_OID_LENGTH = 10
_REPORT_TAG = 0xA8
_INSTANCE = 0


class Complaint(IntEnum):
    """The last arc of the counter."""

    UNSUPPORTED_LEVEL = 1
    NOT_IN_TIME_WINDOW = 2
    UNKNOWN_USER = 3
    UNKNOWN_ENGINE = 4
    WRONG_DIGEST = 5
    DECRYPTION = 6

    @property
    def is_stale(self) -> bool:
        """Whether the agent has only started again since we met it, and meeting it anew will do."""
        return self in {Complaint.NOT_IN_TIME_WINDOW, Complaint.UNKNOWN_ENGINE}

    @property
    def sentence(self) -> str:
        """Say it for the one who must mend it."""
        return _SENTENCES[self]


_SENTENCES: Final = {
    Complaint.UNSUPPORTED_LEVEL: "security level not accepted",
    Complaint.NOT_IN_TIME_WINDOW: "not in time window",
    Complaint.UNKNOWN_USER: "unknown user",
    Complaint.UNKNOWN_ENGINE: "unknown engine",
    Complaint.WRONG_DIGEST: "wrong auth_key or auth",
    Complaint.DECRYPTION: "wrong priv_key or priv",
}


def complaint_in(datagram: bytes) -> Complaint | None:
    """Find the complaint in a datagram from an agent; None where it carries none."""
    at = datagram.find(_USM_STATS)
    if at < 2 or datagram[at - 2] != _OID_TAG or datagram[at - 1] != _OID_LENGTH:
        return None
    arcs = datagram[at + len(_USM_STATS) : at + _OID_LENGTH]
    # A walk over the agent's own usmStats carries the same octets, in a response and not in a report.
    if len(arcs) != 2 or arcs[1] != _INSTANCE or _REPORT_TAG not in datagram[:at]:
        return None
    return Complaint(arcs[0]) if arcs[0] in _SENTENCES else None

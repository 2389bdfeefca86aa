"""Counters of the SIP looks of a vantage."""

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["SipStatistics"]


@dataclass(slots=True)
class SipStatistics:
    """Counters since the probe was opened; ``codes`` counts final answers by status."""

    sent: int = 0
    retransmitted: int = 0
    answered: int = 0
    provisional: int = 0
    duplicate: int = 0
    late: int = 0
    foreign: int = 0
    malformed: int = 0
    elsewhere: int = 0
    icmp_errors: int = 0
    send_errors: int = 0
    kernel_drops: int = 0
    in_flight: int = 0
    codes: Counter[int] = field(default_factory=Counter)

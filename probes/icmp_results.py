"""What the ICMP engine says: looks that have ended, as columns, and counters of all that passed by."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["IcmpResults", "IcmpStatistics"]


@dataclass(frozen=True, slots=True)
class IcmpResults:
    """Looks that have ended; ``slot`` indexes the table that ``IcmpEngine.set_targets`` gave this ``generation``.

    ``at_ns`` is the UTC nanosecond of transmission; ``rtt`` is seconds, NaN where not measured.
    """

    generation: int
    slot: npt.NDArray[np.uint32]
    at_ns: npt.NDArray[np.int64]
    outcome: npt.NDArray[np.uint8]
    rtt: npt.NDArray[np.float32]
    flags: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.slot)


@dataclass(slots=True)
class IcmpStatistics:
    """Counters since the engine was made, and what is under way."""

    sent: int = 0
    received: int = 0
    """Datagrams of any kind; each is an answer or one of those below."""
    late: int = 0
    """Answers after suspicion but within the timeout: good ones."""
    expired: int = 0
    """Answers after the timeout, or to a look of a table that was replaced."""
    duplicate: int = 0
    spoofed: int = 0
    """Right in everything but the sender."""
    truncated: int = 0
    foreign: int = 0
    unreachable: int = 0
    """Looks that a router's error has ended."""
    send_errors: int = 0
    unmeasured: int = 0
    """Answers whose round trip was thrown away: a clock step or a stalled batch made it doubtful."""
    kernel_drops: int = 0
    """Datagrams that found the receive buffer full: lost by us, not by the network."""
    clock_steps: int = 0
    in_flight: int = 0
    queued: int = 0
    turns: int = 0
    failed_turns: int = 0
    last_turn_ns: int = 0
    """Monotonic time of the last turn of the loop that went well."""

"""What a look yields: outcomes, evidence ranks, and the batch of columns in which samples travel.

A sample is never an object of its own: looks at thousands of targets leave a vantage as one
:class:`SampleBatch`, numpy columns of equal length, in process or over a broker alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag, StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = [
    "PHASES",
    "Answer",
    "Evidence",
    "Finish",
    "Flag",
    "Look",
    "Measure",
    "Outcome",
    "Probe",
    "Request",
    "SampleBatch",
    "batch_of",
]

PHASES = ("resolve", "connect", "tls", "first_byte", "transfer")
"""Columns of :attr:`SampleBatch.phases`, in the order in which they happen."""


class Outcome(IntEnum):
    """Result of one look. A dead target is an outcome, not an exception."""

    OK = 0
    TIMEOUT = 1
    REFUSED = 2
    UNREACHABLE = 3
    MISMATCH = 4
    OVERLOADED = 5
    ERROR = 6
    """The look itself failed (no permission, no descriptor, no address): says nothing about the target."""

    @property
    def is_failure(self) -> bool:
        """Whether the outcome speaks against the target; an ERROR of ours does not."""
        return self not in {Outcome.OK, Outcome.ERROR}


class Measure(StrEnum):
    """A figure that a look yields beside its outcome; base units, as Prometheus names them."""

    TLS_NOT_AFTER = "tls_not_after_timestamp_seconds"
    """Earliest end of validity in the presented chain, Unix seconds."""
    LOSS_RATIO = "loss_ratio"
    JITTER_SECONDS = "jitter_seconds"
    """Interarrival jitter, RFC 3550 section 6.4.1."""
    ONE_WAY_SECONDS = "one_way_seconds"
    LOSS_OUT_RATIO = "loss_out_ratio"
    LOSS_BACK_RATIO = "loss_back_ratio"
    JITTER_OUT_SECONDS = "jitter_out_seconds"
    JITTER_BACK_SECONDS = "jitter_back_seconds"
    MOS = "mos"
    """Estimated listening quality 1 to 4.5, ITU-T G.107."""
    POST_DIAL_SECONDS = "post_dial_seconds"
    UTILISATION_IN_RATIO = "utilisation_in_ratio"
    UTILISATION_OUT_RATIO = "utilisation_out_ratio"
    RATE_IN_BITS = "rate_in_bits_per_second"
    RATE_OUT_BITS = "rate_out_bits_per_second"
    BATTERY_RATIO = "battery_ratio"
    ON_BATTERY = "on_battery"
    BITRATE = "bitrate_bits_per_second"
    SERIAL = "dns_serial"


class Evidence(IntEnum):
    """How much a good look proves, weakest first; a path keeps the highest rank proven, and when."""

    NONE = 0
    TRANSPORT = 1
    PROTOCOL = 2
    REGISTERED = 3
    LINE_TESTED = 4
    CALL_ANSWERED = 5
    HUMAN_CONFIRMED = 6


class Flag(IntFlag):
    """Marks on a sample."""

    NONE = 0
    CONFIRM = 1
    """A confirming look, out of the regular cadence."""
    LATE = 2
    """The answer to an overdue look that came after suspicion but within its timeout."""
    UNRELIABLE = 4
    """Taken while the vantage was over budget (schedule lag, kernel drops, clock step)."""
    CANARY = 8
    """A look at one of the vantage's own canaries; ``target`` indexes its canaries instead of the fleet."""
    REPLAYED = 16
    """Delivered from a spool after a cut: changes history, never pages."""


@dataclass(frozen=True, slots=True)
class Look:
    """One finished look. ``rtt`` and ``phases`` are seconds, NaN where not measured; never a timeout's length."""

    target: int
    at_ns: int
    outcome: Outcome
    rtt: float = float("nan")
    code: int = 0
    evidence: Evidence = Evidence.NONE
    flags: Flag = Flag.NONE
    phases: Sequence[float] = ()
    detail: str = ""
    measures: Mapping[Measure, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SampleBatch:
    """Columns of samples from one vantage; ``(vantage, epoch, sequence)`` names a batch once and for all.

    ``target`` indexes the fleet whose digest is ``fleet`` (order of ``Inventory.targets``); ``at_ns`` is the
    UTC nanosecond at which the look started. ``details`` and ``measures`` hold text and figures for the rows that have them, by row number.
    ``clock_age`` is the age in seconds of the vantage's last clock synchronisation, NaN if not known.
    """

    vantage: str
    fleet: str
    epoch: int
    sequence: int
    target: npt.NDArray[np.uint32]
    at_ns: npt.NDArray[np.int64]
    outcome: npt.NDArray[np.uint8]
    rtt: npt.NDArray[np.float32]
    code: npt.NDArray[np.int16]
    evidence: npt.NDArray[np.uint8]
    flags: npt.NDArray[np.uint8]
    phases: npt.NDArray[np.float32]
    clock_age: float = float("nan")
    details: Mapping[int, str] = field(default_factory=dict)
    measures: Mapping[int, Mapping[Measure, float]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.target)


def batch_of(
    looks: Sequence[Look],
    *,
    vantage: str,
    fleet: str,
    epoch: int,
    sequence: int,
    clock_age: float = float("nan"),
) -> SampleBatch:
    """Turn finished looks into one batch of columns."""

    def column(values: Any, kind: Any) -> Any:
        return np.fromiter(values, dtype=kind, count=len(looks))

    phases = np.full((len(looks), len(PHASES)), np.nan, dtype=np.float32)
    for row, look in enumerate(looks):
        if look.phases:
            phases[row, : len(look.phases)] = look.phases
    return SampleBatch(
        vantage=vantage,
        fleet=fleet,
        epoch=epoch,
        sequence=sequence,
        target=column((look.target for look in looks), np.uint32),
        at_ns=column((look.at_ns for look in looks), np.int64),
        outcome=column((look.outcome for look in looks), np.uint8),
        rtt=column((look.rtt for look in looks), np.float32),
        code=column((look.code for look in looks), np.int16),
        evidence=column((look.evidence for look in looks), np.uint8),
        flags=column((look.flags for look in looks), np.uint8),
        phases=phases,
        clock_age=clock_age,
        details={row: look.detail for row, look in enumerate(looks) if look.detail},
        measures={row: look.measures for row, look in enumerate(looks) if look.measures},
    )


@dataclass(frozen=True, slots=True)
class Request:
    """One look to be taken: fleet index, numeric address, port, the target's options, seconds until it fails."""

    target: int
    address: str
    port: int
    options: Mapping[str, str]
    timeout: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a look found; ``rtt`` and ``phases`` in seconds (see :data:`PHASES`), NaN or empty if not measured."""

    outcome: Outcome
    rtt: float = float("nan")
    code: int = 0
    evidence: Evidence = Evidence.NONE
    phases: Sequence[float] = ()
    detail: str = ""
    measures: Mapping[Measure, float] = field(default_factory=dict)


Finish = Callable[[Request, Answer], None]
"""Called exactly once for every request begun, on the loop's thread, no later than its timeout (and a tick)."""


class Probe(Protocol):
    """How one kind of target is looked at, for a whole vantage; callback-shaped so that no look needs a task."""

    async def open(self) -> None:
        """Acquire what is shared by all looks (sockets, contexts)."""

    def begin(self, request: Request, finish: Finish) -> None:
        """Start one look; never blocks, never raises for a dead target."""

    async def close(self) -> None:
        """Let go of everything; looks under way finish as ERROR."""

"""Whether a vantage can be believed: what it measures of itself, what each reading may be, and what passes it.

Pure decisions over readings; the readers are small and take their sources as arguments. A breach of lag, drops or
the clock makes the looks of that time unreliable: a loss that we made ourselves must not be held against a target.
The others warn before they do.
"""

import ctypes
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import numpy as np

__all__ = [
    "Breach",
    "BreachKind",
    "ClockState",
    "CountsDrops",
    "HealthReader",
    "LagWindow",
    "Readings",
    "SelfCheck",
    "breaches",
    "clock_age",
    "is_unreliable",
    "read_clock",
]

LAG_SECONDS: Final = 0.5
QUEUE_RATIO: Final = 0.5
LATE_RATIO: Final = 0.05
LATE_LEAST: Final = 20
DESCRIPTOR_RATIO: Final = 0.8
CLOCK_ERROR_SECONDS: Final = 1.0
HOLD_SECONDS: Final = 5.0
"""As long as a look's longest usual timeout."""

_WINDOW: Final = 1_024
_UNSYNCHRONISED: Final = 0x40  # STA_UNSYNC of linux/timex.h
_DRIFT: Final = 500e-6
"""The kernel lets maxerror grow by 500 ppm since the clock was last set (MAXFREQ of linux/timex.h)."""


class BreachKind(StrEnum):
    """What is out of its bounds."""

    LAG = "lag"
    DROPS = "drops"
    CLOCK_STEP = "clock_step"
    QUEUE = "queue"
    LATE = "late"
    DESCRIPTORS = "descriptors"
    CLOCK = "clock"


_UNRELIABLE: Final = frozenset({BreachKind.LAG, BreachKind.DROPS, BreachKind.CLOCK_STEP})


@dataclass(frozen=True, slots=True)
class ClockState:
    """What the kernel says of its clock: whether anything disciplines it, and by how much it may be wrong."""

    is_synchronised: bool
    max_error_seconds: float


@dataclass(frozen=True, slots=True)
class Readings:
    """What a vantage measured of itself. Counters count from its start; ``queue`` are batches not yet taken."""

    lag_p99_seconds: float = 0.0
    looks: int = 0
    late: int = 0
    drops: int = 0
    clock_steps: int = 0
    queue: int = 0
    queue_capacity: int = 0
    descriptors: int = 0
    descriptor_limit: int = 0
    clock: ClockState | None = None


@dataclass(frozen=True, slots=True)
class Breach:
    """A reading beyond its bound; ``value`` and ``limit`` are in the reading's own unit."""

    kind: BreachKind
    value: float
    limit: float

    @property
    def is_unreliable(self) -> bool:
        """Whether looks taken meanwhile must not speak against a target."""
        return self.kind in _UNRELIABLE


def breaches(readings: Readings, previous: Readings) -> tuple[Breach, ...]:
    """Answer what is out of bounds; counters are judged by what they grew since ``previous``."""
    clock = readings.clock
    late, looks = readings.late - previous.late, readings.looks - previous.looks
    judged = (
        (BreachKind.LAG, readings.lag_p99_seconds, LAG_SECONDS),
        (BreachKind.DROPS, readings.drops - previous.drops, 0.0),
        (BreachKind.CLOCK_STEP, readings.clock_steps - previous.clock_steps, 0.0),
        (BreachKind.QUEUE, _ratio(readings.queue, readings.queue_capacity), QUEUE_RATIO),
        (BreachKind.LATE, _ratio(late, looks) if late >= LATE_LEAST else 0.0, LATE_RATIO),
        (BreachKind.DESCRIPTORS, _ratio(readings.descriptors, readings.descriptor_limit), DESCRIPTOR_RATIO),
        (BreachKind.CLOCK, _clock_error(clock), CLOCK_ERROR_SECONDS),
    )
    return tuple(Breach(kind, value, limit) for kind, value, limit in judged if value > limit)


def is_unreliable(found: tuple[Breach, ...]) -> bool:
    """Whether any breach makes the looks of its time unreliable."""
    return any(breach.is_unreliable for breach in found)


class LagWindow:
    """The lag of the last thousand ticks; written by one thread, read by any."""

    def __init__(self) -> None:
        self._lags = np.zeros(_WINDOW, np.int64)
        self._count = 0

    def note(self, lag_ns: int) -> None:
        """Take the lag of one tick."""
        self._lags[self._count % _WINDOW] = lag_ns
        self._count += 1

    def p99_seconds(self) -> float:
        """Answer the 99th percentile; 0 before the first tick."""
        filled = self._lags[: min(self._count, _WINDOW)]
        return float(np.percentile(filled, 99)) / 1e9 if len(filled) else 0.0


class _Counted(Protocol):
    """The counters of the engines, as far as they matter here."""

    @property
    def kernel_drops(self) -> int: ...
    @property
    def late(self) -> int: ...
    @property
    def clock_steps(self) -> int: ...


@runtime_checkable
class CountsDrops(Protocol):
    """A probe that hears over datagram sockets."""

    @property
    def kernel_drops(self) -> int:
        """Datagrams that the kernel dropped on them because nobody read in time."""


class HealthReader:
    """Takes readings of this process and this machine. ``proc`` and ``clock`` stand in for the kernel in tests."""

    def __init__(
        self,
        *,
        lag_p99_seconds: Callable[[], float],
        looks: Callable[[], int],
        engine: Callable[[], _Counted | None],
        queue: Callable[[], tuple[int, int]] = lambda: (0, 0),
        proc: Path = Path("/proc"),
        clock: Callable[[], ClockState | None] | None = None,
    ) -> None:
        self._lag = lag_p99_seconds
        self._looks = looks
        self._engine = engine
        self._queue = queue
        self._proc = proc
        self._clock = clock or read_clock

    def read(self) -> Readings:
        """Take all readings now; a source that this machine does not have reads as nothing."""
        engine = self._engine()
        queue, capacity = self._queue()
        return Readings(
            lag_p99_seconds=self._lag(),
            looks=self._looks(),
            late=engine.late if engine else 0,
            drops=engine.kernel_drops if engine else 0,
            clock_steps=engine.clock_steps if engine else 0,
            queue=queue,
            queue_capacity=capacity,
            descriptors=self._descriptors(),
            descriptor_limit=self._limit(),
            clock=self._clock(),
        )

    def _descriptors(self) -> int:
        try:
            return sum(1 for _ in (self._proc / "self/fd").iterdir())
        except OSError:
            return 0

    def _limit(self) -> int:
        try:
            text = (self._proc / "self/limits").read_text(encoding="ascii")
        except OSError:
            return 0
        for line in text.splitlines():
            if line.startswith("Max open files"):
                soft = line.split()[3]
                return int(soft) if soft.isdecimal() else 0
        return 0


class SelfCheck:
    """Holds the newest readings against the ones before, and remembers for a while that looks cannot be believed.

    A packet that was dropped shows as a failure only when its look times out, so a breach holds for ``hold_seconds``.
    Lag is the runner's to mark: it knows which looks a late tick sent.
    """

    def __init__(
        self, reader: HealthReader, *, monotonic_ns: Callable[[], int], hold_seconds: float = HOLD_SECONDS
    ) -> None:
        self._reader = reader
        self._monotonic_ns = monotonic_ns
        self._hold_ns = int(hold_seconds * 1e9)
        self._until_ns = -1
        self.readings = reader.read()
        self.found: tuple[Breach, ...] = ()

    def check(self) -> tuple[Breach, ...]:
        """Read and judge; answer the breaches of a kind that was within its bounds before."""
        readings = self._reader.read()
        before = {breach.kind for breach in self.found}
        self.found = breaches(readings, self.readings)
        self.readings = readings
        if is_unreliable(tuple(breach for breach in self.found if breach.kind is not BreachKind.LAG)):
            self._until_ns = self._monotonic_ns() + self._hold_ns
        return tuple(breach for breach in self.found if breach.kind not in before)

    def is_doubtful(self) -> bool:
        """Whether what fails now may be of our own making."""
        return self._monotonic_ns() < self._until_ns


class _Timex(ctypes.Structure):
    """``struct timex`` of linux/timex.h."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 32),
    )


def read_clock() -> ClockState | None:
    """Ask the kernel how good its clock is; None where it cannot be asked."""
    asked = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(asked))
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    return ClockState(not asked.status & _UNSYNCHRONISED, asked.maxerror / 1e6)


def clock_age(
    wall: Callable[[], float],
    *,
    mark: Path = Path("/run/systemd/timesync/synchronized"),
    clock: Callable[[], ClockState | None] = read_clock,
) -> float:
    """Answer the seconds since this machine's clock was last set from outside, at most; NaN where nobody says."""
    try:
        return max(0.0, wall() - mark.stat().st_mtime)
    except OSError:
        state = clock()
    return state.max_error_seconds / _DRIFT if state is not None and state.is_synchronised else math.nan


def _clock_error(clock: ClockState | None) -> float:
    if clock is None:
        return 0.0
    return clock.max_error_seconds if clock.is_synchronised else math.inf


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0

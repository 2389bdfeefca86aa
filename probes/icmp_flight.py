"""The looks whose answer is still awaited, and those just over: a ring of rows, indexed by look number.

Finding a look is one gather and expiring any number of them one comparison, so a target that never answers
costs what one that answers does, and several looks at one slot may be under way at once. A finished look
stays in the ring until its place is needed, which is how a second answer is told from a late one.

(Rows are gathered with ``take`` and written field by field: indexing a structured array by an array copies it
twenty times slower.)
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

__all__ = ["FlightTable", "Stage"]

_NEVER = np.iinfo(np.int64).max
_FIRST_SIZE = 4096
_LOOK = np.dtype(
    [
        ("look", "u4"),
        ("slot", "u4"),
        ("sent_ns", "i8"),
        ("spread_ns", "i8"),
        ("deadline_ns", "i8"),
        ("stage", "u1"),
        ("flags", "u1"),
    ],
    align=True,
)


class Stage(IntEnum):
    """Where a look is in its life; NONE also stands for one so old that its place has gone to another."""

    NONE = 0
    WAITING = 1
    OVERDUE = 2
    ANSWERED = 3
    EXPIRED = 4


class FlightTable:
    """A ring of at most ``limit`` looks (a power of two); times are monotonic nanoseconds.

    Look numbers are 32 bits and wrap; places in the ring are numbers modulo its size, so wrapping is no event.
    Methods that take or give ``places`` mean row numbers, good until the next :meth:`reserve`.
    """

    def __init__(self, *, limit: int = 1 << 20, first_look: int = 0) -> None:
        self._limit = limit
        self._next = first_look
        self._rows = np.zeros(min(_FIRST_SIZE, limit), _LOOK)
        self._due_ns = np.full(len(self._rows), _NEVER)
        self._scratch = np.zeros(len(self._rows), np.intp)
        self.in_flight = 0
        self.earliest_ns: int = _NEVER
        """No look is due before this time."""

    def reserve(self, count: int) -> npt.NDArray[np.uint32]:
        """Return the numbers of the next ``count`` looks, or of fewer where the ring is at its limit."""
        count = min(count, self._limit)
        while self._is_taken(count) and len(self._rows) < self._limit:
            self._grow()
        if self._is_taken(count):
            is_free = self._due_ns[self._places(self._next + np.arange(count))] == _NEVER
            count = int(np.argmin(is_free))
        return (self._next + np.arange(count)).astype(np.uint32)

    def launch(
        self,
        slots: npt.NDArray[np.uint32],
        *,
        sent_ns: npt.NDArray[np.int64],
        spread_ns: npt.NDArray[np.int64],
        overdue_after_ns: npt.NDArray[np.int64],
        timeout_ns: int,
        flags: int,
    ) -> npt.NDArray[np.intp]:
        """Enter looks that have left, under the numbers that were reserved first; return their places."""
        looks = self._next + np.arange(len(slots))
        places = self._places(looks)
        chosen = _stretch(places)
        self._rows["look"][chosen] = looks & 0xFFFFFFFF
        self._rows["slot"][chosen] = slots
        self._rows["sent_ns"][chosen] = sent_ns
        self._rows["spread_ns"][chosen] = spread_ns
        self._rows["deadline_ns"][chosen] = sent_ns + timeout_ns
        self._rows["stage"][chosen] = Stage.WAITING
        self._rows["flags"][chosen] = flags
        due_ns = sent_ns + np.minimum(overdue_after_ns, timeout_ns)
        self._due_ns[chosen] = due_ns
        self._next += len(slots)
        self.in_flight += len(slots)
        self.earliest_ns = min(self.earliest_ns, int(due_ns.min(initial=_NEVER)))
        return places

    def find(self, looks: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.void]]:
        """Return places and rows of looks; the stage of a row that bears another look's number is NONE."""
        places = self._places(looks)
        rows = self._rows.take(places)
        rows["stage"][rows["look"] != looks] = Stage.NONE
        return places, rows

    def latest(self, sequence: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint32]:
        """Return the newest look numbers that end in these sixteen bits."""
        last = self._next - 1
        return ((last - ((last - sequence.astype(np.int64)) & 0xFFFF)) & 0xFFFFFFFF).astype(np.uint32)

    def first_of_each(self, places: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        """Tell which of ``places`` are not a repetition of an earlier one."""
        order = np.arange(len(places))
        self._scratch[places[::-1]] = order[::-1]
        return np.asarray(self._scratch[places] == order)

    def finish(self, places: npt.NDArray[np.intp], stage: Stage) -> None:
        """End distinct looks that were under way."""
        self._rows["stage"][places] = stage
        self._due_ns[places] = _NEVER
        self.in_flight -= len(places)

    def due(self, now_ns: int) -> tuple[npt.NDArray[np.void], npt.NDArray[np.void]]:
        """Return rows of looks that are now overdue (and say so but once), and of those that have expired."""
        places = np.flatnonzero(self._due_ns <= now_ns)
        is_over = self._rows["deadline_ns"][places] <= now_ns
        expired, overdue = places[is_over], places[~is_over]
        self._rows["stage"][overdue] = Stage.OVERDUE
        self._due_ns[overdue] = self._rows["deadline_ns"][overdue]
        self.finish(expired, Stage.EXPIRED)
        self.earliest_ns = int(self._due_ns.min())
        return self._rows.take(overdue), self._rows.take(expired)

    def abandon(self) -> None:
        """Forget all looks; their answers will be told from foreign ones no more than as late."""
        self._rows[:] = 0
        self._due_ns[:] = _NEVER
        self.in_flight = 0
        self.earliest_ns = _NEVER

    def _places(self, looks: npt.NDArray[np.integer]) -> npt.NDArray[np.intp]:
        return (looks & (len(self._rows) - 1)).astype(np.intp)

    def _is_taken(self, count: int) -> bool:
        if count > len(self._rows):
            return True
        start = self._next & (len(self._rows) - 1)
        head, tail = (
            self._due_ns[start : start + count],
            self._due_ns[: max(0, start + count - len(self._rows))],
        )
        return bool((head != _NEVER).any() or (tail != _NEVER).any())

    def _grow(self) -> None:
        old_rows, old_due_ns = self._rows, self._due_ns
        self._rows = np.zeros(len(old_rows) * 2, _LOOK)
        self._due_ns = np.full(len(self._rows), _NEVER)
        self._scratch = np.zeros(len(self._rows), np.intp)
        kept = old_rows["stage"] != Stage.NONE
        places = self._places(old_rows["look"][kept])
        self._rows[places] = old_rows[kept]
        self._due_ns[places] = old_due_ns[kept]


def _stretch(places: npt.NDArray[np.intp]) -> npt.NDArray[np.intp] | slice:
    """Answer rising neighbours as the slice that they are, which is written five times as fast; others as they came."""
    first, count = int(places[0]) if len(places) else 0, len(places)
    return slice(first, first + count) if count and int(places[-1]) == first + count - 1 else places

"""When to look next: a fixed phase a target, confirming looks while in doubt, and looks at the kin of the doubtful.

Pure: numpy arrays in, numpy arrays out; time is whatever monotonic nanoseconds the caller says it is.

Theory of operation
-------------------
Every target has a *phase*, the hash of its code spread over its cadence, so that looks never bunch and a restart
does not shift them. A target is CALM until an answer is overdue or a look fails; then it is in DOUBT: confirming
looks start at once, 200 ms apart for as many as a decision needs and afterwards at the retry cadence, until
``down_after`` failures in a row say down or ``up_after`` answers in a row say up. A target believed down that
answers once is in doubt too, the other way round. A lost packet costs one confirming look and nothing else.

Two strikes (overdue or failed looks) within one doubt hasten the target's *kin*, those that share its risk groups:
whether a ring or a single line is cut is then known within a round trip instead of a cadence. One strike does not,
because at 2 % random loss a look at 64 kin for every lost packet would feed on itself; two strikes cost 2.6 %.
The first answer of a target believed down calls its kin too: what failed together comes back together.

A target of which nothing is believed yet is trusted at its first answer, as belief itself does: looking twice at
everything would double a nation's first looks, when a start already costs most.

A target that has just come to be believed down is looked at for :data:`LINGER_NS` more, as quickly as before: whoever
judges by more failures than the schedule does (a lossy line, a line that nothing else vouches for) must not wait for
the next turn of its cadence. Only :data:`LINGER_AT_MOST` at a time: where more fall together, they vouch for each other.

Who finds that it was blind itself (its canaries were silent, and answer again) asks again (:meth:`Schedule.ask_again`)
about everything that it came to believe down meanwhile: what was lost then was its own sight, and a ring that falls the
moment after must be found as soon as ever.

Where more is due than may be sent, the canaries come first: nothing is believed lost that they do not vouch for. Half
of the rest is the regular looks', whatever is in doubt: a schedule that lags makes its own looks unreliable, so that
a nation which fell as a whole would never be believed down. Confirming looks go to the lowest slots first, which are
decided before the next are asked at all: the first page must not wait until everybody was asked once.

A timeout never holds anything here: looks are counted when they end, and all-down costs what all-up does.
"""

import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from probes.models import Outcome

__all__ = ["CONFIRM_GAP_NS", "Due", "Pacing", "Schedule"]

CONFIRM_GAP_NS = 200_000_000
KIN_STRIKES = 2
HASTE_GAP_NS = 500_000_000
LINGER_NS = 9_000_000_000
LINGER_AT_MOST = 64
_NEVER = np.iinfo(np.int64).max

Indices = npt.NDArray[np.intp]
_NONE: Indices = np.array([], np.intp)


@dataclass(frozen=True, slots=True)
class Pacing:
    """Columns by slot: nanoseconds of cadence, timeout and retry, and how many looks decide."""

    cadence: npt.NDArray[np.int64]
    timeout: npt.NDArray[np.int64]
    retry: npt.NDArray[np.int64]
    down_after: npt.NDArray[np.int16]
    up_after: npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Due:
    """Slots to look at now: those of the regular cadence and those that confirm; ``lag`` is the worst, in ns."""

    regular: Indices
    confirm: Indices
    lag: int


class Schedule:
    """The standing order of one vantage over its slots (fleet first, canaries after)."""

    def __init__(self, codes: Sequence[str], pacing: Pacing, *, now: int) -> None:
        count = len(codes)
        self.codes = tuple(codes)
        self._fraction = np.fromiter((zlib.crc32(c.encode()) / 2**32 for c in codes), np.float64, count)
        self._pacing = pacing
        self._next = np.zeros(count, np.int64)
        self._confirm = np.full(count, _NEVER, np.int64)
        self._linger = np.zeros(count, np.int64)
        self._lingering: deque[int] = deque()
        self._last = np.full(count, -HASTE_GAP_NS, np.int64)
        self._believed = np.zeros(count, np.int8)
        self._fell = np.zeros(count, np.int64)
        self._doubt = np.zeros(count, bool)
        self._failures = np.zeros(count, np.int16)
        self._answers = np.zeros(count, np.int16)
        self._strikes = np.zeros(count, np.int16)
        self._confirms = np.zeros(count, np.int16)
        self.unusual = 0
        """Ended looks that were not what was expected, ever: an answer of a trusted target, silence of a lost one."""
        self._align(now)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def in_doubt(self) -> int:
        """How many targets are between two beliefs."""
        return int(np.count_nonzero(self._doubt))

    def pace(self, pacing: Pacing, *, now: int) -> None:
        """Change the pacing (a new phase of the election); beliefs and doubts stay."""
        self._pacing = pacing
        self._align(now)

    def inherit(self, old: "Schedule") -> None:
        """Take over belief and doubt of the slots that ``old`` knew by the same code (a reload)."""
        known = {code: slot for slot, code in enumerate(old.codes)}
        pairs = [(slot, known[code]) for slot, code in enumerate(self.codes) if code in known]
        if not pairs:
            return
        mine, theirs = np.array(pairs, np.intp).T
        for name in (
            "_confirm",
            "_linger",
            "_last",
            "_believed",
            "_fell",
            "_doubt",
            "_failures",
            "_answers",
            "_strikes",
            "_confirms",
        ):
            getattr(self, name)[mine] = getattr(old, name)[theirs]

    def due(self, now: int, *, at_most: int, first: Indices = _NONE) -> Due:
        """Answer which slots to look at now, and count them as looked at; what exceeds ``at_most`` stays due.

        Slots that come ``first`` (canaries, a few) are never left out.
        """
        confirm = np.flatnonzero(self._confirm <= now)
        waiting = np.flatnonzero(self._next <= now)
        regular = waiting[~self._doubt[waiting]]
        # In doubt the confirming looks take over: two looks a moment apart would be one piece of evidence, not two.
        self._advance(waiting[self._doubt[waiting]], now, is_look=False)
        if len(confirm) + len(regular) > at_most:
            most = max(at_most // 2, at_most - len(regular))
            confirm = _cut(confirm, first, confirm, most)
            regular = _cut(regular, first, self._next[regular], max(0, at_most - len(confirm)))
        lag = int(now - self._next[regular].min()) if len(regular) else 0
        self._advance(regular, now)
        self._repeat(confirm, now)
        return Due(regular=regular, confirm=confirm, lag=lag)

    def suspect(self, slots: Indices, now: int) -> Indices:
        """Note overdue answers; answer which slots have just reached the strikes that call their kin."""
        struck: list[int] = []
        for slot in slots.tolist():
            if self._believed[slot] < 0:
                continue
            self._begin_doubt(slot, now)
            self._strikes[slot] += 1
            if self._strikes[slot] == KIN_STRIKES:
                struck.append(slot)
        return np.array(struck, np.intp)

    def hasten(self, slots: Indices, now: int, *, gap: int = HASTE_GAP_NS) -> None:
        """Bring the next regular look forward to now, unless the slot was looked at within the last ``gap``."""
        calm = slots[~self._doubt[slots] & (now - self._last[slots] >= gap)]
        self._next[calm] = np.minimum(self._next[calm], now)

    def ask_again(self, since: int, now: int) -> None:
        """Doubt anew whatever failed or came to be believed down since then: we could not see at the time."""
        is_fallen = (self._believed < 0) & (self._fell >= since)
        is_falling = (self._believed >= 0) & self._doubt & (self._failures > 0)
        slots = np.flatnonzero(is_fallen | is_falling)
        self._believed[is_fallen] = 0
        self._doubt[slots] = False
        self._failures[slots] = self._answers[slots] = 0
        self._linger[slots] = 0
        for slot in slots.tolist():
            self._begin_doubt(slot, now)

    def finished(self, slots: Indices, outcomes: npt.NDArray[np.uint8], now: int) -> Indices:
        """Count ended looks; answer which slots have just reached the strikes that call their kin."""
        good = outcomes == Outcome.OK
        usual = good & (self._believed[slots] > 0) & ~self._doubt[slots]
        self._failures[slots[usual]] = 0
        if usual.all():
            return _NONE
        lost = (self._believed[slots] < 0) & ~self._doubt[slots] & ~good
        self._answers[slots[lost]] = 0
        usual |= lost
        # While it lingers, belief may need more failures than the schedule did.
        self.unusual += int(np.count_nonzero(~usual | (lost & (self._linger[slots] > now))))
        first = good & (self._believed[slots] == 0) & (self._failures[slots] == 0) & ~self._doubt[slots]
        self._believed[slots[first]] = 1
        others = ~(usual | first)
        struck: list[int] = []
        for slot, outcome in zip(slots[others].tolist(), outcomes[others].tolist(), strict=True):
            if outcome == Outcome.OK:
                calls = self._answered(slot, now)
            else:
                calls = outcome != Outcome.ERROR and self._failed(slot, outcome, now)
            if calls:
                struck.append(slot)
        return np.array(struck, np.intp)

    def _align(self, now: int) -> None:
        cadence = self._pacing.cadence
        offset = (self._fraction * cadence).astype(np.int64)
        self._next = now - (now - offset) % cadence + cadence

    def _advance(self, slots: Indices, now: int, *, is_look: bool = True) -> None:
        # A look that was missed is skipped, not queued: the next one falls on the target's own phase again.
        cadence = self._pacing.cadence[slots]
        offset = (self._fraction[slots] * cadence).astype(np.int64)
        self._next[slots] = now - (now - offset) % cadence + cadence
        if is_look:
            self._last[slots] = now

    def _repeat(self, slots: Indices, now: int) -> None:
        self._confirms[slots] += 1
        quick = self._confirms[slots] < np.maximum(
            self._pacing.down_after[slots], self._pacing.up_after[slots]
        )
        self._confirm[slots] = now + np.where(quick, CONFIRM_GAP_NS, self._pacing.retry[slots])
        settled = slots[~self._doubt[slots]]
        lingers = now + CONFIRM_GAP_NS <= self._linger[settled]
        self._confirm[settled] = np.where(lingers, now + CONFIRM_GAP_NS, _NEVER)
        self._last[slots] = now

    def _begin_doubt(self, slot: int, now: int) -> None:
        if not self._doubt[slot]:
            self._doubt[slot] = True
            # At once after an overdue answer; after a prompt one, far enough from it to be evidence of its own.
            self._confirm[slot] = max(now, int(self._last[slot]) + CONFIRM_GAP_NS)
            self._confirms[slot] = 0
            self._strikes[slot] = 0

    def _end_doubt(self, slot: int, believed: int) -> None:
        self._believed[slot] = believed
        self._doubt[slot] = False
        self._confirm[slot] = _NEVER

    def _begin_linger(self, slot: int, now: int) -> None:
        while self._lingering and self._lingering[0] <= now:
            self._lingering.popleft()
        if len(self._lingering) < LINGER_AT_MOST:
            self._linger[slot] = now + LINGER_NS
            self._lingering.append(now + LINGER_NS)
            self._confirm[slot] = int(self._last[slot]) + CONFIRM_GAP_NS

    def _answered(self, slot: int, now: int) -> bool:
        """Count one answer; the first one of a target believed down calls its kin: they may be back too."""
        is_back = self._believed[slot] < 0 and self._answers[slot] == 0
        self._failures[slot] = 0
        self._answers[slot] += 1
        if self._believed[slot] > 0 or self._answers[slot] >= self._pacing.up_after[slot]:
            self._end_doubt(slot, 1)
        else:
            self._begin_doubt(slot, now)
        return bool(is_back)

    def _failed(self, slot: int, outcome: int, now: int) -> bool:
        """Count one failure; answer whether the kin should be looked at now."""
        self._answers[slot] = 0
        self._failures[slot] += 1
        if self._failures[slot] >= self._pacing.down_after[slot]:
            is_news = self._believed[slot] >= 0
            self._end_doubt(slot, -1)
            if is_news:
                self._fell[slot] = now
                self._begin_linger(slot, now)
            return False
        if self._believed[slot] < 0:
            self._end_doubt(slot, -1)
            return False
        self._begin_doubt(slot, now)
        if outcome == Outcome.TIMEOUT:
            return False  # its being overdue was the strike
        self._strikes[slot] += 1
        return bool(self._strikes[slot] == KIN_STRIKES)


def _cut(slots: Indices, first: Indices, order: npt.NDArray[np.int64], room: int) -> Indices:
    """Answer ``room`` of these slots, those lowest in ``order``, and all of them that come ``first`` besides."""
    if len(slots) <= room:
        return slots
    # In no order: sorting a nation's backlog every tick would be the backlog.
    chosen = slots[np.argpartition(order, room)[:room]]
    return np.union1d(chosen, first[np.isin(first, slots)])

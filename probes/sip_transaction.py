"""The client's side of one SIP request over a transport that may lose it: RFC 3261, 17.1.2, and 17.1.1 for INVITE.

It holds no clock: whoever drives it is told how long to wait and says when that wait is over. Waits are nominal, so
a fleet of transactions waits for a handful of different lengths.

    TRYING ──1xx──► PROCEEDING        after each wait: the request again (timer E), until the cut-off (timer F)
       └──final──────┴──final──► COMPLETED ──timer K──► TERMINATED
       └──cut-off────┴──────────► TERMINATED

Timer F is not 64 x T1 = 32 s but the look's own timeout: a line that takes longer is of no use. A transaction that
is over is kept for one more timer K, so that an answer which comes twice, or late, is known for what it is.

An INVITE differs: it is repeated only until anything at all is heard (timer A, doubling without a ceiling), and every
final answer that is no 2xx is acknowledged as often as it comes, for timer D:

    CALLING ──1xx──► PROCEEDING
       └─3xx–6xx─────────┴─3xx–6xx──► COMPLETED ──timer D──► TERMINATED
       └──2xx────────────┴──2xx─────► TERMINATED (the dialog acknowledges, 13.2.2.4)
       └─timer B──────────────────────► TERMINATED

Over TCP and TLS nothing is repeated and nothing lingers: there :meth:`NonInviteTransaction.received` is all there is.
"""

from enum import Enum, auto
from typing import Final

__all__ = [
    "T1",
    "T2",
    "T4",
    "TIMER_B",
    "TIMER_D",
    "Deed",
    "InviteState",
    "InviteTransaction",
    "NonInviteTransaction",
    "TransactionState",
]

T1: Final = 0.5
"""Seconds: the estimate of a round trip, and the first wait before the request is sent again."""

T2: Final = 4.0
"""Seconds: the longest wait between two transmissions."""

T4: Final = 5.0
"""Seconds: how long a message can stay in the network; timer K."""

TIMER_B: Final = 64 * T1
"""Seconds until an INVITE that nothing was heard of is given up."""

TIMER_D: Final = 32.0
"""Seconds for which repetitions of a refusal are acknowledged."""


class TransactionState(Enum):
    """Where the transaction stands."""

    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    TERMINATED = auto()


class Deed(Enum):
    """What is to be done now."""

    NOTHING = auto()
    SEND_AGAIN = auto()
    TAKE_ANSWER = auto()
    GIVE_UP = auto()
    FORGET = auto()


class NonInviteTransaction:
    """One request: ``wait`` is the length in seconds of the wait that begins with creation or the last wake."""

    __slots__ = (
        "_cut_off",
        "_elapsed",
        "_interval",
        "_is_lingering",
        "provisional",
        "state",
        "wait",
        "was_given_up",
    )

    def __init__(self, *, cut_off: float) -> None:
        self.state = TransactionState.TRYING
        self.provisional = 0
        self.was_given_up = False
        self._cut_off = cut_off
        self._elapsed = 0.0
        self._interval = T1
        self._is_lingering = False
        self.wait = min(T1, cut_off)

    @property
    def is_open(self) -> bool:
        """Whether a final answer is still waited for."""
        return self.state in {TransactionState.TRYING, TransactionState.PROCEEDING}

    def received(self, status: int) -> Deed:
        """Take a response: a final one is taken once, what comes after it is a repetition or late."""
        if not self.is_open:
            return Deed.NOTHING
        if status < 200:  # provisional: RFC 3261, 17.1.2.2
            self.state = TransactionState.PROCEEDING
            self.provisional = status
            return Deed.NOTHING
        self.state = TransactionState.COMPLETED
        return Deed.TAKE_ANSWER

    def failed(self) -> None:
        """Take the transport's word that the request cannot arrive (17.1.4)."""
        self.state = TransactionState.TERMINATED

    def woke(self) -> Deed:
        """Answer what to do now that the wait is over; unless it is FORGET, another ``wait`` begins."""
        self._elapsed += self.wait
        if not self.is_open:
            return self._linger()
        if self._elapsed >= self._cut_off:
            self.state = TransactionState.TERMINATED
            self.was_given_up = True
            self._linger()
            return Deed.GIVE_UP
        is_waiting = self.state is TransactionState.TRYING
        self._interval = min(2 * self._interval, T2) if is_waiting else T2
        self.wait = min(self._interval, self._cut_off - self._elapsed)
        return Deed.SEND_AGAIN

    def _linger(self) -> Deed:
        if self._is_lingering:
            self.state = TransactionState.TERMINATED
            return Deed.FORGET
        self._is_lingering = True
        self.wait = T4
        return Deed.NOTHING


class InviteState(Enum):
    """Where an INVITE's transaction stands."""

    CALLING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    TERMINATED = auto()


class InviteTransaction:
    """One INVITE; ``due`` is the time, by whoever drives it, at which :meth:`woke` wants to be called."""

    __slots__ = ("_give_up_at", "_interval", "due", "state")

    def __init__(self, *, now: float) -> None:
        self.state = InviteState.CALLING
        self._interval = T1
        self._give_up_at = now + TIMER_B
        self.due = now + T1

    def received(self, status: int, *, now: float) -> Deed:
        """Take a response. TAKE_ANSWER: the first final one; SEND_AGAIN: acknowledge the repetition."""
        if self.state is InviteState.COMPLETED:
            return Deed.SEND_AGAIN if status >= 300 else Deed.NOTHING
        if self.state is InviteState.TERMINATED:
            return Deed.NOTHING
        if status < 200:
            self.state = InviteState.PROCEEDING
            self.due = float("inf")
            return Deed.NOTHING
        self.state = InviteState.TERMINATED if status < 300 else InviteState.COMPLETED
        self.due = float("inf") if status < 300 else now + TIMER_D
        return Deed.TAKE_ANSWER

    def failed(self) -> None:
        """Take the transport's word that the request cannot arrive."""
        self.state = InviteState.TERMINATED
        self.due = float("inf")

    def hush(self) -> None:
        """Send no more, but keep listening until timer B: whoever gave up must still cancel a late ringing."""
        if self.state is InviteState.CALLING:
            self.due = self._give_up_at

    def woke(self, *, now: float) -> Deed:
        """Answer what to do at ``due``: the INVITE again (timer A), GIVE_UP (timer B) or FORGET (timer D)."""
        if now < self.due:
            return Deed.NOTHING
        if self.state is not InviteState.CALLING:
            self.failed()
            return Deed.FORGET
        if now >= self._give_up_at:
            self.failed()
            return Deed.GIVE_UP
        self._interval *= 2
        self.due = min(now + self._interval, self._give_up_at)
        return Deed.SEND_AGAIN

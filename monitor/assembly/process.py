"""How this process shares its interpreter and keeps its memory: set once, and again when the inventory changes."""

import ctypes
import gc
import sys

__all__ = ["steady"]

_SWITCH_SECONDS = 0.0005
_PR_SET_TIMERSLACK = 29
_TIMER_SLACK_NS = 1_000


def steady() -> None:
    """Take short turns at the interpreter, and sweep what lives as long as the inventory no more.

    The vantage's thread gives the interpreter away at every system call; with the default turn of 5 ms a busy belief
    would let it make two hundred a second. The kernel must not round such a turn up (``PR_SET_TIMERSLACK``, inherited
    by the threads that are started after). And a sweep over the objects of a nation stops everything for half a second.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_TIMERSLACK, _TIMER_SLACK_NS, 0, 0, 0)
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()

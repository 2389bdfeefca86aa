"""How this process shares its interpreter and keeps its memory: set once, and again when the inventory changes."""

import ctypes
import gc
import sys

__all__ = ["give_back", "steady"]

_SWITCH_SECONDS = 0.0005
_SWEEPS = (50_000, 20, 20)
"""Python's own 700 new objects come together in a fifth of a second of a nation's looks, nearly all of them still in
use: such sweeps took a fifth of the vantage's time and found nothing."""
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
    gc.set_threshold(*_SWEEPS)
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Return to the kernel what the C library keeps of memory that is free.

    The columns and rows of a busy hour (a start, a storm, minutes being packed) leave their room behind in pieces, as
    much again as a nation's beliefs take; the library returns by itself only what lies at the very end.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):  # not every C library has it
        library.malloc_trim(0)

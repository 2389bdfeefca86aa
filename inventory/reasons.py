"""Why a piece of an inventory cannot be used, in Vietnamese and in English, and how to mend it.

A reason is a pair of sentences without place or value: :class:`~inventory.faults.Fault` adds those. Converters
raise :class:`UnusableError` with a reason; whoever knows the place turns it into a fault.
"""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import NamedTuple

__all__ = ["Reason", "UnusableError", "expected", "not_allowed", "suggestion", "unknown"]

_CANDIDATES = 2_000


class Reason(NamedTuple):
    """One sentence, twice: Vietnamese first, English beside it."""

    vi: str
    en: str


class UnusableError(ValueError):
    """A text that cannot be what it should be; ``reason`` says why and what to write instead."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.vi)
        self.reason = reason


def expected(vi: str, en: str) -> UnusableError:
    """Build the error for a text of the wrong form."""
    return UnusableError(Reason(vi, en))


def not_allowed(value: str, allowed: Iterable[str]) -> UnusableError:
    """Build the error for a word outside a closed set; the whole set is listed."""
    words = list(allowed)
    hint = suggestion(value, words)
    listed = " ".join(words)
    return UnusableError(
        Reason(f"chỉ được dùng một trong: {listed}{hint.vi}", f"must be one of: {listed}{hint.en}")
    )


def unknown(value: str, known: Collection[str], *, what: Reason) -> UnusableError:
    """Build the error for a reference to a code that nothing has."""
    hint = suggestion(value, known)
    return UnusableError(
        Reason(
            f"không có {what.vi} nào mang mã này{hint.vi or '; hãy khai báo hoặc sửa mã'}",
            f"no {what.en} has this code{hint.en or '; declare it or correct the code'}",
        )
    )


def suggestion(value: str, known: Collection[str]) -> Reason:
    """Offer the known word nearest to ``value`` as the tail of a sentence; empty where nothing is near."""
    folded = value.casefold()
    close = [word for word in known if word.casefold() == folded] or get_close_matches(
        value, _near(value, known), n=1, cutoff=0.7
    )
    if not close:
        return Reason("", "")
    return Reason(f"; có phải ý là {close[0]}?", f"; did you mean {close[0]}?")


def _near(value: str, known: Collection[str]) -> Collection[str]:
    """Leave out what cannot be near: comparing one word with a hundred thousand takes seconds."""
    if len(known) <= _CANDIDATES:
        return known
    near = [
        word
        for word in known
        if abs(len(word) - len(value)) <= 1 and (word[:3] == value[:3] or word[-3:] == value[-3:])
    ]
    return near[:_CANDIDATES]

"""The storm budget: how many messages of pages one person gets on one channel, and what is merged beyond that.

Ten pages in a minute are read by nobody. Beyond three messages within half a minute, whatever waits for the same
person and channel leaves in one message that names every incident and acknowledges all of them; while the three
are used up the rest waits, at most until the oldest of them is half a minute old. Nothing is dropped: each page
keeps its row, its state and the page that carried it.

The gravest pages (P1) neither wait nor merge nor count. Pages that wait for a leader's own word are not acknowledged
and are not merged; calls to a webhook are read by machines and are not merged either. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerting.models import Message, MessageKind
from inventory.models import ContactChannel, Severity

__all__ = ["GRAVEST", "Budget", "Share", "is_mergeable", "share"]

GRAVEST = Severity.P1


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``messages`` messages within ``window`` to one person on one channel, of ``most`` pages each."""

    messages: int = 3
    window: timedelta = timedelta(seconds=30)
    most: int = 300


@dataclass(frozen=True, slots=True)
class Share:
    """What leaves now in one message, the gravest first; or until when everything waits."""

    pages: tuple[Message, ...] = ()
    wait_until: datetime | None = None


def is_mergeable(page: Message) -> bool:
    """Answer whether ``page`` may leave inside another message."""
    return (
        page.kind is MessageKind.PAGE
        and page.channel is not ContactChannel.WEBHOOK
        and page.body.get("what") == "page"
        and page.body.get("severity") != GRAVEST.value
    )


def share(wanted: Message, waiting: Sequence[Message], left: Sequence[datetime], budget: Budget) -> Share:
    """Decide what leaves with ``wanted``.

    ``waiting``: all that waits for its person and channel, itself among it. ``left``: when messages left them within
    the window, or were begun.
    """
    free = budget.messages - len(left)
    if len(waiting) <= free:
        return Share((wanted,))
    if free > 0:
        return Share(tuple(sorted(waiting, key=lambda page: (page.body["severity"], page.id))))
    return Share(wait_until=min(left) + budget.window)

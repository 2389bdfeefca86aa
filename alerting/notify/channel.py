"""What the outbox asks of a channel, declared by its consumer."""

from dataclasses import dataclass
from typing import Protocol

from alerting.models import Message

__all__ = ["Channel", "Letter"]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message about to leave, with the link that its reader can acknowledge by (empty for a notice)."""

    message: Message
    link: str = ""


class Channel(Protocol):
    """A way for a letter to leave."""

    async def send(self, letter: Letter) -> None:
        """Attempt once; returns when the next hop has taken the letter, raises ``DeliveryError`` otherwise."""

    async def close(self) -> None:
        """Let go of connections."""

"""What the outbox asks of a channel, declared by its consumer."""

from dataclasses import dataclass
from typing import Protocol

from alerting.models import Message

__all__ = ["Channel", "Letter"]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message about to leave, with the link and the code that its reader can acknowledge by (empty for a notice).

    ``companions`` are pages of the same person that it carries too: link and code stand for them all.
    """

    message: Message
    link: str = ""
    code: str = ""
    companions: tuple[Message, ...] = ()

    @property
    def messages(self) -> tuple[Message, ...]:
        """Everything that leaves with this letter."""
        return (self.message, *self.companions)


class Channel(Protocol):
    """A way for a letter to leave."""

    async def send(self, letter: Letter) -> str | None:
        """Attempt once; returns when the next hop has taken the letter, raises ``DeliveryError`` otherwise.

        Answers what the next hop calls the message, where it says so and will speak of it again.
        """

    async def close(self) -> None:
        """Let go of connections."""

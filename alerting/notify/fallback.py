"""Two gateways for one channel: when the first certainly did not take a letter, the second is asked at once.

An uncertain outcome is not passed on (the letter may be on its way); the outbox tries again, and a second attempt
begins with the other gateway. A refusal for good by one gateway is heard from the other too before it counts.
"""

from typing_extensions import override

from alerting.errors import DeliveryError
from alerting.notify.channel import Channel, Letter

__all__ = ["FallbackChannel"]


class FallbackChannel(Channel):
    """Asks ``first``, then ``second``; every other attempt the other way round."""

    def __init__(self, first: Channel, second: Channel) -> None:
        self._ways = (first, second)

    @override
    async def send(self, letter: Letter) -> str | None:
        begin, then = self._ways if letter.message.attempts % 2 else reversed(self._ways)
        try:
            return await begin.send(letter)
        except DeliveryError as failure:
            if failure.uncertain:
                raise
            try:
                return await then.send(letter)
            except DeliveryError as second:
                if failure.permanent and not second.permanent:
                    raise
                raise second from failure

    @override
    async def close(self) -> None:
        for way in self._ways:
            await way.close()

"""How incidents are numbered: ids for addresses and printed numbers for people.

A carrier sees the numbers of its own incidents, and must not learn from the gaps between them how many the others
have. So in service both are drawn by chance; where no source of chance is handed in they count up, for tests.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.store import is_taken, next_number

__all__ = ["Numbers"]

_TRIES = 50
_IDS = 2**52
"""Ids stay below what a script can hold as a whole number (2 to the power of 53)."""


class Numbers:
    """Gives ids and numbers to incidents that are opened. ``chance`` answers a whole number from 0 to 2^64."""

    def __init__(self, chance: Callable[[], int] | None = None) -> None:
        self._chance = chance

    async def identifier(self, connection: AsyncConnection) -> int:
        """Answer an id that no incident has; 0 leaves it to the database to count on."""
        if self._chance is None:
            return 0
        for _ in range(_TRIES):
            drawn = 1 + self._chance() % (_IDS - 1)
            if not await is_taken(connection, identifier=drawn):
                return drawn
        raise RuntimeError("no free id was drawn; the source of chance is broken")

    async def number(self, connection: AsyncConnection, local: datetime) -> str:
        """Answer a number that no incident has, for one that is opened at ``local`` time: SC-21-40731."""
        prefix = f"SC-{local:%y}-"
        if self._chance is None:
            return await next_number(connection, prefix)
        for digits in (5, 5, 5, 5, 6, 7, 8):
            least = 10 ** (digits - 1)
            drawn = f"{prefix}{least + self._chance() % (9 * least)}"
            if not await is_taken(connection, number=drawn):
                return drawn
        raise RuntimeError("no free number was drawn; the source of chance is broken")

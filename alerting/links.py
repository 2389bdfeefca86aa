"""Acknowledgement links: who holds one may acknowledge one incident as one person, until the page is stale.

The token exists in the message that carries it and nowhere else: only its hash is stored, so that whoever
reads the database cannot acknowledge for anybody. A link is made when its message is about to leave, and a
message that is sent again carries a new one. Looking at a link changes nothing (mail scanners look); only
acting on it acknowledges.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.schema import links

__all__ = ["LINK_PATH", "AcknowledgementLinks"]

LINK_PATH = "/a/"
"""Path below the public address under which a link is shown and acted on."""


class AcknowledgementLinks:
    """Makes links and knows them again."""

    def __init__(self, *, token: Callable[[], str], public_url: str) -> None:
        self._token = token
        self._public_url = public_url.rstrip("/")

    async def issue(
        self, connection: AsyncConnection, *, incident: int, person: str, expires_at: datetime
    ) -> str:
        """Make a link for ``person`` to acknowledge ``incident`` and answer its address."""
        token = self._token()
        await connection.execute(
            insert(links).values(
                token_hash=_hashed(token), incident=incident, person=person, expires_at=expires_at
            )
        )
        return f"{self._public_url}{LINK_PATH}{token}"

    async def find(self, connection: AsyncConnection, token: str, at: datetime) -> tuple[int, str] | None:
        """Answer the incident and the person that ``token`` stands for, if it is known and not over at ``at``."""
        query = select(links.c.incident, links.c.person).where(
            links.c.token_hash == _hashed(token), links.c.expires_at > at
        )
        row = (await connection.execute(query)).first()
        return (row.incident, row.person) if row else None

    async def use(self, connection: AsyncConnection, token: str, at: datetime) -> None:
        """Note when a link was first acted on."""
        await connection.execute(
            update(links)
            .where(links.c.token_hash == _hashed(token), links.c.used_at.is_(None))
            .values(used_at=at)
        )


def _hashed(token: str) -> str:
    # A token carries full entropy of its own, so a plain digest is enough: there is nothing to guess.
    return hashlib.sha256(token.encode()).hexdigest()

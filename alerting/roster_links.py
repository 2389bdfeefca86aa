"""Links that open a roster without an account: a person's own confirmation, and calendars.

As with acknowledgement links, the token exists in the address alone and only its hash is stored; looking changes
nothing. A confirmation link is for one person and ends; a calendar's address lasts until it is revoked, because a
telephone's calendar asks again every few hours.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.roster_schema import roster_tokens

__all__ = ["Opening", "Purpose", "RosterLinks"]

_c = roster_tokens.c


class Purpose(StrEnum):
    """What a token opens."""

    CONFIRM = "confirm"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Opening:
    """What a token stands for: a party's calendar when ``person`` is empty, else that person's matters."""

    purpose: Purpose
    party: str
    person: str


class RosterLinks:
    """Makes tokens and knows them again."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    async def issue(
        self,
        connection: AsyncConnection,
        opening: Opening,
        *,
        by: str,
        at: datetime,
        expires_at: datetime | None,
    ) -> str:
        """Make a token for ``opening`` and answer it: the only time that it can be read."""
        token = self._token()
        await connection.execute(
            insert(roster_tokens).values(
                token_hash=_hashed(token),
                purpose=opening.purpose.value,
                party=opening.party,
                person=opening.person,
                made_at=at,
                made_by=by[:120],
                expires_at=expires_at,
            )
        )
        return token

    async def find(
        self, connection: AsyncConnection, token: str, purpose: Purpose, at: datetime
    ) -> Opening | None:
        """Answer what ``token`` opens at ``at``."""
        query = select(_c.purpose, _c.party, _c.person).where(
            _c.token_hash == _hashed(token),
            _c.purpose == purpose.value,
            _c.revoked_at.is_(None),
            or_(_c.expires_at.is_(None), _c.expires_at > at),
        )
        row = (await connection.execute(query)).first()
        return Opening(Purpose(row.purpose), row.party, row.person) if row else None

    async def revoke(self, connection: AsyncConnection, opening: Opening, at: datetime) -> int:
        """End every token that opens the same; answer how many."""
        done = await connection.execute(
            update(roster_tokens)
            .where(
                _c.purpose == opening.purpose.value,
                _c.party == opening.party,
                _c.person == opening.person,
                _c.revoked_at.is_(None),
            )
            .values(revoked_at=at)
        )
        return done.rowcount


def _hashed(token: str) -> str:
    # A token carries full entropy of its own, so a plain digest is enough: there is nothing to guess.
    return hashlib.sha256(token.encode()).hexdigest()

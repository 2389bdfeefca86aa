"""Links that open a roster without an account: a person's own confirmation, and calendars.

As with acknowledgement links, the token exists in the address alone and only its hash is stored; looking changes
nothing. A confirmation link is for one person and ends: the one that a message carries is bound to one shift as it
stands and ends with it, the one that an officer makes shows all that the person has to come. A calendar's address
lasts until it is revoked, because a telephone's calendar asks again every few hours.

Beside the link of a message stands a code to type, as for acknowledging (:mod:`alerting.links`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.links import Issued, code_of, hashed, slowly_hashed, typed_code
from alerting.roster_schema import roster_tokens

__all__ = ["CONFIRM_PATH", "Opening", "Purpose", "RosterLinks"]

CONFIRM_PATH = "/c/"
"""Path below the public address under which one shift is shown and confirmed."""

_c = roster_tokens.c


class Purpose(StrEnum):
    """What a token opens."""

    CONFIRM = "confirm"
    SHIFT = "shift"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Opening:
    """What a token stands for: a party's calendar when ``person`` is empty, else that person's matters.

    ``duty``, ``start`` and ``end`` name the one shift that it is for, where it is for one.
    """

    purpose: Purpose
    party: str
    person: str
    duty: str = ""
    start: datetime | None = None
    end: datetime | None = None


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
        await self._keep(connection, opening, token, code="", by=by, at=at, expires_at=expires_at)
        return token

    async def issue_coded(
        self, connection: AsyncConnection, opening: Opening, *, at: datetime, expires_at: datetime
    ) -> Issued:
        """Make a token with its code for a message that leaves now; the link is its path alone."""
        token = self._token()
        code = code_of(token)
        await self._keep(connection, opening, token, code=code, by="", at=at, expires_at=expires_at)
        return Issued(f"{CONFIRM_PATH}{token}", code)

    async def _keep(
        self,
        connection: AsyncConnection,
        opening: Opening,
        token: str,
        *,
        code: str,
        by: str,
        at: datetime,
        expires_at: datetime | None,
    ) -> None:
        await connection.execute(
            insert(roster_tokens).values(
                token_hash=hashed(token),
                code_hash=slowly_hashed(code) if code else "",
                purpose=opening.purpose.value,
                party=opening.party,
                person=opening.person,
                duty=opening.duty,
                start=opening.start,
                end=opening.end,
                made_at=at,
                made_by=by[:120],
                expires_at=expires_at,
            )
        )

    async def find(
        self, connection: AsyncConnection, token: str, purpose: Purpose, at: datetime
    ) -> Opening | None:
        """Answer what ``token`` opens at ``at``."""
        found = await self._found(connection, _c.token_hash == hashed(token), purpose, at)
        return next(iter(found), None)

    async def find_code(self, connection: AsyncConnection, typed: str, at: datetime) -> Opening | None:
        """Answer the shift that a typed code stands for; one that by chance stands for two stands for none."""
        code = typed_code(typed)
        if not code:
            return None
        found = await self._found(connection, _c.code_hash == slowly_hashed(code), Purpose.SHIFT, at)
        return found.pop() if len(found) == 1 else None

    @staticmethod
    async def _found(
        connection: AsyncConnection, here: ColumnElement[bool], purpose: Purpose, at: datetime
    ) -> set[Opening]:
        query = select(_c.purpose, _c.party, _c.person, _c.duty, _c.start, _c.end).where(
            here,
            _c.purpose == purpose.value,
            _c.revoked_at.is_(None),
            or_(_c.expires_at.is_(None), _c.expires_at > at),
        )
        rows: Any = (await connection.execute(query)).mappings()
        return {Opening(**{**row, "purpose": Purpose(row["purpose"])}) for row in rows}

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

"""Acknowledgement links: who holds one may acknowledge what its message told, as one person, until the page is stale.

A link stands for one incident, or for all those whose pages left in one message.
The token exists in the message that carries it and nowhere else: only its hash is stored, so that whoever
reads the database cannot acknowledge for anybody. A link is made when its message is about to leave, and a
message that is sent again carries a new one. Looking at a link changes nothing (mail scanners look); only
acting on it acknowledges.

Beside the link stands a code of eight digits, for who reads a message on one device and acts on another, or hears
it read out. Eight digits can be tried out, so guessing is slowed down where they are typed, what is stored is a slow
hash, and a code that by chance stands for two matters at once stands for none.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.schema import link_incidents, links

__all__ = ["LINK_PATH", "AcknowledgementLinks", "Issued", "code_of", "hashed", "slowly_hashed", "typed_code"]

LINK_PATH = "/a/"
"""Path below the public address under which a link is shown and acted on."""


_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Issued:
    """What a message carries for its reader to act by."""

    link: str
    code: str


class AcknowledgementLinks:
    """Makes links and knows them again."""

    def __init__(self, *, token: Callable[[], str], public_url: str) -> None:
        self._token = token
        self._public_url = public_url.rstrip("/")

    async def issue(
        self,
        connection: AsyncConnection,
        *,
        incident: int,
        person: str,
        expires_at: datetime,
        others: Sequence[int] = (),
    ) -> Issued:
        """Make a link and a code for ``person`` to acknowledge ``incident`` by, and ``others`` with it."""
        token = self._token()
        code = code_of(token)
        await connection.execute(
            insert(links).values(
                token_hash=hashed(token),
                code_hash=slowly_hashed(code),
                incident=incident,
                person=person,
                expires_at=expires_at,
            )
        )
        more = [{"token_hash": hashed(token), "incident": one} for one in set(others) - {incident}]
        if more:
            await connection.execute(insert(link_incidents), more)
        return Issued(f"{self._public_url}{LINK_PATH}{token}", code)

    async def find(
        self, connection: AsyncConnection, token: str, at: datetime
    ) -> tuple[tuple[int, ...], str] | None:
        """Answer the incidents and the person that ``token`` stands for, if it is known and not over at ``at``."""
        query = select(links.c.token_hash, links.c.incident, links.c.person).where(
            links.c.token_hash == hashed(token), links.c.expires_at > at
        )
        row = (await connection.execute(query)).first()
        return (await _incidents(connection, row.token_hash, row.incident), row.person) if row else None

    async def find_code(
        self, connection: AsyncConnection, typed: str, at: datetime
    ) -> tuple[tuple[int, ...], str] | None:
        """Answer the incidents and the person that a typed code stands for; spaces and dashes in it do not matter."""
        code = typed_code(typed)
        if not code:
            return None
        query = (
            select(links.c.token_hash, links.c.incident, links.c.person)
            .where(links.c.code_hash == slowly_hashed(code), links.c.expires_at > at)
            .order_by(links.c.token_hash)
        )
        rows = (await connection.execute(query)).all()
        meant = {(await _incidents(connection, row.token_hash, row.incident), row.person) for row in rows}
        return meant.pop() if len(meant) == 1 else None

    async def use(self, connection: AsyncConnection, token: str, at: datetime) -> None:
        """Note when a link was first acted on."""
        await connection.execute(
            update(links)
            .where(links.c.token_hash == hashed(token), links.c.used_at.is_(None))
            .values(used_at=at)
        )


async def _incidents(connection: AsyncConnection, token_hash: str, first: int) -> tuple[int, ...]:
    query = select(link_incidents.c.incident).where(link_incidents.c.token_hash == token_hash)
    others = (await connection.execute(query.order_by(link_incidents.c.incident))).scalars()
    return (first, *others)


def typed_code(typed: str) -> str:
    """Answer the digits of a code as somebody typed it; empty when it can be none."""
    code = "".join(letter for letter in typed if letter.isdigit())
    return code if len(code) == _DIGITS and code.isascii() else ""


def code_of(token: str) -> str:
    """Answer the code that belongs to a token: it tells nothing of the token, and needs no chance of its own."""
    number = int.from_bytes(hashlib.sha256(b"code:" + token.encode()).digest()[:8])
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def slowly_hashed(code: str) -> str:
    """Answer what of a code is stored."""
    # All codes there are could be tried against a quick hash in a minute; against this it takes days, and a code lives
    # for an hour. The salt is fixed, because a typed code comes without a name to look a salt up by.
    return hashlib.scrypt(code.encode(), salt=b"thongsuot code", n=1024, r=8, p=1, dklen=32).hex()


def hashed(token: str) -> str:
    """Answer what of a token is stored."""
    # A token carries full entropy of its own, so a plain digest is enough: there is nothing to guess.
    return hashlib.sha256(token.encode()).hexdigest()

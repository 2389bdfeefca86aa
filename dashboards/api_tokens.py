"""Tokens for machines: a long secret instead of a session, with fewer rights than its account, that can end.

A token names its account and never outlives it. What it may do is the smaller of what it was given and what the
account has now. Only its hash is kept; the secret is shown once.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from dashboards.security import token_hash
from inventory import audit
from inventory import credential_store as store
from inventory.access import Actor, Right
from inventory.credential_store import ApiToken
from inventory.database import reading, transaction
from inventory.drawn import Draw

__all__ = ["PREFIX", "ApiTokens"]

log = structlog.get_logger(__name__)

PREFIX = "tsk_"
"""What every token begins with, so that one that leaked into a file or a log is recognised."""
_TOUCH_AFTER = timedelta(minutes=1)


class ApiTokens:
    """Gives out, knows again and ends tokens."""

    def __init__(
        self,
        *,
        database: AsyncEngine,
        clock: Callable[[], datetime],
        token: Callable[[], str],
        draw: Draw | None = None,
    ) -> None:
        self._database = database
        self._draw = draw
        self._clock = clock
        self._token = token

    async def give(
        self,
        account: str,
        *,
        label: str,
        rights: frozenset[Right],
        days: int | None,
        actor: str,
        address: str = "",
    ) -> str:
        """Answer a new token's secret, which is kept nowhere; ``days`` None: it does not expire."""
        secret, now = PREFIX + self._token(), self._clock()
        async with transaction(self._database) as connection:
            number = await store.add_token(
                connection,
                token_hash=token_hash(secret),
                account=account,
                label=label[:80],
                rights=rights,
                draw=self._draw,
                created_at=now,
                expires_at=None if days is None else now + timedelta(days=days),
            )
            await audit.write(
                connection,
                at=now,
                actor=actor,
                act=audit.AuditAct.TOKEN_GIVEN,
                subject=account,
                address=address,
                details=f"{number} {label}: {' '.join(sorted(rights))}",
            )
        log.info("token given", account=account, token=number, actor=actor)
        return secret

    async def actor_of(self, secret: str) -> Actor | None:
        """Answer who holds ``secret``, or nobody: unknown, expired, revoked, or the account closed."""
        if not secret.startswith(PREFIX):
            return None
        now = self._clock()
        async with reading(self._database) as connection:
            found = await store.holder_of(connection, token_hash(secret), now=now)
        if found is None:
            return None
        token, actor = found
        if token.used_at is None or now - token.used_at > _TOUCH_AFTER:
            async with transaction(self._database) as connection:
                await store.touch_token(connection, token.id, at=now)
        return actor

    async def of(self, account: str) -> tuple[ApiToken, ...]:
        """Answer an account's tokens, newest first, without their secrets."""
        async with reading(self._database) as connection:
            return await store.tokens_of(connection, account)

    async def revoke(self, number: int, *, account: str | None, actor: str, address: str = "") -> bool:
        """End a token, of ``account`` only where one is given; answer whether it counted until now."""
        async with transaction(self._database) as connection:
            done = await store.revoke_token(connection, number, account=account, at=self._clock())
            if done:
                await audit.write(
                    connection,
                    at=self._clock(),
                    actor=actor,
                    act=audit.AuditAct.TOKEN_REVOKED,
                    subject=str(number),
                    address=address,
                )
        return done

"""SQL of idempotency keys. Takes a connection, never commits, never asks for the time."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.schema import idempotency_keys

__all__ = ["KeptAnswer", "claim", "drop", "find", "forget", "keep"]

_c = idempotency_keys.c


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What is kept under a key; ``status`` is None while the first request is being worked on."""

    fingerprint: str
    created_at: datetime
    status: int | None
    media_type: str
    etag: str
    body: str


async def find(connection: AsyncConnection, account: str, key: str) -> KeptAnswer | None:
    """Read what is kept under a key of an account."""
    query = select(_c.fingerprint, _c.created_at, _c.status, _c.media_type, _c.etag, _c.body).where(
        _c.account == account, _c.key == key
    )
    row = (await connection.execute(query)).mappings().first()
    return KeptAnswer(**row) if row else None


async def claim(
    connection: AsyncConnection, account: str, key: str, *, fingerprint: str, at: datetime
) -> None:
    """Insert a key; the database refuses it when another request was faster."""
    await connection.execute(
        insert(idempotency_keys).values(account=account, key=key, fingerprint=fingerprint, created_at=at)
    )


async def keep(
    connection: AsyncConnection,
    account: str,
    key: str,
    *,
    status: int,
    media_type: str,
    body: str,
    etag: str,
) -> None:
    """Keep the answer to the request that claimed the key."""
    await connection.execute(
        update(idempotency_keys)
        .where(_c.account == account, _c.key == key)
        .values(status=status, media_type=media_type, body=body, etag=etag)
    )


async def drop(connection: AsyncConnection, account: str, key: str) -> None:
    """Free a key."""
    await connection.execute(delete(idempotency_keys).where(_c.account == account, _c.key == key))


async def forget(connection: AsyncConnection, *, before: datetime) -> None:
    """Free every key that was claimed before ``before``."""
    await connection.execute(delete(idempotency_keys).where(_c.created_at < before))

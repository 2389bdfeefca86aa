"""``Idempotency-Key``: the same POST twice is done once and answered twice alike.

The key is the caller's; it stands for one request (method, address, body) of one account for a day. The first
request claims it, and its answer is kept; another request under the same key is refused. What failed by our own
fault, or was refused before it began, frees the key. A claim whose process died is taken over after a minute.

A secret is answered once: the answer that is kept has an empty one, so that it lies nowhere in clear.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import Request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import Response

from alerting.web import key_store
from alerting.web.errors import ForbiddenKeyError, KeyInUseError, KeyReusedError
from inventory.database import transaction

__all__ = ["HEADER", "KEPT", "Claim", "Replayed", "claim_of", "claimed"]

HEADER = "Idempotency-Key"
KEPT = timedelta(days=1)
"""How long a key stands for its request."""
_ABANDONED = timedelta(minutes=1)
_LONGEST = 255
_FREED = frozenset({401, 403, 429})
"""Answers about the caller rather than the request: asking again later may be answered otherwise."""


class Replayed(Exception):  # noqa: N818 - it is an answer on its way out, not an error
    """Carries the kept answer past the route that would do the work again."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that this request holds until it is answered."""

    database: AsyncEngine
    account: str
    key: str

    async def settle(self, answer: Response) -> None:
        """Keep ``answer`` for whoever asks again, or free the key where nothing was decided."""
        if answer.status_code >= 500 or answer.status_code in _FREED:
            await self.drop()
            return
        async with transaction(self.database) as connection:
            await key_store.keep(
                connection,
                self.account,
                self.key,
                status=answer.status_code,
                media_type=answer.headers.get("content-type", ""),
                body=_without_secret(bytes(answer.body).decode()),
                etag=answer.headers.get("etag", ""),
            )

    async def drop(self) -> None:
        """Free the key."""
        async with transaction(self.database) as connection:
            await key_store.drop(connection, self.account, self.key)


def _without_secret(body: str) -> str:
    """Answer the body of an answer with its ``secret`` left empty, where it is a document that has one."""
    if '"secret"' not in body:
        return body
    try:
        told = json.loads(body)
    except ValueError:
        return body
    if not isinstance(told, dict) or "secret" not in told:
        return body
    return json.dumps({**told, "secret": ""}, ensure_ascii=False)


def claim_of(request: Request) -> Claim | None:
    """Answer the claim that ``request`` holds."""
    found: Claim | None = getattr(request.state, "idempotency_claim", None)
    return found


async def claimed(
    request: Request, *, key: str, account: str, database: AsyncEngine, clock: Callable[[], datetime]
) -> None:
    """Claim ``key`` for ``request``; raises :class:`Replayed` with the kept answer when it was answered before."""
    if not 0 < len(key) <= _LONGEST or not key.isascii() or not key.isprintable():
        raise ForbiddenKeyError
    fingerprint = await _fingerprint(request)
    try:
        async with transaction(database) as connection:
            now = clock()
            await key_store.forget(connection, before=now - KEPT)
            kept = await key_store.find(connection, account, key)
            if kept is None or (kept.status is None and now - kept.created_at > _ABANDONED):
                await key_store.drop(connection, account, key)
                await key_store.claim(connection, account, key, fingerprint=fingerprint, at=now)
                kept = None
    except IntegrityError as raced:
        raise KeyInUseError from raced
    if kept is None:
        request.state.idempotency_claim = Claim(database, account, key)
        return
    if kept.fingerprint != fingerprint:
        raise KeyReusedError
    if kept.status is None:
        raise KeyInUseError
    answer = Response(kept.body, kept.status, media_type=kept.media_type)
    answer.headers["Idempotent-Replayed"] = "true"
    if kept.etag:
        answer.headers["ETag"] = kept.etag
    raise Replayed(answer)


async def _fingerprint(request: Request) -> str:
    """Hash what makes a request the same one; of an upload its length stands for its content, which was streamed."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    if request.headers.get("content-type", "").startswith("multipart/"):
        digest.update(request.headers.get("content-length", "").encode())
    else:
        digest.update(await request.body())
    return digest.hexdigest()

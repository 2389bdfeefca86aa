"""Ids of rows that a party sees of its own: drawn by chance, because counted ones tell how many the others have."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, select
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["Draw", "drawn_id"]

Draw = Callable[[], int]
"""Answers a whole number from 0 to 2^64 that nobody can foresee."""

_TRIES = 50
_LEAST = 100_000
"""Six digits at least, so that people can still say and type them; more only when those grow scarce."""


async def drawn_id(connection: AsyncConnection, column: Column[Any], draw: Draw | None) -> dict[str, int]:
    """Answer ``{"id": …}`` with an id that no row has in ``column``; without ``draw`` nothing: the database counts."""
    if draw is None:
        return {}
    for attempt in range(_TRIES):
        drawn = _LEAST + draw() % (9 * _LEAST * 10 ** (attempt // 10))
        if (await connection.execute(select(column).where(column == drawn).limit(1))).first() is None:
            return {"id": drawn}
    raise RuntimeError("no free id was drawn; the source of chance is broken")

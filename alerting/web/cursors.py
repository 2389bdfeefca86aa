"""Cursors: where a list goes on, as opaque text; and the page that carries one.

A cursor holds the sort key of the last item that was shown, so a list that grows at its head neither repeats nor
skips. It says nothing about scope: whoever sends one back sees what they may see, from there on.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from alerting.web.errors import InvalidCursorError

__all__ = ["Cursor", "Limit", "Page", "moment_of", "packed", "unpacked"]

Item = TypeVar("Item")

Cursor = Annotated[
    str | None,
    Query(max_length=200, description="Where to go on: `next` of the page before; none: from the beginning."),
]
Limit = Annotated[int, Query(ge=1, le=500, description="At most so many items.")]


class Page(BaseModel, Generic[Item]):
    """Part of a list. ``next`` goes back in as ``cursor``; on the last page it is null."""

    items: list[Item]
    next: str | None = Field(
        default=None, description="Cursor of the page after this one; null: there is none."
    )


def packed(*values: str | int | datetime) -> str:
    """Write a sort key as a cursor."""
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def unpacked(cursor: str, *kinds: type) -> Sequence[Any]:
    """Read a sort key of values of ``kinds`` (str, int, datetime); raises :class:`InvalidCursorError`."""
    try:
        values = json.loads(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        )
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InvalidCursorError from error
    if not isinstance(values, list) or len(values) != len(kinds):
        raise InvalidCursorError
    return [_read(value, kind) for value, kind in zip(values, kinds, strict=True)]


def _read(value: Any, kind: type) -> Any:
    if kind is datetime:
        return moment_of(value)
    if type(value) is not kind or (isinstance(value, int) and abs(value) >= 2**63):
        raise InvalidCursorError
    return value


def moment_of(value: Any) -> datetime:
    """Read a time with a zone; raises :class:`InvalidCursorError`."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise InvalidCursorError from error
    if moment.tzinfo is None:
        raise InvalidCursorError
    return moment

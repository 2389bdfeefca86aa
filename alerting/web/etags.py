"""Entity tags: which version of a thing somebody looked at, and acting only if it still is that one (RFC 9110)."""

import re
from typing import Annotated

from fastapi import Header

__all__ = ["IfMatch", "IfNoneMatch", "etag", "version_in"]

IfMatch = Annotated[
    str | None,
    Header(max_length=200, description="Act only if the thing still has this entity tag; else 412."),
]
IfNoneMatch = Annotated[
    str | None, Header(max_length=200, description="Answer 304 if the thing still has this entity tag.")
]

_TAG = re.compile(r'\s*(?:W/)?"v([0-9]{1,9})"\s*')


def etag(version: int) -> str:
    """Write version ``version`` as an entity tag."""
    return f'"v{version}"'


def version_in(header: str | None) -> int | None:
    """Read the version that a caller wants; None: any will do. What is no tag of ours matches no version: -1."""
    if header is None or header.strip() == "*":
        return None
    found = _TAG.fullmatch(header)
    return int(found[1]) if found else -1

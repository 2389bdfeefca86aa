"""Refusals that only HTTP knows: of a cursor, of an idempotency key, of a version."""

from typing import ClassVar

from alerting.errors import RefusedError

__all__ = ["ForbiddenKeyError", "InvalidCursorError", "KeyInUseError", "KeyReusedError"]


class InvalidCursorError(RefusedError):
    """The cursor is none that this list gave out."""

    slug: ClassVar[str] = "invalid-cursor"
    status: ClassVar[int] = 422
    sentence: ClassVar[str] = "the cursor is none that this list gave out; begin again without one"


class ForbiddenKeyError(RefusedError):
    """The idempotency key is empty, too long or not printable."""

    slug: ClassVar[str] = "invalid-idempotency-key"
    status: ClassVar[int] = 422
    sentence: ClassVar[str] = "an idempotency key has 1 to 255 printable ASCII characters"


class KeyReusedError(RefusedError):
    """The idempotency key stands for another request of the same account."""

    slug: ClassVar[str] = "idempotency-key-reused"
    status: ClassVar[int] = 422
    sentence: ClassVar[str] = (
        "this idempotency key was used for another request; take a new key for a new request"
    )


class KeyInUseError(RefusedError):
    """The first request with this key has not been answered yet."""

    slug: ClassVar[str] = "idempotency-key-in-use"
    status: ClassVar[int] = 409
    sentence: ClassVar[str] = (
        "the first request with this idempotency key is still being worked on; ask again in a moment"
    )

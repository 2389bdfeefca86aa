"""Passwords: argon2 in a thread, a few at a time, so that guessing can neither stall the loop nor eat the memory.

One hash takes 64 MiB and about a tenth of a second; two at once and a short queue bound both. Whoever finds
the queue full is told to try again, which an honest person never sees.
"""

import asyncio
import unicodedata

from pwdlib import PasswordHash

__all__ = ["MINIMUM_LENGTH", "Passwords", "PasswordsBusyError", "readable_password"]

MINIMUM_LENGTH = 10
_LONGEST = 256
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class PasswordsBusyError(Exception):
    """Too many attempts are being checked at this moment."""


class Passwords:
    """Hashes and checks passwords off the event loop."""

    def __init__(self, *, at_once: int = 2, waiting: int = 32, hasher: PasswordHash | None = None) -> None:
        self._hasher = hasher or PasswordHash.recommended()
        self._turns = asyncio.Semaphore(at_once)
        self._places = at_once + waiting
        self._taken = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Answer the hash to keep of ``password``."""
        return await self._in_turn(password, None)

    async def fits(self, password: str, kept: str | None) -> bool:
        """Whether ``password`` is the one kept; without one it takes as long and fails (no account has that name)."""
        if kept is None:
            self._nobody = self._nobody or await self._in_turn("nobody has this password", None)
            await self._in_turn(password, self._nobody)
            return False
        return bool(await self._in_turn(password, kept))

    async def _in_turn(self, password: str, kept: str | None) -> str:
        if self._taken >= self._places:
            raise PasswordsBusyError
        self._taken += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(self._work, _normal(password), kept)
        finally:
            self._taken -= 1

    def _work(self, password: str, kept: str | None) -> str:
        if kept is None:
            return self._hasher.hash(password)
        return kept if self._hasher.verify(password, kept) else ""


def _normal(password: str) -> str:
    # The same password typed on two keyboards may come composed or not; a very long one is only a burden.
    return unicodedata.normalize("NFC", password)[:_LONGEST]


def readable_password(digest: bytes) -> str:
    """Spell 16 letters that cannot be misread (79 bits) from the first 16 bytes of a random digest."""
    letters = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:16])
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))

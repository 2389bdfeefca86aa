"""Sealing what the database must hold and a reader of it must not: authenticated encryption under a key kept elsewhere. Pure.

AES-256 in SIV mode (RFC 5297), from the cryptography library. It needs no nonce, so that a machine that was put back
from a snapshot, or that has little chance to draw from, cannot give anything away by drawing one twice. Where a secret
belongs (table, column, row) is sealed with it: moved to another row, it does not open.

A key is 32 random bytes in URL-safe base64. Its name is derived from it and stands in clear before everything that it
sealed: ``sealed.NAME.DATA``. A name gives nothing of the key away, and lets a message say which key is missing.

    SealError                  nothing was sealed, or nothing opened; the sentence says what, where, how to mend it
    ├── MalformedKeyError      what is given as a key is none
    ├── NoKeyError             secrets are sealed already, and there is no key here
    ├── ForeignKeyError        secrets are sealed already, by keys of which none is here
    ├── UnknownKeyError        the key that sealed this is not here
    └── BrokenSealError        the key is here, and this is not what it sealed for this place
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from typing_extensions import override

__all__ = [
    "KEY_BYTES",
    "BrokenSealError",
    "ForeignKeyError",
    "KeySource",
    "MalformedKeyError",
    "NoKeyError",
    "Place",
    "SealError",
    "SealKey",
    "UnknownKeyError",
    "is_sealed",
    "name_in",
    "open_sealed",
    "read_keys",
    "seal",
    "written",
]

KEY_BYTES = 32
_MARK = "sealed."


class SealError(Exception):
    """Nothing was sealed, or nothing opened."""


class MalformedKeyError(SealError):
    """What is given as a key is none; the sentence never repeats it."""

    def __init__(self, where: str, number: int) -> None:
        super().__init__(
            f"{where}: key {number} is not {KEY_BYTES} bytes in URL-safe base64;"
            " `thongsuot seal new` prints one that is"
        )


class NoKeyError(SealError):
    """Secrets are sealed already, and there is no key here."""

    def __init__(self, where: str, known: Sequence[str]) -> None:
        super().__init__(
            f"the secrets of this database are sealed by {_listed(known)} and there is no key at {where}:"
            " copy it from where the database came from, or set THONGSUOT_SEAL_KEY;"
            " `thongsuot seal turn --lost` if it is gone for good"
        )


class ForeignKeyError(SealError):
    """Secrets are sealed already, by keys of which none is here: a second one would split them."""

    def __init__(self, where: str, held: Sequence[str], known: Sequence[str]) -> None:
        super().__init__(
            f"the secrets of this database are sealed by {_listed(known)}, and {where} holds {_listed(held)}:"
            " give every process of one database the same keys;"
            " `thongsuot seal turn --lost` if the others are gone for good"
        )


class UnknownKeyError(SealError):
    """The key that sealed this is not here."""

    def __init__(self, place: "Place", name: str, where: str) -> None:
        super().__init__(
            f"{place} is sealed by key {name}, which is not at {where}: put it there again,"
            " or set the secret anew"
        )
        self.name = name


class BrokenSealError(SealError):
    """The key is here, and this is not what it sealed for this place."""

    def __init__(self, place: "Place") -> None:
        super().__init__(f"{place} was changed, or moved from another row: set the secret anew")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret belongs: ``table.column``, and the key of the row in it."""

    column: str
    row: str

    @override
    def __str__(self) -> str:
        return f"{self.column} of {self.row}"

    @property
    def associated(self) -> list[bytes]:
        """What is sealed with the secret; two values apart, so that no two places are the same bytes."""
        return [self.column.encode(), self.row.encode()]


@dataclass(frozen=True, slots=True)
class SealKey:
    """A key, by the name that stands before what it sealed. Shown, it shows its name only."""

    name: str
    cipher: AESSIV = field(repr=False, compare=False)
    text: str = field(repr=False, compare=False)


class KeySource(Protocol):
    """Where keys lie. Both answers are newest first, and both may raise :class:`SealError`."""

    @property
    def where(self) -> str:
        """How a message names the place."""

    def load(self) -> tuple[SealKey, ...]:
        """Answer the keys that there are; none: there is no key yet."""

    def make(self) -> tuple[SealKey, ...]:
        """Make the first key and answer it, or those that somebody else made meanwhile."""


def written(raw: bytes) -> str:
    """Answer a key as it is written down."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def read_keys(text: str, where: str) -> tuple[SealKey, ...]:
    """Read keys that stand in ``text`` between spaces or lines, newest first; raises :class:`MalformedKeyError`."""
    found: dict[str, SealKey] = {}
    for number, each in enumerate(text.split(), start=1):
        key = _key(each, where, number)
        found.setdefault(key.name, key)
    return tuple(found.values())


def _key(text: str, where: str, number: int) -> SealKey:
    bare = text.rstrip("=")
    try:
        raw = urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError) as error:
        raise MalformedKeyError(where, number) from error
    # base64 of Python leaves out what it does not know: only what reads back the same was a key.
    if len(raw) != KEY_BYTES or written(raw) != bare:
        raise MalformedKeyError(where, number)
    return SealKey(_derived(raw, "name", 4).hex(), AESSIV(_derived(raw, "cipher", 64)), bare)


def _derived(raw: bytes, purpose: str, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=f"thongsuot seal {purpose}".encode()).derive(raw)


def is_sealed(text: str) -> bool:
    """Answer whether ``text`` is sealed; everything else is a secret in clear, from before there were seals."""
    return text.startswith(_MARK)


def name_in(sealed: str) -> str:
    """Answer the name of the key that sealed this."""
    return sealed.removeprefix(_MARK).partition(".")[0]


def seal(clear: str, place: Place, key: SealKey) -> str:
    """Answer ``clear`` sealed by ``key`` for ``place``; the same again each time."""
    data = key.cipher.encrypt(clear.encode(), [*place.associated, key.name.encode()])
    return f"{_MARK}{key.name}.{written(data)}"


def open_sealed(text: str, place: Place, keys: Sequence[SealKey], where: str) -> str:
    """Answer what was sealed for ``place``; what is in clear is answered as it is. Raises :class:`SealError`."""
    if not is_sealed(text):
        return text
    name, _, data = text.removeprefix(_MARK).partition(".")
    key = next((each for each in keys if each.name == name), None)
    if key is None:
        raise UnknownKeyError(place, name, where)
    try:
        raw = urlsafe_b64decode(data + "=" * (-len(data) % 4))
        return key.cipher.decrypt(raw, [*place.associated, name.encode()]).decode()
    except (binascii.Error, ValueError, InvalidTag) as error:
        raise BrokenSealError(place) from error


def _listed(names: Sequence[str]) -> str:
    return f"key {names[0]}" if len(names) == 1 else f"keys {' '.join(names)}" if names else "no key"

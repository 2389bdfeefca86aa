"""Seals and opens the secrets of one database with the keys of this process.

Which keys sealed anything is written in the database itself, by name: so a process that was given other keys finds
out before it seals, and refuses with a sentence, rather than splitting the secrets among keys of which nobody has all.
What cannot be opened harms nothing else: calls to machines wait and are tried again, a code of a telephone does not
count (a recovery code does), everything else runs.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from inventory import seal_store as store
from inventory.database import reading, transaction
from inventory.seal import (
    ForeignKeyError,
    KeySource,
    NoKeyError,
    Place,
    SealError,
    SealKey,
    UnknownKeyError,
    is_sealed,
    name_in,
    open_sealed,
    seal,
)
from inventory.seal_store import SealedColumn

__all__ = ["Sealed", "Sealing"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What there is: secrets by the name of their key (empty: in clear), and why those that do not open do not."""

    by_key: Counter[str]
    newest: str = ""
    written: int = 0
    faults: Sequence[str] = field(default=())

    @property
    def in_clear(self) -> int:
        """Secrets that are not sealed."""
        return self.by_key[""]


class Sealing:
    """Seals inside the transaction that writes; opens without one."""

    def __init__(self, keys: KeySource, *, clock: Callable[[], datetime]) -> None:
        self._keys = keys
        self._clock = clock
        self._held: tuple[SealKey, ...] | None = None

    async def seal(self, connection: AsyncConnection, clear: str, place: Place) -> str:
        """Answer ``clear`` sealed by the newest key, inside a transaction that writes; raises :class:`SealError`."""
        return seal(clear, place, await self._newest(connection))

    def open(self, text: str, place: Place) -> str:
        """Answer what was sealed; raises :class:`SealError`. Keys that were turned meanwhile are read again."""
        held = self._held if self._held is not None else self._load()
        try:
            return open_sealed(text, place, held, self._keys.where)
        except UnknownKeyError:
            return open_sealed(text, place, self._load(), self._keys.where)

    async def prepare(self, database: AsyncEngine, columns: Sequence[SealedColumn]) -> bool:
        """Have a key, and seal what lies in clear; answer whether that went well. What did not is told in the log."""
        try:
            async with transaction(database) as connection:
                await self._newest(connection)
                told = await self._reseal(connection, columns, only_clear=True)
        except SealError as error:
            told = Sealed(Counter(), faults=[str(error)])
        if told.written:
            log.info("secrets sealed that lay in clear", count=told.written, key=told.newest)
        for fault in told.faults:
            log.error("a secret cannot be sealed or opened", reason=fault)
        return not told.faults

    async def check(self, database: AsyncEngine) -> None:
        """Raise :class:`SealError` where this process may not seal; a key is made where nobody has any yet."""
        async with transaction(database) as connection:
            await self._newest(connection)

    async def turn(
        self, database: AsyncEngine, columns: Sequence[SealedColumn], *, is_lost: bool = False
    ) -> Sealed:
        """Seal everything by the newest key; what does not open stays as it is and is told.

        ``is_lost``: no key that the database knows will come back, so ours seal from now on.
        """
        async with transaction(database) as connection:
            if is_lost:
                await store.forget_keys(connection, await store.key_names(connection))
            newest = await self._newest(connection)
            told = await self._reseal(connection, columns, only_clear=False)
            unused = set(await store.key_names(connection)) - set(told.by_key) - {newest.name}
            if unused and not told.faults:
                await store.forget_keys(connection, sorted(unused))
        return told

    async def look(self, database: AsyncEngine, columns: Sequence[SealedColumn]) -> Sealed:
        """Count what there is, and try every seal; changes nothing."""
        by_key: Counter[str] = Counter()
        faults = []
        try:
            newest = next((key.name for key in self._load()), "")
        except SealError as error:
            newest, faults = "", [str(error)]
        async with reading(database) as connection:
            for column in columns:
                for row, text in await store.secrets_in(connection, column):
                    by_key[name_in(text) if is_sealed(text) else ""] += 1
                    try:
                        self.open(text, column.place(row))
                    except SealError as error:
                        faults.append(str(error))
        return Sealed(by_key, newest, faults=faults)

    async def _newest(self, connection: AsyncConnection) -> SealKey:
        """Answer the key to seal by, written down in the database; made, where nobody has any yet."""
        known = await store.key_names(connection)
        held = self._load()
        if not held and known:
            raise NoKeyError(self._keys.where, known)
        if not held:
            held = self._held = self._keys.make()
        names = [key.name for key in held]
        if known and not set(known) & set(names):
            raise ForeignKeyError(self._keys.where, names, known)
        if names[0] not in known:
            await store.note_key(connection, names[0], at=self._clock())
        return held[0]

    async def _reseal(
        self, connection: AsyncConnection, columns: Sequence[SealedColumn], *, only_clear: bool
    ) -> Sealed:
        newest = await self._newest(connection)
        by_key: Counter[str] = Counter()
        faults, count = [], 0
        await store.overwriting(connection, is_on=True)
        for column in columns:
            for row, text in await store.secrets_in(connection, column):
                name, place = name_in(text) if is_sealed(text) else "", column.place(row)
                try:
                    clear = self.open(text, place)
                except SealError as error:
                    faults.append(str(error))
                else:
                    if name != newest.name and not (only_clear and name):
                        await store.write_secret(connection, column, row, seal(clear, place, newest))
                        name, count = newest.name, count + 1
                by_key[name] += 1
        await store.overwriting(connection, is_on=False)
        return Sealed(by_key, newest.name, count, faults)

    def _load(self) -> tuple[SealKey, ...]:
        self._held = self._keys.load()
        return self._held

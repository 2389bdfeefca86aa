"""SQL of sealed secrets: which keys sealed them, and every column that holds one. Takes a connection, never commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from inventory.schema import seal_keys
from inventory.seal import Place

__all__ = [
    "SealedColumn",
    "forget_keys",
    "key_names",
    "note_key",
    "overwriting",
    "secrets_in",
    "write_secret",
]


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column that holds secrets, and the one that names its rows."""

    secret: Column[Any]
    row: Column[Any]

    def place(self, row: object) -> Place:
        """Answer where the secret of ``row`` belongs."""
        return Place(str(self.secret), str(row))


async def key_names(connection: AsyncConnection) -> tuple[str, ...]:
    """Read which keys sealed secrets of this database, the newest first."""
    query = select(seal_keys.c.name).order_by(seal_keys.c.since.desc(), seal_keys.c.name)
    return tuple((await connection.execute(query)).scalars())


async def note_key(connection: AsyncConnection, name: str, *, at: datetime) -> None:
    """Write down that a key seals from now on."""
    await connection.execute(insert(seal_keys).values(name=name, since=at))


async def forget_keys(connection: AsyncConnection, names: Sequence[str]) -> None:
    """Write down that nothing is sealed by keys of these names any more."""
    await connection.execute(delete(seal_keys).where(seal_keys.c.name.in_(names)))


async def secrets_in(connection: AsyncConnection, column: SealedColumn) -> Sequence[tuple[Any, str]]:
    """Read every row of ``column`` that holds something, with what it holds."""
    query = select(column.row, column.secret).where(column.secret != "").order_by(column.row)
    return [(row, text) for row, text in await connection.execute(query)]


async def write_secret(connection: AsyncConnection, column: SealedColumn, row: object, text: str) -> None:
    """Write ``text`` over what the row holds."""
    statement = update(column.secret.table).where(column.row == bindparam("of_row"))
    await connection.execute(statement.values({column.secret: text}), {"of_row": row})


async def overwriting(connection: AsyncConnection, *, is_on: bool) -> None:
    """Have SQLite fill with zeros what this connection writes over, instead of leaving it in the file's gaps."""
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql(f"PRAGMA secure_delete={'ON' if is_on else 'OFF'}")

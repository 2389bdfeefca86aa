"""Many rows at once, at the driver's own price.

SQLAlchemy prepares every row of an ``executemany`` by itself: thirty microseconds each, ten seconds of a processor for
the first results of a nation. On SQLite the statement is compiled once and its values are prepared by column, each
value that repeats once, with the very same processors; on PostgreSQL the driver's pipeline is what SQLAlchemy uses.
"""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

from sqlalchemy import Dialect, Table
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Insert

__all__ = ["execute_rows"]

_Process = Callable[[Any], Any]


async def execute_rows(
    connection: AsyncConnection, statement: Insert, table: Table, rows: Sequence[dict[str, Any]]
) -> None:
    """Insert ``rows``, which all name the same columns of ``table``, by ``statement``."""
    if not rows:
        return
    if connection.dialect.name != "sqlite":
        await connection.execute(statement, list(rows))
        return
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    columns = [
        _column(table, name, connection.dialect, rows)
        for name in getattr(compiled, "positiontup", None) or ()
    ]
    await connection.exec_driver_sql(str(compiled), list(zip(*columns, strict=True)))


def _column(table: Table, name: str, dialect: Dialect, rows: Sequence[dict[str, Any]]) -> Sequence[Any]:
    values = [row[name] for row in rows]
    process: _Process | None = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
    if process is None:
        return values
    if all(value == values[0] for value in values):
        return list(repeat(process(values[0]), len(values)))
    return [process(value) for value in values]

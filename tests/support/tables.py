"""Every table in an empty database, as quickly as a test may want it: a SQLite file gets them as a copy of one made before.

A hundred statements for each of two thousand rooms are minutes of a run; what they make is the same each time.
"""

import sqlite3
import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import NullPool

from inventory.database import metadata

__all__ = ["make_tables"]


async def make_tables(database: AsyncEngine) -> None:
    """Bring every table that the modules imported so far declare into ``database``; what is there stays."""
    path = database.url.database or ""
    if database.dialect.name == "sqlite" and path.startswith("/") and not Path(path).exists():
        Path(path).write_bytes(_with_tables(frozenset(metadata.tables)))
        return
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)


@cache
def _with_tables(_names: frozenset[str]) -> bytes:
    """Answer a database file; it is made anew when another module has declared more tables."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
        metadata.create_all(engine)
        engine.dispose()
        # As the service's own engine would leave it, so that the first who opens it writes nothing.
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
        return path.read_bytes()

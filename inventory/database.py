"""One database, two engines: SQLite for a province on a small server, PostgreSQL by URL when it grows.

Rules that every store keeps: SQL never asks for the time (``now`` is a bind parameter); a service opens the
transaction with :func:`transaction` and a store takes its connection; a write transaction on SQLite begins
IMMEDIATE, because a deferred one that turns to writing fails at once with SQLITE_BUSY_SNAPSHOT.

On both engines one transaction writes at a time, so what is decided inside one is decided on what is true. SQLite
has it so; on PostgreSQL a lock of our own is taken first, which ends with the transaction. Against it: writers of
several processes wait for each other. They are short, and a race that only one engine can have is not worth it.

Inside a process writers stand in a queue of their own first: SQLite lets whoever asks at the right moment go next, so
that on a slow disk one of many could wait for ever; and on PostgreSQL each that waits would hold a connection.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import DateTime, Dialect, MetaData, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

__all__ = ["UtcDateTime", "metadata", "open_engine", "reading", "shown", "transaction"]

_ONE_WRITER = 0x7468_6F6E
"""Number of the lock that writers on PostgreSQL share."""
_LONGEST_WAIT_SECONDS = 60.0
_turns: WeakKeyDictionary[AsyncEngine, asyncio.Lock] = WeakKeyDictionary()
_POSTGRES = {
    # What a writer waits for, and for how long a dead client's transaction may hold others up, in milliseconds.
    "options": "-c timezone=UTC -c lock_timeout=10000 -c idle_in_transaction_session_timeout=20000",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
}

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time: only zoned values go in, only UTC values come out, to the microsecond on both engines."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value!r}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        stored: datetime = value
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


def open_engine(url: str) -> AsyncEngine:
    """Open the database at ``url`` (``sqlite+aiosqlite:///path`` or ``postgresql+psycopg://…``)."""
    if make_url(url).get_backend_name() == "postgresql":
        # A server that was restarted is noticed before a statement is lost to a dead connection.
        return create_async_engine(url, pool_pre_ping=True, connect_args=_POSTGRES)
    engine = create_async_engine(url)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def shown(url: str) -> str:
    """Name the database at ``url`` for a log: which engine, and where, without its password."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return f"SQLite {parsed.database}"
    where = parsed.host or parsed.query.get("host") or "local"
    return f"PostgreSQL {parsed.database} at {where}{f':{parsed.port}' if parsed.port else ''}"


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not open transactions by itself: _begin_sqlite chooses their kind.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    kind = connection.get_execution_options().get("begin", "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {kind}")


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Write: everything inside commits together or not at all, and nobody else writes meanwhile.

    Raises ``TimeoutError`` when the writers of this process do not come to an end: one of them opened a transaction
    inside its own.
    """
    turn = _turns.setdefault(engine, asyncio.Lock())
    async with asyncio.timeout(_LONGEST_WAIT_SECONDS):
        await turn.acquire()
    try:
        async with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(select(func.pg_advisory_xact_lock(_ONE_WRITER)))
            yield connection
    finally:
        turn.release()


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Read one consistent snapshot without holding the writer's lock."""
    async with engine.connect() as plain:
        if engine.dialect.name == "postgresql":
            connection = await plain.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        else:
            connection = await plain.execution_options(begin="DEFERRED")
        async with connection.begin():
            yield connection

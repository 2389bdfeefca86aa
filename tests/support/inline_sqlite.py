"""SQLite in the caller's own thread: the same file, SQL and locks as the service's driver, without a thread a connection.

The service's driver hands every statement to a thread and waits for its answer, so that a slow disk never stops the
event loop. A test that drives one service a hundred thousand steps over a file in memory waits for nothing but those
threads. The address is ``sqlite+inline:///PATH``; what differs from ``sqlite+aiosqlite`` is only where a call is made.
"""

import sqlite3
from pathlib import Path

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.util import await_only

__all__ = ["InlineDialect", "inline"]


class _Cursor(sqlite3.Cursor):
    """A cursor as the asynchronous engine knows it; nothing of it lies on a server."""

    server_side = False

    async def _async_soft_close(self):
        pass


class _Connection(sqlite3.Connection):
    def cursor(self, factory=_Cursor):
        return super().cursor(factory)


class InlineDialect(SQLiteDialect_pysqlite):
    """The standard library's driver, offered to an asynchronous engine: its calls answer at once."""

    driver = "inline"
    is_async = True
    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, _url):
        return AsyncAdaptedQueuePool

    def create_connect_args(self, url):
        places, options = super().create_connect_args(url)
        return places, {**options, "factory": _Connection}

    def get_driver_connection(self, connection):
        return connection

    def do_execute(self, cursor, statement, parameters, context=None):
        await_only(_nothing())
        super().do_execute(cursor, statement, parameters, context)

    def do_executemany(self, cursor, statement, parameters, context=None):
        await_only(_nothing())
        super().do_executemany(cursor, statement, parameters, context)


async def _nothing():
    """What the asynchronous engine insists on awaiting during a statement."""


registry.register("sqlite.inline", __name__, InlineDialect.__name__)


def inline(path: Path) -> str:
    """Answer the address of the file ``path`` for this driver."""
    return f"sqlite+inline:///{path}"

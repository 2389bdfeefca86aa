"""A PostgreSQL of our own for one run of the tests: a throw-away cluster on a unix socket, a database a test.

The server writes nothing to safety (``fsync=off``): what is tested is our SQL and our transactions, and killing
our own processes loses nothing that the server was told. It refuses to run as root, so root starts it as postgres.
"""

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import psycopg

__all__ = ["POSTGRES_BIN", "Postgres", "a_postgres"]

POSTGRES_BIN = next(
    (
        folder
        for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        if (folder / "initdb").exists()
    ),
    None,
)
"""Where Debian keeps the server's programs; None where it is not installed."""

_OPTIONS = "-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=60"


class Postgres:
    """A running cluster; :meth:`create` makes an empty database and answers its address."""

    def __init__(self, folder):
        self.folder = folder
        self._numbers = itertools.count(1)

    def address(self, name):
        return f"postgresql+psycopg://{self._user()}@/{name}?host={self.folder}"

    def connect(self, name="postgres"):
        return psycopg.connect(f"host={self.folder} dbname={name} user={self._user()}", autocommit=True)

    def create(self):
        name = f"room_{os.getpid()}_{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.address(name)

    def drop(self, url):
        name = url.rpartition("@/")[2].partition("?")[0]
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @staticmethod
    def _user():
        return "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


@contextmanager
def a_postgres():
    """Start a cluster and end it with the block."""
    folder = Path(tempfile.mkdtemp(prefix="thongsuot-pg-", dir="/tmp"))
    data = folder / "data"
    other = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if other:
        shutil.chown(folder, "postgres", "postgres")

    def run(program, *arguments):
        subprocess.run(
            [str(POSTGRES_BIN / program), "-D", str(data), *arguments],
            check=True,
            timeout=60,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
            **other,
        )

    try:
        run("initdb", "-A", "trust", "--no-sync", "-E", "UTF8")
        run(
            "pg_ctl",
            "-w",
            "-s",
            "-l",
            str(folder / "log"),
            "-o",
            f"-c unix_socket_directories={folder} {_OPTIONS}",
            "start",
        )
        try:
            yield Postgres(folder)
        finally:
            run("pg_ctl", "-w", "-s", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)

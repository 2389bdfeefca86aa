"""Which database a test uses: a SQLite file of its own, or a PostgreSQL database of its own in its place.

``pytest --database postgresql`` runs everything that opens its database by :func:`at` on PostgreSQL; the same file
is the same database again, so that a restart finds what was written. The fixture ``database_url`` gives a test
both, one after the other, in every run.
"""

from contextlib import ExitStack

from tests.support.postgres import a_postgres

__all__ = ["ENGINES", "Databases", "at", "chosen"]

ENGINES = ("sqlite", "postgresql")


class Databases:
    """The engine chosen for this run, and the cluster that is started when first asked for."""

    def __init__(self):
        self.engine = "sqlite"
        self._open = ExitStack()
        self._postgres = None
        self._known = {}

    @property
    def postgres(self):
        if self._postgres is None:
            self._postgres = self._open.enter_context(a_postgres())
        return self._postgres

    def at(self, path, engine=""):
        """Answer the address of the database that stands for the file ``path``."""
        if (engine or self.engine) == "sqlite":
            return f"sqlite+aiosqlite:///{path}"
        if path not in self._known:
            self._known[path] = self.postgres.create()
        return self._known[path]

    def forget(self, folder):
        """Drop what was made for files below ``folder``."""
        for path in [path for path in self._known if path.is_relative_to(folder)]:
            self.postgres.drop(self._known.pop(path))

    def close(self):
        self._open.close()


chosen = Databases()


def at(path):
    """Answer the address of the database that stands for the file ``path`` in this run."""
    return chosen.at(path)

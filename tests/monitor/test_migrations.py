"""The tables that alembic lays are the tables that the code means, both ways."""

import sqlite3
from contextlib import closing

from alembic.script import ScriptDirectory

from monitor import migrations


def test_an_empty_file_becomes_the_tables_in_the_code_and_goes_back(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path / 'thongsuot.db'}"
    assert migrations.current(url) is None
    migrations.upgrade(url)
    migrations.check(url)
    assert migrations.current(url) == migrations.head()
    migrations.upgrade(url)
    migrations.downgrade(url, "base")
    assert migrations.current(url) is None
    with closing(sqlite3.connect(tmp_path / "thongsuot.db")) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {"alembic_version"}


def test_one_open_outage_a_target_is_held_by_the_database(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path / 'thongsuot.db'}"
    migrations.upgrade(url)
    with closing(sqlite3.connect(tmp_path / "thongsuot.db")) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'uq_outages_open'").fetchone()
    assert "UNIQUE" in rows[0]
    assert "WHERE ended_at IS NULL" in rows[0]


def test_there_is_one_head():
    script = ScriptDirectory.from_config(migrations._config("sqlite://"))
    assert len(script.get_heads()) == 1

"""A copy of the database is whole, made beside its writers, and put back as it was."""

import sqlite3
import threading
from contextlib import closing

import pytest

from monitor.cli import main
from monitor.cli.backup import BackupError, restore, save
from monitor.migrations import head, upgrade


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "thongsuot.db"
    upgrade(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    return path


def note(path, code):
    with closing(sqlite3.connect(path, timeout=20)) as connection, connection:
        connection.execute(
            "INSERT INTO contact_faults (channel, address, person, incident, reason, marked_at)"
            " VALUES ('sms', ?, 'p', 1, 'r', '2021-05-23 00:00:00.000000')",
            (code,),
        )


def noted(path):
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT address FROM contact_faults ORDER BY address").fetchall()
    return [row[0] for row in rows]


def test_a_copy_made_beside_a_writer_is_whole_and_of_one_moment(tmp_path, database):
    stop, written = threading.Event(), []

    def write():
        while not stop.is_set():
            code = f"{len(written):06}"
            note(database, code)
            written.append(code)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        before = len(written)
        facts = save(database, tmp_path / "copy.db")
    finally:
        stop.set()
        writer.join()
    copied = noted(tmp_path / "copy.db")
    assert copied == written[: len(copied)]
    assert len(copied) >= before
    assert facts["revision"] == head()
    assert not list(tmp_path.glob("*.part"))


def test_what_is_restored_is_what_was_saved_and_what_there_was_is_kept(tmp_path, database):
    note(database, "a")
    save(database, tmp_path / "copy.db")
    note(database, "b")
    with closing(sqlite3.connect(database)) as running:
        running.execute("SELECT count(*) FROM contact_faults").fetchone()
        facts = restore(database, tmp_path / "copy.db")
        assert running.execute("SELECT count(*) FROM contact_faults").fetchone() == (1,)
    assert noted(database) == ["a"]
    assert noted(facts["kept"]) == ["a", "b"]


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 400], ids=["empty", "garbage"])
def test_a_file_that_is_no_copy_of_ours_is_refused_and_changes_nothing(tmp_path, database, content):
    note(database, "a")
    wrong = tmp_path / "wrong.db"
    wrong.write_bytes(content)
    with pytest.raises(BackupError):
        restore(database, wrong)
    assert noted(database) == ["a"]


def test_the_command_saves_and_names_the_tool_where_the_database_is_postgresql(
    tmp_path, database, capsys, monkeypatch
):
    copy = tmp_path / "copy.db"
    assert main(["backup", "save", str(copy), "--state", str(tmp_path)]) == 0
    assert str(copy) in capsys.readouterr().out
    monkeypatch.setenv("THONGSUOT_DATABASE_URL", "postgresql://ts:secret@db.local/thongsuot")
    assert main(["backup", "save", str(copy), "--state", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "pg_dump" in told
    assert "secret" not in told

"""What the machine refuses a command is said in a sentence: what, where, and how to mend it."""

import errno
import json
import os
import subprocess
import sys

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DatabaseError

from inventory.samples import sample
from monitor.cli import main
from monitor.cli.refusals import told
from tests.support.servers import free_port


def refused(capsys, *arguments, code=1):
    try:
        done = main(list(arguments))
    except SystemExit as left:
        done = left.code
    said = capsys.readouterr().err
    assert done == code
    assert "Traceback" not in said
    return said


def test_a_file_that_is_no_database_is_told_and_stays_as_it_is(tmp_path, capsys):
    (tmp_path / "thongsuot.db").write_bytes(b"hello, this is a letter" * 100)
    assert "no database of ours" in refused(capsys, "migrate", "--state", str(tmp_path))
    assert (tmp_path / "thongsuot.db").read_bytes().startswith(b"hello")


def test_an_address_of_a_database_that_nobody_speaks_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("THONGSUOT_DATABASE_URL", "foo://x")
    assert "postgresql+psycopg://" in refused(capsys, "migrate", "--state", str(tmp_path))


def test_a_postgresql_that_is_away_is_told_without_its_password(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("THONGSUOT_DATABASE_URL", f"postgresql+psycopg://u:hush@127.0.0.1:{free_port()}/x")
    said = refused(capsys, "migrate", "--state", str(tmp_path))
    assert "PostgreSQL cannot be reached" in said
    assert "hush" not in said


def test_a_service_whose_database_is_away_does_not_start_and_says_why(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("THONGSUOT_DATABASE_URL", f"postgresql+psycopg://u:hush@127.0.0.1:{free_port()}/x")
    given = ("--inventory", str(sample("soc-trang-2021")), "--state", str(tmp_path))
    assert "PostgreSQL cannot be reached" in refused(capsys, "serve", *given)


def test_a_day_that_does_not_exist_is_a_mistake_of_usage(capsys):
    assert "YYYY-MM-DD" in refused(capsys, "run", "--day", "2021-13-45", code=2)


def test_a_state_folder_below_a_file_is_told_by_its_name(tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    said = refused(capsys, "migrate", "--state", str(tmp_path / "file" / "state"))
    assert said.startswith(str(tmp_path / "file"))
    assert "look at the path" in said


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "chown"),
        (errno.EROFS, "read-only"),
        (errno.ENOSPC, "disk is full"),
        (errno.EADDRINUSE, "--port"),
    ],
)
def test_what_the_system_refuses_has_a_way_out(number, words):
    said = told(OSError(number, os.strerror(number), "/srv/state"))
    assert said.startswith("/srv/state: ")
    assert words in said


def test_a_locked_and_a_read_only_database_are_told_apart(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/x.db", connect_args={"timeout": 0})
    with engine.begin() as first:
        first.execute(text("CREATE TABLE t (a INTEGER)"))
    with engine.connect() as holder:
        holder.exec_driver_sql("BEGIN EXCLUSIVE")
        with pytest.raises(DatabaseError) as locked, engine.connect() as other:
            other.exec_driver_sql("INSERT INTO t VALUES (1)")
        holder.exec_driver_sql("ROLLBACK")
    engine.dispose()
    reader = create_engine(f"sqlite:///file:{tmp_path}/x.db?mode=ro&uri=true")
    with pytest.raises(DatabaseError) as readonly, reader.connect() as other:
        other.exec_driver_sql("INSERT INTO t VALUES (1)")
    reader.dispose()
    assert "another program holds the database" in told(locked.value)
    assert "cannot be opened or written" in told(readonly.value)


def test_a_mistake_of_ours_stays_one():
    assert told(KeyError("x")) is None
    assert told(OSError(errno.EBADF, "bad descriptor")) is None


def test_the_command_itself_ends_with_the_sentence_alone(tmp_path):
    (tmp_path / "thongsuot.db").write_bytes(b"no database" * 200)
    asked = [sys.executable, "-m", "monitor", "migrate", "--json", "--state", str(tmp_path)]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(done.stderr)

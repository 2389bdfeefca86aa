"""What the service keeps is read by its owner only, also what an older version left open; the doctor tells of the rest."""

import json
import sqlite3
import stat
from contextlib import closing

import pytest

from alerting.attachments import EvidenceFolder
from monitor.cli import main
from monitor.cli.findings import Level
from monitor.cli.private import modes


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def state(tmp_path):
    return tmp_path / "var"


def test_a_new_state_folder_and_everything_in_it_is_its_owners(state, capsys):
    assert main(["seal", "turn", "--state", str(state)]) == 0
    with (
        closing(sqlite3.connect(state / "thongsuot.db")) as reader,
        closing(sqlite3.connect(state / "thongsuot.db")) as writer,
    ):
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE x (y)")
        reader.execute("SELECT * FROM x").fetchall()
        found = {path.name: mode(path) for path in state.iterdir()}
    assert mode(state) == 0o700
    assert {"thongsuot.db", "thongsuot.db-wal", "seal.key"} <= set(found)
    assert set(found.values()) == {0o600}
    assert main(["backup", "save", str(state.parent / "copy.db"), "--state", str(state)]) == 0
    assert mode(state.parent / "copy.db") == 0o600
    assert modes(state).level is Level.OK


async def test_evidence_lies_in_a_folder_of_its_owner(state):
    await EvidenceFolder(state).keep(b"anh chup")
    assert [mode(path) for path in state.iterdir() if path.is_dir()] in ([], [0o700])


def test_what_an_older_version_left_open_is_closed_and_the_folder_that_was_there_is_told_of(
    state, capsys, monkeypatch
):
    state.mkdir(mode=0o755)
    for name in ("thongsuot.db", "thongsuot.db.before-restore", "seal.key"):
        (state / name).touch()
        (state / name).chmod(0o644)
    (state / "cua-nguoi-khac.txt").touch()
    (state / "cua-nguoi-khac.txt").chmod(0o644)
    told = modes(state)
    assert (told.level, str(state / "seal.key") in told.mend_en) == (Level.WARN, True)
    (state / "seal.key").unlink()
    assert main(["migrate", "--state", str(state)]) == 0
    assert {path.name: mode(path) for path in state.iterdir() if path.suffix != ".txt"} == {
        "thongsuot.db": 0o600,
        "thongsuot.db.before-restore": 0o600,
    }
    assert mode(state / "cua-nguoi-khac.txt") == 0o644
    assert modes(state).mend_en == f"chmod go= {state}"
    state.chmod(0o700)
    assert modes(state).level is Level.OK
    folder = state.parent / "secrets"
    folder.mkdir()
    (folder / "thongsuot_seal_key").touch()
    (folder / "thongsuot_seal_key").chmod(0o640)
    monkeypatch.setenv("THONGSUOT_SECRETS_DIR", str(folder))
    assert modes(state).mend_en == f"chmod go= {folder / 'thongsuot_seal_key'}"


def test_a_password_given_on_the_machine_is_written_to_the_audit_by_the_name_as_it_is_kept(state, capsys):
    at = ["--state", str(state), "--json"]
    assert main(["user", "add", "lan", "--role", "duty_officer", *at]) == 0
    assert main(["user", "reset", " LAN", *at]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["name"] == "lan"
    with closing(sqlite3.connect(state / "thongsuot.db")) as connection:
        acts = connection.execute("SELECT actor, act, subject FROM audit ORDER BY id").fetchall()
    assert acts[-1] == ("service", "password_given", "lan")

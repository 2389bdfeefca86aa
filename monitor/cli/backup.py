"""``thongsuot backup save FILE`` and ``restore FILE``: the whole database as one file, while the service runs.

Saving copies beside the writers (``VACUUM INTO``, which takes nothing along that was deleted or written over), checks
the copy and only then gives it its name: a file of that name is whole, and for its owner only. The key that secrets are
sealed by lies outside of the database and so of the copy; both acts say which key it needs. Restoring checks the file first, keeps what there was beside the database, and
replaces the content in one transaction; the service goes on, but must be started again, since it believes what was.
PostgreSQL has its own tools for this; we print the command.
"""

import argparse
import json
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from inventory.seal import SealError
from monitor.assembly.sealing import keys_of
from monitor.migrations import current, head
from monitor.settings import Settings, read_settings

__all__ = ["BackupError", "add", "restore", "save"]


class BackupError(Exception):
    """The copy cannot be made or used; the sentence says why and what to do."""


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("backup", help="sao lưu, khôi phục · save and restore the database")
    parser.add_argument("act", choices=("save", "restore"))
    parser.add_argument("file", type=Path, help="the copy")
    parser.add_argument("--state", type=Path, default=None, help="folder of the database (default: var)")
    parser.add_argument("--json", action="store_true", help="print facts as JSON")
    parser.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    settings = read_settings(state=chosen.state, inventory=Path())
    try:
        database = _file_of(settings, chosen.act, chosen.file)
        facts = (save if chosen.act == "save" else restore)(database, chosen.file)
    except (BackupError, sqlite3.Error, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if chosen.json:
        print(json.dumps(facts))
        return 0
    print(f"{facts['file']}: {facts['bytes']} B, {facts['revision']}")
    if chosen.act == "restore":
        print(f"Bản trước · what there was: {facts['kept']}\nKhởi động lại dịch vụ · start the service again")
    if facts["keys"]:
        print(_told_of_keys(settings, chosen.act, facts["keys"]))
    return 0


def _told_of_keys(settings: Settings, act: str, needed: list[str]) -> str:
    """Say where the keys lie that open the copy's secrets, or that they are not here."""
    source = keys_of(settings)
    names = " ".join(needed)
    if act == "save":
        return (
            f"Khóa niêm phong {names} không nằm trong bản sao; cất {source.where} ở nơi khác\n"
            f"seal key {names} is not in the copy; keep {source.where} in another place"
        )
    try:
        held = {key.name for key in source.load()}
    except SealError as error:
        return str(error)
    missing = " ".join(name for name in needed if name not in held)
    if not missing:
        return f"Khóa niêm phong · seal key: {names} ({source.where})"
    return (
        f"Thiếu khóa niêm phong {missing} trong {source.where}: chép lại từ máy cũ, nếu không mã xác thực và webhook"
        f" phải đặt lại\nseal key {missing} is not at {source.where}: copy it from the old machine, else second"
        " factors and webhook secrets must be set anew"
    )


def _file_of(settings: Settings, act: str, file: Path) -> Path:
    url = make_url(settings.url)
    if url.get_backend_name() != "sqlite":
        where = url.set(drivername="postgresql", password=None).render_as_string()
        command = (
            f"pg_dump --format=custom --file={file} '{where}'"
            if act == "save"
            else f"pg_restore --clean --if-exists --single-transaction --dbname='{where}' {file}"
        )
        raise BackupError(f"PostgreSQL: {command}")
    return Path(url.database or "")


def save(database: Path, file: Path) -> dict[str, Any]:
    """Copy ``database`` to ``file`` beside whoever writes to it; answers facts of the copy."""
    if not database.exists():
        raise BackupError(f"there is no database at {database}")
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    try:
        # Made by us first, empty, so that it is never anybody else's to read.
        part.touch(mode=0o600)
        with closing(sqlite3.connect(database)) as source:
            # A reader of a WAL database holds no writer up. Page by page, the gaps of the file would come along, and
            # with them secrets that were sealed or removed since.
            source.execute("VACUUM INTO ?", (str(part),))
        revision = _checked(part)
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return {"file": str(file), "bytes": file.stat().st_size, "revision": revision, "keys": _keys_of(file)}


def restore(database: Path, file: Path) -> dict[str, Any]:
    """Put what ``file`` holds into ``database``, keeping what there was beside it; answers facts."""
    if not file.exists():
        raise BackupError(f"there is no copy at {file}")
    revision = _checked(file)
    kept = database.with_name(f"{database.name}.before-restore")
    if database.exists():
        save(database, kept)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(database, timeout=30)) as target:
        source.backup(target)
    return {
        "file": str(file),
        "bytes": file.stat().st_size,
        "revision": revision,
        "keys": _keys_of(file),
        "kept": str(kept) if kept.exists() else "",
    }


def _keys_of(file: Path) -> list[str]:
    """Answer the names of the keys that a copy's secrets are sealed by, the newest first."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'seal_keys'").fetchone():
            return []
        return [
            name for (name,) in connection.execute("SELECT name FROM seal_keys ORDER BY since DESC, name")
        ]


def _checked(file: Path) -> str:
    """Answer the revision of a copy that is whole and ours; raises :class:`BackupError`."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            found = connection.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as broken:
        raise BackupError(f"{file} is not a whole copy: {broken}") from broken
    if found != "ok":
        raise BackupError(f"{file} is not a whole copy: {found}")
    revision = current(f"sqlite:///{file}")
    newest = head()
    if revision is None or newest is None or revision > newest:
        raise BackupError(f"{file} is of revision {revision}; this version knows {newest} and older")
    return revision

"""Who may read what the service keeps: its owner, and nobody else on the machine.

The folder of everything that changes is made for its owner only; the database is made so before its first byte, and
SQLite makes what lies beside it in the database's likeness. What an older version left open to others is closed at the
next start. A folder that was there before stays as it was made, since it may hold more than ours: ``thongsuot doctor``
tells of it.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import structlog
from sqlalchemy.engine import make_url

from inventory.seal_file import KEY_FILE
from monitor.cli.findings import Finding, Level
from monitor.settings import Settings

__all__ = ["keep_private", "modes"]

log = structlog.get_logger(__name__)

_OURS = ("thongsuot.db*", f"{KEY_FILE}*", "evidence", "mail", "record", "spool")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep_private(settings: Settings) -> None:
    """Make the state folder and the database for their owner only, and close what of ours was open to others."""
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = make_url(settings.url)
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).touch(mode=0o600)
    for path in _open_to_others(settings.state):
        try:
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_OTHERS)
        except OSError as error:
            log.warning("open to others", path=str(path), reason=str(error))
        else:
            log.info("closed to others", path=str(path))


def _open_to_others(folder: Path) -> Iterator[Path]:
    for pattern in _OURS:
        yield from (path for path in sorted(folder.glob(pattern)) if _is_open(path))


def _is_open(path: Path) -> bool:
    return not path.is_symlink() and bool(path.stat().st_mode & _OTHERS)


def modes(state: Path) -> Finding:
    """Whether others on this machine may read the state folder, or the folder of secrets."""
    given = os.environ.get("THONGSUOT_SECRETS_DIR", "")
    wrong = [path for path in (state, *_open_to_others(state)) if path.exists() and _is_open(path)]
    if given:
        wrong += [
            path for path in sorted(Path(given).glob("thongsuot_*")) if path.is_file() and _is_open(path)
        ]
    if not wrong:
        return Finding("modes", Level.OK, str(state), "chỉ chủ sở hữu đọc được", "read by their owner only")
    listed = " ".join(map(str, wrong))
    return Finding(
        "modes", Level.WARN, listed,
        "người khác trên máy này đọc được cơ sở dữ liệu, bản sao hoặc khóa",
        "others on this machine may read the database, copies or keys",
        f"chmod go= {listed}", f"chmod go= {listed}",
    )  # fmt: skip

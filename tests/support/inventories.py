"""Small inventories on disk: a good one, the good one with something changed, and the nation in miniature."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from inventory.loader import examine, load

DATA = Path(__file__).parent.parent / "data" / "inventory"
GOOD = DATA / "good"


def copy_of_good(directory):
    folder = directory / "inventory"
    shutil.copytree(GOOD, folder)
    return folder


def overlaid(directory, overlay):
    """The good inventory with the files of ``overlay`` in place of its own; ``absent`` names one to take out."""
    folder = copy_of_good(directory)
    for path in overlay.rglob("*"):
        if path.is_file() and path.name not in {"absent", "expected"}:
            shutil.copy(path, folder / path.relative_to(overlay))
    absent = overlay / "absent"
    if absent.exists():
        (folder / absent.read_text(encoding="utf-8").strip()).unlink()
    return folder


def changed(directory, *changes):
    """The good inventory with texts replaced: each change is (file, old, new)."""
    folder = copy_of_good(directory)
    for file, old, new in changes:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text, f"{file} holds no {old!r}"
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def loaded(directory, *changes):
    return load(changed(directory, *changes))


def faults_of(folder):
    return [fault.shown("en") for fault in examine(folder).faults]


def at(text):
    """A time of day in Viet Nam as a point in time."""
    return datetime.fromisoformat(f"{text}+07:00").astimezone(UTC)

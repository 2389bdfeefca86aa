"""Where keys lie: in the settings, or in a file of the state folder, outside of the database and so of its backups.

The file holds one key a line, the newest first, is read by its owner only, and comes into being whole: of several
processes that make it at once, one does and all read it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from inventory.seal import KEY_BYTES, MalformedKeyError, SealError, SealKey, read_keys, written

__all__ = ["KEY_FILE", "GivenKeys", "KeyFile", "KeyFileError"]

KEY_FILE = "seal.key"


class KeyFileError(SealError):
    """The file of keys cannot be read, or not be made; the sentence says which and why."""


class GivenKeys:
    """Keys that stand in the settings; they change when the process is started again."""

    def __init__(self, text: str, where: str) -> None:
        self._text = text
        self.where = where

    def load(self) -> tuple[SealKey, ...]:
        """Answer the keys, newest first; raises :class:`MalformedKeyError`."""
        keys = read_keys(self._text, self.where)
        if not keys:
            raise MalformedKeyError(self.where, 1)
        return keys

    def make(self) -> tuple[SealKey, ...]:
        """Answer the keys: there are always some."""
        return self.load()


class KeyFile:
    """Keys in a file that is made where there is none. ``draw`` answers so many bytes that nobody can foresee."""

    def __init__(self, path: Path, draw: Callable[[int], bytes]) -> None:
        self._path = path
        self._draw = draw

    @property
    def where(self) -> str:
        """The file's name."""
        return str(self._path)

    def load(self) -> tuple[SealKey, ...]:
        """Answer the keys, newest first; none where there is no file. Raises :class:`SealError`."""
        with self._told("read"):
            if not self._path.exists():
                return ()
            keys = read_keys(self._path.read_text(encoding="ascii"), self.where)
        if not keys:
            raise MalformedKeyError(self.where, 1)
        return keys

    def make(self) -> tuple[SealKey, ...]:
        """Make the file with one key, unless somebody else did meanwhile; answer what it holds."""
        with self._told("made"):
            part = self._written([written(self._draw(KEY_BYTES))])
            try:
                # Unlike a rename, a link never takes the place of what is there.
                os.link(part, self._path)
            except FileExistsError:
                pass
            finally:
                part.unlink()
            self._sync()
        return self.load()

    def turn(self) -> tuple[SealKey, ...]:
        """Put a new key before those that there are; answer all."""
        held = [key.text for key in self.load()]
        with self._told("written"):
            self._written([written(self._draw(KEY_BYTES)), *held]).replace(self._path)
            self._sync()
        return self.load()

    def _written(self, keys: list[str]) -> Path:
        part = self._path.with_name(f"{self._path.name}.{self._draw(4).hex()}.part")
        opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "w", encoding="ascii") as file:
            file.write("".join(f"{key}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        return part

    def _sync(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _told(self, deed: str) -> Iterator[None]:
        try:
            yield
        except (OSError, UnicodeDecodeError) as error:
            raise KeyFileError(f"the key file {self._path} cannot be {deed}: {error}") from error

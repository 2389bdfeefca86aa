"""Batches that could not be delivered, in a folder of numbered files, oldest first; bounded, the oldest dropped.

Frames are appended to the newest file until it is large enough, and a file goes away whole once it was delivered. No
file is forced to disk: a vantage that loses its power loses the last seconds, and says nothing that is not so. What a
crash left half written at the end of a file is left out and counted. One thread uses it at a time.
"""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from probes.bus_wire import WireError, frames

__all__ = ["Spool"]

_SUFFIX: Final = ".batches"
_FILE_BYTES: Final = 1 << 20
_MOST_BYTES: Final = 256 << 20


class Spool:
    """A queue of bodies on disk; what an earlier life left is still in it."""

    def __init__(
        self, directory: Path, *, most_bytes: int = _MOST_BYTES, file_bytes: int = _FILE_BYTES
    ) -> None:
        self._directory = directory
        self._most_bytes = most_bytes
        self._file_bytes = file_bytes
        self._files: deque[tuple[int, int]] = deque()
        self._is_ours = False
        self.bytes = 0
        self.dropped = 0
        self.torn = 0

    def __len__(self) -> int:
        return len(self._files)

    def open(self) -> None:
        """Make the folder if need be, and find what lies in it."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = sorted(
            (int(path.stem), path.stat().st_size)
            for path in self._directory.glob(f"*{_SUFFIX}")
            if path.stem.isdecimal()
        )
        self._files = deque(found)
        self.bytes = sum(size for _, size in found)

    def append(self, body: bytes) -> None:
        """Keep frames; raises OSError where the disk takes no more even after the oldest file went."""
        try:
            self._write(body)
        except OSError:
            if not self._files:
                raise
            self._drop_oldest()
            self._write(body)
        while self.bytes > self._most_bytes and len(self._files) > 1:
            self._drop_oldest()

    def oldest(self) -> list[bytes]:
        """Answer the frames of the oldest file, in order; empty if nothing is kept."""
        while self._files:
            found = list(self._frames(self._files[0][0]))
            if found:
                return found
            self.delivered()
        return []

    def delivered(self) -> None:
        """Let the oldest file go."""
        number, size = self._files.popleft()
        self._is_ours &= bool(self._files)
        self.bytes -= size
        self._path(number).unlink(missing_ok=True)

    def _write(self, body: bytes) -> None:
        number, size = self._files[-1] if self._files else (0, self._file_bytes)
        if not self._is_ours or size + len(body) > self._file_bytes:
            # Never behind what an earlier life wrote: its end may be torn.
            number, size = number + 1, 0
            self._files.append((number, 0))
            self._is_ours = True
        try:
            with self._path(number).open("ab") as file:
                file.write(body)
        except OSError:
            # Whatever part of it was written is a torn frame; nothing may follow it in this file.
            self._is_ours = False
            raise
        self._files[-1] = (number, size + len(body))
        self.bytes += len(body)

    def _frames(self, number: int) -> Iterator[bytes]:
        try:
            yield from frames(self._path(number).read_bytes())
        except (OSError, WireError):
            self.torn += 1

    def _drop_oldest(self) -> None:
        self.dropped += sum(1 for _ in self._frames(self._files[0][0]))
        self.delivered()

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:012d}{_SUFFIX}"

"""The record that a replay repeats exactly: everything that belief was handed, in order, with the time of each.

A folder of segments, oldest first by name. A segment is a magic word and events; an event is a header (kind, length,
the clock in UTC nanoseconds) and a payload. The record is bounded: when all segments together outgrow the limit, the
oldest goes. Each segment begins with a *keyframe*, the rows that a restart would read, so that what is left of a
record can be replayed from its first segment on; such a replay begins as a restart does, not as if nothing had been
dropped.

::

    started   keyframe and fleet: belief began over a database
    keyframe  the same, in the middle: used only where a record begins with it
    batch     a batch of looks as the bus carries it (:mod:`probes.bus_wire`)
    tick      belief was told the time; one byte: whether it was behind
    planned   the planned works that are known from then on
    fleet     the fleet after a reload; replaying an inventory that changed needs the one in force then
    stopped   belief wrote down what memory held

Writing is appending to one open file; a crash loses at most the last event, and a cut-off event ends the reading.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from monitor.planned import PlannedWork, WorkKind
from probes.bus_wire import WireError, decode, encode
from probes.models import SampleBatch

__all__ = ["Event", "EventKind", "Recorder", "read_record", "size_of"]

_MAGIC: Final = b"TSrecord1\n"
_HEADER: Final = struct.Struct("<BxxxIq")
_SEGMENTS: Final = 16
_LARGEST: Final = 64 << 20


class EventKind(IntEnum):
    """What happened to belief."""

    STARTED = 1
    KEYFRAME = 2
    BATCH = 3
    TICK = 4
    PLANNED = 5
    FLEET = 6
    STOPPED = 7


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``at_ns`` is what belief's clock said."""

    kind: EventKind
    at_ns: int
    payload: bytes

    def batch(self) -> SampleBatch:
        """Answer the batch of a BATCH."""
        return decode(self.payload)

    def facts(self) -> Any:
        """Answer the value of any other event with a payload."""
        return json.loads(zlib.decompress(self.payload))

    def works(self) -> tuple[PlannedWork, ...]:
        """Answer the works of a PLANNED."""
        return tuple(_work(each) for each in self.facts())


class Recorder:
    """Writes a record into ``folder``, at most ``limit_bytes`` of it."""

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._number = max((int(path.stem) for path in _segments(folder)), default=0)
        self._file: Any = None
        self._length = 0
        self.written = 0

    @property
    def wants_keyframe(self) -> bool:
        """Whether the segment is full, so that the next event has to be a keyframe."""
        return self._length >= self._limit // _SEGMENTS

    def started(self, at_ns: int, rows: Mapping[str, Any], digest: str, codes: Sequence[str]) -> None:
        """Note that belief began; a segment of its own begins with it."""
        self._roll()
        self._write(EventKind.STARTED, at_ns, _packed({"rows": rows, "digest": digest, "codes": list(codes)}))

    def keyframe(self, at_ns: int, rows: Mapping[str, Any], digest: str, codes: Sequence[str]) -> None:
        """Begin another segment with what a restart would read."""
        self._roll()
        self._write(
            EventKind.KEYFRAME, at_ns, _packed({"rows": rows, "digest": digest, "codes": list(codes)})
        )

    def took(self, at_ns: int, batch: SampleBatch) -> None:
        """Note that a batch was handed to belief."""
        self._write(EventKind.BATCH, at_ns, encode(batch))

    def ticked(self, at_ns: int, *, is_behind: bool) -> None:
        """Note that belief was told the time."""
        self._write(EventKind.TICK, at_ns, bytes([is_behind]))

    def planned(self, at_ns: int, works: Sequence[PlannedWork]) -> None:
        """Note which planned works are known from now on."""
        self._write(EventKind.PLANNED, at_ns, _packed([_values(work) for work in works]))

    def swapped(self, at_ns: int, digest: str, codes: Sequence[str]) -> None:
        """Note the fleet after a reload."""
        self._write(EventKind.FLEET, at_ns, _packed({"digest": digest, "codes": list(codes)}))

    def stopped(self, at_ns: int) -> None:
        """Note that belief wrote everything down."""
        self._write(EventKind.STOPPED, at_ns, b"")

    def close(self) -> None:
        """Let go of the open segment."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, kind: EventKind, at_ns: int, payload: bytes) -> None:
        if self._file is None:
            self._roll()
        piece = _HEADER.pack(kind, len(payload), at_ns) + payload
        self._file.write(piece)
        self._length += len(piece)
        self.written += len(piece)

    def _roll(self) -> None:
        self.close()
        self._number += 1
        self._file = (self._folder / f"{self._number:08d}.rec").open("xb", buffering=0)
        self._file.write(_MAGIC)
        self._length = 0
        self._drop()

    def _drop(self) -> None:
        """Delete the oldest segments until one more full one has room."""
        found = _segments(self._folder)
        room = self._limit - self._limit // _SEGMENTS
        total = sum(path.stat().st_size for path in found)
        for path in found[:-1]:
            if total <= room:
                break
            total -= path.stat().st_size
            path.unlink()


def read_record(folder: Path) -> Iterator[Event]:
    """Answer the events of a record, oldest first; a file that is no segment of it raises WireError."""
    for path in _segments(folder):
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise WireError(f"{path.name} is no segment of a record")
            while (event := _event(file)) is not None:
                yield event


def size_of(folder: Path) -> int:
    """Answer how many bytes a record takes."""
    return sum(path.stat().st_size for path in _segments(folder))


def _event(file: Any) -> Event | None:
    head = file.read(_HEADER.size)
    if len(head) < _HEADER.size:
        return None
    kind, length, at_ns = _HEADER.unpack(head)
    if length > _LARGEST or kind not in set(EventKind):
        raise WireError(f"an event of kind {kind} with {length} bytes is none of ours")
    payload = file.read(length)
    return Event(EventKind(kind), at_ns, payload) if len(payload) == length else None


def _segments(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.rec") if path.stem.isdecimal())


def _packed(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return zlib.compress(text.encode(), 6)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} cannot be recorded")


def _values(work: PlannedWork) -> dict[str, Any]:
    return {**asdict(work), "kind": work.kind.value}


def _work(values: Mapping[str, Any]) -> PlannedWork:
    times = ("starts_at", "ends_at", "entered_at", "cancelled_at")
    read = {name: datetime.fromisoformat(values[name]) if values[name] else None for name in times}
    return PlannedWork(**{**values, **read, "kind": WorkKind(values["kind"])})

"""A batch of samples as bytes: what a vantage that looks from elsewhere sends, and what lies in its spool.

Bytes in, batch out; no socket, no clock. A *frame* is a header of 24 bytes and a deflated payload; frames follow one
another in a body. All numbers are little-endian.

======== ====== =====================================================================================
header   bytes
======== ====== =====================================================================================
magic    4      ``TSsb``
version  1      1; a reader refuses what it does not know
marks    1      1: was replayed from a spool (every sample gets ``Flag.REPLAYED``)
spare    2      0
raw      4      length of the payload once inflated, at most 32 MiB
packed   4      length of what follows
newest   8      ``at_ns`` of the newest sample, so that a spool knows its age without inflating
======== ====== =====================================================================================

The payload: epoch, sequence, clock age, counts, vantage, fleet; the columns one after another; the phases only where
one was measured; texts and figures as (row, value). Names of figures travel with them: a reader that does not know
one leaves it out. Everything is bounded before it is allocated, and every value is checked to be one that exists.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from probes.models import PHASES, Evidence, Flag, Measure, Outcome, SampleBatch

__all__ = ["MAX_PAYLOAD", "WireError", "decode", "encode", "frames", "newest_ns", "replayed"]

MAX_PAYLOAD: Final = 32 << 20
_HEADER: Final = struct.Struct("<4sBBHIIq")
_HEAD: Final = struct.Struct("<qqdIIIBBHH")
_MAGIC: Final = b"TSsb"
_VERSION: Final = 1
_REPLAYED: Final = 1
_LEVEL: Final = 1
_LONGEST_TEXT: Final = 1_000
_COLUMNS: Final = (
    ("target", "<u4"),
    ("at_ns", "<i8"),
    ("outcome", "u1"),
    ("rtt", "<f4"),
    ("code", "<i2"),
    ("evidence", "u1"),
    ("flags", "u1"),
)
_KNOWN_FLAGS: Final = int(~np.uint8(sum(Flag)))
_MEASURES: Final[Mapping[str, Measure]] = {measure.value: measure for measure in Measure}


class WireError(ValueError):
    """Bytes that are no batch; the message says where they stop making sense."""


def encode(batch: SampleBatch) -> bytes:
    """Answer the frame of a batch; texts are cut at 1,000 bytes. Raises WireError beyond 32 MiB."""
    payload = b"".join(_payload(batch))
    if len(payload) > MAX_PAYLOAD:
        raise WireError(f"a batch of {len(payload)} bytes is too large")
    packed = zlib.compress(payload, _LEVEL)
    newest = int(batch.at_ns.max()) if len(batch) else 0
    return _HEADER.pack(_MAGIC, _VERSION, 0, 0, len(payload), len(packed), newest) + packed


def frames(body: bytes) -> Iterator[bytes]:
    """Take a body apart into its frames, without inflating; raises WireError where it is cut off or foreign."""
    start = 0
    while start < len(body):
        end = start + _HEADER.size + _header(body, start)[4]
        if end > len(body):
            raise WireError("the body ends within a frame")
        yield body[start:end]
        start = end


def newest_ns(frame: bytes) -> int:
    """Answer when the newest sample of a frame was taken, UTC nanoseconds."""
    return _header(frame, 0)[5]


def replayed(frame: bytes) -> bytes:
    """Answer the same frame, marked as replayed from a spool."""
    version, marks, spare, raw, packed, newest = _header(frame, 0)
    head = _HEADER.pack(_MAGIC, version, marks | _REPLAYED, spare, raw, packed, newest)
    return head + frame[_HEADER.size :]


def decode(frame: bytes) -> SampleBatch:
    """Answer the batch of a frame; raises WireError and nothing else for whatever is no batch."""
    _, marks, _, raw, packed, _ = _header(frame, 0)
    if len(frame) != _HEADER.size + packed:
        raise WireError("a frame of another length than it says")
    batch = _batch(_Reader(_inflated(frame[_HEADER.size :], raw)))
    if marks & _REPLAYED:
        batch = replace(batch, flags=batch.flags | np.uint8(Flag.REPLAYED))
    return batch


def _header(data: bytes, start: int) -> tuple[int, int, int, int, int, int]:
    if len(data) - start < _HEADER.size:
        raise WireError("too short for a header")
    magic, version, marks, spare, raw, packed, newest = _HEADER.unpack_from(data, start)
    if magic != _MAGIC or version != _VERSION:
        raise WireError("not a batch of this version")
    if raw > MAX_PAYLOAD:
        raise WireError(f"a payload of {raw} bytes is too large")
    return version, marks, spare, raw, packed, newest


def _inflated(packed: bytes, raw: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        payload = inflater.decompress(packed, raw) if raw else b""
    except zlib.error as error:
        raise WireError(f"deflate: {error}") from error
    if len(payload) != raw or inflater.unconsumed_tail or inflater.unused_data:
        raise WireError("a payload of another length than it says")
    return payload


def _payload(batch: SampleBatch) -> Iterator[bytes]:
    vantage, fleet = batch.vantage.encode(), batch.fleet.encode()
    figures = [(row, name, value) for row, found in batch.measures.items() for name, value in found.items()]
    names = sorted({name.value for _, name, _ in figures})
    columns = 0 if np.isnan(batch.phases).all() else len(PHASES)
    counts = (len(batch), len(batch.details), len(figures), columns, len(names), len(vantage), len(fleet))
    yield _HEAD.pack(batch.epoch, batch.sequence, batch.clock_age, *counts)
    yield vantage
    yield fleet
    for name, kind in _COLUMNS:
        yield getattr(batch, name).astype(kind, copy=False).tobytes()
    if columns:
        yield batch.phases.astype("<f4", copy=False).tobytes()
    texts = [
        text.encode()[:_LONGEST_TEXT].decode(errors="ignore").encode() for text in batch.details.values()
    ]
    yield np.fromiter(batch.details, "<u4", len(texts)).tobytes()
    yield np.fromiter(map(len, texts), "<u2", len(texts)).tobytes()
    yield from texts
    yield from (bytes([len(name)]) + name.encode() for name in names)
    index = {name: number for number, name in enumerate(names)}
    yield np.fromiter((row for row, _, _ in figures), "<u4", len(figures)).tobytes()
    yield np.fromiter((index[name.value] for _, name, _ in figures), "u1", len(figures)).tobytes()
    yield np.fromiter((value for _, _, value in figures), "<f8", len(figures)).tobytes()


class _Reader:
    """Walks through a payload; never reads past its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def bytes(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise WireError("the payload ends too early")
        piece, self._at = self._data[self._at : end], end
        return piece

    def text(self, count: int) -> str:
        try:
            return self.bytes(count).decode()
        except UnicodeDecodeError as error:
            raise WireError("a text that is not UTF-8") from error

    def column(self, kind: str, count: int) -> npt.NDArray[Any]:
        wire = np.dtype(kind)
        return np.frombuffer(self.bytes(wire.itemsize * count), wire).astype(
            wire.newbyteorder("="), copy=False
        )

    def rows(self, count: int, rows: int) -> npt.NDArray[np.uint32]:
        found = self.column("<u4", count)
        if count and int(found.max()) >= rows:
            raise WireError("a row that the batch does not have")
        return found

    def end(self) -> None:
        if self._at != len(self._data):
            raise WireError("more payload than batch")


def _batch(reader: _Reader) -> SampleBatch:
    head = _HEAD.unpack(reader.bytes(_HEAD.size))
    epoch, sequence, clock_age, rows, texts, figures, columns, names, vantage, fleet = head
    if columns not in {0, len(PHASES)}:
        raise WireError(f"{columns} phases")
    named = (reader.text(vantage), reader.text(fleet))
    found = {name: reader.column(kind, rows) for name, kind in _COLUMNS}
    _check(found)
    if columns:
        phases = reader.column("<f4", rows * columns).reshape(rows, columns)
    else:
        phases = np.full((rows, len(PHASES)), np.nan, np.float32)
    batch = SampleBatch(
        vantage=named[0],
        fleet=named[1],
        epoch=epoch,
        sequence=sequence,
        clock_age=clock_age,
        phases=phases,
        details=_details(reader, texts, rows),
        measures=_measures(reader, figures, names, rows),
        **found,
    )
    reader.end()
    return batch


def _check(columns: Mapping[str, npt.NDArray[Any]]) -> None:
    for name, most in (("outcome", max(Outcome)), ("evidence", max(Evidence))):
        if len(columns[name]) and int(columns[name].max()) > most:
            raise WireError(f"an {name} that does not exist")
    if (columns["flags"] & np.uint8(_KNOWN_FLAGS)).any():
        raise WireError("a flag that does not exist")
    if (columns["rtt"] < 0).any() or np.isinf(columns["rtt"]).any():
        raise WireError("a time that cannot be")


def _details(reader: _Reader, count: int, rows: int) -> dict[int, str]:
    at, lengths = reader.rows(count, rows), reader.column("<u2", count)
    pairs = zip(at.tolist(), lengths.tolist(), strict=True)
    return {row: reader.text(length) for row, length in pairs}


def _measures(reader: _Reader, count: int, names: int, rows: int) -> dict[int, dict[Measure, float]]:
    listed = [reader.text(reader.bytes(1)[0]) for _ in range(names)]
    at, index, values = reader.rows(count, rows), reader.column("u1", count), reader.column("<f8", count)
    if count and int(index.max()) >= names:
        raise WireError("a figure without a name")
    found: dict[int, dict[Measure, float]] = {}
    for row, number, value in zip(at.tolist(), index.tolist(), values.tolist(), strict=True):
        measure = _MEASURES.get(listed[number])
        if measure is not None:
            found.setdefault(row, {})[measure] = value
    return found

"""How minutes lie on disk: a chunk of one target, small for ever; a span of a block of targets, quick for hours.

Round trips are kept as the logarithm's place in steps of three hundredths, so that each is within one part in 64 of
what was counted: what a chart can show. 0 means not measured, 1 less than a ten-thousandth of a millisecond.

A *chunk* is a byte 2 and deflated planes of a column each: looks, failures, mean above the chunk's lowest mean, mean
less shortest, longest less mean (differences are small, and small numbers deflate well), low bytes before high bytes.
Chunks without that byte are of the first form, half floats behind the counts, and stay readable.
"""

import zlib

import numpy as np
import numpy.typing as npt

__all__ = ["Counts", "Rtts", "block_column", "block_packed", "block_unpacked", "packed", "unpacked"]

Counts = npt.NDArray[np.uint8]
"""Looks and failures, at most 255 a minute: ``(2, …, minutes)``."""
Rtts = npt.NDArray[np.float16]
"""Shortest, mean and longest round trip in milliseconds, NaN where none was measured: ``(3, …, minutes)``."""

_FORM = b"\x02"
_STEP = 0.03
_LEAST = 1e-4
_LOGARITHM, _LEVEL, _QUICK = 2, 6, 1
_Codes = npt.NDArray[np.uint16]


def _coded() -> _Codes:
    """Answer the code of every half float there is."""
    values = np.arange(65_536, dtype=np.uint16).view(np.float16).astype(np.float64)
    with np.errstate(invalid="ignore"):
        places = np.rint(np.log(np.maximum(np.nan_to_num(values, posinf=65_504.0), _LEAST) / _LEAST) / _STEP)
        codes = np.where(values < _LEAST, 1, places + _LOGARITHM)
    return np.where(np.isnan(values), 0, codes).astype(np.uint16)


_CODE = _coded()
_VALUE = np.concatenate(
    ([np.nan, 0.0], np.minimum(_LEAST * np.exp(_STEP * np.arange(int(_CODE.max()))), 65_504.0))
).astype(np.float16)


def packed(counts: Counts, rtts: Rtts) -> bytes:
    """Pack the columns of one target."""
    low, mean, high = _codes(rtts)
    base = int(mean[mean > 0].min(initial=65_535)) if mean.any() else 1
    planes = np.stack([np.where(mean > 0, mean - np.uint16(base) + np.uint16(1), 0), mean - low, high - mean])
    head = _FORM + base.to_bytes(2, "little")
    raw = np.ascontiguousarray(counts).tobytes() + _split(planes.astype(np.uint16))
    small = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_FILTERED)
    return head + small.compress(raw) + small.flush()


def unpacked(minutes: bytes) -> tuple[Counts, Rtts]:
    """Undo :func:`packed`."""
    if minutes[:1] != _FORM:
        return _of_first_form(zlib.decompress(minutes))
    raw = zlib.decompress(memoryview(minutes)[3:])
    width = len(raw) // 8
    counts = np.frombuffer(raw, np.uint8, 2 * width).reshape(2, width)
    above, less, more = _joined(raw[2 * width :]).reshape(3, width)
    base = np.uint16(int.from_bytes(minutes[1:3], "little") - 1)
    mean = np.where(above > 0, above + base, 0).astype(np.uint16)
    return counts, _VALUE[np.stack([mean - less, mean, mean + more])]


def block_packed(counts: Counts, rtts: Rtts) -> bytes:
    """Pack a few minutes of a block of targets, ``(columns, targets, minutes)``, quickly."""
    raw = np.ascontiguousarray(counts).tobytes() + _split(_codes(rtts))
    return zlib.compress(raw, _QUICK)


def block_unpacked(block: bytes, targets: int) -> tuple[Counts, Rtts]:
    """Undo :func:`block_packed`."""
    raw = zlib.decompress(block)
    width = len(raw) // 8 // targets
    counts = np.frombuffer(raw, np.uint8, 2 * targets * width).reshape(2, targets, width)
    codes = _joined(raw[2 * targets * width :]).reshape(3, targets, width)
    return counts, _VALUE[codes]


def block_column(block: bytes, targets: int, place: int) -> tuple[Counts, Rtts]:
    """Answer the columns of one target of a block."""
    raw = np.frombuffer(zlib.decompress(block), np.uint8).reshape(8, targets, -1)[:, place]
    return raw[:2], _VALUE[raw[2:5] | (raw[5:].astype(np.uint16) << np.uint16(8))]


def _codes(rtts: Rtts) -> _Codes:
    bits: _Codes = np.ascontiguousarray(rtts).view(np.uint16)
    return _CODE[bits]


def _split(codes: _Codes) -> bytes:
    """Write all low bytes, then all high bytes."""
    return (codes & np.uint16(255)).astype(np.uint8).tobytes() + (codes >> np.uint16(8)).astype(
        np.uint8
    ).tobytes()


def _joined(raw: bytes) -> _Codes:
    low, high = np.frombuffer(raw, np.uint8).reshape(2, -1)
    codes: _Codes = high.astype(np.uint16)
    codes <<= np.uint16(8)
    codes |= low
    return codes


def _of_first_form(raw: bytes) -> tuple[Counts, Rtts]:
    width = len(raw) // 8
    counts = np.frombuffer(raw[: 2 * width], np.uint8).reshape(2, width)
    return counts, np.frombuffer(raw[2 * width :], np.float16).reshape(3, width)

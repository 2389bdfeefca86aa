"""Frames of batches: whatever comes over the wire is a batch or a WireError."""

import zlib

from probes.bus_wire import WireError, decode, encode, frames
from probes.models import Look, Measure, Outcome, batch_of

_LOOKS = [
    Look(
        target=n,
        at_ns=n,
        outcome=Outcome.OK,
        rtt=0.1,
        phases=(0.1,) if n % 2 else (),
        detail="x" * n,
        measures={Measure.MOS: 4.0} if n % 3 == 0 else {},
    )
    for n in range(7)
]
_FRAME = encode(batch_of(_LOOKS, vantage="V", fleet="f", epoch=1, sequence=1))
SEEDS = (_FRAME, _FRAME + _FRAME, zlib.decompress(_FRAME[24:]))
"""The last is a payload: what is mutated in it reaches the reader of columns instead of stopping at the inflater."""


def one(data: bytes) -> None:
    """Decode as it is, and as the payload of a frame that is right."""
    packed = zlib.compress(data, 1)
    wrapped = (
        _FRAME[:8] + len(data).to_bytes(4, "little") + len(packed).to_bytes(4, "little") + bytes(8) + packed
    )
    for body in (data, wrapped):
        try:
            for frame in frames(body):
                decode(frame)
        except WireError:
            continue

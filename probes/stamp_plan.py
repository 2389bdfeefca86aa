"""What a STAMP look sends, made of a target's options. No socket, no clock.

Options of ``stamp`` targets, by default one second of a telephone call:

* ``count`` (50) packets, one every ``interval_ms`` (20), of ``size`` octets (172: G.711 and its RTP header; 44, or 48
  to 1472), marked with ``dscp`` (46, expedited forwarding).
* ``stateful=no``: the reflector only copies numbers, so directions cannot be told apart.
* ``buffer_ms`` (60): how long a phone would wait before it plays what has come; ``codec`` as for test calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from probes.emodel import G711, G711_CONCEALED, Codec
from probes.stamp_packet import BASE_SIZE

__all__ = ["STAMP_OPTIONS", "StampPlan", "stamp_plan"]

STAMP_OPTIONS: Final = frozenset({"buffer_ms", "codec", "count", "dscp", "interval_ms", "size", "stateful"})

_CODECS = {"plain": G711, "concealed": G711_CONCEALED}
_LONGEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class StampPlan:
    """One session; ``tos`` is the octet of the traffic class."""

    count: int
    interval: float
    size: int
    tos: int
    is_stateful: bool
    buffer_seconds: float
    codec: Codec


def stamp_plan(options: Mapping[str, str]) -> StampPlan:
    """Read a target's options; ValueError, saying which, where they cannot be meant."""
    count = _whole(options, "count", 50, least=1, most=3000)
    interval = _whole(options, "interval_ms", 20, least=5, most=1000) / 1000
    if count * interval > _LONGEST_SECONDS:
        raise ValueError(f"count packets every interval_ms take more than {_LONGEST_SECONDS:g} s")
    size = _whole(options, "size", 172, least=BASE_SIZE, most=1472)
    if BASE_SIZE < size < BASE_SIZE + 4:
        raise ValueError("size is 44, or 48 and more")
    stateful, codec = options.get("stateful", "yes"), options.get("codec", "plain")
    if stateful not in {"yes", "no"}:
        raise ValueError(f"stateful is yes or no: {stateful!r}")
    if codec not in _CODECS:
        raise ValueError(f"codec is plain or concealed: {codec!r}")
    return StampPlan(
        count=count,
        interval=interval,
        size=size,
        tos=_whole(options, "dscp", 46, least=0, most=63) << 2,
        is_stateful=stateful == "yes",
        buffer_seconds=_whole(options, "buffer_ms", 60, least=0, most=1000) / 1000,
        codec=_CODECS[codec],
    )


def _whole(options: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    text = options.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and least <= int(text) <= most):
        raise ValueError(f"{name} is a whole number of {least} to {most}: {text!r}")
    return int(text)

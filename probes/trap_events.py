"""What a trap says: a line went down, came up, a device started, a device breathed its last; decides, reads no socket.

The standard traps are RFC 3418 and RFC 2863. A dying gasp (a device's last message when its power fails) has no
standard object: every maker has its own, so they come from the configuration as a map of object identifiers, where
an entry also stands for all below it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from probes.snmp_mib import Value, is_oid

__all__ = ["TrapEvent", "TrapKind", "event_of", "vendor_kinds"]

_TRAP_OID: Final = "1.3.6.1.6.3.1.1.4.1.0"
_IF_ENTRY: Final = "1.3.6.1.2.1.2.2.1."
_IF_INDEX: Final = "1.3.6.1.2.1.2.2.1.1."
_LARGEST_INDEX = 2**31 - 1


class TrapKind(StrEnum):
    """What happened."""

    COLD_START = "cold_start"
    WARM_START = "warm_start"
    LINK_DOWN = "link_down"
    LINK_UP = "link_up"
    DYING_GASP = "dying_gasp"


_STANDARD: Final = {
    "1.3.6.1.6.3.1.1.5.1": TrapKind.COLD_START,
    "1.3.6.1.6.3.1.1.5.2": TrapKind.WARM_START,
    "1.3.6.1.6.3.1.1.5.3": TrapKind.LINK_DOWN,
    "1.3.6.1.6.3.1.1.5.4": TrapKind.LINK_UP,
}


@dataclass(frozen=True, slots=True)
class TrapEvent:
    """A reason to look at ``source`` now. ``if_index`` is 0 where none is named; ``at_ns`` is UTC nanoseconds.

    Never evidence by itself: traps are lost, repeated and forged; only the look that follows is believed.
    """

    source: str
    kind: TrapKind
    if_index: int
    at_ns: int


def vendor_kinds(configured: Mapping[str, str]) -> dict[str, TrapKind]:
    """Check a map of object identifiers to kinds; ValueError says which entry cannot be meant."""
    kinds: dict[str, TrapKind] = {}
    for oid, kind in configured.items():
        if not is_oid(oid.removeprefix(".")):
            raise ValueError(f"not a numeric object identifier: {oid!r}")
        try:
            kinds[oid.removeprefix(".")] = TrapKind(kind)
        except ValueError:
            raise ValueError(f"{oid}: kind must be one of {' '.join(TrapKind)}, not {kind!r}") from None
    return kinds


def event_of(
    source: str, rows: Sequence[tuple[str, Value]], *, at_ns: int, vendors: Mapping[str, TrapKind]
) -> TrapEvent | None:
    """Answer what the trap says; None where it says nothing that we look at."""
    named = next((value for oid, value in rows if oid == _TRAP_OID), None)
    kind = _kind_of(named, vendors) if isinstance(named, str) else None
    return None if kind is None else TrapEvent(source, kind, _if_index(rows), at_ns)


def _kind_of(oid: str, vendors: Mapping[str, TrapKind]) -> TrapKind | None:
    """Look for the trap itself, then for what it lies below, nearest first."""
    if oid in _STANDARD:
        return _STANDARD[oid]
    while oid:
        if oid in vendors:
            return vendors[oid]
        oid = oid.rpartition(".")[0]
    return None


def _if_index(rows: Sequence[tuple[str, Value]]) -> int:
    """Take ifIndex itself, else the row that any interface column was told for (linkDown carries three)."""
    instances: list[int] = []
    for oid, value in rows:
        if oid.startswith(_IF_INDEX) and isinstance(value, int) and 0 < value <= _LARGEST_INDEX:
            return value
        last = oid.rpartition(".")[2]
        if oid.startswith(_IF_ENTRY) and last.isascii() and last.isdigit() and len(last) <= 10:
            instances.append(int(last))
    return next((index for index in instances if 0 < index <= _LARGEST_INDEX), 0)

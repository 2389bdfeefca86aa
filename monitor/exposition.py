"""The fleet's page for Prometheus: half a million series in a third of a second, off the event loop.

Everything but the values is known when the inventory is: the lines of a family whose prefixes have the same length
form a block of bytes, one row a line, made once. A page is made by writing fixed-width digits into the blocks by
vectorised arithmetic and choosing the rows that exist (an unknown state has no ``up``). No line is padded and no
number is formatted in Python; the page leaves in pieces.

Text format 0.0.4. Values have leading zeros where the width asks for it (``00.0123456``), which is a plain decimal
number to Go's ``ParseFloat``, to Prometheus and to its client libraries.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inventory.models import Inventory
from inventory.topology import Topology
from monitor.columns import FleetColumns
from monitor.judged import STATES
from monitor.models import Verdict
from monitor.moments import NEVER

__all__ = ["CONTENT_TYPE", "VERDICTS", "FleetRenderer"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_PIECE = 262_144
"""Bytes of a piece of the page: small enough that neither making nor sending one keeps the event loop waiting."""

VERDICTS = tuple(Verdict)
"""A verdict's value in ``thongsuot_site_verdict`` is its place here."""

Digits = npt.NDArray[np.uint8]
_Present = npt.NDArray[np.bool_]

_FOUR = np.frombuffer(b"".join(b"%04d" % n for n in range(10_000)), np.uint8).reshape(10_000, 4)
"""Four digits of every number below 10,000."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines of one length: their rows in the family, the bytes, and where the value begins."""

    rows: npt.NDArray[np.intp]
    lines: Digits
    value: slice


class _Family:
    """One metric: its header and its lines, in blocks of equal length."""

    def __init__(self, name: str, text: str, labels: Sequence[str], width: int) -> None:
        self.header = f"# HELP {name} {text}\n# TYPE {name} gauge\n".encode()
        by_length: dict[int, list[int]] = defaultdict(list)
        prefixes = [f"{name}{{{label}}} ".encode() for label in labels]
        for row, prefix in enumerate(prefixes):
            by_length[len(prefix)].append(row)
        self._blocks = []
        for length, rows in by_length.items():
            at_once = max(1, _PIECE // (length + width + 1))
            for first in range(0, len(rows), at_once):
                some = rows[first : first + at_once]
                raw = b"".join(prefixes[row] + b"1" * width + b"\n" for row in some)
                lines = np.frombuffer(bytearray(raw), np.uint8).reshape(len(some), length + width + 1)
                self._blocks.append(_Block(np.array(some, np.intp), lines, slice(length, length + width)))

    def render(self, value: Digits | None, present: _Present | None) -> list[bytes]:
        """Write the values and answer the lines that exist; ``None``: as they stand, all of them."""
        parts = [self.header]
        for block in self._blocks:
            if value is not None:
                block.lines[:, block.value] = value[block.rows]
            lines = block.lines
            if present is not None:
                chosen = present[block.rows]
                if not chosen.all():
                    lines = lines[chosen]
            parts.append(lines.tobytes())
        return parts


class FleetRenderer:
    """Renders the fleet's page for one inventory; :meth:`swap` replaces the cached prefixes whole.

    Safe to call from any thread; two scrapes at once wait for each other, because they share the bytes.
    """

    def __init__(self, inventory: Inventory, topology: Topology) -> None:
        self._lock = threading.Lock()
        self._families = _families(inventory, topology)
        self._targets = len(inventory.targets)
        self._sites = tuple(inventory.sites)

    def swap(self, inventory: Inventory, topology: Topology) -> None:
        """Render another inventory from now on."""
        families = _families(inventory, topology)
        with self._lock:
            self._families = families
            self._targets = len(inventory.targets)
            self._sites = tuple(inventory.sites)

    def render(self, columns: FleetColumns, verdicts: Mapping[str, Verdict]) -> list[bytes]:
        """Answer the page in pieces; raises ``ValueError`` if the columns are of another fleet."""
        with self._lock:
            if len(columns.state) != self._targets:
                raise ValueError(f"{len(columns.state)} columns for {self._targets} targets")
            return self._parts(columns, verdicts)

    def _parts(self, columns: FleetColumns, verdicts: Mapping[str, Verdict]) -> list[bytes]:
        place = {verdict: number for number, verdict in enumerate(VERDICTS)}
        judged = np.fromiter(
            (place[verdicts.get(site, Verdict.UNTESTED)] for site in self._sites), np.int64, len(self._sites)
        )
        measured = np.isfinite(columns.rtt)
        seen = columns.last_result_ns > NEVER
        known = columns.state != STATES.index("unknown")
        is_up = (columns.state > 0) & (columns.state < STATES.index("down"))
        values: dict[str, Callable[[], tuple[Digits | None, _Present | None]]] = {
            "up": lambda: (_digits(is_up, 1), known),
            "state": lambda: (_digits(columns.state, 1), None),
            "rtt": lambda: (_decimal(np.where(measured, columns.rtt, 0), 2, 7), measured),
            "loss": lambda: (_decimal(columns.loss, 1, 4), seen),
            "last_result": lambda: (_decimal_of(columns.last_result_ns // 1_000_000, 10, 3), seen),
            "info": lambda: (None, None),
            "verdict": lambda: (_digits(judged, 1), None),
        }
        return [part for name, family in self._families.items() for part in family.render(*values[name]())]


def _families(inventory: Inventory, topology: Topology) -> dict[str, _Family]:
    codes = [f'target="{_escaped(code)}"' for code in topology.codes]
    states = ", ".join(f"{number} {state}" for number, state in enumerate(STATES))
    verdicts = ", ".join(f"{number} {verdict}" for number, verdict in enumerate(VERDICTS))
    details = [_details(code, inventory, topology) for code in topology.codes]
    sites = [f'site="{_escaped(site)}"' for site in inventory.sites]
    named = "thongsuot_target"
    return {
        "up": _Family(f"{named}_up", "Whether a target answers; absent while that is unknown.", codes, 1),
        "state": _Family(f"{named}_state", f"Belief about a target: {states}.", codes, 1),
        "rtt": _Family(f"{named}_rtt_seconds", "Round trip of the last good look.", codes, 10),
        "loss": _Family(
            f"{named}_loss_ratio", "Share of failures in the last 20 looks; 1 while down.", codes, 6
        ),
        "last_result": _Family(
            f"{named}_last_result_timestamp_seconds", "Start of the last look that said anything.", codes, 14
        ),
        "info": _Family(f"{named}_info", "What a target is; join on target.", details, 1),
        "verdict": _Family("thongsuot_site_verdict", f"Whether a site can report: {verdicts}.", sites, 1),
    }


def _details(code: str, inventory: Inventory, topology: Topology) -> str:
    target = inventory.targets[code]
    site = topology.site_of(code)
    labels = {
        "target": code,
        "kind": target.kind.value,
        "of": target.of,
        "carrier": topology.owner_of(code),
        "site": site or "",
        "area": inventory.sites[site].area if site else "",
        "priority": topology.priority_of(code).value,
    }
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _digits(numbers: npt.NDArray[np.generic], width: int) -> Digits:
    """Write whole numbers with leading zeros, ``width`` digits each."""
    left = numbers.astype(np.uint64)
    out = np.empty((len(left), width), np.uint8)
    end = width
    while end > 0:
        left, low = np.divmod(left, np.uint64(10_000)) if end > 4 else (left, left % np.uint64(10_000))
        start = max(0, end - 4)
        out[:, start:end] = _FOUR[low][:, 4 - (end - start) :]
        end = start
    return out


def _decimal(numbers: npt.NDArray[np.float32], whole: int, places: int) -> Digits:
    """Write decimal fractions, ``whole`` digits before the point and ``places`` after; the largest if too large."""
    most = 10 ** (whole + places) - 1
    scaled = np.clip(np.rint(numbers.astype(np.float64) * 10**places), 0, most)
    return _decimal_of(scaled.astype(np.int64), whole, places)


def _decimal_of(scaled: npt.NDArray[np.int64], whole: int, places: int) -> Digits:
    digits = _digits(scaled, whole + places)
    out = np.empty((len(scaled), whole + places + 1), np.uint8)
    out[:, :whole] = digits[:, :whole]
    out[:, whole] = ord(".")
    out[:, whole + 1 :] = digits[:, whole:]
    return out

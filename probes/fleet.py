"""What one vantage looks at: its targets and canaries as columns, with numeric addresses and kin.

Built from an inventory and swapped whole. Slots ``0 … n-1`` are the targets of this vantage, slots after them its
canaries. A name that does not resolve keeps the address it last had and is marked; it never stops a start.

Two options of a target are ours and reach no probe: ``cadence=`` and ``timeout=`` (``5m``, ``4s``) replace the policy's,
for looks that are dear (a call) or long (a stream). A path marked as a test line gives its SIP targets
``test_line=yes``; nothing else can, so that no typing mistake rings a commune's telephone.
"""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from inventory.cells import duration
from inventory.codes import CodeIndex
from inventory.models import Inventory, LookPolicy, Phase, Priority, ProbeKind, Target, Vantage
from inventory.topology import Topology
from probes.schedule import Pacing

__all__ = ["DEFAULT_PORTS", "Fleet", "Slot", "build_fleet", "is_numeric", "pacing_of", "target_slot"]

DEFAULT_PORTS: Mapping[ProbeKind, int] = {
    ProbeKind.ICMP: 0,
    ProbeKind.TCP: 80,
    ProbeKind.HTTP: 80,
    ProbeKind.TLS: 443,
    ProbeKind.DNS: 53,
    ProbeKind.SIP_OPTIONS: 5060,
    ProbeKind.SIP_CALL: 5060,
    ProbeKind.SNMP: 161,
    ProbeKind.STAMP: 862,
    ProbeKind.STREAM: 80,
    ProbeKind.HEARTBEAT: 0,
}
"""Where each kind is looked at unless a target says otherwise; the kinds that a vantage looks by."""
_MOST_KIN = 64
_DISCARD_PORT = 9
_OWN_OPTIONS = frozenset({"cadence", "timeout"})


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing to look at. ``index`` is the column value of a sample: fleet index, or canary number."""

    code: str
    index: int
    kind: ProbeKind
    address: str
    port: int
    options: Mapping[str, str]
    priority: Priority
    is_canary: bool = False
    cadence: float | None = None
    timeout: float | None = None

    @property
    def needs_no_resolver(self) -> bool:
        """Whether the address is numeric already, or is never connected to (a heartbeat comes to us)."""
        return self.kind is ProbeKind.HEARTBEAT or is_numeric(self.address)


@dataclass(frozen=True, slots=True)
class Fleet:
    """The slots of one vantage. ``kin`` answers who shares a slot's nearest risk groups."""

    vantage: Vantage
    digest: str
    slots: tuple[Slot, ...]
    topology: Topology
    slot_of: CodeIndex
    index: npt.NDArray[np.uint32]
    canary: npt.NDArray[np.bool_]

    def codes(self) -> tuple[str, ...]:
        """Slot codes in order, stable across reloads."""
        return self.slot_of.codes

    def kin(self, slot: int) -> npt.NDArray[np.intp]:
        """Slots that share the nearest risk groups of ``slot``, nearest first, at most 64."""
        if self.slots[slot].is_canary:
            return np.array([], np.intp)
        found: dict[int, None] = {}
        for risk in self.topology.risks_of_target(self.slots[slot].code):
            room = _MOST_KIN - len(found)
            if room <= 0:
                break
            relatives = self._slots_of(self.topology.targets_of_risk(risk))
            found.update(dict.fromkeys(islice((s for s in relatives if s not in {-1, slot}), room)))
        return np.fromiter(found, np.intp, len(found))

    def _slots_of(self, targets: tuple[str, ...]) -> Iterator[int]:
        """Answer the slots of targets, -1 for one that this vantage does not look at; no more than are taken."""
        for first in range(0, len(targets), _MOST_KIN):
            yield from self.slot_of.places(targets[first : first + _MOST_KIN]).tolist()


def build_fleet(
    inventory: Inventory,
    topology: Topology,
    vantage: Vantage,
    *,
    canaries_by: ProbeKind = ProbeKind.ICMP,
) -> Fleet:
    """Choose what ``vantage`` looks at: targets that name it or name no vantage, and its own canaries.

    Where ICMP is not allowed, canaries are knocked at by TCP on the discard port: a refusal proves sight too.
    """
    slots: list[Slot] = []
    for index, target in enumerate(inventory.targets.values()):
        if target.kind not in DEFAULT_PORTS or (target.vantages and vantage.code not in target.vantages):
            continue
        slots.append(target_slot(target, inventory, index=index, priority=topology.priority_of(target.code)))
    slots.extend(
        Slot(
            code=f"canary:{vantage.code}:{number}",
            index=number,
            kind=canaries_by,
            address=canary.address,
            port=0 if canaries_by is ProbeKind.ICMP else _DISCARD_PORT,
            options={},
            priority=Priority.A,
            is_canary=True,
        )
        for number, canary in enumerate(vantage.canaries)
    )
    return Fleet(
        vantage=vantage,
        digest=inventory.digest,
        slots=tuple(slots),
        topology=topology,
        slot_of=CodeIndex(tuple(slot.code for slot in slots)),
        index=np.fromiter((slot.index for slot in slots), np.uint32, len(slots)),
        canary=np.fromiter((slot.is_canary for slot in slots), np.bool_, len(slots)),
    )


def target_slot(target: Target, inventory: Inventory, *, index: int, priority: Priority) -> Slot:
    """Make the slot of one target: where, how and by what options it is looked at."""
    return Slot(
        code=target.code,
        index=index,
        kind=target.kind,
        address=target.address,
        port=target.port if target.port is not None else DEFAULT_PORTS[target.kind],
        options=_options_of(target, inventory),
        priority=priority,
        cadence=_seconds(target.options.get("cadence")),
        timeout=_seconds(target.options.get("timeout")),
    )


def pacing_of(fleet: Fleet, inventory: Inventory, phase: Phase) -> Pacing:
    """Columns of the policy that holds in ``phase`` for every slot."""
    policies: dict[Priority, LookPolicy] = {p: inventory.policy.look(phase, p) for p in Priority}
    chosen: Sequence[LookPolicy] = [policies[slot.priority] for slot in fleet.slots]

    def nanoseconds(values: list[float]) -> npt.NDArray[np.int64]:
        return (np.array(values, np.float64) * 1e9).astype(np.int64)

    return Pacing(
        cadence=nanoseconds([s.cadence or p.cadence for s, p in zip(fleet.slots, chosen, strict=True)]),
        timeout=nanoseconds([s.timeout or p.timeout for s, p in zip(fleet.slots, chosen, strict=True)]),
        retry=nanoseconds([p.retry for p in chosen]),
        down_after=np.array([p.down_after for p in chosen], np.int16),
        up_after=np.array([p.up_after for p in chosen], np.int16),
    )


def _options_of(target: Target, inventory: Inventory) -> Mapping[str, str]:
    """Answer a target's options as its probe reads them."""
    if not target.options and target.kind is not ProbeKind.SIP_CALL:
        return target.options
    kept = {name: value for name, value in target.options.items() if name not in {*_OWN_OPTIONS, "test_line"}}
    path = inventory.paths.get(target.of)
    if target.kind is ProbeKind.SIP_CALL and path is not None and path.test_line:
        kept["test_line"] = "yes"
    return kept


def _seconds(text: str | None) -> float | None:
    return duration(text).total_seconds() if text else None


def is_numeric(address: str) -> bool:
    """Whether ``address`` needs no resolver."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True

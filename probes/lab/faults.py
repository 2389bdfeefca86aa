"""What is wrong in the lab's province right now: pure bookkeeping of faults, their reach and their sum.

A fault has a reach (the targets chosen when it was made) and an amount. Faults overlap as they do in the field: a
line that is cut twice is cut, two lossy stretches lose more than one, two delays add up. To restore a selection is
to free its targets from every fault; to restore a fault by its number leaves what others do to the same targets.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

__all__ = ["Effects", "Fault", "FaultKind", "FaultTable", "Selector"]


class FaultKind(StrEnum):
    """What a fault does to what reaches a target."""

    CUT = "cut"
    LOSS = "loss"
    SLOW = "slow"
    FILL = "fill"
    """Nothing is lost: the link is only as full as that."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Codes of the inventory; those given are combined by *and*. None given means everything."""

    carrier: str = ""
    area: str = ""
    risk: str = ""
    site: str = ""
    target: str = ""

    @property
    def is_everything(self) -> bool:
        """Whether nothing narrows it."""
        return not self.given()

    def given(self) -> dict[str, str]:
        """Answer the codes that are given, by their names."""
        codes = {name: getattr(self, name) for name in ("carrier", "area", "risk", "site", "target")}
        return {name: code for name, code in codes.items() if code}


@dataclass(frozen=True, slots=True)
class Fault:
    """``amount``: the ratio lost (0 to 1), the delay in seconds, how full a link is (of 1); 1 for a cut."""

    number: int
    kind: FaultKind
    amount: float
    selector: Selector
    targets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Effects:
    """The sum of all faults, by target code. ``loss``: ratio in 1/1000 steps; ``delay``: seconds; ``full``: of 1."""

    cut: frozenset[str] = frozenset()
    loss: Mapping[str, int] = field(default_factory=dict)
    delay: Mapping[str, float] = field(default_factory=dict)
    full: Mapping[str, float] = field(default_factory=dict)


class FaultTable:
    """The faults that are under way, in the order in which they began."""

    def __init__(self) -> None:
        self._faults: dict[int, Fault] = {}
        self._last = 0

    def copy(self) -> "FaultTable":
        """Answer a table of the same faults that changes apart."""
        other = FaultTable()
        other._faults, other._last = dict(self._faults), self._last
        return other

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults under way."""
        return tuple(self._faults.values())

    def add(self, kind: FaultKind, amount: float, selector: Selector, targets: Iterable[str]) -> Fault:
        """Begin a fault."""
        self._last += 1
        fault = Fault(self._last, kind, amount, selector, frozenset(targets))
        self._faults[fault.number] = fault
        return fault

    def lift(self, number: int) -> frozenset[str]:
        """End one fault; answer the targets it had, or a KeyError where there is none of that number."""
        return self._faults.pop(number).targets

    def free(self, targets: Iterable[str]) -> frozenset[str]:
        """Free targets from every fault; answer those that had one."""
        chosen = frozenset(targets)
        freed: set[str] = set()
        for number, fault in list(self._faults.items()):
            freed |= fault.targets & chosen
            left = fault.targets - chosen
            if left:
                self._faults[number] = replace(fault, targets=left)
            else:
                del self._faults[number]
        return frozenset(freed)

    def effects(self) -> Effects:
        """Add all faults up."""
        cut: set[str] = set()
        kept: dict[str, float] = {}
        delay: dict[str, float] = {}
        full: dict[str, float] = {}
        for fault in self._faults.values():
            if fault.kind is FaultKind.CUT:
                cut |= fault.targets
            elif fault.kind is FaultKind.LOSS:
                kept |= {code: kept.get(code, 1.0) * (1.0 - fault.amount) for code in fault.targets}
            elif fault.kind is FaultKind.FILL:
                full |= {code: max(full.get(code, 0.0), fault.amount) for code in fault.targets}
            else:
                delay |= {code: delay.get(code, 0.0) + fault.amount for code in fault.targets}
        loss = {code: round(1000 * (1.0 - ratio)) for code, ratio in kept.items() if code not in cut}
        return Effects(frozenset(cut), loss, delay, full)

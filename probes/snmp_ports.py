"""What is remembered of an interface from look to look: its counters, and whether it changed unseen."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from probes import snmp_mib as mib
from probes.models import Measure
from probes.snmp_agents import AgentKey
from probes.snmp_mib import PortStatus, Value
from probes.snmp_rates import Reading, advance, has_begun_anew
from probes.snmp_verdict import measures_of, reading_of, whole

__all__ = ["Followed", "Ports"]

_MOST: Final = 262_144


@dataclass(frozen=True, slots=True)
class Followed:
    """What a look adds to what was known."""

    measures: Mapping[Measure, float] = field(default_factory=dict)
    remark: str = ""


@dataclass(slots=True)
class _Port:
    base: Reading | None = None
    last: Reading | None = None
    changed: int | None = None
    errors: int | None = None
    is_narrow: bool = False


class Ports:
    """All interfaces of a probe; beyond a bound the one not looked at for longest is forgotten."""

    def __init__(self) -> None:
        self._ports: OrderedDict[tuple[AgentKey, int], _Port] = OrderedDict()

    def is_narrow(self, key: AgentKey, number: int) -> bool:
        """Whether the interface was found to have no 64-bit counters."""
        port = self._ports.get((key, number))
        return port is not None and port.is_narrow

    def follow(
        self, key: AgentKey, number: int, values: Mapping[str, Value], *, at: float, capacity_bits: float
    ) -> Followed:
        """Take what a look found ``at`` a monotonic time; answer rates, and what happened since the look before."""
        port = self._ports.setdefault((key, number), _Port())
        self._ports.move_to_end((key, number))
        if len(self._ports) > _MOST:
            self._ports.popitem(last=False)
        is_there = f"{mib.IF_OPER_STATUS}.{number}" in values
        port.is_narrow |= is_there and f"{mib.IF_HC_IN_OCTETS}.{number}" not in values
        reading = reading_of(at, number, values)
        if reading is None:
            return Followed()
        before, port.last = port.last, reading
        is_anew = before is not None and has_begun_anew(before, reading)
        port.base, rates = advance(port.base, reading)
        remark = _remark(port, number, values, is_anew=is_anew)
        if rates is None:
            return Followed(remark=remark)
        return Followed(measures_of(rates, capacity_bits or reading.speed_bits), remark)


def _remark(port: _Port, number: int, values: Mapping[str, Value], *, is_anew: bool) -> str:
    changed = whole(values, f"{mib.IF_LAST_CHANGE}.{number}")
    errors = whole(values, f"{mib.IF_IN_ERRORS}.{number}")
    was_changed, port.changed = port.changed, changed
    had_errors, port.errors = port.errors, errors
    is_up = values.get(f"{mib.IF_OPER_STATUS}.{number}") == PortStatus.UP
    if is_anew:
        return "the agent has started again"
    if is_up and None not in {was_changed, changed} and was_changed != changed:
        return "changed since the last look"
    if errors is not None and had_errors is not None and errors - had_errors > 0:
        return f"{errors - had_errors} damaged frames since the last look"
    return ""

"""What an agent's values say about what was asked for: outcome, code, detail and figures; decides, sends nothing.

=========== ============================== ===============================================================
profile     OK                             MISMATCH
=========== ============================== ===============================================================
interface   ifOperStatus up, or unknown    any other; ``code`` is ifOperStatus, 0 where there is no such row
ups         the load is fed                nothing feeds it, or it lives on a battery that is low or empty;
                                           ``code`` is upsOutputSource
get         every object is there          one is missing
system      the agent says its uptime      it does not
=========== ============================== ===============================================================

A UPS on battery is OK: the load is fed; ``ON_BATTERY`` says for whom power is out. ``unknown`` is what tunnels and
loopbacks say of themselves all their life, so it is no failure, but it stands in the detail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from probes import snmp_mib as mib
from probes.models import Measure, Outcome
from probes.snmp_mib import BatteryStatus, OutputSource, PortStatus, Value
from probes.snmp_plan import Profile, SnmpPlan
from probes.snmp_rates import Rates, Reading

__all__ = ["Judgement", "judge", "measures_of", "reading_of", "whole"]

_LARGEST_CODE = 32_767
_COUNTER32 = 2**32
_COUNTER64 = 2**64
_FULL_CHARGE = 100
_MEGABIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Judgement:
    """Part of an answer that follows from the values alone."""

    outcome: Outcome
    code: int = 0
    detail: str = ""
    measures: Mapping[Measure, float] = field(default_factory=dict)


def judge(plan: SnmpPlan, if_index: int, values: Mapping[str, Value]) -> Judgement:
    """Judge what came back for ``plan``; takes whatever an agent may send."""
    match plan.profile:
        case Profile.INTERFACE:
            return _interface(if_index, values)
        case Profile.UPS:
            return _ups(values)
        case Profile.GET:
            wanted = plan.asked
        case Profile.SYSTEM:
            wanted = (mib.SYS_UP_TIME,)
    missing = [oid for oid in wanted if oid not in values]
    return Judgement(Outcome.MISMATCH, detail=f"no such object: {missing[0]}") if missing else _FINE


_FINE: Final = Judgement(Outcome.OK)


def reading_of(at: float, if_index: int, values: Mapping[str, Value]) -> Reading | None:
    """Take the counters of an interface, the wide ones where they are told; None where there are none."""
    bits = 64
    inward = whole(values, f"{mib.IF_HC_IN_OCTETS}.{if_index}", below=_COUNTER64)
    outward = whole(values, f"{mib.IF_HC_OUT_OCTETS}.{if_index}", below=_COUNTER64)
    if inward is None or outward is None:
        bits = 32
        inward = whole(values, f"{mib.IF_IN_OCTETS}.{if_index}", below=_COUNTER32)
        outward = whole(values, f"{mib.IF_OUT_OCTETS}.{if_index}", below=_COUNTER32)
    if inward is None or outward is None:
        return None
    return Reading(
        at=at,
        inward=inward,
        outward=outward,
        bits=bits,
        uptime=whole(values, mib.SYS_UP_TIME, below=_COUNTER32),
        boots=whole(values, mib.ENGINE_BOOTS, below=_COUNTER32),
        discontinuity=whole(values, f"{mib.IF_DISCONTINUITY}.{if_index}", below=_COUNTER32),
        speed_bits=_speed(if_index, values),
    )


def measures_of(rates: Rates, capacity_bits: float) -> dict[Measure, float]:
    """Name the rates, and the utilisation where a capacity is known."""
    measures = {Measure.RATE_IN_BITS: rates.in_bits, Measure.RATE_OUT_BITS: rates.out_bits}
    if capacity_bits > 0:
        measures[Measure.UTILISATION_IN_RATIO] = rates.in_bits / capacity_bits
        measures[Measure.UTILISATION_OUT_RATIO] = rates.out_bits / capacity_bits
    return measures


def whole(values: Mapping[str, Value], oid: str, *, below: int = _COUNTER32) -> int | None:
    """Answer the value as a whole number from 0 up, None where it is missing or something else."""
    value = values.get(oid)
    return value if isinstance(value, int) and 0 <= value < below else None


def _interface(if_index: int, values: Mapping[str, Value]) -> Judgement:
    status = whole(values, f"{mib.IF_OPER_STATUS}.{if_index}")
    if status is None:
        return Judgement(Outcome.MISMATCH, detail=f"no such interface: {if_index}")
    code = min(status, _LARGEST_CODE)
    if status == PortStatus.UP:
        return Judgement(Outcome.OK, code)
    if status == PortStatus.UNKNOWN:
        return Judgement(Outcome.OK, code, "interface unknown")
    if whole(values, f"{mib.IF_ADMIN_STATUS}.{if_index}") == PortStatus.DOWN:
        return Judgement(Outcome.MISMATCH, code, "interface switched off")
    return Judgement(Outcome.MISMATCH, code, f"interface {_name(PortStatus, status)}")


def _speed(if_index: int, values: Mapping[str, Value]) -> float:
    high = whole(values, f"{mib.IF_HIGH_SPEED}.{if_index}")
    if high is not None:
        return float(high * _MEGABIT)
    return float(whole(values, f"{mib.IF_SPEED}.{if_index}") or 0)


def _ups(values: Mapping[str, Value]) -> Judgement:
    source = whole(values, mib.UPS_OUTPUT_SOURCE)
    battery = whole(values, mib.UPS_BATTERY_STATUS)
    if source is None and battery is None:
        return Judgement(Outcome.MISMATCH, detail="no UPS: it tells neither output source nor battery status")
    on_battery = source == OutputSource.BATTERY
    measures: dict[Measure, float] = {Measure.ON_BATTERY: float(on_battery)}
    charge = whole(values, mib.UPS_CHARGE_REMAINING)
    if charge is not None and charge <= _FULL_CHARGE:
        measures[Measure.BATTERY_RATIO] = charge / _FULL_CHARGE
    code = min(source or 0, _LARGEST_CODE)
    if source == OutputSource.NONE:
        return Judgement(Outcome.MISMATCH, code, "nothing feeds the load", measures)
    is_weak = battery in {BatteryStatus.LOW, BatteryStatus.DEPLETED}
    if is_weak and on_battery:
        return Judgement(
            Outcome.MISMATCH, code, f"on battery, {_name(BatteryStatus, battery or 0)}", measures
        )
    detail = (
        "on battery" if on_battery else f"battery {_name(BatteryStatus, battery or 0)}" if is_weak else ""
    )
    return Judgement(Outcome.OK, code, detail, measures)


def _name(names: type[PortStatus | BatteryStatus], value: int) -> str:
    try:
        return names(value).name.lower().replace("_", " ")
    except ValueError:
        return f"status {min(value, _LARGEST_CODE)}"

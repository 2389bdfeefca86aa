"""The management objects that looks ask for, by number, and what their values mean; no MIB file is ever loaded.

IF-MIB is RFC 2863, UPS-MIB RFC 1628, the system group RFC 3418, the engine's own figures RFC 3411.
"""

from enum import IntEnum
from typing import Final

__all__ = [
    "ENGINE_BOOTS",
    "ENGINE_TIME",
    "IF_ADMIN_STATUS",
    "IF_ALIAS",
    "IF_DESCR",
    "IF_DISCONTINUITY",
    "IF_HC_IN_OCTETS",
    "IF_HC_OUT_OCTETS",
    "IF_HIGH_SPEED",
    "IF_IN_ERRORS",
    "IF_IN_OCTETS",
    "IF_LAST_CHANGE",
    "IF_NAME",
    "IF_OPER_STATUS",
    "IF_OUT_OCTETS",
    "IF_SPEED",
    "SYS_UP_TIME",
    "UPS_BATTERY_STATUS",
    "UPS_CHARGE_REMAINING",
    "UPS_MINUTES_REMAINING",
    "UPS_OUTPUT_SOURCE",
    "UPS_SECONDS_ON_BATTERY",
    "BatteryStatus",
    "OutputSource",
    "PortStatus",
    "Value",
    "is_oid",
]

Value = int | float | str | bytes
"""What an agent answers for one object: a number, an object identifier as text, or octets."""

SYS_UP_TIME: Final = "1.3.6.1.2.1.1.3.0"
"""Hundredths of a second since the agent began; starts anew after 497 days."""

ENGINE_BOOTS: Final = "1.3.6.1.6.3.10.2.1.2.0"
ENGINE_TIME: Final = "1.3.6.1.6.3.10.2.1.3.0"
"""Seconds since the engine's last boot; does not start anew after 497 days."""

_IF_ENTRY = "1.3.6.1.2.1.2.2.1"
_IF_X_ENTRY = "1.3.6.1.2.1.31.1.1.1"

IF_DESCR: Final = f"{_IF_ENTRY}.2"
IF_SPEED: Final = f"{_IF_ENTRY}.5"
"""Bits a second; 4294967295 where the line is faster than that can say."""
IF_ADMIN_STATUS: Final = f"{_IF_ENTRY}.7"
IF_OPER_STATUS: Final = f"{_IF_ENTRY}.8"
IF_LAST_CHANGE: Final = f"{_IF_ENTRY}.9"
IF_IN_OCTETS: Final = f"{_IF_ENTRY}.10"
IF_IN_ERRORS: Final = f"{_IF_ENTRY}.14"
IF_OUT_OCTETS: Final = f"{_IF_ENTRY}.16"

IF_NAME: Final = f"{_IF_X_ENTRY}.1"
IF_HC_IN_OCTETS: Final = f"{_IF_X_ENTRY}.6"
IF_HC_OUT_OCTETS: Final = f"{_IF_X_ENTRY}.10"
IF_HIGH_SPEED: Final = f"{_IF_X_ENTRY}.15"
"""Megabits a second, rounded."""
IF_ALIAS: Final = f"{_IF_X_ENTRY}.18"
IF_DISCONTINUITY: Final = f"{_IF_X_ENTRY}.19"
"""sysUpTime at which the counters of this interface last lost their thread."""

_UPS = "1.3.6.1.2.1.33.1"

UPS_BATTERY_STATUS: Final = f"{_UPS}.2.1.0"
UPS_SECONDS_ON_BATTERY: Final = f"{_UPS}.2.2.0"
UPS_MINUTES_REMAINING: Final = f"{_UPS}.2.3.0"
UPS_CHARGE_REMAINING: Final = f"{_UPS}.2.4.0"
"""Percent of the full charge."""
UPS_OUTPUT_SOURCE: Final = f"{_UPS}.4.1.0"

_MOST_ARCS = 128


class PortStatus(IntEnum):
    """ifOperStatus; ifAdminStatus knows the first three."""

    UP = 1
    DOWN = 2
    TESTING = 3
    UNKNOWN = 4
    DORMANT = 5
    NOT_PRESENT = 6
    LOWER_LAYER_DOWN = 7


class BatteryStatus(IntEnum):
    """upsBatteryStatus."""

    UNKNOWN = 1
    NORMAL = 2
    LOW = 3
    DEPLETED = 4


class OutputSource(IntEnum):
    """upsOutputSource: what feeds the load."""

    OTHER = 1
    NONE = 2
    NORMAL = 3
    BYPASS = 4
    BATTERY = 5
    BOOSTER = 6
    REDUCER = 7


def is_oid(text: str) -> bool:
    """Whether ``text`` is a numeric object identifier that BER can carry (X.690 8.19; RFC 2578 section 3.5)."""
    arcs = text.split(".")
    if not 2 <= len(arcs) <= _MOST_ARCS:
        return False
    if not all(arc.isascii() and arc.isdigit() and len(arc) <= 10 for arc in arcs):
        return False
    first, second, *rest = (int(arc) for arc in arcs)
    return first <= 2 and (second < 40 or first == 2) and max((second, *rest)) < 2**32

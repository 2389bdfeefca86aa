"""What ``thongsuot probe`` is to look at: ``kind:address[:port]``, or a code of an inventory."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from inventory.loader import load
from inventory.models import Inventory, ProbeKind
from inventory.topology import Topology
from probes.fleet import DEFAULT_PORTS, build_fleet
from probes.once import seconds_of

__all__ = ["KINDS", "Subject", "subjects_of"]

_ALIASES = {"https": ProbeKind.HTTP, "sip": ProbeKind.SIP_OPTIONS}
_COMING = frozenset({ProbeKind.HEARTBEAT, ProbeKind.ROLLCALL})
"""Kinds whose answers come to us: there is nothing to ask."""
KINDS = (*(kind.value for kind in ProbeKind if kind not in _COMING), *_ALIASES)
_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@dataclass(frozen=True, slots=True)
class Subject:
    """One look to take by hand. ``name`` is what the person asked for; ``zone`` the one that hours are agreed in."""

    name: str
    kind: ProbeKind
    host: str
    port: int
    options: Mapping[str, str]
    timeout: float
    zone: ZoneInfo = _ZONE


def subjects_of(chosen: argparse.Namespace) -> list[Subject]:
    """Answer what to look at; a ValueError says what is wrong with the words."""
    given = dict(option.partition("=")[::2] for option in chosen.option)
    if chosen.inventory is not None:
        return _from_inventory(chosen, given)
    kind, _, rest = chosen.target.partition(":")
    if kind not in KINDS or not rest:
        raise ValueError(
            f"{chosen.target!r}: say KIND:ADDRESS, where KIND is one of {', '.join(KINDS)}; or a code and --inventory"
        )
    look = _ALIASES.get(kind) or ProbeKind(kind)
    if look is ProbeKind.SIP_CALL:
        raise ValueError(
            "a call is only ever made to a code of an inventory whose path is marked as a test line"
        )
    if kind == "https":
        given.setdefault("scheme", "https")
    host, port = _split(rest)
    default = 443 if kind == "https" else DEFAULT_PORTS[look]
    return [
        Subject(
            chosen.target,
            look,
            host,
            default if port is None else port,
            given,
            chosen.timeout or seconds_of(look),
        )
    ]


def _from_inventory(chosen: argparse.Namespace, given: Mapping[str, str]) -> list[Subject]:
    inventory = load(chosen.inventory)
    topology = Topology(inventory)
    codes = _codes(chosen.target, inventory, topology)
    if not codes:
        raise ValueError(f"{chosen.target!r}: no target, path, link, risk group or site has this code")
    subjects: dict[str, Subject] = {}
    for vantage in inventory.vantages.values():
        fleet = build_fleet(inventory, topology, vantage)
        for code in codes:
            slot = fleet.slots[fleet.slot_of[code]] if code in fleet.slot_of else None
            if slot is None or code in subjects or slot.kind in _COMING:
                continue
            timeout = chosen.timeout or slot.timeout or seconds_of(slot.kind)
            options = {**slot.options, **given}
            subjects[code] = Subject(
                code, slot.kind, slot.address, slot.port, options, timeout, inventory.election.zone
            )
    if not subjects:
        raise ValueError(f"{chosen.target!r}: nothing of it can be looked at from here")
    return [subjects[code] for code in codes if code in subjects]


def _codes(code: str, inventory: Inventory, topology: Topology) -> tuple[str, ...]:
    """Answer the targets that a code means: itself, or what gives evidence for it."""
    if code in inventory.targets:
        return (code,)
    if code in inventory.paths:
        return topology.targets_of_path(code)
    if code in inventory.sites:
        return topology.targets_of_site(code)
    return tuple(target.code for target in inventory.targets.values() if target.of == code)


def _split(rest: str) -> tuple[str, int | None]:
    """Part ``address[:port]``; an IPv6 address with a port stands in brackets."""
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        port = port.removeprefix(":")
    elif rest.count(":") > 1:
        host, port = rest, ""
    else:
        host, _, port = rest.partition(":")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError(f"{port!r} is no port")
    return host, int(port) if port else None

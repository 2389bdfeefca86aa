"""Which targets a selector means: the inventory's codes turned into a set, pure."""

from collections.abc import Mapping

from inventory.models import Inventory
from inventory.topology import Topology
from probes.lab.faults import Selector

__all__ = ["SelectionError", "select"]


class SelectionError(ValueError):
    """A selector names what does not exist, or nothing at all."""

    def __init__(self, *, vi: str, en: str) -> None:
        super().__init__(f"{vi} · {en}")
        self.vi = vi
        self.en = en


def select(selector: Selector, *, inventory: Inventory, topology: Topology) -> tuple[str, ...]:
    """Answer the targets meant, in fleet order; everything if nothing narrows it. Raises SelectionError."""
    chosen = set(topology.codes)
    for name, code in selector.given().items():
        chosen &= _REACH[name](code, inventory, topology)
    if not chosen and not selector.is_everything:
        named = " ".join(f"{name}={code}" for name, code in selector.given().items())
        raise SelectionError(vi=f"không có điểm đo nào khớp {named}", en=f"no target matches {named}")
    return tuple(code for code in topology.codes if code in chosen)


def _of_carrier(code: str, inventory: Inventory, topology: Topology) -> set[str]:
    _known(code, inventory.parties, vi="đơn vị", en="party")
    return {target for target in topology.codes if topology.owner_of(target) == code}


def _of_area(code: str, inventory: Inventory, topology: Topology) -> set[str]:
    _known(code, inventory.areas, vi="địa bàn", en="area")
    areas = {code, *topology.areas_below(code)}
    places = areas | set(topology.sites_of_area(code))
    things = {risk.code for risk in inventory.risks.values() if risk.area in areas}
    things |= {link.code for link in inventory.links.values() if {link.from_, link.to} & places}
    things |= {path.code for path in inventory.paths.values() if path.site in places}
    return {target.code for target in inventory.targets.values() if target.of in things}


def _of_risk(code: str, inventory: Inventory, topology: Topology) -> set[str]:
    _known(code, inventory.risks, vi="nhóm rủi ro", en="risk group")
    return set(topology.targets_of_risk(code))


def _of_site(code: str, inventory: Inventory, topology: Topology) -> set[str]:
    _known(code, inventory.sites, vi="điểm", en="site")
    return set(topology.targets_of_site(code))


def _of_target(code: str, inventory: Inventory, _topology: Topology) -> set[str]:
    _known(code, inventory.targets, vi="điểm đo", en="target")
    return {code}


_REACH = {
    "carrier": _of_carrier,
    "area": _of_area,
    "risk": _of_risk,
    "site": _of_site,
    "target": _of_target,
}


def _known(code: str, records: Mapping[str, object], *, vi: str, en: str) -> None:
    if code not in records:
        raise SelectionError(vi=f"không có {vi} {code!r}", en=f"there is no {en} {code!r}")

"""The reason for a cause, in words that a duty officer can read out to a carrier; Vietnamese first.

Pure. Counts communes where the sites lie in communes, sites otherwise: "11/11 xã sau vòng ring VNPT-RING-947 mất
liên lạc; 0 nơi khác" / "11 of 11 communes behind ring VNPT-RING-947 lost contact; 0 elsewhere".
"""

from collections.abc import Iterable
from dataclasses import dataclass

from inventory.models import Inventory, Medium, RiskKind
from inventory.topology import Topology

__all__ = ["Extent", "explanation", "extent_of", "recovery"]

_RISKS = {
    RiskKind.OLT: ("OLT", "OLT"),
    RiskKind.BTS: ("trạm BTS", "base station"),
    RiskKind.RING: ("vòng ring", "ring"),
    RiskKind.TRUNK: ("trung kế", "trunk"),
    RiskKind.CORE: ("mạng lõi", "core"),
    RiskKind.FEEDER: ("lộ điện", "power feeder"),
    RiskKind.ONT: ("ONT", "ONT"),
    RiskKind.CABLE: ("tuyến cáp", "cable"),
}
_MEDIA = {
    Medium.FIXED_LINE: ("điện thoại cố định", "fixed-line"),
    Medium.FIBRE: ("cáp quang", "fibre"),
    Medium.MOBILE: ("di động", "mobile"),
    Medium.MOBILE_DATA: ("dữ liệu di động", "mobile data"),
    Medium.LEASED_LINE: ("kênh thuê riêng", "leased-line"),
    Medium.SATELLITE: ("vệ tinh", "satellite"),
    Medium.RADIO: ("vô tuyến", "radio"),
}


@dataclass(frozen=True, slots=True)
class Extent:
    """Places concerned: communes, or sites where they lie in none."""

    places: frozenset[str]
    are_communes: bool


def extent_of(sites: Iterable[str], topology: Topology) -> Extent:
    """Answer the communes of ``sites``, or the sites themselves if one of them lies in none."""
    found = {site: topology.commune_of(site) for site in sites}
    communes = frozenset(commune for commune in found.values() if commune is not None)
    if found and len([c for c in found.values() if c is None]) == 0:
        return Extent(communes, are_communes=True)
    return Extent(frozenset(found), are_communes=False)


def explanation(
    subject: str,
    *,
    inventory: Inventory,
    lost: Extent,
    total: int,
    elsewhere: int,
) -> dict[str, str]:
    """Say why this subject explains what was lost: ``lost`` of ``total`` behind it, and how many elsewhere."""
    kind, _, code = subject.partition(":")
    if kind == "path" and code in inventory.paths:
        return _of_path(code, inventory, elsewhere)
    count = len(lost.places)
    name_vi, name_en = f"tuyến {code}", f"link {code}"
    if kind == "risk" and code in inventory.risks:
        vi, en = _RISKS[inventory.risks[code].kind]
        name_vi, name_en = f"{vi} {code}", f"{en} {code}"
    unit_vi, unit_en = ("xã", "communes") if lost.are_communes else ("điểm", "sites")
    return {
        "vi": f"{count}/{total} {unit_vi} sau {name_vi} mất liên lạc; {elsewhere} nơi khác",
        "en": f"{count} of {total} {unit_en} behind {name_en} lost contact; {elsewhere} elsewhere",
    }


def recovery(subject: str) -> dict[str, str]:
    """Say that everything which a cause had taken down answers again."""
    code = subject.partition(":")[2]
    return {"vi": f"{code} đã thông trở lại", "en": f"{code} is reachable again"}


def _of_path(code: str, inventory: Inventory, elsewhere: int) -> dict[str, str]:
    path = inventory.paths[code]
    site = inventory.sites[path.site]
    carrier = inventory.parties[path.carrier].name if path.carrier in inventory.parties else path.carrier
    vi, en = _MEDIA[path.medium]
    return {
        "vi": f"Đường {vi} của {carrier} tới {site.name} mất liên lạc; {elsewhere} nơi khác",
        "en": f"The {en} path of {carrier} to {site.name} lost contact; {elsewhere} elsewhere",
    }

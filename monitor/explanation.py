"""The reason for a cause, in words that a duty officer can read out to a carrier; Vietnamese first.

Pure. Counts communes, and the sites that lie in none: "11/11 xã và 3/3 điểm khác mất đường đi qua vòng ring
VNPT-RING-947; nơi khác không mất" / "11 of 11 communes and 3 of 3 other sites lost their way over ring VNPT-RING-947;
none elsewhere". What is lost is this way, not the place: most communes have another, and a sentence that calls them
cut off beside a map that shows them on their last path would be believed by whoever reads only the sentence.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from inventory.models import Inventory, Medium, RiskKind
from inventory.topology import Topology

__all__ = ["Extent", "dismissal", "explanation", "extent_of", "recovery"]

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
    """Places concerned: communes, and the sites that lie in none (of a district, of the province)."""

    communes: frozenset[str]
    others: frozenset[str]


def extent_of(sites: Iterable[str], topology: Topology) -> Extent:
    """Answer the communes that ``sites`` lie in, and those of them that lie in none."""
    found = {site: topology.commune_of(site) for site in sites}
    return Extent(
        frozenset(commune for commune in found.values() if commune is not None),
        frozenset(site for site, commune in found.items() if commune is None),
    )


def explanation(
    subject: str, *, inventory: Inventory, lost: Extent, behind: Extent, elsewhere: int
) -> dict[str, str]:
    """Say why this subject explains what was lost: how much of what is behind it, and how many sites elsewhere."""
    kind, _, code = subject.partition(":")
    if kind == "path" and code in inventory.paths:
        return _of_path(code, inventory, elsewhere)
    name_vi, name_en = f"tuyến {code}", f"link {code}"
    if kind == "risk" and code in inventory.risks:
        vi, en = _RISKS[inventory.risks[code].kind]
        name_vi, name_en = f"{vi} {code}", f"{en} {code}"
    counted_vi, counted_en = _counted(lost, behind)
    return {
        "vi": f"{counted_vi} mất đường đi qua {name_vi}; {_elsewhere(elsewhere)[0]}",
        "en": f"{counted_en} lost their way over {name_en}; {_elsewhere(elsewhere)[1]}",
    }


def _elsewhere(count: int) -> tuple[str, str]:
    """Say how many sites outside fell at about the same time: the more, the weaker the explanation."""
    if not count:
        return "nơi khác không mất", "none elsewhere"
    return f"{count} điểm ở nơi khác cũng mất", f"{count} elsewhere"


def _counted(lost: Extent, behind: Extent) -> tuple[str, str]:
    vi, en = [], []
    if behind.communes:
        vi.append(f"{len(lost.communes)}/{len(behind.communes)} xã")
        en.append(f"{len(lost.communes)} of {len(behind.communes)} communes")
    if behind.others or not behind.communes:
        further = " khác" if behind.communes else ""
        vi.append(f"{len(lost.others)}/{len(behind.others)} điểm{further}")
        en.append(f"{len(lost.others)} of {len(behind.others)} {'other ' if behind.communes else ''}sites")
    return " và ".join(vi), " and ".join(en)


def recovery(subject: str) -> dict[str, str]:
    """Say that everything which a cause had taken down answers again."""
    code = subject.partition(":")[2]
    return {"vi": f"{code} đã thông trở lại", "en": f"{code} is reachable again"}


def dismissal(subject: str) -> dict[str, str]:
    """Say that the inventory was edited, and what is down is no longer this one's."""
    code = subject.partition(":")[2]
    return {
        "vi": f"Danh mục đã sửa: không còn gì đang mất liên lạc thuộc {code}",
        "en": f"The inventory was edited: nothing that is down belongs to {code} any more",
    }


def _of_path(code: str, inventory: Inventory, elsewhere: int) -> dict[str, str]:
    path = inventory.paths[code]
    site = inventory.sites[path.site]
    carrier = inventory.parties[path.carrier].name if path.carrier in inventory.parties else path.carrier
    vi, en = _MEDIA[path.medium]
    return {
        "vi": f"Mất đường {vi} của {carrier} tới {site.name}; {_elsewhere(elsewhere)[0]}",
        "en": f"The {en} path of {carrier} to {site.name} is lost; {_elsewhere(elsewhere)[1]}",
    }

"""What an incident is called, in Vietnamese and English, from the thing that failed and whom that hits."""

from collections.abc import Mapping
from typing import Any

from alerting.models import Matter
from alerting.province import Province
from alerting.severity import Weight
from inventory.models import Medium, Path, Risk, RiskKind

__all__ = ["LONGEST", "reported_titles", "titles"]

LONGEST = 200
"""Characters that the column holds."""

_RISKS: Mapping[RiskKind, tuple[str, str]] = {
    RiskKind.OLT: ("Trạm OLT", "OLT"),
    RiskKind.BTS: ("Trạm BTS", "Base station"),
    RiskKind.RING: ("Vòng ring", "Ring"),
    RiskKind.TRUNK: ("Tuyến trục", "Trunk"),
    RiskKind.CORE: ("Mạng lõi", "Core network"),
    RiskKind.FEEDER: ("Xuất tuyến điện", "Power feeder"),
    RiskKind.ONT: ("Thiết bị ONT", "ONT"),
    RiskKind.CABLE: ("Tuyến cáp", "Cable"),
}

_MEDIA: Mapping[Medium, tuple[str, str]] = {
    Medium.FIXED_LINE: ("Điện thoại cố định", "Fixed line"),
    Medium.FIBRE: ("Đường cáp quang", "Fibre line"),
    Medium.MOBILE: ("Điện thoại di động", "Mobile line"),
    Medium.MOBILE_DATA: ("Đường 4G", "4G line"),
    Medium.LEASED_LINE: ("Kênh thuê riêng", "Leased line"),
    Medium.SATELLITE: ("Đường vệ tinh", "Satellite line"),
    Medium.RADIO: ("Vô tuyến", "Radio line"),
}


_MATTERS: Mapping[Matter, tuple[str, str]] = {
    Matter.NO_SERVICE: ("Báo mất liên lạc", "Reported without communications"),
    Matter.POOR_SERVICE: ("Báo liên lạc chập chờn", "Reported poor communications"),
    Matter.POWER_LOSS: ("Báo mất điện", "Reported power loss"),
    Matter.SUSPICIOUS_ITEM: ("Bưu gửi nghi vấn", "Suspicious postal item"),
    Matter.LATE_EXPRESS: ("Chậm thư hỏa tốc", "Express dispatch is late"),
    Matter.NETWORK_MISUSE: ("Lợi dụng mạng viễn thông", "Misuse of networks"),
    Matter.SECURITY: ("Sự cố an toàn thông tin", "Information security incident"),
    Matter.RADIO: ("Báo hỏng truyền thanh", "Reported radio station fault"),
    Matter.OTHER: ("Vụ việc khác", "Other matter"),
}


def titles(subject: str, evidence: Mapping[str, Any], weight: Weight, province: Province) -> tuple[str, str]:
    """Answer the title in Vietnamese and in English.

    For example "Vòng ring VNPT huyện Mỹ Xuyên: 11 xã mất đường VNPT": by the name that the inventory gives it, and by
    its code only where it has none.
    """
    _, _, code = subject.partition(":")
    inventory = province.inventory
    if subject.startswith("risk:") and code in inventory.risks:
        vi, en = _of_risk(inventory.risks[code], evidence, weight, province)
    elif subject.startswith("path:") and code in inventory.paths:
        vi, en = _of_path(inventory.paths[code], province)
    elif subject.startswith("link:") and code in inventory.links:
        link = inventory.links[code]
        vi, en = (
            f"Đường truyền {link.name} ({link.carrier}): mất tín hiệu",
            f"Link {link.name} ({link.carrier}): lost",
        )
    elif subject.startswith("load:") and code in inventory.links:
        link = inventory.links[code]
        vi, en = f"{link.name} ({link.carrier}): nghẽn", f"Link {link.name} ({link.carrier}): congested"
    else:
        told = evidence.get("explanation", {})
        vi, en = told.get("vi", f"Mất liên lạc: {subject}"), told.get("en", f"Lost: {subject}")
    return _cut(vi), _cut(en)


def reported_titles(matter: Matter, where: str) -> tuple[str, str]:
    """Answer the title of what a person reported, in Vietnamese and in English; ``where`` is a name or empty."""
    vi, en = _MATTERS[matter]
    place = f": {where}" if where else ""
    return _cut(vi + place), _cut(en + place)


def _of_risk(risk: Risk, evidence: Mapping[str, Any], weight: Weight, province: Province) -> tuple[str, str]:
    vi, en = _named(risk, province)
    lost_vi, lost_en = (f"{weight.communes} xã", _counted(weight.communes, "commune"))
    if weight.communes == 0:
        lost_vi, lost_en = (f"{weight.sites} điểm", _counted(weight.sites, "site"))
    if weight.sites == 0:
        return f"{vi}: mất tín hiệu", f"{en}: no answer"
    carriers = ", ".join(_carriers(evidence, province)) or risk.owner
    return (
        f"{vi}: {lost_vi} mất đường {carriers}",
        f"{en}: {lost_en} lost {carriers}",
    )


def _named(risk: Risk, province: Province) -> tuple[str, str]:
    """Answer what people call a risk group, in both languages; the code follows in English, where names are Vietnamese."""
    vi, en = _RISKS[risk.kind]
    area = province.inventory.areas.get(risk.area or "")
    where = f" ({area.name})" if area else ""
    if risk.name:
        return risk.name, f"{en} {risk.code}{where}"
    return f"{vi} {risk.code}{where}", f"{en} {risk.code}{where}"


def _of_path(path: Path, province: Province) -> tuple[str, str]:
    vi, en = _MEDIA[path.medium]
    site = province.inventory.sites.get(path.site)
    where = site.name if site else path.site
    return f"{vi} {path.carrier}: mất ở {where}", f"{en} {path.carrier}: lost at {where}"


def _carriers(evidence: Mapping[str, Any], province: Province) -> list[str]:
    known = province.inventory.paths
    return sorted({known[code].carrier for code in evidence.get("paths", ()) if code in known})


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _cut(title: str) -> str:
    return title if len(title) <= LONGEST else title[: LONGEST - 1] + "…"

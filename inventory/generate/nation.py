"""A nation for load: 10,599 communes in 705 districts of 63 provinces, and as many targets as asked.

Sizes are those of 2021 (DOMAIN.md, section 2.1): at 140,000 targets there are an office with three paths in
every commune, eight polling units on its base stations, and the plant above them. Names and codes are counted,
not official. Mix of kinds after DESIGN.md, section 14: of 140,000 there are 25,000 tcp, 8,000 sip, 5,000 http,
2,000 snmp, the rest icmp.
"""

from datetime import date
from itertools import count

from inventory.generate.crew import add_people
from inventory.generate.documents import (
    POLICY,
    Province,
    election_text,
    notice_text,
    parties_text,
    vantages_text,
)
from inventory.generate.folder import Folder
from inventory.generate.province import HTTP_PORT, SIP_PORT, TCP_PORT

__all__ = ["nation_folder"]

_TARGETS, _COMMUNES = 140_000, 10_599
_PER_DISTRICT, _PER_PROVINCE = 15, 11
_POLLING_UNITS, _UNITS_PER_STATION = 8, 4
_VOTERS = 816
_TILES_ACROSS = 120
_PORTS = {"sip_options": SIP_PORT, "http": HTTP_PORT, "tcp": TCP_PORT, "snmp": 16161}
_MOBILES = ("VIETTEL", "MOBIFONE", "VNPT")
_NATION = Province(
    key="nation",
    code="VN",
    name="Toàn Quốc",
    name_en="Whole Nation",
    units="",
    day=date(2021, 5, 23),
    area_code="299",
    vantage="NATION-1",
)


def nation_folder(*, targets: int) -> Folder:
    """Answer a nation with exactly ``targets`` targets, ready to be written."""
    folder = Folder()
    folder.texts.update(
        {
            "README.md": notice_text(_NATION),
            "election.yml": election_text(_NATION),
            "parties.yml": parties_text(_NATION),
            "vantages.yml": vantages_text(_NATION),
            "policy.yml": POLICY,
        }
    )
    _Nation(folder, targets=targets).draw()
    add_people(folder, _NATION, districts=())
    return folder


class _Nation:
    """Draws communes in order, then spends what is left of the targets on the plant."""

    def __init__(self, folder: Folder, *, targets: int) -> None:
        self._folder = folder
        self._targets = targets
        self._drawn = 0
        self._lines = count(1)
        self._quota = {
            kind: share * targets // _TARGETS
            for kind, share in (("tcp", 25_000), ("sip_options", 8_000), ("http", 5_000), ("snmp", 2_000))
        }

    def draw(self) -> None:
        communes = max(1, self._targets * _COMMUNES // _TARGETS)
        self._area("VN", "", "province", "Toàn quốc", "Nation")
        for carrier in ("VNPT", "VIETTEL", "MOBIFONE"):
            self._folder.add("risks", f"{carrier}-CORE", "core", f"Mạng lõi {carrier}", carrier, "VN", "")
        for number in range(communes):
            district, is_new_district = divmod(number, _PER_DISTRICT)[0], number % _PER_DISTRICT == 0
            if is_new_district:
                self._district(district)
            self._commune(number, f"D{district:03d}")
        self._spend(communes)

    def _district(self, number: int) -> None:
        province = f"P{number // _PER_PROVINCE:02d}"
        if number % _PER_PROVINCE == 0:
            self._area(province, "VN", "municipality", f"Tỉnh số {province[1:]}", f"Province {province[1:]}")
            for carrier in ("VNPT", "VIETTEL", "MOBIFONE"):
                code, name = f"{carrier}-RING-{province}", f"Vòng ring {carrier} tỉnh số {province[1:]}"
                self._folder.add("risks", code, "ring", name, carrier, province, f"{carrier}-CORE")
        district = f"D{number:03d}"
        self._area(district, province, "rural_district", f"Huyện số {number}", f"District {number}")
        for carrier in ("VNPT", "VIETTEL", "MOBIFONE"):
            code, name = f"{carrier}-RING-{district}", f"Vòng ring {carrier} huyện số {number}"
            self._folder.add("risks", code, "ring", name, carrier, district, f"{carrier}-RING-{province}")

    def _commune(self, number: int, district: str) -> None:
        commune = f"C{number:05d}"
        tile = (number % _TILES_ACROSS, number // _TILES_ACROSS)
        self._area(commune, district, "commune", f"Xã số {number}", f"Commune {number}", *tile)
        olt = f"VNPT-OLT-{commune}"
        self._folder.add(
            "risks", olt, "olt", f"OLT xã số {number}", "VNPT", district, f"VNPT-RING-{district}"
        )
        site, name = f"UBBC-{commune}", f"UBBC xã số {number}"
        self._folder.add("sites", site, commune, "commune_committee", name, "B", "", "", "")
        fixed = self._path(site, "FIXED", "fixed_line", "VNPT", olt, number=f"+84299{next(self._lines):07d}")
        fibre = self._path(site, "FIBRE", "fibre", "VNPT", olt)
        self._target(f"{fixed}.sip", fixed, "sip_options")
        self._target(f"{fibre}.ont", fibre, "icmp")
        self._target(f"{fibre}.web", fibre, "http" if self._quota["http"] else "tcp")
        carrier = _MOBILES[number % 2]
        station = self._station(commune, district, carrier, 0)
        mobile = self._path(site, "MOBILE", "mobile_data", carrier, station)
        self._target(f"{mobile}.router", mobile, "icmp")
        self._polling_units(number, commune, district)

    def _polling_units(self, number: int, commune: str, district: str) -> None:
        station, carrier = "", ""
        for unit in range(_POLLING_UNITS):
            if unit % _UNITS_PER_STATION == 0:
                carrier = _MOBILES[(number + unit // _UNITS_PER_STATION) % 3]
                station = self._station(commune, district, carrier, 1 + unit // _UNITS_PER_STATION)
            site, name = f"TBC-{commune}-{unit}", f"Tổ bầu cử số {unit + 1} xã số {number}"
            self._folder.add("sites", site, commune, "polling_unit", name, "C", _VOTERS, "", "")
            path = self._path(site, "MOBILE", "mobile_data", carrier, station)
            self._target(f"{path}.router", path, "tcp")

    def _station(self, commune: str, district: str, carrier: str, number: int) -> str:
        code = f"{carrier}-BTS-{commune}-{number}"
        ring = f"{carrier}-RING-{district}"
        self._folder.add("risks", code, "bts", f"BTS {number} xã số {commune[1:]}", carrier, commune, ring)
        return code

    def _spend(self, communes: int) -> None:
        """Look at the plant itself with the targets that are left: each OLT, then each again, and so on."""
        for place in range(self._targets - self._drawn):
            commune, turn = place % communes, place // communes
            olt = f"VNPT-OLT-C{commune:05d}"
            self._target(f"{olt}.node{turn}", olt, "snmp")

    def _area(self, code: str, parent: str, kind: str, name: str, name_en: str, *tile: int) -> None:
        self._folder.add("areas", code, parent, kind, name, name_en, *(tile or ("", "")), "", "")

    def _path(self, site: str, tag: str, medium: str, carrier: str, risk: str, *, number: str = "") -> str:
        code = f"{site}-{tag}"
        self._folder.add("paths", code, site, medium, carrier, number, "", risk)
        return code

    def _target(self, code: str, of: str, wanted: str) -> None:
        """Add a target of the wanted kind while its quota lasts, an icmp one after."""
        kind = wanted if self._quota.get(wanted) else "icmp"
        if kind in self._quota:
            self._quota[kind] -= 1
        hosts, last = divmod(self._drawn, 254)
        address = f"127.{16 + hosts // 256}.{hosts % 256}.{last + 1}"
        options = "path=/" if kind == "http" else ""
        self._folder.add("targets", code, of, kind, address, _PORTS.get(kind, ""), options, "")
        self._drawn += 1

"""A sample province: every commune's office with three ways to report, tally servers, radio stations, post.

Addresses say where they belong: ``127.<district>.<commune>.<number>``; provincial sites are 127.10, the first
district 127.11. One port a kind, so that one responder a kind can answer for all of them.
"""

from collections.abc import Callable
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
from inventory.generate.plant import CARRIERS, Plant, groups
from inventory.generate.units import Commune, District, districts_of, english, inside

__all__ = ["HTTPS_PORT", "HTTP_PORT", "SIP_PORT", "TCP_PORT", "province_folder"]

SIP_PORT, HTTP_PORT, HTTPS_PORT, TCP_PORT = 15060, 18080, 18443, 15222
_HTTPS = "scheme=https insecure=yes path=/"
_FIBRE = ("VNPT", "VNPT", "VNPT", "VIETTEL", "VNPT", "VNPT", "FPT", "VNPT", "VIETTEL", "VNPT")
"""Whose fibre the offices have, in turn: seven of ten are VNPT's, like their telephones."""
_PER_OLT, _PER_FEEDER = 4, 3
_PROVINCIAL, _FIRST_DISTRICT = 10, 11
_ENTRY, _RADIO, _POST, _EDGE = 201, 202, 203, 250
_AGENT = 100
"""Above the routers' own numbers at the edge: the addresses at which their agents answer."""


def province_folder(province: Province) -> Folder:
    """Answer the whole sample, ready to be written."""
    folder = Folder()
    folder.texts.update(
        {
            "README.md": notice_text(province),
            "election.yml": election_text(province),
            "parties.yml": parties_text(province),
            "vantages.yml": vantages_text(province),
            "policy.yml": POLICY,
        }
    )
    districts = districts_of(province.units)
    _Sketch(folder, province).draw(districts)
    add_people(folder, province, districts=districts)
    return folder


class _Sketch:
    """Draws sites, paths and targets over the plant that carries them."""

    def __init__(self, folder: Folder, province: Province) -> None:
        self._folder = folder
        self._province = province
        self._plant = Plant(folder, province)
        self._lines = count(1)
        self._cards = count(1)
        self._offices = count()

    def draw(self, districts: tuple[District, ...]) -> None:
        """Draw the province from the top down, districts and communes in the order of their codes."""
        name = f"Tỉnh {self._province.name}"
        self._area(self._province.code, "", "province", name)
        for place, district in enumerate(districts):
            self._area(district.code, self._province.code, district.kind, district.name)
            for commune in district.communes:
                tile = (commune.col, commune.row)
                self._area(commune.code, district.code, commune.kind, commune.name, *tile)
            self._district(district, net=_FIRST_DISTRICT + place, place=place)
        self._centre()

    def _area(self, code: str, parent: str, kind: str, name: str, *tile: int) -> None:
        self._folder.add("areas", code, parent, kind, name, english(name), *(tile or ("", "")), "", "")

    def _district(self, district: District, *, net: int, place: int) -> None:
        def ring(carrier: str) -> str:
            place = CARRIERS.index(carrier) + 1
            edge = f"127.{net}.{_EDGE}"
            return self._plant.district_ring(
                carrier, district, address=f"{edge}.{place}", agent=f"{edge}.{_AGENT + place}"
            )

        olts = _numbers(district.communes, size=_PER_OLT)
        # Feeders are cut elsewhere than OLTs, so that a loss of power and a loss of an OLT look different.
        feeders = _numbers((*district.communes[1:], district.communes[0]), size=_PER_FEEDER)
        for number, commune in enumerate(district.communes, start=1):
            feeder = self._plant.feeder(district, feeders[commune.code])
            olt = self._plant.olt("VNPT", district, olts[commune.code], ring=ring("VNPT"))
            self._office(commune, district, net=f"127.{net}.{number}", ring=ring, olt=olt, feeder=feeder)
        self._entry_point(district, net=f"127.{net}.{_ENTRY}", ring=ring)
        self._radio_station(district, net=f"127.{net}.{_RADIO}", ring=ring(("VNPT", "VIETTEL")[place % 2]))
        if place % 3 == 0:
            self._post_office(district, net=f"127.{net}.{_POST}", ring=ring("VNPT"))

    def _office(
        self,
        commune: Commune,
        district: District,
        *,
        net: str,
        ring: Callable[[str], str],
        olt: str,
        feeder: str,
    ) -> None:
        """Draw a commune's election committee: telephone and fibre on the mains, a 4G router on its battery."""
        place = next(self._offices)
        fibre = _FIBRE[place % len(_FIBRE)]
        mobile = "MOBIFONE" if fibre == "VIETTEL" or place % 3 == 0 else "VIETTEL"
        ont = self._plant.ont("VNPT", commune, olt=olt)
        fibre_ont = ont
        if fibre != "VNPT":
            fibre_ont = self._plant.ont(
                fibre, commune, olt=self._plant.olt(fibre, district, 1, ring=ring(fibre))
            )
        bts = self._plant.bts(mobile, commune, ring=ring(mobile))
        site = f"UBBC-{commune.code}"
        name = f"UBBC {inside(commune.name)}"
        self._site(site, commune.code, "commune_committee", name, "B")
        fixed = self._path(site, "FIXED", "fixed_line", "VNPT", self._line(), (ont, feeder))
        line = self._path(site, "FIBRE", "fibre", fibre, "", (fibre_ont, feeder))
        spare = self._path(site, "MOBILE", "mobile_data", mobile, self._card(), (bts,))
        self._target(f"{fixed}.sip", fixed, "sip_options", f"{net}.1", SIP_PORT)
        self._target(f"{line}.ont", line, "icmp", f"{net}.2")
        if place % 4 == 3:
            self._target(f"{line}.router", line, "tcp", f"{net}.3", TCP_PORT)
        else:
            self._target(f"{line}.web", line, "http", f"{net}.3", HTTP_PORT, "path=/")
        if place % 2:
            self._target(f"{spare}.router", spare, "tcp", f"{net}.4", TCP_PORT)
        else:
            self._target(f"{spare}.router", spare, "icmp", f"{net}.4")

    def _entry_point(self, district: District, *, net: str, ring: Callable[[str], str]) -> None:
        site = f"ENTRY-{district.code}"
        self._site(site, district.code, "tally_entry_point", f"Điểm nhập liệu {inside(district.name)}", "A")
        leased = self._path(site, "LEASED", "leased_line", "VNPT", "", (ring("VNPT"),))
        fibre = self._path(site, "FIBRE", "fibre", "VIETTEL", "", (ring("VIETTEL"),))
        mobile = self._path(site, "MOBILE", "mobile_data", "MOBIFONE", self._card(), (ring("MOBIFONE"),))
        self._target(f"{leased}.router", leased, "icmp", f"{net}.1")
        self._target(f"{leased}.web", leased, "http", f"{net}.2", HTTP_PORT, "path=/")
        self._target(f"{fibre}.router", fibre, "tcp", f"{net}.3", TCP_PORT)
        self._target(f"{mobile}.router", mobile, "icmp", f"{net}.4")

    def _radio_station(self, district: District, *, net: str, ring: str) -> None:
        site = f"RADIO-{district.code}"
        self._site(site, district.code, "radio_station", f"Đài truyền thanh {inside(district.name)}", "C")
        fibre = self._path(site, "FIBRE", "fibre", ring.partition("-")[0], "", (ring,))
        self._target(f"{fibre}.router", fibre, "icmp", f"{net}.1")

    def _post_office(self, district: District, *, net: str, ring: str) -> None:
        site = f"POST-{district.code}"
        self._site(site, district.code, "post_office", f"Bưu điện {inside(district.name)}", "C")
        fibre = self._path(site, "FIBRE", "fibre", "VNPT", "", (ring,))
        self._target(f"{fibre}.router", fibre, "tcp", f"{net}.1", TCP_PORT)

    def _centre(self) -> None:
        """Draw the provincial sites: two tally servers, the committee's seat, the department's hot line."""
        area, net = self._province.code, f"127.{_PROVINCIAL}"
        for number, tag in ((1, "A"), (2, "B")):
            site = f"TALLY-{number}"
            self._site(site, area, "tally_server", f"Máy chủ tổng hợp kết quả {number}", "A")
            for last, carrier in enumerate(("VNPT", "VIETTEL"), start=1):
                ring = self._plant.ring(carrier, area, "trung tâm tỉnh", tag=tag)
                path = self._path(site, carrier, "leased_line", carrier, "", (ring,))
                self._target(f"{path}.https", path, "http", f"{net}.{number}.{last}", HTTPS_PORT, _HTTPS)
        self._seat(
            f"UBBC-{area}", "committee_hq", f"Ủy ban bầu cử tỉnh {self._province.name}", net=f"{net}.3"
        )
        self._seat(f"STTTT-{area}", "hotline", "Đường dây nóng bầu cử tại Sở TT&TT", net=f"{net}.4")

    def _seat(self, site: str, kind: str, name: str, *, net: str) -> None:
        area = self._province.code
        self._site(site, area, kind, name, "A")
        first = self._plant.ring("VNPT", area, "trung tâm tỉnh", tag="A")
        second = self._plant.ring("FPT", area, "trung tâm tỉnh", tag="A")
        third = self._plant.ring("MOBIFONE", area, "trung tâm tỉnh", tag="A")
        fixed = self._path(site, "FIXED", "fixed_line", "VNPT", self._line(), (first,))
        fibre = self._path(site, "FIBRE", "fibre", "FPT", "", (second,))
        mobile = self._path(site, "MOBILE", "mobile_data", "MOBIFONE", self._card(), (third,))
        self._target(f"{fixed}.sip", fixed, "sip_options", f"{net}.1", SIP_PORT)
        self._target(f"{fibre}.router", fibre, "icmp", f"{net}.2")
        self._target(f"{mobile}.router", mobile, "icmp", f"{net}.3")

    def _site(self, code: str, area: str, kind: str, name: str, priority: str) -> None:
        self._folder.add("sites", code, area, kind, name, priority, "", "", "")

    def _path(
        self, site: str, tag: str, medium: str, carrier: str, number: str, risks: tuple[str, ...]
    ) -> str:
        code = f"{site}-{tag}"
        self._folder.add("paths", code, site, medium, carrier, number, "", risks)
        return code

    def _target(
        self, code: str, of: str, kind: str, address: str, port: int | str = "", options: str = ""
    ) -> None:
        self._folder.add("targets", code, of, kind, address, port, options, "")

    def _line(self) -> str:
        """Answer a fixed number that cannot exist: no subscriber number begins with 0."""
        return f"+84{self._province.area_code}{next(self._lines):07d}"

    def _card(self) -> str:
        """Answer a mobile number that cannot exist: the code 57 is allotted to no network."""
        return f"+84571{next(self._cards):06d}"


def _numbers(communes: tuple[Commune, ...], *, size: int) -> dict[str, int]:
    return {
        commune.code: number
        for number, group in enumerate(groups(communes, size=size), start=1)
        for commune in group
    }

"""What carries a province's results: cores, rings, OLTs, ONTs, base stations and power feeders, by code.

Every piece is written once, when something first stands on it, so that a sample holds no risk group that
nothing depends on.
"""

from collections.abc import Sequence
from itertools import accumulate

from inventory.generate.documents import Province
from inventory.generate.folder import Folder
from inventory.generate.units import Commune, District, inside

__all__ = ["Plant", "groups"]

SNMP_PORT = 15161
_NAMES = {"VNPT": "VNPT", "VIETTEL": "Viettel", "MOBIFONE": "MobiFone", "FPT": "FPT"}
CARRIERS = tuple(_NAMES)


def groups(communes: Sequence[Commune], *, size: int) -> tuple[tuple[Commune, ...], ...]:
    """Divide communes among the fewest groups of at most ``size``, as evenly as can be."""
    number = -(-len(communes) // size)
    sizes = [len(communes) // number + (place < len(communes) % number) for place in range(number)]
    ends = list(accumulate(sizes))
    return tuple(tuple(communes[end - length : end]) for end, length in zip(ends, sizes, strict=True))


class Plant:
    """Writes risk groups and answers their codes."""

    def __init__(self, folder: Folder, province: Province) -> None:
        self._folder = folder
        self._province = province
        self._written: set[str] = set()

    def core(self, carrier: str) -> str:
        """Answer the carrier's core in the province: everything of the carrier stands on it."""
        name = f"Mạng lõi {_NAMES[carrier]} {self._province.name}"
        return self._risk(
            f"{carrier}-CORE-{self._province.code}", "core", name, owner=carrier, area=self._province.code
        )

    def ring(self, carrier: str, area: str, name: str, *, tag: str = "") -> str:
        """Answer a ring of the carrier in a district (or in the provincial centre, where ``tag`` tells two apart)."""
        code = f"{carrier}-RING-{area}{tag}"
        title = f"Vòng ring {_NAMES[carrier]} {name}{tag and ' ' + tag}"
        return self._risk(code, "ring", title, owner=carrier, area=area, parent=self.core(carrier))

    def district_ring(self, carrier: str, district: District, *, address: str, agent: str) -> str:
        """Answer the carrier's ring in a district: the router at its edge, its link upwards, and who tells how busy that is."""
        is_new = f"{carrier}-RING-{district.code}" not in self._written
        ring = self.ring(carrier, district.code, inside(district.name))
        if is_new:
            self._folder.add("targets", f"{ring}.edge", ring, "icmp", address, "", "", "")
            link = f"{carrier}-LINK-{district.code}"
            self._folder.add("targets", f"{link}.snmp", link, "snmp", agent, SNMP_PORT, "if_index=1", "")
            self._folder.add(
                "links",
                link,
                f"Truyền dẫn {_NAMES[carrier]} {inside(district.name)} - trung tâm tỉnh",
                carrier,
                district.code,
                self._province.code,
                10_000 if carrier in {"VNPT", "VIETTEL"} else 1_000,
                (ring,),
            )
        return ring

    def olt(self, carrier: str, district: District, number: int, *, ring: str) -> str:
        """Answer an OLT of the carrier in a district."""
        return self._risk(
            f"{carrier}-OLT-{district.code}-{number}",
            "olt",
            f"OLT {_NAMES[carrier]} {inside(district.name)} số {number}",
            owner=carrier,
            area=district.code,
            parent=ring,
        )

    def ont(self, carrier: str, commune: Commune, *, olt: str) -> str:
        """Answer the box on the office's wall: telephone and fibre of one carrier end in the same one."""
        name = f"ONT {_NAMES[carrier]} {inside(commune.name)}"
        return self._risk(
            f"{carrier}-ONT-{commune.code}", "ont", name, owner=carrier, area=commune.code, parent=olt
        )

    def bts(self, carrier: str, commune: Commune, *, ring: str) -> str:
        """Answer the base station that serves a commune's office."""
        name = f"BTS {_NAMES[carrier]} {inside(commune.name)}"
        return self._risk(
            f"{carrier}-BTS-{commune.code}", "bts", name, owner=carrier, area=commune.code, parent=ring
        )

    def feeder(self, district: District, number: int) -> str:
        """Answer a power feeder of a district."""
        name = f"Xuất tuyến điện {inside(district.name)} số {number}"
        return self._risk(
            f"EVN-FEEDER-{district.code}-{number}", "feeder", name, owner="EVN", area=district.code
        )

    def _risk(self, code: str, kind: str, name: str, *, owner: str, area: str, parent: str = "") -> str:
        if code not in self._written:
            self._written.add(code)
            self._folder.add("risks", code, kind, name, owner, area, parent)
        return code

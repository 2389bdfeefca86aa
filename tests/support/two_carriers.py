"""A province of two carriers that must learn nothing of each other: every secret of each carries a mark of its own.

The marks are words that stand nowhere else, so that one found in an answer is a leak, whatever the answer is: a page,
a list, a file, a header. Names and codes of parties and of areas are public and carry none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.inventories import GOOD

__all__ = ["CARRIERS", "MarkOf", "an_inventory_of_two", "inventory_marks", "mark"]

CARRIERS = ("ALPHA", "BRAVO")
_NUMBER = {"ALPHA": 1, "BRAVO": 2, "STTTT": 3}
_FROM, _UNTIL = "2021-05-20 06:00", "2021-05-30 06:00"


@dataclass(frozen=True, slots=True)
class MarkOf:
    """Whose secret a mark is: a party's, and whether only who sees restricted matters may know of it."""

    party: str
    is_restricted: bool = False
    is_for_nobody: bool = False
    """A token or a password: it is shown to nobody."""
    is_for_administrators: bool = False
    is_own_only: bool = False
    """Only the account that brought it sees it, not even the administrator."""
    is_shared: bool = False
    """CHARLIE is told of it too: what is asked of a helper."""


def mark(party: str, what: str) -> str:
    """Answer the word that stands for ``what`` of ``party`` and for nothing else."""
    return f"Q{party}Q{what.upper()}Q"


def an_inventory_of_two(folder: Path) -> Path:
    """Write the inventory of the province, and answer its folder."""
    folder.mkdir(parents=True)
    (folder / "shifts").mkdir()
    election, policy = ((GOOD / name).read_text(encoding="utf-8") for name in ("election.yml", "policy.yml"))
    (folder / "election.yml").write_text(election, encoding="utf-8")
    (folder / "policy.yml").write_text(f"{policy}arm_after: 0s\n", encoding="utf-8")
    for name, text in {"parties.yml": _PARTIES, "vantages.yml": _VANTAGES, "areas.csv": _AREAS}.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name, (header, rows) in _sheets().items():
        lines = [header, *(",".join(row) for row in rows)]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def inventory_marks() -> Mapping[str, MarkOf]:
    """Answer every mark that the inventory holds. What of a carrier is public is not among them."""
    kinds = ("site", "sitename", "path", "mobile", "target", "ring", "ringname", "link", "linkname", "person",
             "personname", "position", "mail", "means", "meansname", "meanscontact", "second", "secondname")  # fmt: skip
    found = {mark(party, kind): MarkOf(party) for party in CARRIERS for kind in kinds}
    for party in CARRIERS:
        found |= {text: MarkOf(party) for text in (_address(party, 1), _phone(party, 1), _phone(party, 2))}
    return found


def _address(party: str, last: int) -> str:
    return f"10.7{_NUMBER[party]}.0.{last}"


def _phone(party: str, last: int) -> str:
    return f"91234{_NUMBER[party]}00{last}"


_PARTIES = """\
ALPHA: {kind: carrier, name: Nhà mạng Một, duties: [response, leadership], hotline: "02993800001"}
BRAVO: {kind: carrier, name: Nhà mạng Hai, duties: [response, leadership], hotline: "02993800002"}
CHARLIE: {kind: carrier, name: Nhà mạng Ba}
EVN: {kind: power, name: Điện lực}
STTTT: {kind: department, name: Sở, name_en: Department, duties: [operations]}
"""
_VANTAGES = """\
V1:
  name: Phòng trực
  upstreams: [ALPHA]
  canaries:
    - {address: 127.0.1.1, group: gateway}
    - {address: 127.0.2.1, group: second_hop}
    - {address: 127.0.3.1, group: resolver}
"""
_AREAS = """\
code,parent,kind,name,name_en,col,row,valid_from,valid_to
94,,province,Tỉnh Thử,Trial province,,,,
941,94,rural_district,Huyện Thử,Trial district,,,,
00001,941,commune,Xã Một,Mot commune,1,1,,
00002,941,commune,Xã Hai,Hai commune,2,1,,
00003,941,commune,Xã Ba,Ba commune,3,1,,
"""


def _sheets() -> Mapping[str, tuple[str, Sequence[Sequence[str]]]]:
    return {
        "sites.csv": ("code,area,kind,name,priority,voters,lat,lon", list(_sites())),
        "paths.csv": ("code,site,medium,carrier,number,test_line,risks", list(_paths())),
        "risks.csv": ("code,kind,name,owner,area,parent", list(_risks())),
        "links.csv": ("code,name,carrier,from,to,capacity_mbps,risks", list(_links())),
        "targets.csv": ("code,of,kind,address,port,options,vantages", list(_targets())),
        "people.csv": ("code,party,name,position,contacts", list(_people())),
        "means.csv": ("code,party,kind,name,area,count,capacity,contact,rehearsed", list(_means())),
        "shifts/all.csv": ("party,duty,person,start,end,substitute", list(_shifts())),
    }


def _sites() -> Iterator[tuple[str, ...]]:
    yield "BOTH", "00003", "commune_committee", "UBBC chung", "B", "", "", ""
    for number, party in enumerate(CARRIERS, 1):
        site, name = mark(party, "site"), mark(party, "sitename")
        yield site, f"0000{number}", "commune_committee", f"UBBC {name}", "B", "", "", ""


def _paths() -> Iterator[tuple[str, ...]]:
    """A site of its own for each carrier with two paths; one site for both, where ALPHA's trunk carries BRAVO."""
    for party in CARRIERS:
        site, ring = mark(party, "site"), mark(party, "ring")
        yield mark(party, "path"), site, "fibre", party, "", "", f"{ring} EVN-FEEDER"
        yield f"{mark(party, 'path')}-BOTH", "BOTH", "fibre", party, "", "", ring
    yield mark("ALPHA", "mobile"), mark("ALPHA", "site"), "mobile_data", "ALPHA", "", "", "ALPHA-TRUNK"
    yield mark("BRAVO", "mobile"), mark("BRAVO", "site"), "mobile_data", "BRAVO", "", "", "ALPHA-TRUNK"


def _risks() -> Iterator[tuple[str, ...]]:
    yield "EVN-FEEDER", "feeder", "Xuất tuyến", "EVN", "941", ""
    yield "ALPHA-TRUNK", "trunk", "Tuyến trục", "ALPHA", "941", ""
    for party in CARRIERS:
        yield mark(party, "ring"), "ring", f"Vòng {mark(party, 'ringname')}", party, "941", ""


def _links() -> Iterator[tuple[str, ...]]:
    for party in CARRIERS:
        yield (
            mark(party, "link"),
            f"Tuyến {mark(party, 'linkname')}",
            party,
            "941",
            "94",
            "1000",
            mark(party, "ring"),
        )


def _targets() -> Iterator[tuple[str, ...]]:
    for party in CARRIERS:
        path, target = mark(party, "path"), mark(party, "target")
        yield f"{target}-1", path, "icmp", _address(party, 1), "", "", ""
        yield f"{target}-2", f"{path}-BOTH", "icmp", _address(party, 2), "", "", ""
        yield f"{target}-3", mark(party, "mobile"), "icmp", _address(party, 3), "", "", ""
        yield f"{target}-4", mark(party, "link"), "icmp", _address(party, 4), "", "", ""


def _people() -> Iterator[tuple[str, ...]]:
    for party in CARRIERS:
        mail = f"email:{mark(party, 'mail').lower()}@ts.example"
        for last, code in enumerate(("person", "second"), 1):
            name, position = mark(party, f"{code}name"), mark(party, "position")
            yield mark(party, code), party, f"Ông {name}", position, f"sms:+84{_phone(party, last)} {mail}"
    yield "STTTT-1", "STTTT", "Trực ban Sở", "Trực ban", "sms:+84912343001 email:truc-ban@ts.example"


def _means() -> Iterator[tuple[str, ...]]:
    for party in CARRIERS:
        name, contact = mark(party, "meansname"), mark(party, "meanscontact")
        yield mark(party, "means"), party, "generator", name, "941", "2", "", contact, ""


def _shifts() -> Iterator[tuple[str, ...]]:
    for party in CARRIERS:
        first, second = mark(party, "person"), mark(party, "second")
        yield party, "response", first, _FROM, "2021-05-24 06:00", second
        yield party, "response", second, "2021-05-24 06:00", "2021-05-27 06:00", first
        yield party, "leadership", second, _FROM, "2021-05-27 06:00", first
    yield "STTTT", "operations", "STTTT-1", _FROM, "2021-05-27 06:00", ""

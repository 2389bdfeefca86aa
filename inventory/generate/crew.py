"""People and their turns: three shifts a day round the clock from D-3 to D+3, names plainly made up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count

from inventory.generate.documents import Province
from inventory.generate.folder import Folder
from inventory.generate.units import District, inside
from inventory.models import Duty

__all__ = ["Crew", "add_people"]

_TURNS = (time(6), time(14), time(22))
_TURN = timedelta(hours=8)
_FIRST_MOBILE = 100


@dataclass(frozen=True, slots=True)
class Crew:
    """The people of one party for one duty, who relieve one another in this order."""

    party: str
    duty: Duty
    title: str
    size: int


_BACKUP = {"VNPT": "VIETTEL", "VIETTEL": "VNPT", "MOBIFONE": "VNPT", "FPT": "MOBIFONE"}
"""The network that a carrier's people can be reached over when their own is the one that is down."""
_SHORT = {
    Duty.LEADERSHIP: "LEAD",
    Duty.OPERATIONS: "OPS",
    Duty.RESPONSE: "RESP",
    Duty.HOTLINE: "HOT",
    Duty.POST: "POST",
    Duty.SOFTWARE_SUPPORT: "SOFT",
}
_NAMES = {
    "VNPT": "VNPT",
    "VIETTEL": "Viettel",
    "MOBIFONE": "MobiFone",
    "FPT": "FPT",
    "EVN": "Điện lực",
    "VNPOST": "Bưu điện",
    "STTTT": "Sở",
}


def _crews() -> list[Crew]:
    crews = []
    for party in ("VNPT", "VIETTEL", "MOBIFONE", "FPT", "EVN"):
        crews += [
            Crew(party, Duty.LEADERSHIP, "Lãnh đạo trực", 3),
            Crew(party, Duty.OPERATIONS, "Trực ca", 4),
            Crew(party, Duty.RESPONSE, "Ứng cứu", 4),
        ]
    return [
        *crews,
        Crew("VNPOST", Duty.LEADERSHIP, "Lãnh đạo trực", 3),
        Crew("VNPOST", Duty.POST, "Trực bưu chính", 4),
        Crew("STTTT", Duty.LEADERSHIP, "Lãnh đạo trực", 3),
        Crew("STTTT", Duty.OPERATIONS, "Trực ban", 4),
        Crew("STTTT", Duty.RESPONSE, "Ứng cứu", 4),
        Crew("STTTT", Duty.HOTLINE, "Trực đường dây nóng", 4),
        Crew("STTTT", Duty.SOFTWARE_SUPPORT, "Tổ phần mềm", 4),
    ]


def add_people(folder: Folder, province: Province, *, districts: Sequence[District]) -> None:
    """Add every crew with its turns, and the officer of the software team that goes to each district."""
    mobiles = count(_FIRST_MOBILE)
    for crew in _crews():
        codes = []
        for place in range(1, crew.size + 1):
            code = f"{crew.party}-{_SHORT[crew.duty]}-{place}"
            name = f"{crew.title} {_NAMES[crew.party]} {place}"
            contacts = _contacts(crew.party, code, mobiles=mobiles)
            folder.add("people", code, crew.party, name, crew.title, contacts)
            codes.append(code)
        _add_turns(folder, crew, codes, day=province.day)
    for district in districts:
        _add_officer(folder, district, day=province.day, mobiles=mobiles)


def _contacts(party: str, code: str, *, mobiles: "count[int]") -> tuple[str, ...]:
    """Two mobiles on two networks and an e-mail address; a carrier's own network comes first."""
    first = party if party in _BACKUP else "VNPT"
    second = _BACKUP[first]
    mail = f"{code.lower()}@{party.lower()}.example"
    return (
        f"sms:+84570{next(mobiles):06d}@{first}",
        f"sms:+84570{next(mobiles):06d}@{second}",
        f"email:{mail}@{second}",
    )


def _add_turns(folder: Folder, crew: Crew, codes: Sequence[str], *, day: date) -> None:
    """From the night shift that ends on the morning of D-3 to the one that begins on the evening of D+3."""
    begin = datetime.combine(day - timedelta(days=4), _TURNS[-1])
    end = datetime.combine(day + timedelta(days=4), time())
    for place in count():
        start = begin + place * _TURN
        if start >= end:
            return
        person = codes[place % len(codes)]
        substitute = codes[(place + 1) % len(codes)]
        _add_turn(
            folder, crew.party, crew.duty, person, start=start, end=start + _TURN, substitute=substitute
        )


def _add_officer(folder: Folder, district: District, *, day: date, mobiles: "count[int]") -> None:
    """One officer a district, there while results are entered; the team's centre covers the nights."""
    code = f"STTTT-SOFT-{district.code}"
    name = f"Tổ phần mềm tại {inside(district.name)}"
    contacts = _contacts("STTTT", code, mobiles=mobiles)
    folder.add("people", code, "STTTT", name, f"Cán bộ hỗ trợ tại {inside(district.name)}", contacts)
    for offset in (-1, 0, 1):
        start = datetime.combine(day + timedelta(days=offset), time(5, 30))
        end = start.replace(hour=22, minute=0)
        _add_turn(
            folder, "STTTT", Duty.SOFTWARE_SUPPORT, code, start=start, end=end, substitute="STTTT-SOFT-1"
        )


def _add_turn(
    folder: Folder, party: str, duty: Duty, person: str, *, start: datetime, end: datetime, substitute: str
) -> None:
    written = (f"{moment:%Y-%m-%d %H:%M}" for moment in (start, end))
    folder.add(f"shifts/{party.lower()}", party, duty, person, *written, substitute)

"""``parties.yml`` and ``vantages.yml``: who can own something, and where we look from."""

import re
from collections.abc import Collection

from inventory.cells import address, code, filled, one_of, reference
from inventory.document import Entry
from inventory.models import Canary, Duty, Party, PartyKind, Vantage
from inventory.numbering import parse_number
from inventory.reasons import Reason

__all__ = ["CARRIER", "PARTY", "read_parties", "read_vantages"]

PARTY = Reason("đơn vị", "party")
CARRIER = Reason("doanh nghiệp viễn thông", "carrier")

_SHORT_NUMBER = re.compile(r"[1-9][0-9]{2,4}")


def read_parties(top: Entry) -> dict[str, Party]:
    """Read the parties, by code."""
    parties = {}
    for name, entry in top.records().items():
        entry.named(code)
        parties[name] = _party(name, entry)
    if not parties:
        top.report(Reason("chưa có đơn vị nào", "there is no party yet"))
    return parties


def _party(name: str, entry: Entry) -> Party:
    members = entry.members(required=("kind", "name"), optional=("name_en", "duties", "hotline"))
    duties = (item.value(one_of(Duty), instead=Duty.OPERATIONS) for item in members.items("duties"))
    return Party(
        code=name,
        kind=members.value("kind", one_of(PartyKind), instead=PartyKind.CARRIER),
        name=members.value("name", filled, instead=""),
        name_en=members.value("name_en", str, instead=""),
        duties=tuple(dict.fromkeys(duties)),
        hotline=members.value("hotline", _hotline, instead=""),
    )


def _hotline(text: str) -> str:
    """Answer a number that people may be told to call: short ones such as 119 stay as they are."""
    return text if not text or _SHORT_NUMBER.fullmatch(text) else parse_number(text)


def read_vantages(top: Entry, *, carriers: Collection[str]) -> dict[str, Vantage]:
    """Read the vantages, by code."""
    vantages = {}
    for name, entry in top.records().items():
        entry.named(code)
        vantages[name] = _vantage(name, entry, carriers=carriers)
    if not vantages:
        top.report(Reason("phải có ít nhất một điểm quan sát", "there must be a vantage to look from"))
    return vantages


def _vantage(name: str, entry: Entry, *, carriers: Collection[str]) -> Vantage:
    members = entry.members(required=("name", "upstreams", "canaries"), optional=("name_en",))
    carrier = reference(carriers, what=CARRIER)
    upstreams = tuple(item.value(carrier, instead="") for item in members.items("upstreams"))
    canaries = tuple(_canary(item) for item in members.items("canaries"))
    if "canaries" in members and not canaries:
        members["canaries"].report(
            Reason(
                "phải có ít nhất một địa chỉ kiểm chứng; thiếu nó thì không tin được lần mất nào",
                "must hold at least one canary; without it no loss can be believed",
            )
        )
    return Vantage(
        code=name,
        name=members.value("name", filled, instead=""),
        name_en=members.value("name_en", str, instead=""),
        upstreams=upstreams,
        canaries=canaries,
    )


def _canary(entry: Entry) -> Canary:
    members = entry.members(required=("address", "group"))
    return Canary(
        address=members.value("address", address, instead=""),
        group=members.value("group", filled, instead=""),
    )

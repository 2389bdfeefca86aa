"""``paths.csv risks.csv links.csv targets.csv``: by what a site reports, what fails together, what is looked at."""

from collections.abc import Collection, Sequence

from inventory.cells import (
    ADDRESSES,
    address,
    listing,
    maybe,
    one_of,
    options,
    real,
    reference,
    whole,
    yes_or_no,
)
from inventory.models import Link, Medium, Path, ProbeKind, Risk, RiskKind, Target
from inventory.numbering import CANONICAL_COLUMN, parse_number
from inventory.parties import CARRIER, PARTY
from inventory.places import AREA, SITE, report_cycles
from inventory.reasons import Reason
from inventory.spreadsheet import Sheet

__all__ = [
    "LINK_HEADER",
    "PATH_HEADER",
    "RISK_HEADER",
    "TARGET_HEADER",
    "read_links",
    "read_paths",
    "read_risks",
    "read_targets",
    "report_shared_codes",
]

RISK = Reason("nhóm rủi ro", "risk group")
PLACE = Reason("địa bàn, đối tượng hay nhóm rủi ro", "area, site or risk group")
EVIDENCE = Reason("hướng liên lạc, tuyến truyền dẫn hay nhóm rủi ro", "path, link or risk group")
VANTAGE = Reason("điểm quan sát", "vantage")

PATH_HEADER = ("code", "site", "medium", "carrier", "number", "test_line", "risks")
RISK_HEADER = ("code", "kind", "name", "owner", "area", "parent")
LINK_HEADER = ("code", "name", "carrier", "from", "to", "capacity_mbps", "risks")
TARGET_HEADER = ("code", "of", "kind", "address", "port", "options", "vantages")

_NO_CODES: tuple[str, ...] = ()
_NO_OPTIONS: dict[str, str] = {}
_PORTED = frozenset(
    {
        ProbeKind.TCP,
        ProbeKind.HTTP,
        ProbeKind.TLS,
        ProbeKind.SIP_OPTIONS,
        ProbeKind.SIP_CALL,
        ProbeKind.STREAM,
    }
)
"""Kinds that need a port said: guessing one would look at the wrong service."""
_UNADDRESSED = frozenset({ProbeKind.HEARTBEAT, ProbeKind.ROLLCALL})
"""Kinds whose answers come to us."""


def read_risks(sheet: Sheet, *, parties: Collection[str], areas: Collection[str]) -> dict[str, Risk]:
    """Build the risk groups, by code."""
    codes = sheet.codes()
    parents = sheet.converted("parent", maybe(reference(set(codes), what=RISK)), instead=None)
    report_cycles(sheet, codes, parents)
    risks = map(
        Risk,
        codes,
        sheet.converted("kind", one_of(RiskKind), instead=RiskKind.CABLE),
        sheet.filled("name"),
        sheet.references("owner", parties, what=PARTY),
        sheet.converted("area", maybe(reference(areas, what=AREA)), instead=None),
        parents,
    )
    return dict(zip(codes, risks, strict=True))


def read_paths(
    sheet: Sheet, *, sites: Collection[str], carriers: Collection[str], risks: Collection[str]
) -> dict[str, Path]:
    """Build the paths, by code."""
    codes = sheet.codes()
    numbers = sheet.plain("number", lambda text: parse_number(text) if text else "", whole=CANONICAL_COLUMN)
    tested = sheet.converted("test_line", yes_or_no, instead=False)
    for place, is_test in enumerate(tested):
        if is_test and not sheet.columns["number"][place]:
            sheet.report(
                place, "test_line", Reason("đường thử phải có số ở cột number", "a test line needs a number")
            )
    paths = map(
        Path,
        codes,
        sheet.references("site", sites, what=SITE),
        sheet.converted("medium", one_of(Medium), instead=Medium.FIBRE),
        sheet.references("carrier", carriers, what=CARRIER),
        numbers,
        tested,
        sheet.converted("risks", listing(reference(risks, what=RISK)), instead=_NO_CODES),
    )
    return dict(zip(codes, paths, strict=True))


def read_links(
    sheet: Sheet, *, carriers: Collection[str], places: Collection[str], risks: Collection[str]
) -> dict[str, Link]:
    """Build the links, by code; each end is an area, a site or a risk group."""
    codes = sheet.codes()
    links = map(
        Link,
        codes,
        sheet.filled("name"),
        sheet.references("carrier", carriers, what=CARRIER),
        sheet.references("from", places, what=PLACE),
        sheet.references("to", places, what=PLACE),
        sheet.converted("capacity_mbps", maybe(real(0.001, 100_000_000)), instead=None),
        sheet.converted("risks", listing(reference(risks, what=RISK)), instead=_NO_CODES),
    )
    return dict(zip(codes, links, strict=True))


def read_targets(sheet: Sheet, *, evidence: Collection[str], vantages: Collection[str]) -> dict[str, Target]:
    """Build the targets, by code, in the order of the file: that order is the fleet's."""
    codes = sheet.codes()
    kinds = sheet.converted("kind", one_of(ProbeKind), instead=ProbeKind.ICMP)
    ports = sheet.converted("port", maybe(whole(1, 65_535)), instead=None)
    _report_ports(sheet, kinds, ports)
    targets = map(
        Target,
        codes,
        sheet.references("of", evidence, what=EVIDENCE),
        kinds,
        sheet.plain("address", lambda text: address(text) if text else "", whole=ADDRESSES),
        ports,
        sheet.converted("options", options, instead=_NO_OPTIONS),
        sheet.converted("vantages", listing(reference(vantages, what=VANTAGE)), instead=_NO_CODES),
    )
    return dict(zip(codes, targets, strict=True))


def _report_ports(sheet: Sheet, kinds: Sequence[ProbeKind], ports: Sequence[int | None]) -> None:
    no_port = Reason("loại này phải có cổng", "this kind needs a port")
    useless = Reason("icmp không có cổng; hãy để trống", "icmp has no port; leave it empty")
    no_address = Reason("loại này phải có địa chỉ", "this kind needs an address")
    addresses = sheet.columns["address"]
    for place, (kind, port) in enumerate(zip(kinds, ports, strict=True)):
        if port is None:
            if kind in _PORTED and not sheet.columns["port"][place]:
                sheet.report(place, "port", no_port)
        elif kind is ProbeKind.ICMP:
            sheet.report(place, "port", useless)
        if not addresses[place] and kind not in _UNADDRESSED:
            sheet.report(place, "address", no_address)


def report_shared_codes(sheets: Sequence[Sheet]) -> None:
    """Report a code that paths, links and risk groups share: a target's ``of`` would not say which it means."""
    owner: dict[str, str] = {}
    for sheet in sheets:
        for place, name in enumerate(sheet.columns["code"]):
            other = owner.setdefault(name, sheet.file)
            if name and other != sheet.file:
                sheet.report(
                    place, "code", Reason(f"mã này đã dùng trong {other}", f"this code is taken in {other}")
                )

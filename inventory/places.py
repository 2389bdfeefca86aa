"""``areas.csv`` and ``sites.csv``: the administrative tree and the protected objects in it."""

from collections.abc import Collection, Sequence

from inventory.cells import calendar_day, maybe, one_of, real, reference, whole
from inventory.models import Area, AreaKind, Priority, Site, SiteKind
from inventory.reasons import Reason
from inventory.spreadsheet import Sheet

__all__ = ["AREA", "AREA_HEADER", "SITE", "SITE_HEADER", "read_areas", "read_sites", "report_cycles"]

AREA = Reason("địa bàn", "area")
SITE = Reason("đối tượng", "site")
AREA_HEADER = ("code", "parent", "kind", "name", "name_en", "col", "row", "valid_from", "valid_to")
SITE_HEADER = ("code", "area", "kind", "name", "priority", "voters", "lat", "lon")

_TILE = maybe(whole(0, 999))


def read_areas(sheet: Sheet) -> dict[str, Area]:
    """Build the areas, by code; parents may stand below their children in the file, but not go round."""
    codes = sheet.codes()
    parents = sheet.converted("parent", maybe(reference(set(codes), what=AREA)), instead=None)
    report_cycles(sheet, codes, parents)
    cols = sheet.converted("col", _TILE, instead=None)
    rows = sheet.converted("row", _TILE, instead=None)
    since = sheet.converted("valid_from", maybe(calendar_day), instead=None)
    until = sheet.converted("valid_to", maybe(calendar_day), instead=None)
    for place, (col, row, first, last) in enumerate(zip(cols, rows, since, until, strict=True)):
        if (col is None) != (row is None):
            sheet.report(
                place, "col", Reason("col và row phải có cả hai hoặc trống cả hai", "col and row go together")
            )
        if first and last and last < first:
            sheet.report(place, "valid_to", Reason("trước valid_from", "before valid_from"))
    areas = map(
        Area,
        codes,
        parents,
        sheet.converted("kind", one_of(AreaKind), instead=AreaKind.COMMUNE),
        sheet.filled("name"),
        sheet.columns["name_en"],
        cols,
        rows,
        since,
        until,
    )
    return dict(zip(codes, areas, strict=True))


def report_cycles(sheet: Sheet, codes: Sequence[str], parents: Sequence[str | None]) -> None:
    """Report each row whose parents lead back to itself."""
    parent_of = dict(zip(codes, parents, strict=True))
    sound: set[str | None] = {None}
    for start in codes:
        trail: dict[str, None] = {}
        at: str | None = start
        while at not in sound and at not in trail:
            trail[at or ""] = None
            at = parent_of.get(at or "")
        if at in trail:
            _report_round(sheet, codes, list(trail)[list(trail).index(at or "") :])
        sound.update(trail)


def _report_round(sheet: Sheet, codes: Sequence[str], ring: Collection[str]) -> None:
    way = " → ".join([*ring, next(iter(ring))])
    reason = Reason(f"cấp trên đi vòng tròn: {way}", f"parents go round: {way}")
    for place, name in enumerate(codes):
        if name in ring:
            sheet.report(place, "parent", reason)


def read_sites(sheet: Sheet, *, areas: Collection[str]) -> dict[str, Site]:
    """Build the sites, by code."""
    codes = sheet.codes()
    for place, (lat, lon) in enumerate(zip(sheet.columns["lat"], sheet.columns["lon"], strict=True)):
        if bool(lat) != bool(lon):
            sheet.report(
                place, "lat", Reason("lat và lon phải có cả hai hoặc trống cả hai", "lat and lon go together")
            )
    sites = map(
        Site,
        codes,
        sheet.references("area", areas, what=AREA),
        sheet.converted("kind", one_of(SiteKind), instead=SiteKind.POLLING_UNIT),
        sheet.filled("name"),
        sheet.converted("priority", one_of(Priority), instead=Priority.C),
        sheet.converted("voters", maybe(whole(0, 10_000_000)), instead=None),
        sheet.converted("lat", maybe(real(-90, 90)), instead=None),
        sheet.converted("lon", maybe(real(-180, 180)), instead=None),
    )
    return dict(zip(codes, sites, strict=True))

"""``means.csv``: what a party could lend in an emergency, and where it stands. The file is optional."""

from collections.abc import Collection

from inventory.cells import calendar_day, maybe, one_of, reference, whole
from inventory.models import Means, MeansKind
from inventory.places import AREA
from inventory.reasons import Reason
from inventory.spreadsheet import Sheet

__all__ = ["MEANS_HEADER", "read_means"]

MEANS_HEADER = ("code", "party", "kind", "name", "area", "count", "capacity", "contact", "rehearsed")

_PARTY = Reason("đơn vị", "party")


def read_means(sheet: Sheet, *, parties: Collection[str], areas: Collection[str]) -> dict[str, Means]:
    """Build the means, by code."""
    codes = sheet.codes()
    means = map(
        Means,
        codes,
        sheet.references("party", parties, what=_PARTY),
        sheet.converted("kind", one_of(MeansKind), instead=MeansKind.TEAM),
        sheet.filled("name"),
        sheet.converted("area", maybe(reference(areas, what=AREA)), instead=None),
        sheet.converted("count", maybe(whole(0, 1_000_000)), instead=None),
        sheet.columns["capacity"],
        sheet.columns["contact"],
        sheet.converted("rehearsed", maybe(calendar_day), instead=None),
    )
    return dict(zip(codes, means, strict=True))

"""One order from record to files: fold, compose, set. Pure and heavy, so that it runs off the event loop."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dashboards.reports.compose import compose
from dashboards.reports.document import Document
from dashboards.reports.docx import docx
from dashboards.reports.facts import Facts
from dashboards.reports.flat import csv_file, digest_of, json_file
from dashboards.reports.folding import fold
from dashboards.reports.order import Order, narrowed
from dashboards.reports.pdf import pdf
from dashboards.reports.record import Record
from dashboards.reports.tongue import Tongue
from dashboards.reports.xlsx import xlsx

__all__ = ["FORMATS", "Built", "Format", "build"]


class Format(StrEnum):
    """Form of a file, by its ending."""

    PDF = "pdf"
    DOCX = "docx"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"


FORMATS: Mapping[Format, str] = {
    Format.PDF: "application/pdf",
    Format.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON: "application/json",
}
"""Media types."""


@dataclass(frozen=True, slots=True)
class Built:
    """A report's facts, document and files."""

    facts: Facts
    digest: str
    document: Document
    files: Mapping[Format, bytes]


def build(
    order: Order,
    record: Record,
    *,
    formats: Collection[Format] = tuple(Format),
    on_step: Callable[[int, int], None] = lambda _done, _of: None,
) -> Built:
    """Build a report; raises :class:`~dashboards.reports.folding.UnreconciledError` if its parts do not sum.

    ``on_step`` hears how many steps of how many are done.
    """
    wanted = [each for each in Format if each in set(formats)]
    steps = len(wanted) + 2
    mine = narrowed(record, order)
    facts = fold(mine)
    on_step(1, steps)
    digest = digest_of(facts)
    document = compose(order, mine, facts, digest=digest)
    on_step(2, steps)
    tongue = Tongue(order.language, mine.election.zone, mine.names)
    writers: Mapping[Format, Callable[[], bytes]] = {
        Format.PDF: lambda: pdf(document),
        Format.DOCX: lambda: docx(document),
        Format.XLSX: lambda: xlsx(document, mine, facts, tongue),
        Format.CSV: lambda: csv_file(facts, tongue),
        Format.JSON: lambda: json_file(order, facts, digest),
    }
    files = {}
    for place, each in enumerate(wanted, start=3):
        files[each] = writers[each]()
        on_step(place, steps)
    return Built(facts, digest, document, files)

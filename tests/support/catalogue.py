"""The messages of the pages as they stand in code and templates; ``python -m tests.support.catalogue`` updates the .po.

Updating keeps every translation, adds new messages empty and drops those that nobody says any more.
"""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

__all__ = ["PO", "extracted", "translated"]

ROOT = Path(__file__).parent.parent.parent / "dashboards"
PO = ROOT / "locale" / "vi" / "LC_MESSAGES" / "thongsuot.po"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS = {"templates/**.html": {"trimmed": "false", "newstyle_gettext": "true", "silent": "false"}}
KEYWORDS = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}


def extracted() -> Catalog:
    catalog = Catalog(
        locale="vi",
        project="thongsuot",
        version="1",
        charset="utf-8",
        fuzzy=False,
        header_comment="# Vietnamese texts of the pages; message ids are the English texts.",
        msgid_bugs_address="-",
        last_translator="Thông Suốt",
        language_team="Thông Suốt",
        creation_date=datetime(2026, 11, 22, tzinfo=UTC),
        revision_date=datetime(2026, 11, 22, tzinfo=UTC),
    )
    found = extract_from_dir(ROOT, METHODS, OPTIONS, keywords=KEYWORDS)
    for file, _line, message, _comments, _context in sorted(found, key=lambda each: (each[0], each[1])):
        catalog.add(message, locations=[(f"dashboards/{file}", None)])
    return catalog


def translated() -> Catalog:
    return read_po(BytesIO(PO.read_bytes()), locale="vi")


def update() -> None:
    known = translated() if PO.exists() else Catalog(locale="vi")
    fresh = extracted()
    for message in fresh:
        if message.id and (old := known.get(message.id)) is not None:
            message.string = old.string
    with PO.open("wb") as file:
        write_po(file, fresh, omit_header=False, sort_output=True, width=110, no_location=True)


if __name__ == "__main__":
    update()

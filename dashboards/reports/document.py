"""A document before it is set: the official form's fields and a row of blocks. DOCX, PDF and the page set the same one.

Times, counts and names are texts here already; a cell also keeps its bare value, so that a spreadsheet can sort and sum.
"""

from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "Annex",
    "Block",
    "Cell",
    "Column",
    "Document",
    "Form",
    "Heading",
    "Note",
    "Paragraph",
    "Picture",
    "Row",
    "Table",
]


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of Decree 30/2020, Annex I. What the clerk's office issues stays empty until it has."""

    parent: str
    agency: str
    number: str
    place_date: str
    type_name: str
    abstract: str
    motto: tuple[str, str]
    addressee: str = ""
    recipients_title: str = ""
    recipients: tuple[str, ...] = ()
    authority: tuple[str, ...] = ()
    signer: str = ""
    signatures: tuple[tuple[str, str], ...] = ()
    """For minutes: each side's title and name, instead of recipients and authority."""
    urgency: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """Level 1: ``I. …`` in bold capitals; 2: ``1. …`` bold; 3: ``a) …`` bold italic."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Justified text, first line indented."""

    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """Small italic line under a table: what it counts, and its control."""

    text: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as printed, and its value for a spreadsheet: seconds, a count, a share, or None for text."""

    text: str
    value: int | float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """``weight`` shares the width; ``align`` is left, center or right; ``kind`` is text, count, duration or share."""

    title: str
    weight: float = 1.0
    align: str = "left"
    kind: str = "text"


Row: TypeAlias = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its head; ``total`` is a last row in bold, ``control`` says how it reconciles."""

    name: str
    """Short name, unique in the document: a spreadsheet's sheet."""
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    total: Row | None = None
    control: str = ""
    size: float = 11.0


@dataclass(frozen=True, slots=True)
class Picture:
    """A vector picture with a title below it; ``alt`` says in words what it shows."""

    name: str
    title: str
    svg: str
    width_mm: float
    height_mm: float
    alt: str


@dataclass(frozen=True, slots=True)
class Annex:
    """Begins a new page, turned where its tables are wide."""

    number: str
    title: str
    note: str
    is_wide: bool = False


Block: TypeAlias = Heading | Paragraph | Note | Table | Picture | Annex


@dataclass(frozen=True, slots=True)
class Document:
    """One document in one language. ``stamp`` names the facts by their hash and is printed at the end."""

    kind: str
    language: str
    title: str
    form: Form
    blocks: tuple[Block, ...]
    stamp: str = ""

"""PDF by typst: the official form with embedded fonts. Data goes in as JSON, pictures as SVG; no text becomes source."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from typing import Any

import typst

from dashboards.reports.document import (
    Annex,
    Block,
    Cell,
    Document,
    Heading,
    Note,
    Paragraph,
    Picture,
    Table,
)

__all__ = ["FONTS", "pdf", "png"]

FONTS = str(files("dashboards.reports").joinpath("fonts"))
"""Folder of the faces that documents are set in."""


def pdf(document: Document) -> bytes:
    """Set a document; the same document gives the same bytes."""
    pictures: list[Picture] = []
    body, annexes = _parted([_plain(block, pictures) for block in document.blocks])
    data = {
        "title": document.title,
        "language": document.language,
        "form": asdict(document.form),
        "body": body,
        "annexes": annexes,
        "stamp": document.stamp,
    }
    sources = {
        "main.typ": files("dashboards.reports").joinpath("layout.typ").read_bytes(),
        "data.json": json.dumps(data, ensure_ascii=False).encode(),
        **{f"picture-{place}.svg": picture.svg.encode() for place, picture in enumerate(pictures)},
    }
    return _compiled(sources, "pdf")


def png(picture: Picture, *, ppi: float = 200.0) -> bytes:
    """Draw a picture as PNG, for readers that know no SVG."""
    source = (
        f"#set page(width: {picture.width_mm:.2f}mm, height: {picture.height_mm:.2f}mm, margin: 0mm)\n"
        '#image("picture.svg", width: 100%)'
    )
    return _compiled({"main.typ": source.encode(), "picture.svg": picture.svg.encode()}, "png", ppi=ppi)


def _compiled(sources: Mapping[str, bytes], form: str, *, ppi: float | None = None) -> bytes:
    # Its stub does not know of several sources in one dictionary; the library does.
    compiled: Callable[..., Any] = typst.compile
    made = compiled(
        dict(sources), format=form, font_paths=[FONTS], ignore_system_fonts=True, ppi=ppi, sys_inputs={}
    )
    if not isinstance(made, bytes):
        raise TypeError("a picture or document takes one file")
    return made


def _parted(blocks: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Part the body from the annexes, each with its own blocks."""
    body: list[dict[str, Any]] = []
    annexes: list[dict[str, Any]] = []
    for block in blocks:
        if block["type"] == "annex":
            annexes.append({**block, "blocks": []})
        elif annexes:
            annexes[-1]["blocks"].append(block)
        else:
            body.append(block)
    return body, annexes


def _plain(block: Block, pictures: list[Picture]) -> dict[str, Any]:
    match block:
        case Heading():
            return {"type": "heading", "level": block.level, "text": block.text}
        case Paragraph():
            return {"type": "paragraph", "text": block.text}
        case Note():
            return {"type": "note", "text": block.text}
        case Annex():
            return {"type": "annex", **asdict(block)}
        case Picture():
            pictures.append(block)
            kept = {"title": block.title, "width_mm": block.width_mm, "alt": block.alt}
            return {"type": "picture", "index": len(pictures) - 1, **kept}
        case Table():
            return _table(block)


def _table(table: Table) -> dict[str, Any]:
    return {
        "type": "table",
        "title": table.title,
        "size": table.size,
        "columns": [asdict(column) for column in table.columns],
        "rows": [_texts(row) for row in table.rows],
        "total": _texts(table.total or ()),
        "control": table.control,
    }


def _texts(row: Sequence[Cell]) -> list[str]:
    return [cell.text for cell in row]

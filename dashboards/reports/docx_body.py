"""The body of a DOCX as WordprocessingML: paragraphs, tables, pictures in the official form's measures.

Sizes are half points, lengths twentieths of a point; page 11906 × 16838 with margins of 20, 20, 30 and 15 mm leaves a
text width of 9355 (DOMAIN.md, section 4). Text is escaped here and nowhere else.
"""

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from dashboards.reports.document import (
    Annex,
    Block,
    Cell,
    Column,
    Document,
    Form,
    Heading,
    Note,
    Paragraph,
    Picture,
    Table,
)

__all__ = ["TALL", "WIDE", "body"]

TALL = (11906, 16838, 1134, 850, 1134, 1701)
"""Width, height and margins (top, right, bottom, left) of an upright page."""
WIDE = (16838, 11906, 1134, 1134, 850, 1134)
"""The same of a page turned for wide tables."""

_EMU_PER_MM = 36000
_BORDERS = "".join(
    f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="000000"/>'
    for side in ("top", "left", "bottom", "right", "insideH", "insideV")
)
_NO_BORDERS = "".join(
    f'<w:{side} w:val="nil"/>' for side in ("top", "left", "bottom", "right", "insideH", "insideV")
)


def _run(text: str, *, size: float = 14, bold: bool = False, italic: bool = False, colour: str = "") -> str:
    half = round(size * 2)
    marks = ("<w:b/><w:bCs/>" if bold else "") + ("<w:i/><w:iCs/>" if italic else "")
    marks += f'<w:color w:val="{colour}"/>' if colour else ""
    return (
        f'<w:r><w:rPr>{marks}<w:sz w:val="{half}"/><w:szCs w:val="{half}"/></w:rPr>'
        f'<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'
    )


def _par(
    runs: str,
    *,
    align: str = "left",
    first: int = 0,
    space: tuple[int, int] = (0, 0),
    keep: bool = False,
    mark: float = 14,
) -> str:
    """Write one paragraph; ``mark`` is the size of its end, which an empty one is as high as."""
    kept = "<w:keepNext/><w:keepLines/>" if keep else ""
    indent = f'<w:ind w:firstLine="{first}"/>' if first else ""
    ended = f'<w:rPr><w:sz w:val="{round(mark * 2)}"/></w:rPr>' if mark != 14 else ""
    spacing = f'<w:spacing w:before="{space[0]}" w:after="{space[1]}"/>'
    return f'<w:p><w:pPr>{kept}{spacing}{indent}<w:jc w:val="{align}"/>{ended}</w:pPr>{runs}</w:p>'


def _rule(width: int, inside: int) -> str:
    """Draw the line under a text: an empty paragraph with an upper border, indented from both sides."""
    side = max(0, (inside - width) // 2)
    return (
        '<w:p><w:pPr><w:pBdr><w:top w:val="single" w:sz="6" w:space="1" w:color="000000"/></w:pBdr>'
        f'<w:spacing w:before="20" w:after="0" w:line="120" w:lineRule="exact"/><w:ind w:left="{side}" w:right="{side}"/>'
        '</w:pPr><w:r><w:rPr><w:sz w:val="4"/></w:rPr></w:r></w:p>'
    )


def _grid(rows: Iterable[Sequence[str]], widths: Sequence[int]) -> str:
    """Lay out cells without borders: the header block and the signatures; rows never break across pages."""
    columns = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    lines = "".join(
        "<w:tr><w:trPr><w:cantSplit/></w:trPr>"
        + "".join(
            f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>{cell}</w:tc>'
            for cell, width in zip(row, widths, strict=True)
        )
        + "</w:tr>"
        for row in rows
    )
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblBorders>{_NO_BORDERS}</w:tblBorders>'
        '<w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="0" w:type="dxa"/><w:right w:w="0" w:type="dxa"/>'
        f"</w:tblCellMar></w:tblPr><w:tblGrid>{columns}</w:tblGrid>{lines}</w:tbl>"
    )


def _header_block(form: Form) -> str:
    left, right = 4300, 5055
    parent = _par(_run(form.parent, size=12), align="center") if form.parent else ""
    agency = parent + _par(_run(form.agency, size=12, bold=True), align="center") + _rule(1250, left)
    motto = (
        _par(_run(form.motto[0], size=12, bold=True), align="center")
        + _par(_run(form.motto[1], size=13, bold=True), align="center")
        + _rule(3000, right)
    )
    number = _par(_run(form.number, size=13), align="center", space=(120, 0))
    if form.urgency:
        number += _par(
            _run(form.urgency, size=13, bold=True, colour="C00000"), align="center", space=(120, 0)
        )
    date = _par(_run(form.place_date, size=14, italic=True), align="center", space=(120, 0))
    return _grid([(agency, motto), (number, date)], (left, right))


def _title_block(form: Form) -> str:
    found = _par(_run(form.type_name, bold=True), align="center", space=(360, 0))
    found += _par(_run(form.abstract, bold=True), align="center") + _rule(2270, 9355)
    if form.addressee:
        found += _par(_run(form.addressee), align="center", space=(120, 0))
    return found + _par("", space=(0, 60))


def _signature_block(form: Form) -> str:
    gap = "".join(_par("", keep=True) for _ in range(4))
    if form.signatures:
        width = 9355 // len(form.signatures)
        cells = [
            _par(_run(title, size=13, bold=True), align="center", keep=True)
            + gap
            + _par(_run(name, bold=True), align="center")
            for title, name in form.signatures
        ]
        return _par("") + _grid([cells], [width] * len(cells))
    left = _par(_run(form.recipients_title, size=12, bold=True, italic=True))
    last = len(form.recipients) - 1
    for place, each in enumerate(form.recipients):
        left += _par(_run(f"- {each}{'.' if place == last else ';'}", size=11))
    right = "".join(_par(_run(each, bold=True), align="center", keep=True) for each in form.authority)
    right += gap + _par(_run(form.signer, bold=True), align="center")
    return _par("") + _grid([(left, right)], (4677, 4678))


def _heading(heading: Heading) -> str:
    text = heading.text.upper() if heading.level == 1 else heading.text
    style = f'<w:pStyle w:val="Heading{heading.level}"/>'
    return (
        f'<w:p><w:pPr>{style}<w:keepNext/><w:spacing w:before="160" w:after="80"/><w:ind w:firstLine="720"/></w:pPr>'
        f"{_run(text, bold=True, italic=heading.level == 3)}</w:p>"
    )


def _table(table: Table, width: int) -> str:
    total = sum(column.weight for column in table.columns)
    widths = [round(width * column.weight / total) for column in table.columns]
    grid = "".join(f'<w:gridCol w:w="{each}"/>' for each in widths)
    head = _row(
        [Cell(column.title) for column in table.columns], table.columns, widths, table.size, is_head=True
    )
    rows = "".join(_row(row, table.columns, widths, table.size) for row in table.rows)
    last = _row(table.total, table.columns, widths, table.size, is_bold=True) if table.total else ""
    found = _par(_run(table.title, size=13, bold=True), space=(160, 60), keep=True) if table.title else ""
    found += (
        f'<w:tbl><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblBorders>{_BORDERS}</w:tblBorders>'
        '<w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="50" w:type="dxa"/><w:right w:w="50" w:type="dxa"/>'
        f"</w:tblCellMar></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{head}{rows}{last}</w:tbl>"
    )
    control = _run(table.control, size=10.5, italic=True) if table.control else ""
    return found + _par(control, space=(60, 120))


def _row(
    row: Sequence[Cell],
    columns: Sequence[Column],
    widths: Sequence[int],
    size: float,
    *,
    is_head: bool = False,
    is_bold: bool = False,
) -> str:
    marks = "<w:cantSplit/>" + ("<w:tblHeader/>" if is_head else "")
    shade = '<w:shd w:val="clear" w:color="auto" w:fill="EEF0F1"/>' if is_head else ""
    cells = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{shade}<w:vAlign w:val="center"/></w:tcPr>'
        + _par(
            _run(cell.text, size=size, bold=is_head or is_bold),
            align="center" if is_head else column.align,
            space=(20, 20),
            mark=size,
        )
        + "</w:tc>"
        for cell, column, width in zip(row, columns, widths, strict=True)
    )
    return f"<w:tr><w:trPr>{marks}</w:trPr>{cells}</w:tr>"


def _picture(picture: Picture, place: int) -> str:
    """Place a vector picture with its raster stand-in for readers that know no SVG."""
    cx, cy = round(picture.width_mm * _EMU_PER_MM), round(picture.height_mm * _EMU_PER_MM)
    name, alt = quoteattr(picture.name), quoteattr(picture.alt)
    drawing = (
        f'<w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0"><wp:extent cx="{cx}" cy="{cy}"/>'
        f'<wp:docPr id="{place + 1}" name={name} descr={alt}/><a:graphic><a:graphicData '
        'uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic><pic:nvPicPr>'
        f'<pic:cNvPr id="{place + 1}" name={name}/><pic:cNvPicPr/></pic:nvPicPr><pic:blipFill>'
        f'<a:blip r:embed="rIdPng{place}"><a:extLst><a:ext uri="{{96DAC541-7B7A-43D3-8B79-37D633B846F1}}">'
        f'<asvg:svgBlip r:embed="rIdSvg{place}"/></a:ext></a:extLst></a:blip><a:stretch><a:fillRect/></a:stretch>'
        f'</pic:blipFill><pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="{cx}" cy="{cy}"/></a:xfrm>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic>'
        "</wp:inline></w:drawing>"
    )
    shown = _par(f"<w:r>{drawing}</w:r>", align="center", space=(120, 40), keep=True)
    return shown + _par(_run(picture.title, size=12, italic=True), align="center", space=(0, 120))


def _section(page: tuple[int, int, int, int, int, int], *, is_first: bool, inline: bool) -> str:
    width, height, top, right, bottom, left = page
    turned = ' w:orient="landscape"' if width > height else ""
    first = "<w:titlePg/>" if is_first else ""
    properties = (
        '<w:sectPr><w:headerReference w:type="default" r:id="rIdHeader"/><w:type w:val="nextPage"/>'
        f'<w:pgSz w:w="{width}" w:h="{height}"{turned}/>'
        f'<w:pgMar w:top="{top}" w:right="{right}" w:bottom="{bottom}" w:left="{left}" w:header="567" w:footer="567" '
        f'w:gutter="0"/>{first}</w:sectPr>'
    )
    return f"<w:p><w:pPr>{properties}</w:pPr></w:p>" if inline else properties


def _annex(annex: Annex) -> str:
    found = _par(_run(annex.number, bold=True), align="center", keep=True) if annex.number else ""
    found += _par(_run(annex.title.upper(), bold=True), align="center", keep=True)
    found += _par(_run(annex.note, size=13, italic=True), align="center", keep=True)
    return found + _rule(2270, 9355)


def body(document: Document) -> str:
    """Answer the content of ``w:body``: upright text, then each annex in a section of its own."""
    out = [_header_block(document.form), _title_block(document.form)]
    page, is_first, pictures = TALL, True, 0
    for block in document.blocks:
        if isinstance(block, Annex):
            if is_first:
                out.append(_signature_block(document.form))
            out.append(_section(page, is_first=is_first, inline=True))
            page, is_first = (WIDE if block.is_wide else TALL), False
            out.append(_annex(block))
            continue
        out.append(_block(block, page, pictures))
        pictures += isinstance(block, Picture)
    if is_first:
        out.append(_signature_block(document.form))
    out.append(_par(_run(document.stamp, size=9, colour="595959"), space=(240, 0)))
    out.append(_section(page, is_first=is_first, inline=False))
    return "".join(out)


def _block(block: Block, page: tuple[int, int, int, int, int, int], place: int) -> str:
    match block:
        case Heading():
            return _heading(block)
        case Paragraph():
            return _par(_run(block.text), align="both", first=720, space=(120, 120))
        case Note():
            return _par(_run(block.text, size=10.5, italic=True), space=(60, 120))
        case Table():
            return _table(block, page[0] - page[3] - page[5])
        case Picture():
            return _picture(block, place)
        case _:
            raise TypeError(f"an annex cannot stand inside an annex: {block!r}")

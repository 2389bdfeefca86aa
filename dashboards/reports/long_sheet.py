"""Rows of a long sheet, written straight into its part of the package: a month of a province is a million cells.

The library makes the sheet, its table, its formats and one sample row; the rest follows that row's styles. Texts are
inline and escaped, so that none is ever taken for a formula.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from xml.sax.saxutils import escape

__all__ = ["lengthened"]

_ROW = re.compile(rb'<row r="2"[^>]*>.*?</row>', re.DOTALL)
_CELL = re.compile(rb'<c r="([A-Z]+)2"(?: s="(\d+)")?')
_DIMENSION = re.compile(rb'<dimension ref="[^"]*"/>')
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def lengthened(sheet: bytes, rows: Iterable[Sequence[str | float | None]], *, columns: int) -> bytes:
    """Put ``rows`` in place of the sample row; numbers are in the sheet's own units already."""
    sample = _ROW.search(sheet)
    if sample is None:
        raise ValueError("the sheet has no sample row")
    styles = {
        name.decode(): f' s="{style.decode()}"' if style else "" for name, style in _CELL.findall(sample[0])
    }
    writers = [_writer(name, styles.get(name, "")) for name in map(_letters, range(columns))]
    parts = []
    for number, row in enumerate(rows, start=2):
        cells = "".join(
            write(number, value) for write, value in zip(writers, row, strict=True) if value not in {None, ""}
        )
        parts.append(f'<row r="{number}">{cells}</row>')
    reference = f'<dimension ref="A1:{_letters(columns - 1)}{len(parts) + 1}"/>'.encode()
    whole = sheet[: sample.start()] + "".join(parts).encode() + sheet[sample.end() :]
    return _DIMENSION.sub(reference, whole, count=1)


def _writer(name: str, style: str) -> Callable[[int, str | float | None], str]:
    def write(row: int, value: str | float | None) -> str:
        if isinstance(value, str):
            text = escape(_FORBIDDEN.sub("", value))
            return f'<c r="{name}{row}"{style} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
        return f'<c r="{name}{row}"{style}><v>{value!r}</v></c>'

    return write


def _letters(column: int) -> str:
    """Answer a column's name: A to Z, then AA."""
    head, last = divmod(column, 26)
    return (_letters(head - 1) if head else "") + chr(65 + last)

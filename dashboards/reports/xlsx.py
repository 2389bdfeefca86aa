"""XLSX with real tables and filters: the document's own tables by value, then every outage, incident and control.

Every text is written as text, so that no cell that begins like a formula ever becomes one. Archive times are fixed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from dashboards.reports.document import Cell, Document, Table
from dashboards.reports.facts import Facts
from dashboards.reports.long_sheet import lengthened
from dashboards.reports.packing import repacked
from dashboards.reports.record import Record
from dashboards.reports.sheets import (
    Field,
    Value,
    call_fields,
    call_rows,
    control_rows,
    incident_fields,
    incident_rows,
    outage_fields,
    outage_rows,
)
from dashboards.reports.tongue import Tongue

__all__ = ["xlsx"]

_DAY = 86400
_EXCEL_EPOCH = -2209161600
"""30 December 1899 in seconds since 1970: day 0 of a spreadsheet."""
_FORMATS = {
    "text": {"text_wrap": False},
    "count": {"num_format": "#,##0"},
    "duration": {"num_format": "[h]:mm:ss"},
    "share": {"num_format": "0.00%"},
    "moment": {"num_format": "dd/mm/yyyy hh:mm:ss"},
}


def xlsx(document: Document, record: Record, facts: Facts, tongue: Tongue) -> bytes:
    """Write the workbook; the same input gives the same bytes."""
    return _Book(document, tongue).written(record, facts)


class _Book:
    def __init__(self, document: Document, tongue: Tongue) -> None:
        self._out = BytesIO()
        self._document = document
        self._tongue = tongue
        self._book = Workbook(
            self._out,
            {
                "in_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        self._book.set_properties(
            {
                "title": document.title,
                "author": document.form.agency,
                "comments": document.stamp,
                "created": datetime(1980, 1, 1, tzinfo=UTC),
            }
        )
        self._formats = {kind: self._book.add_format(values) for kind, values in _FORMATS.items()}
        self._bold = self._book.add_format({"bold": True})
        self._names: set[str] = set()
        self._shifts: dict[int, int] = {}

    def written(self, record: Record, facts: Facts) -> bytes:
        tongue = self._tongue
        self._cover()
        for block in self._document.blocks:
            if isinstance(block, Table) and block.rows:
                self._table(block)
        long = self._long(tongue.say("Gián đoạn", "Outages"), facts)
        incidents = incident_rows(record.incidents, tongue)
        self._list(tongue.say("Sự cố", "Incidents"), incident_fields(tongue), incidents, "all_incidents")
        if record.calls:
            calls = call_rows(record.calls, tongue)
            self._list(
                tongue.say("Cuộc gọi điểm danh", "Roll calls"), call_fields(tongue), calls, "all_calls"
            )
        fields, rows = control_rows(facts, tongue)
        self._list(tongue.say("Kiểm tra", "Controls"), fields, rows, "controls")
        self._book.close()
        return repacked(self._out.getvalue(), change=long)

    def _long(self, name: str, facts: Facts) -> Callable[[Mapping[str, bytes]], Mapping[str, bytes]]:
        """Begin the sheet of all outages; answer how its rows get into the package."""
        fields = outage_fields(self._tongue)
        kinds = [field.kind for field in fields]
        rows = list(outage_rows(facts, self._tongue))
        # A sample in every column, so that the sheet holds each column's style.
        sample = [0 if field.kind != "text" else "-" for field in fields]
        self._framed(self._sheet(name), fields, [sample] if rows else [], "all_outages", length=len(rows))
        part = f"xl/worksheets/sheet{len(self._names)}.xml"

        def change(parts: Mapping[str, bytes]) -> Mapping[str, bytes]:
            if not rows:
                return {}
            numbered = (
                [
                    value if value is None or isinstance(value, str) else self._number(kind, value)
                    for kind, value in zip(kinds, row, strict=True)
                ]
                for row in rows
            )
            return {part: lengthened(parts[part], numbered, columns=len(fields))}

        return change

    def _sheet(self, name: str) -> Worksheet:
        """Add a sheet: at most 31 characters, none that the format forbids, no name twice."""
        bare = "".join(letter for letter in name if letter not in "[]:*?/\\'")[:28] or "-"
        chosen, number = bare, 2
        while chosen.casefold() in self._names:
            chosen, number = f"{bare} {number}", number + 1
        self._names.add(chosen.casefold())
        return self._book.add_worksheet(chosen)

    def _cover(self) -> None:
        form = self._document.form
        sheet = self._sheet(self._tongue.say("Báo cáo", "Report"))
        sheet.set_column(0, 0, 110)
        lines = (
            form.parent,
            form.agency,
            form.number,
            form.place_date,
            form.type_name,
            form.abstract,
            self._document.stamp,
        )
        for place, line in enumerate(lines):
            sheet.write_string(place, 0, line, self._bold if place in {1, 4, 5} else None)

    def _table(self, table: Table) -> None:
        sheet = self._sheet(table.title)
        fields = [Field(column.title, column.kind, max(8.0, column.weight * 9)) for column in table.columns]
        last = self._framed(sheet, fields, [_values(row) for row in table.rows], f"t_{table.name}")
        if table.total:
            self._row(sheet, last + 1, fields, _values(table.total))
            last += 1
        if table.control:
            sheet.write_string(last + 2, 0, table.control)

    def _list(self, name: str, fields: Sequence[Field], rows: Iterable[Sequence[Value]], table: str) -> None:
        self._framed(self._sheet(name), fields, list(rows), table)

    def _framed(
        self,
        sheet: Worksheet,
        fields: Sequence[Field],
        rows: Sequence[Sequence[Value]],
        name: str,
        *,
        length: int | None = None,
    ) -> int:
        """Write a table with its filters; answer its last row."""
        for place, field in enumerate(fields):
            sheet.set_column(place, place, field.width)
        for place, row in enumerate(rows, start=1):
            self._row(sheet, place, fields, row)
        titles = _distinct([field.title for field in fields])
        options: dict[str, Any] = {
            "name": name,
            "style": "Table Style Light 1",
            "columns": [{"header": title} for title in titles],
        }
        last = max(1, len(rows) if length is None else length)
        sheet.add_table(0, 0, last, len(fields) - 1, options)
        sheet.freeze_panes(1, 0)
        return last

    def _row(self, sheet: Worksheet, place: int, fields: Sequence[Field], row: Sequence[Value]) -> None:
        for column, (field, value) in enumerate(zip(fields, row, strict=True)):
            if isinstance(value, str):
                if value:
                    sheet.write_string(place, column, value)
            elif value is not None:
                sheet.write_number(place, column, self._number(field.kind, value), self._formats[field.kind])

    def _number(self, kind: str, value: float) -> float:
        if kind == "duration":
            return value / _DAY
        if kind == "moment":
            return (value + self._shift(int(value)) - _EXCEL_EPOCH) / _DAY
        return value

    def _shift(self, at: int) -> int:
        """Answer the zone's seconds ahead of UTC, worked out once an hour of the record: zones change on the hour."""
        hour = at // 3600
        known = self._shifts.get(hour)
        if known is None:
            offset = self._tongue.local(at).utcoffset()
            known = self._shifts[hour] = int(offset.total_seconds()) if offset else 0
        return known


def _values(row: Sequence[Cell]) -> list[Value]:
    return [cell.text if cell.value is None else cell.value for cell in row]


def _distinct(titles: Sequence[str]) -> list[str]:
    """Make headers differ, as a table demands."""
    found: list[str] = []
    for title in titles:
        chosen, number = title, 2
        while chosen in found:
            chosen, number = f"{title} {number}", number + 1
        found.append(chosen)
    return found

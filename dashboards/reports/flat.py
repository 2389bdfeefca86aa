"""CSV and JSON: the list of outages for machines and spreadsheets, and every figure with its identifiers."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import date, datetime
from hashlib import sha256
from io import StringIO
from typing import Any

from dashboards.reports.facts import Facts
from dashboards.reports.order import Order
from dashboards.reports.sheets import Field, Value, outage_fields, outage_rows
from dashboards.reports.tongue import Tongue

__all__ = ["canonical", "csv_file", "digest_of", "json_file"]

_RISKY = ("=", "+", "-", "@", "\t", "\r")


def canonical(value: Any) -> bytes:
    """Answer the one JSON text of a value: sorted keys, no spaces, UTF-8; dataclasses are objects, moments ISO 8601."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
    return text.encode()


def _plain(value: Any) -> Any:
    """Answer what JSON does not know itself; called once for each such value, however deep it lies."""
    if is_dataclass(value):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


def digest_of(facts: Facts) -> str:
    """Answer the SHA-256 of the facts, which every document prints."""
    return sha256(canonical(facts)).hexdigest()


def json_file(order: Order, facts: Facts, digest: str) -> bytes:
    """Write every figure, the order and the digest that vouches for the figures."""
    return canonical({"digest": digest, "facts": facts, "order": order}) + b"\n"


def csv_file(facts: Facts, tongue: Tongue) -> bytes:
    """Write every outage: UTF-8 with a byte order mark, so that spreadsheets read Vietnamese; CRLF lines."""
    columns = outage_fields(tongue)
    return _written(columns, outage_rows(facts, tongue), tongue)


def _written(columns: Sequence[Field], rows: Iterable[Sequence[Value]], tongue: Tongue) -> bytes:
    out = StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.title for column in columns])
    kinds = [column.kind for column in columns]
    for row in rows:
        writer.writerow([_text(value, kind, tongue) for value, kind in zip(row, kinds, strict=True)])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _text(value: Value, kind: str, tongue: Tongue) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        # A spreadsheet would take this for a formula: an apostrophe keeps it text.
        return f"'{value}" if value.startswith(_RISKY) else value
    return f"{tongue.local(int(value)):%d/%m/%Y %H:%M:%S}" if kind == "moment" else str(value)

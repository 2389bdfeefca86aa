"""Where results are kept: a table on the terminal and, for a long run, ``results.json`` beside this file.

The file is kept in the repository, because the table in README.md is made from it: ``python -m tests.faults.results``
writes that table, and a test fails while the two differ.
"""

import json
import math
from pathlib import Path

__all__ = ["PATH", "README", "clear", "kept", "note", "table", "with_table", "write"]

PATH = Path(__file__).with_name("results.json")
README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- faults -->\n", "<!-- /faults -->"

_SHOWN = (
    ("cuts", "cuts", "{}"),
    ("recall", "recall", "{:.2f}"),
    ("short_recall", "shorter than 10 s: found", "{:.2f}"),
    ("short_ceiling", "met by a look", "{:.2f}"),
    ("false_outages", "false outages", "{}"),
    ("delay_median", "noticed, s", "{:.1f}"),
    ("delay_worst", "worst", "{:.1f}"),
    ("page_worst", "paged at worst, s", "{:.1f}"),
    ("causes", "causes", "{}"),
    ("causes_right", "right", "{}"),
    ("false_pages", "false pages", "{}"),
)

_COLUMNS = (
    ("scenario", "scenario", "{}"),
    ("cuts", "cuts", "{}"),
    ("recall", "recall", "{:.2f}"),
    ("short_cuts", "short", "{}"),
    ("short_recall", "found", "{:.2f}"),
    ("short_ceiling", "met", "{:.2f}"),
    ("precision", "precision", "{:.2f}"),
    ("false_outages", "false", "{}"),
    ("false_a_target_day", "a day", "{:.4f}"),
    ("delay_median", "noticed", "{:.1f}"),
    ("delay_worst", "worst", "{:.1f}"),
    ("page_median", "paged", "{:.1f}"),
    ("page_worst", "worst", "{:.1f}"),
    ("causes", "causes", "{}"),
    ("causes_right", "right", "{}"),
    ("false_pages", "false pages", "{}"),
)

_noted = {}


def note(harness, row):
    """Keep one scenario's row for the table of this run."""
    _noted[harness, row["scenario"]] = row


def clear():
    _noted.clear()


def table():
    """The rows of this run as lines of text; empty if nothing ran."""
    lines = []
    for harness in sorted({harness for harness, _ in _noted}):
        rows = [[title for _, title, _ in _COLUMNS]]
        rows += [
            [_shown(row.get(key), shape) for key, _, shape in _COLUMNS]
            for (of, _), row in sorted(_noted.items(), key=lambda each: each[0])
            if of == harness
        ]
        widths = [max(len(row[place]) for row in rows) for place in range(len(_COLUMNS))]
        lines += ["", f"{harness}:"]
        lines += [
            "  ".join(
                cell.ljust(width) if not place else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
    return lines


def write(path=PATH):
    """Replace the rows that this run has measured anew, keep the others."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for (harness, name), row in _noted.items():
        kept.setdefault(harness, {})[name] = {key: _plain(value) for key, value in row.items()}
    text = json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


def kept(path=PATH):
    """Every row that was written down, by harness and scenario."""
    return json.loads(path.read_text(encoding="utf-8"))


def with_table(readme, rows):
    """The text of a README with the table of these rows between its marks."""
    head, rest = readme.split(BEGIN)
    tail = rest.split(END, 1)[1]
    lines = [
        "| scenario | " + " | ".join(title for _, title, _ in _SHOWN) + " |",
        "|---|" + "---|" * len(_SHOWN),
    ]
    for harness in sorted(rows):
        for name, row in sorted(rows[harness].items()):
            cells = [_shown(row.get(key), shape) for key, _, shape in _SHOWN]
            where = "" if harness == "simulated" else f" ({harness})"
            lines.append(f"| {name}{where} | " + " | ".join(cells) + " |")
    return head + BEGIN + "\n".join(lines) + "\n" + END + tail


def _shown(value, shape):
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    return shape.format(value)


def _plain(value):
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8"), kept()), encoding="utf-8")

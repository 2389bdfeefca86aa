"""Where the counts are kept: ``results.json`` beside this file, and the table that README.md makes of it.

``make peers`` writes both; ``python -m tests.peers.results`` writes the table alone, and a test fails while they differ.
Our own column is driven again by every ``make test``, which fails while it differs from what is kept.
"""

import json
from dataclasses import asdict
from pathlib import Path

from tests.peers.tasks import NOT_TO_BE_HAD, TASKS

__all__ = ["OURS", "PATH", "README", "kept", "with_table", "write"]

OURS = "Thông Suốt"
PATH = Path(__file__).with_name("results.json")
README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- peers -->\n", "<!-- /peers -->"


def write(counted, versions, path=PATH):
    """Replace the columns that this run has counted anew, keep the others."""
    columns = kept(path)
    for program, tasks in counted.items():
        columns[program] = {
            "version": versions[program],
            "tasks": {key: asdict(tasks[key]) for key in TASKS if key in tasks},
        }
    text = json.dumps(columns, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    README.write_text(with_table(README.read_text(encoding="utf-8"), columns), encoding="utf-8")


def kept(path=PATH):
    """Every column that was written down, by program."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def with_table(readme, columns):
    """The text of a README with the table of these columns between its marks."""
    head, rest = readme.split(BEGIN)
    tail = rest.split(END, 1)[1]
    lines = ["| task | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for key, name in TASKS.items():
        cells = [_shown(column["tasks"].get(key)) for column in columns.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    driven = "; ".join(f"{name}: {column['version']}" for name, column in columns.items() if name != OURS)
    return head + BEGIN + "\n".join(lines) + f"\n\nDriven: {driven}.\n" + END + tail


def _shown(cell):
    if cell is None or cell["steps"] is None:
        said = (cell or {}).get("said", "").removeprefix(NOT_TO_BE_HAD).removeprefix(": ")
        return f"– ({said})" if said else "–"
    return f"**{cell['steps']}** ({cell['said']})"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8"), kept()), encoding="utf-8")

"""``thongsuot bench NAME``: one benchmark beside its peer, in the same run, on this machine.

The benchmarks live with the tests (``tests/bench``), because they start peers that only a checkout installs.
"""

import argparse
import importlib
import inspect
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["add"]

_FIGURES = (
    ("seconds", float, "đo bao lâu · how long to measure, where a benchmark can be told"),
    ("targets", int, "bao nhiêu mục tiêu · over how many targets, where a benchmark can be told"),
)
_CHECKOUT = Path(__file__).parent.parent.parent


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("bench", help="đo so sánh · measure beside a peer")
    parser.add_argument("name", help=f"one of: {', '.join(_names()) or 'none here (needs a checkout)'}")
    parser.add_argument("--json", action="store_true", help="print facts as JSON")
    for name, kind, told in _FIGURES:
        parser.add_argument(f"--{name}", type=kind, help=told)
    parser.set_defaults(run=_run)


def _names() -> list[str]:
    folder = _CHECKOUT / "tests" / "bench"
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def _run(chosen: argparse.Namespace) -> int:
    if chosen.name not in _names():
        print(f"no benchmark {chosen.name!r}; there are: {', '.join(_names())}", file=sys.stderr)
        return 2
    sys.path.insert(0, str(_CHECKOUT))
    run = importlib.import_module(f"tests.bench.{chosen.name}").run
    told = {name: vars(chosen)[name] for name, _, _ in _FIGURES if vars(chosen)[name] is not None}
    unknown = told.keys() - inspect.signature(run).parameters.keys()
    if unknown:
        print(
            f"benchmark {chosen.name!r} cannot be told its {' and '.join(sorted(unknown))}", file=sys.stderr
        )
        return 2
    facts: dict[str, Any] = run(**told)
    if chosen.json:
        print(json.dumps(facts))
    else:
        for key, value in facts.items():
            print(f"{key:20} {value:.6g}" if isinstance(value, float) else f"{key:20} {value}")
    return 0

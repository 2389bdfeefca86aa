"""``thongsuot bench NAME``: one benchmark beside its peer, in the same run, on this machine.

The benchmarks live with the tests (``tests/bench``), because they start peers that only a checkout installs.
"""

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["add"]

_CHECKOUT = Path(__file__).parent.parent.parent


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("bench", help="đo so sánh · measure beside a peer")
    parser.add_argument("name", help=f"one of: {', '.join(_names()) or 'none here (needs a checkout)'}")
    parser.add_argument("--json", action="store_true", help="print facts as JSON")
    parser.set_defaults(run=_run)


def _names() -> list[str]:
    folder = _CHECKOUT / "tests" / "bench"
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def _run(chosen: argparse.Namespace) -> int:
    if chosen.name not in _names():
        print(f"no benchmark {chosen.name!r}; there are: {', '.join(_names())}", file=sys.stderr)
        return 2
    sys.path.insert(0, str(_CHECKOUT))
    facts: dict[str, Any] = importlib.import_module(f"tests.bench.{chosen.name}").run()
    if chosen.json:
        print(json.dumps(facts))
    else:
        for key, value in facts.items():
            print(f"{key:20} {value:.6g}" if isinstance(value, float) else f"{key:20} {value}")
    return 0

"""The command ``thongsuot``: one module a subcommand, each with ``add`` (its arguments) and a function that runs it.

Exit codes everywhere: 0 done, 1 found faults, 2 usage. Only the chosen subcommand's module is loaded, so that
``thongsuot lab cut`` does not wait for the whole service to be imported.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

from monitor.cli.logs import set_up_logging

__all__ = ["COMMANDS", "main"]

COMMANDS = (
    "run",
    "serve",
    "worker",
    "lab",
    "check",
    "probe",
    "doctor",
    "roster",
    "user",
    "seal",
    "migrate",
    "backup",
    "import",
    "report",
    "replay",
    "groups",
    "bench",
)

_MODULES = {"import": "imports"}
"""Subcommands that are words of the language too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; answer its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="thongsuot",
        description="Bảo đảm thông tin liên lạc phục vụ bầu cử. Assures communications before, during and after "
        "an election.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    wanted = COMMANDS if not given or given[0] not in COMMANDS else (given[0],)
    for name in wanted:
        importlib.import_module(f"monitor.cli.{_MODULES.get(name, name)}").add(commands)
    chosen = parser.parse_args(given)
    set_up_logging()
    try:
        return int(chosen.run(chosen))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away (`thongsuot check … | head`); that is no fault of ours
        return 0
    except Exception as error:
        # The edge of every command. The words for a refusal are loaded only when there was one.
        sentence = importlib.import_module("monitor.cli.refusals").told(error)
        if sentence is None:
            raise
        print(sentence, file=sys.stderr)
        return 1

"""The command ``thongsuot``: one module a subcommand, each with ``add`` (its arguments) and a function that runs it.

Exit codes everywhere: 0 done, 1 found faults, 2 usage.
"""

import argparse
import sys
from collections.abc import Sequence

from monitor.cli import bench, check, lab, migrate, probe, run, serve, user

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; answer its exit code."""
    parser = argparse.ArgumentParser(
        prog="thongsuot",
        description="Bảo đảm thông tin liên lạc phục vụ bầu cử. Assures communications before, during and after "
        "an election.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in (run, serve, lab, check, probe, user, migrate, bench):
        module.add(commands)
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away (`thongsuot check … | head`); that is no fault of ours
        return 0

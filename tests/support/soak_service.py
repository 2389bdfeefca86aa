"""The real service as a child of a fork server, so that it can be killed and started again without importing anew."""

import multiprocessing
import os
import sys
from pathlib import Path

from monitor.app import Service
from monitor.cli.serve import _serve
from monitor.settings import Settings

__all__ = ["context", "serve"]


def context():
    """A context whose processes begin with everything imported and nothing opened."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["tests.support.soak_service"])
    return made


def serve(settings, log):
    """What ``thongsuot serve`` does, with its output in a file."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    chosen = Settings(**settings)
    Path(chosen.state).mkdir(parents=True, exist_ok=True)
    sys.exit(_serve(chosen, Service(chosen), with_parent=False))

"""Stopping when whoever started us is gone, however it ended: its end of our standard input closes."""

import os
import threading
from collections.abc import Callable

__all__ = ["watch_parent"]


def watch_parent(stop: Callable[[], object]) -> None:
    """Call ``stop`` on a thread of its own once standard input ends."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        stop()

    threading.Thread(target=wait, name="parent", daemon=True).start()

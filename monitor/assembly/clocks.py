"""The real clock and chance, handed from here to everything that needs them."""

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from probes.health import clock_age
from probes.worker import Clocks

__all__ = ["CLOCKS", "Loop", "Loops", "chance", "now", "token"]

Loop: TypeAlias = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Runs until the event is set."""
Loops: TypeAlias = Mapping[str, Loop]
"""Loops of a part by name; each runs until the event is set."""


def now() -> datetime:
    """Answer the time of day, UTC."""
    return datetime.now(UTC)


def chance() -> int:
    """Answer a whole number of 64 bits that nobody can foresee."""
    return secrets.randbits(64)


def token() -> str:
    """Answer a new secret of 256 bits, safe in an address."""
    return secrets.token_urlsafe(32)


CLOCKS = Clocks(
    now=now, wall_ns=time.time_ns, monotonic_ns=time.monotonic_ns, age=lambda: clock_age(time.time)
)

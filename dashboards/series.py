"""Looks at one target by minute, as pages read them."""

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Series"]


@dataclass(frozen=True, slots=True)
class Series:
    """Columns of equal length, oldest first. Seconds; None where nothing was measured."""

    minutes: tuple[datetime, ...]
    looks: tuple[int, ...]
    failures: tuple[int, ...]
    rtt_mean: tuple[float | None, ...]
    rtt_max: tuple[float | None, ...]

"""Whether a carrier could tell by the clock what is another's from what never was, and hidden hits of a search from none.

A report, not a test: a clock says how busy the machine is too, so what must hold is held by counted statements
(tests/support/walker.py). Every by-id route is asked in turn for what is BRAVO's, for what never was and for what is
BRAVO's once more, so that whatever slows the machine slows all three. What the report gives is the median of how much longer what is another's took than
what never was in the same turn, and how far chance alone would move that median (1.57 interquartile ranges over the root
of the number of turns: McGill, Tukey and Larsen, 1978). A star: three times as far. Run it on a machine at rest:
``python -m tests.support.leak_times --rounds 30 [--database postgresql]``.
"""

import argparse
import asyncio
import logging
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import structlog

from tests.support import databases
from tests.support.two_carriers_day import Day
from tests.support.two_carriers_story import a_day_of_two, nobody
from tests.support.walk import Asked, requests
from tests.support.walker import ALPHA, Walker, is_foreign, routes

__all__ = ["Told", "measured"]

_WARM = 2
_BEYOND_CHANCE = 3


@dataclass(frozen=True, slots=True)
class Told:
    """In microseconds: what never was, how much longer what is another's takes, and how far chance would move that."""

    route: str
    never_us: float
    more_us: float
    chance_us: float

    @property
    def is_told(self) -> bool:
        """Whether the clock tells the two apart."""
        return abs(self.more_us) > _BEYOND_CHANCE * self.chance_us


async def measured(day: Day, rounds: int) -> list[Told]:
    """Answer what the clock tells ALPHA, by browser and by program, where it tells most first."""
    theirs = day.sides["BRAVO"]
    asked = requests(routes(day), theirs)
    never = requests(routes(day), replace(nobody(), party=theirs.party))
    pairs = [(one, none) for one, none in zip(asked, never, strict=True) if is_foreign(one, none)]
    walkers = {by: Walker(day, ALPHA, by_token=by) for by in (False, True)}
    spent: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for turn in range(_WARM + rounds):
        for one, none in pairs:
            walker = walkers[one.is_api]
            order = (one, none, none, one) if turn % 2 else (none, one, one, none)
            took = [await _seconds(walker, each) for each in order]
            inner, outer = took[1] + took[2], took[0] + took[3]
            if turn >= _WARM:
                both = (outer, inner) if turn % 2 else (inner, outer)
                spent[f"{one.route[0]} {one.route[1]}{'?' if '?' in one.path else ''}"].append(both)
    return sorted(
        (_told(name, each) for name, each in spent.items()), key=lambda one: -abs(one.more_us) / one.chance_us
    )


async def _seconds(walker: Walker, asked: Asked) -> float:
    began = time.perf_counter()
    await walker.send(asked)
    return time.perf_counter() - began


def _told(name: str, spent: list[tuple[float, float]]) -> Told:
    theirs, never = np.array(spent).T * 1e6 / 2
    more = theirs - never
    low, high = np.percentile(more, [25, 75])
    notch = 1.57 * (high - low) / len(more) ** 0.5
    return Told(name, float(np.median(never)), float(np.median(more)), float(notch))


async def _run(rounds: int, engine: str) -> list[Told]:
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        async with a_day_of_two(Path(name), patch.setattr, engine=engine) as day:
            return await measured(day, rounds)


def main() -> None:
    """Print a line for each route."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--database", choices=databases.ENGINES, default="sqlite")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        found = asyncio.run(_run(given.rounds, given.database))
    finally:
        databases.chosen.close()
    print(f"{'route':58} {'never was':>10} {'theirs':>9} {'chance':>8}  (µs)")
    for one in found:
        print(
            f"{one.route:58} {one.never_us:10.0f} {one.more_us:+9.0f} {one.chance_us:8.0f}{' *' if one.is_told else ''}"
        )


if __name__ == "__main__":
    main()

"""Runs one scenario on a simulated province and scores what was believed; the row of a table comes out."""

import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from pathlib import Path

from inventory import generate
from inventory.loader import load
from inventory.models import PartyKind
from inventory.samples import sample
from tests.support.replays import replayed
from tests.support.scoring import expectations_met, false_pages, pages_after, score, spread
from tests.support.simulation import a_watched, experiment

__all__ = ["NOON", "Run", "run_scenario"]

NOON = datetime(2021, 5, 23, 5, 0, tzinfo=UTC)
PROVINCE_TARGETS = 2200
LONGEST_REPLAYED = 4000
"""Seconds; the record of a longer scenario would fill the disk of who runs the tests."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one scenario."""

    name: str
    score: object
    causes: tuple[bool, ...]
    pages: tuple[float, ...]
    opened: tuple[object, ...]
    false_pages: int
    unobserved: tuple[object, ...]
    seconds: float
    cpu_seconds: float
    looks: int
    expected: tuple[object, ...] = ()
    believed: object = ()
    replayed: object = None

    def row(self):
        """The row of the table."""
        return {
            "scenario": self.name,
            "seconds": self.seconds,
            "looks": self.looks,
            **self.score.facts(),
            "causes": len(self.causes),
            "causes_right": sum(self.causes),
            **{f"page_{name}": value for name, value in spread([p for p in self.pages if p < inf]).items()},
            "incidents": len(self.opened),
            "false_pages": self.false_pages,
            "cpu_seconds": round(self.cpu_seconds, 2),
        }


async def run_scenario(scenario, *, seed=1, believe_every=1):
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        inventory = a_watched(_inventory(scenario.sample, folder))
        record = folder / "record" if scenario.seconds <= LONGEST_REPLAYED else None
        began = time.process_time()
        async with experiment(
            folder,
            inventory,
            seed=seed,
            start=NOON,
            tick=scenario.tick,
            believe_every=believe_every,
            record=record,
        ) as e:
            wanted = scenario.prepare(e)
            for at, lasts in scenario.kills:
                await e.run_until(at)
                await e.kill(seconds=lasts)
            await e.run_until(scenario.seconds)
            cpu_seconds = time.process_time() - began
            opened = await e.opened()
            carriers = [p.code for p in inventory.parties.values() if p.kind is PartyKind.CARRIER]
            return Run(
                name=scenario.name,
                score=score(
                    e.world.wounds(),
                    await e.outages(),
                    watched_seconds=scenario.seconds,
                    targets=len(inventory.targets),
                ),
                causes=_causes(wanted, opened),
                pages=tuple(pages_after(wanted, opened)),
                opened=tuple(opened),
                false_pages=sum(false_pages(wanted, opened, carriers=carriers).values()),
                unobserved=tuple(await e.unobserved()),
                seconds=scenario.seconds,
                cpu_seconds=cpu_seconds,
                looks=e.world.looks,
                expected=tuple(wanted),
                believed=await e.changes(),
                replayed=(await replayed(record, inventory, folder / "replay.db"))[1] if record else None,
            )


def _causes(wanted, opened):
    """Judge each fault by the incidents of its own owner where several lasted at the same time.

    There each fault must have an incident of its own cause, and its owner no more incidents than faults.
    """
    overlap = any(a is not b and a.began <= b.began <= a.until for a in wanted for b in wanted)
    if not overlap:
        return tuple(expectations_met(wanted, opened))
    faults, incidents = (Counter(each.owner for each in some) for some in (wanted, opened))
    return tuple(
        incidents[each.owner] <= faults[each.owner] and any(_is_it(each, incident) for incident in opened)
        for each in wanted
    )


def _is_it(each, incident):
    return (
        incident.owner == each.owner
        and incident.condition in each.conditions
        and each.began <= incident.opened <= each.until
    )


def _inventory(name, folder):
    if name == "province":
        generate.nation(folder / "province", targets=PROVINCE_TARGETS)
        return load(folder / "province")
    return load(sample(name))

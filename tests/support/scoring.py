"""What was done to a province against what was believed of it: pure, the same for ours and for every peer.

Ground truth is the lab's ``faults.jsonl``, or a simulation's own list, as injuries: a target, what was wrong with
it, from when to when. Times are Unix seconds. Only a cut is an outage: what is lossy or slow still answers, and a
belief that it does not is a false one.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil, inf, nan
from statistics import median
from typing import Any

__all__ = [
    "LONG_CUT",
    "Believed",
    "Expected",
    "Injury",
    "Opened",
    "Score",
    "expectations_met",
    "false_pages",
    "injuries_of",
    "pages_after",
    "score",
    "spread",
]

EARLY = 1.5
"""A look under way when the line broke fails too: belief may date an outage by so much before the fault."""

LONG_CUT = 10.0
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Injury:
    """What was wrong with one target; ``ended`` is infinite while it is. ``is_met``: a look was sent while it lasted."""

    target: str
    kind: str
    began: float
    ended: float = inf
    amount: float = 1.0
    is_met: bool = True


@dataclass(frozen=True, slots=True)
class Believed:
    """One outage as recorded."""

    target: str
    started: float
    noticed: float
    ended: float = inf


@dataclass(frozen=True, slots=True)
class Opened:
    """One incident, with the moment of its first page (infinite: nobody was paged)."""

    owner: str
    condition: str
    opened: float
    paged: float = inf


@dataclass(frozen=True, slots=True)
class Expected:
    """What a fault should lead to: one incident, of this owner, of any of these conditions."""

    owner: str
    conditions: frozenset[str]
    began: float
    until: float = inf


@dataclass(frozen=True, slots=True)
class Score:
    """Shares are 0 to 1, NaN where nothing was there to be shared; delays in seconds, sorted."""

    cuts: int
    found: int
    short_cuts: int
    short_found: int
    short_met: int
    outages: int
    false_outages: int
    target_days: float
    delays: tuple[float, ...] = field(default=())

    @property
    def recall(self) -> float:
        """Share of the cuts of ten seconds and more that were noticed while they lasted or dated right."""
        return self.found / self.cuts if self.cuts else nan

    @property
    def short_recall(self) -> float:
        """Share of the shorter cuts that were found."""
        return self.short_found / self.short_cuts if self.short_cuts else nan

    @property
    def short_ceiling(self) -> float:
        """Share of the shorter cuts that any look was sent into: nobody who looks at this cadence can find more."""
        return self.short_met / self.short_cuts if self.short_cuts else nan

    @property
    def precision(self) -> float:
        """Share of the outages that a cut explains."""
        return 1 - self.false_outages / self.outages if self.outages else nan

    @property
    def false_a_target_day(self) -> float:
        """False outages for every day that one target was watched."""
        return self.false_outages / self.target_days if self.target_days else nan

    def facts(self) -> dict[str, Any]:
        """Answer everything as a table's row."""
        return {
            "cuts": self.cuts,
            "recall": self.recall,
            "short_cuts": self.short_cuts,
            "short_recall": self.short_recall,
            "short_ceiling": self.short_ceiling,
            "outages": self.outages,
            "precision": self.precision,
            "false_outages": self.false_outages,
            "false_a_target_day": self.false_a_target_day,
            **{f"delay_{name}": value for name, value in spread(self.delays).items()},
        }


def spread(delays: Sequence[float]) -> dict[str, float]:
    """Answer median, 95th percentile (nearest rank) and worst."""
    if not delays:
        return {"median": nan, "p95": nan, "worst": nan}
    ordered = sorted(delays)
    return {
        "median": median(ordered),
        "p95": ordered[ceil(0.95 * len(ordered)) - 1],
        "worst": ordered[-1],
    }


def injuries_of(entries: Iterable[Mapping[str, Any]]) -> tuple[Injury, ...]:
    """Read the lab's fault log; what it could not enforce was not done. A fault overlaps others freely."""
    running: dict[tuple[int, str], Injury] = {}
    done: list[Injury] = []
    for entry in entries:
        at = datetime.fromisoformat(entry["at"]).timestamp()
        touched = set(entry["targets"]) - set(entry["unenforced"])
        if entry["action"] == "restore":
            # With a number one fault ends, without one everything that was wrong with these targets.
            ending = [
                key for key in running if key[1] in set(entry["targets"]) and entry["fault"] in {0, key[0]}
            ]
            done.extend(_ended(running.pop(key), at) for key in ending)
            continue
        # Counted from when it was asked for, which is before it held: a delay is never flattered.
        asked = datetime.fromisoformat(entry["began_at"]).timestamp()
        for target in touched:
            running[entry["fault"], target] = Injury(
                target, entry["action"], asked, amount=float(entry["amount"])
            )
    return tuple(sorted((*done, *running.values()), key=lambda injury: (injury.began, injury.target)))


def score(
    injuries: Iterable[Injury],
    outages: Iterable[Believed],
    *,
    watched_seconds: float,
    targets: int,
) -> Score:
    """Match outages to cuts of the same target, overlapping in time; each cut is found at most once."""
    cuts = [injury for injury in injuries if injury.kind == "cut"]
    by_target: dict[str, list[Injury]] = defaultdict(list)
    for cut in cuts:
        by_target[cut.target].append(cut)
    first_noticed: dict[Injury, float] = {}
    false = total = 0
    for outage in outages:
        total += 1
        met = [
            cut
            for cut in by_target[outage.target]
            if outage.started <= cut.ended
            and outage.ended >= cut.began - EARLY
            and outage.noticed >= cut.began
        ]
        false += not met
        for cut in met:
            first_noticed[cut] = min(first_noticed.get(cut, inf), outage.noticed)
    long = [cut for cut in cuts if cut.ended - cut.began >= LONG_CUT]
    short = [cut for cut in cuts if cut.ended - cut.began < LONG_CUT]
    return Score(
        cuts=len(long),
        found=sum(cut in first_noticed for cut in long),
        short_cuts=len(short),
        short_found=sum(cut in first_noticed for cut in short),
        short_met=sum(cut.is_met for cut in short),
        outages=total,
        false_outages=false,
        target_days=targets * watched_seconds / DAY,
        delays=tuple(sorted(max(0.0, at - cut.began) for cut, at in first_noticed.items())),
    )


def expectations_met(expected: Sequence[Expected], opened: Sequence[Opened]) -> list[bool]:
    """Answer for every fault whether exactly one incident was opened while it lasted, of the right cause."""
    answers = []
    for each in expected:
        mine = [incident for incident in opened if each.began <= incident.opened <= each.until]
        answers.append(
            len(mine) == 1 and mine[0].owner == each.owner and mine[0].condition in each.conditions
        )
    return answers


def pages_after(expected: Sequence[Expected], opened: Sequence[Opened]) -> list[float]:
    """Answer how long after each fault its owner was first paged about it; infinite where never."""
    return [
        min(
            (
                incident.paged - each.began
                for incident in opened
                if incident.owner == each.owner and each.began <= incident.opened <= each.until
            ),
            default=inf,
        )
        for each in expected
    ]


def false_pages(
    expected: Sequence[Expected], opened: Sequence[Opened], *, carriers: Iterable[str]
) -> Counter[str]:
    """Count incidents paged to a carrier that no fault of its own explains, by carrier."""
    known = set(carriers)
    return Counter(
        incident.owner
        for incident in opened
        if incident.owner in known
        and incident.paged < inf
        and not any(
            each.owner == incident.owner and each.began <= incident.opened <= each.until for each in expected
        )
    )


def _ended(injury: Injury, at: float) -> Injury:
    return Injury(injury.target, injury.kind, injury.began, at, injury.amount)

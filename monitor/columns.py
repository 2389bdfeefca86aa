"""Columns of what is believed, frozen at one moment, and the snapshot whose views are made only when asked for.

A snapshot of 140,000 targets is a copy of a few columns; the value of one target or site is built when a page asks
for it and kept for as long as the snapshot lives. So a snapshot costs the same whether anybody looks or not.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from monitor.fleet import FleetBelief
from monitor.ingest import NO_OUTCOME
from monitor.judged import STATES
from monitor.models import Verdict
from monitor.moments import NEVER, moment, nanoseconds
from monitor.snapshot import CauseView, PathView, SiteView, Snapshot, TargetView, VantageView
from probes.models import Evidence, Outcome

__all__ = ["FleetColumns", "columns_of", "snapshot_of"]

_View = TypeVar("_View")


@dataclass(frozen=True, slots=True)
class FleetColumns:
    """Belief about every target, by fleet index. Times in UTC nanoseconds (0 = never), NaN where not measured."""

    state: npt.NDArray[np.uint8]
    since_ns: npt.NDArray[np.int64]
    last_result_ns: npt.NDArray[np.int64]
    outcome: npt.NDArray[np.uint8]
    rtt: npt.NDArray[np.float32]
    loss: npt.NDArray[np.float32]
    evidence: npt.NDArray[np.uint8]
    evidence_ns: npt.NDArray[np.int64]
    doubted_ns: npt.NDArray[np.int64]


def columns_of(belief: FleetBelief) -> FleetColumns:
    """Copy the columns of every target; of several vantages, the one that looked last speaks."""
    tables = list(belief.tables.values())
    first = tables[0]
    result, outcome, rtt = first.last_result_ns.copy(), first.outcome.copy(), first.rtt.copy()
    loss, evidence, proven = first.loss(), first.evidence.copy(), first.evidence_ns.copy()
    doubted = first.doubted_ns.copy()
    for table in tables[1:]:
        newer = table.last_result_ns > result
        result[newer], outcome[newer], rtt[newer] = (
            table.last_result_ns[newer],
            table.outcome[newer],
            table.rtt[newer],
        )
        loss[newer] = table.loss()[newer]
        np.maximum(doubted, table.doubted_ns, out=doubted)
        higher = table.evidence > evidence
        evidence[higher], proven[higher] = table.evidence[higher], table.evidence_ns[higher]
    return FleetColumns(
        belief.states.copy(), belief.since_ns.copy(), result, outcome, rtt, loss, evidence, proven, doubted
    )


class _Lazy(Mapping[str, _View], Generic[_View]):
    """A mapping over fixed keys whose values are made on first use."""

    def __init__(self, keys: Mapping[str, object], make: Callable[[str], _View]) -> None:
        self._keys = keys
        self._make = make
        self._made: dict[str, _View] = {}

    @override
    def __getitem__(self, key: str) -> _View:
        if key not in self._made:
            if key not in self._keys:
                raise KeyError(key)
            self._made[key] = self._make(key)
        return self._made[key]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    @override
    def __len__(self) -> int:
        return len(self._keys)


class _Picture:
    """What a snapshot's views are made of: copies, so that later batches change nothing in it."""

    def __init__(self, belief: FleetBelief, at: datetime) -> None:
        self.columns = columns_of(belief)
        armed = [table.armed_ns > NEVER for table in belief.tables.values()]
        self._is_armed: npt.NDArray[np.bool_] = np.logical_or.reduce(armed)
        self._flapping = belief.turns.flapping(nanoseconds(at))
        self._lost_from = belief.lost_from()
        self.inventory = belief.inventory
        self.topology = belief.topology
        self._sites = belief.sites.copy()
        self._paths = belief.paths.copy()
        self._area_index = belief.areas
        self._areas: Mapping[str, Verdict] | None = None

    def target(self, code: str) -> TargetView:
        number = self.topology.index[code]
        columns = self.columns
        rtt, outcome = float(columns.rtt[number]), int(columns.outcome[number])
        return TargetView(
            code=code,
            state=STATES[columns.state[number]],
            since=_time(columns.since_ns[number]),
            last_result_at=_time(columns.last_result_ns[number]),
            last_outcome=None if outcome == NO_OUTCOME else Outcome(outcome),
            rtt_seconds=None if np.isnan(rtt) else rtt,
            loss=float(columns.loss[number]),
            is_flapping=code in self._flapping,
            is_armed=bool(self._is_armed[number]),
            is_unreliable=self._is_unreliable(number),
            lost_from=self._lost_from.get(code, ()),
        )

    def path(self, code: str) -> PathView:
        record = self._paths[code]
        numbers = [self.topology.index[target] for target in self.topology.targets_of_path(code)]
        proven = max(
            ((int(self.columns.evidence[n]), int(self.columns.evidence_ns[n])) for n in numbers),
            default=(0, NEVER),
        )
        return PathView(code, record.state, _time(record.since_ns), Evidence(proven[0]), _time(proven[1]))

    def site(self, code: str) -> SiteView:
        record = self._sites[code]
        paths = tuple(self.path(path) for path in self.topology.paths_of_site(code))
        judged = record.verdict
        is_unreliable = any(
            self._is_unreliable(self.topology.index[target])
            for path in paths
            for target in self.topology.targets_of_path(path.code)
        )
        return SiteView(
            code, judged.verdict, _time(record.since_ns), judged.up, paths, judged.declared, is_unreliable
        )

    def area(self, code: str) -> Verdict:
        if self._areas is None:
            self._areas = self._area_index.verdicts(self._sites.rank)
        return self._areas[code]

    def _is_unreliable(self, number: int) -> bool:
        return bool(self.columns.doubted_ns[number] > self.columns.last_result_ns[number])


def snapshot_of(
    belief: FleetBelief,
    *,
    at: datetime,
    version: int,
    causes: Mapping[str, CauseView],
    vantages: Mapping[str, VantageView],
) -> tuple[Snapshot, FleetColumns]:
    """Freeze what is believed; answers the snapshot and the columns that it stands on."""
    picture = _Picture(belief, at)
    newest = int(picture.columns.last_result_ns.max(initial=NEVER))
    snapshot = Snapshot(
        at=at,
        version=version,
        targets=_Lazy(belief.inventory.targets, picture.target),
        sites=_Lazy(belief.inventory.sites, picture.site),
        areas=_Lazy(belief.inventory.areas, picture.area),
        vantages=vantages,
        causes=causes,
        last_result_at=_time(newest),
    )
    return snapshot, picture.columns


def _time(at_ns: int | np.int64) -> datetime | None:
    return moment(int(at_ns)) if at_ns > NEVER else None

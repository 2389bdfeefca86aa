"""Folding outages and what sets time apart into lines by carrier, area, medium, priority, phase and cause. Pure.

For each path: outages are joined and cut to the window; what nobody could see is taken out; the rest is cut into
planned, disputed, mitigated and owed, in that order. The phases are the leading ones, so that they never overlap.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise

from alerting.models import CauseClass
from dashboards.reports.arithmetic import Times, common, split, widened
from dashboards.reports.facts import FoldedOutage, Line
from dashboards.reports.record import PathOutage, Record, ReportedPath, SpellKind
from inventory.models import Election, Phase
from inventory.phases import phase_at
from monitor.availability import Interval, clipped, length, without

__all__ = ["Downtime", "downtime", "phase_segments"]

_CAUSES = sorted(CauseClass, key=lambda cause: (cause is CauseClass.UNKNOWN, list(CauseClass).index(cause)))
_DIMENSIONS = ("carrier", "area", "medium", "priority")
_Lengths = tuple[int, int, int, int]
_Parts = tuple[list[Interval], list[Interval], list[Interval], list[Interval]]


@dataclass(frozen=True, slots=True)
class Downtime:
    """Lines by dimension; ``whole`` is every path together."""

    whole: Line
    lines: Mapping[str, tuple[Line, ...]]
    by_phase: tuple[Line, ...]
    by_cause: tuple[Line, ...]
    outages: tuple[FoldedOutage, ...]


@dataclass(slots=True)
class _Sum:
    """A line while it is being added up: first all its paths as if none had failed, then what each outage takes."""

    objects: int = 0
    up: int = 0
    down: int = 0
    mitigated: int = 0
    disputed: int = 0
    planned: int = 0
    unobserved: int = 0
    outages: int = 0
    planned_only: int = 0
    longest: int = 0
    longest_of: str = ""
    sources: list[str] = field(default_factory=list)

    def quiet(self, seconds: int, blind: int, count: int) -> None:
        """Add ``count`` objects that were up whenever somebody looked."""
        self.up += (seconds - blind) * count
        self.unobserved += blind * count

    def lose(self, lengths: _Lengths) -> None:
        """Take time from up: down, mitigated, disputed, planned."""
        down, mitigated, disputed, planned = lengths
        self.down += down
        self.mitigated += mitigated
        self.disputed += disputed
        self.planned += planned
        self.up -= down + mitigated + disputed + planned

    def take(self, outage: FoldedOutage) -> None:
        """Count an outage."""
        lost = outage.times.lost
        self.sources.extend(outage.sources)
        if not lost:
            self.planned_only += 1
        else:
            self.outages += 1
            if lost > self.longest or (lost == self.longest and outage.path < self.longest_of):
                self.longest, self.longest_of = lost, outage.path

    def line(self, key: str) -> Line:
        """Answer the line."""
        times = Times(self.up, self.down, self.mitigated, self.disputed, self.planned, self.unobserved)
        return Line(
            key,
            self.objects,
            times,
            self.outages,
            self.planned_only,
            self.longest,
            self.longest_of,
            tuple(sorted(set(self.sources), key=_natural)),
        )


def _natural(identifier: str) -> tuple[str, int, str]:
    """Sort ``outage:9`` before ``outage:12``."""
    head, _, tail = identifier.rpartition(":")
    return (head, int(tail), "") if tail.isdecimal() else (head, 0, identifier)


def phase_segments(election: Election, since: datetime, until: datetime) -> list[tuple[Phase, Interval]]:
    """Cut a window where the leading phase changes."""
    edges = {since, until} | {
        edge for span in election.spans for edge in (span.start, span.end) if since < edge < until
    }
    ordered = sorted(edges)
    found: list[tuple[Phase, Interval]] = []
    for start, end in pairwise(ordered):
        phase, piece = phase_at(election, start), widened(start, end)
        if found and found[-1][0] is phase:
            found[-1] = (phase, (found[-1][1][0], piece[1]))
        else:
            found.append((phase, piece))
    return found


def downtime(record: Record) -> Downtime:
    """Fold the record's outages."""
    return _Fold(record).folded()


class _Fold:
    def __init__(self, record: Record) -> None:
        self._record = record
        self._window = widened(record.since, record.until)
        self._whole = self._window[1] - self._window[0]
        self._segments = phase_segments(record.election, record.since, record.until)
        self._blind = self._blindness()
        self._apart = self._set_apart()
        self._set_apart_paths = {path for _, path in self._apart}
        self._sums: defaultdict[tuple[str, str], _Sum] = defaultdict(_Sum)
        self._unseen: dict[tuple[str, int], int] = {}
        self._folded: list[FoldedOutage] = []

    def folded(self) -> Downtime:
        rows: defaultdict[str, dict[str, PathOutage]] = defaultdict(dict)
        for outage in self._record.outages:
            rows[outage.path][outage.identifier] = outage
        counts: Counter[tuple[str, ...]] = Counter()
        for path in {path.code: path for path in self._record.paths}.values():
            counts[path.watch, *self._keys(path)] += 1
            if path.code in rows:
                self._take(path, list(rows[path.code].values()))
        self._take_quiet(counts)
        return self._answer()

    def _answer(self) -> Downtime:
        lines: defaultdict[str, list[Line]] = defaultdict(list)
        for (dimension, key), total in sorted(self._sums.items()):
            lines[dimension].append(total.line(key))
        phases = list(Phase)
        causes = list(CauseClass)
        lines["phase"].sort(key=lambda line: phases.index(Phase(line.key)))
        lines["cause"].sort(key=lambda line: causes.index(CauseClass(line.key)))
        whole = next(iter(lines["whole"]), Line("", 0, Times()))
        return Downtime(
            whole=whole,
            lines={name: tuple(lines[name]) for name in _DIMENSIONS},
            by_phase=tuple(replace(line, objects=whole.objects) for line in lines["phase"]),
            by_cause=tuple(
                replace(line, times=replace(line.times, up=0))
                for line in lines["cause"]
                if line.outages or line.times.lost
            ),
            outages=tuple(sorted(self._folded, key=lambda each: (each.start, each.path))),
        )

    def _keys(self, path: ReportedPath) -> tuple[str, ...]:
        return path.carrier, path.area, path.medium.value, path.priority.value

    def _interval(self, start: datetime, end: datetime | None) -> Interval:
        return widened(start, max(start, end or self._record.until))

    def _blindness(self) -> dict[str, list[Interval]]:
        by_watch: defaultdict[str, list[Interval]] = defaultdict(list)
        for unseen in self._record.unseen:
            by_watch[unseen.watch].append(self._interval(unseen.started_at, unseen.ended_at))
        return {watch: clipped(found, self._window) for watch, found in by_watch.items()}

    def _set_apart(self) -> dict[tuple[SpellKind, str], list[Interval]]:
        raw: defaultdict[tuple[SpellKind, str], list[Interval]] = defaultdict(list)
        for spell in self._record.spells:
            interval = self._interval(spell.started_at, spell.ended_at)
            for path in spell.paths:
                raw[spell.kind, path].append(interval)
        return {key: clipped(found, self._window) for key, found in raw.items()}

    def _sums_of(self, path: ReportedPath) -> Iterable[_Sum]:
        yield self._sums["whole", ""]
        for dimension, key in zip(_DIMENSIONS, self._keys(path), strict=True):
            yield self._sums[dimension, key]

    def _take_quiet(self, counts: Counter[tuple[str, ...]]) -> None:
        """Add every path as if it had not failed, many at a time."""
        for (watch, *keys), count in counts.items():
            unseen = length(self._blind.get(watch, []))
            for name in (("whole", ""), *zip(_DIMENSIONS, keys, strict=True)):
                self._sums[name].objects += count
                self._sums[name].quiet(self._whole, unseen, count)
            for place, (phase, segment) in enumerate(self._segments):
                unseen = self._unseen_in(watch, place)
                self._sums["phase", phase.value].quiet(segment[1] - segment[0], unseen, count)

    def _unseen_in(self, watch: str, place: int) -> int:
        """Answer how long nobody could look at a watch's paths in one segment of the window."""
        known = self._unseen.get((watch, place))
        if known is None:
            known = length(common(self._blind.get(watch, []), [self._segments[place][1]]))
            self._unseen[watch, place] = known
        return known

    def _take(self, path: ReportedPath, rows: Sequence[PathOutage]) -> None:
        raw = [self._interval(row.started_at, row.ended_at) for row in rows]
        joined = clipped(raw, self._window)
        parts = self._split(path.code, without(joined, self._blind.get(path.watch, [])))
        folded = [self._outage(path, union, rows, raw, parts) for union in joined]
        self._folded.extend(folded)
        lengths = _lengths(parts)
        for total in self._sums_of(path):
            total.lose(lengths)
            for outage in folded:
                total.take(outage)
        self._take_phases(parts, folded)
        self._take_causes(rows, raw, parts, folded)

    def _split(self, path: str, seen: list[Interval]) -> _Parts:
        if path not in self._set_apart_paths:
            return seen, [], [], []
        planned, disputed, mitigated = (self._apart.get((kind, path), []) for kind in SpellKind)
        return split(seen, planned=planned, disputed=disputed, mitigated=mitigated)

    def _take_phases(self, parts: _Parts, folded: Sequence[FoldedOutage]) -> None:
        if not folded:
            return
        first, last = folded[0].start, folded[-1].end
        for phase, segment in self._segments:
            if segment[1] <= first or last <= segment[0]:
                continue
            total = self._sums["phase", phase.value]
            total.lose(_lengths(_cut(parts, segment)))
            for outage in folded:
                # An outage belongs to the phase that it began in, so that counts sum to the whole.
                if segment[0] <= outage.start < segment[1]:
                    total.take(outage)

    def _take_causes(
        self,
        rows: Sequence[PathOutage],
        raw: Sequence[Interval],
        parts: _Parts,
        folded: Sequence[FoldedOutage],
    ) -> None:
        """Divide what was lost among causes; an instant that several cover belongs to the first of the list."""
        for outage in folded:
            self._sums["cause", outage.cause.value].take(outage)
        if len({row.cause for row in rows}) == 1:
            self._sums["cause", rows[0].cause.value].lose((*_lengths(parts)[:3], 0))
            return
        left = [list(part) for part in parts[:3]]
        for cause in _CAUSES:
            own = clipped(
                (each for each, row in zip(raw, rows, strict=True) if row.cause is cause), self._window
            )
            if not own:
                continue
            mine = [common(part, own) for part in left]
            left = [without(part, taken) for part, taken in zip(left, mine, strict=True)]
            down, mitigated, disputed = (length(part) for part in mine)
            self._sums["cause", cause.value].lose((down, mitigated, disputed, 0))

    def _outage(
        self,
        path: ReportedPath,
        union: Interval,
        rows: Sequence[PathOutage],
        raw: Sequence[Interval],
        parts: _Parts,
    ) -> FoldedOutage:
        own = (
            list(zip(raw, rows, strict=True))
            if len(rows) == 1
            else [
                (interval, row)
                for interval, row in zip(raw, rows, strict=True)
                if interval[0] < union[1] and union[0] < interval[1]
            ]
        )
        down, mitigated, disputed, planned = _lengths(parts if len(raw) == 1 else _cut(parts, union))
        whole = union[1] - union[0]
        unseen = whole - down - mitigated - disputed - planned
        return FoldedOutage(
            path=path.code,
            site_name=path.site_name,
            carrier=path.carrier,
            area=path.area,
            commune=path.commune,
            medium=path.medium,
            priority=path.priority,
            start=union[0],
            end=union[1],
            is_open=any(row.ended_at is None or row.ended_at > self._record.until for _, row in own),
            times=Times(0, down, mitigated, disputed, planned, unseen),
            cause=_cause_of(own),
            sources=tuple(sorted({row.identifier for _, row in own}, key=_natural)),
            incidents=tuple(sorted({row.incident for _, row in own if row.incident})),
        )


def _lengths(parts: _Parts) -> _Lengths:
    return length(parts[0]), length(parts[1]), length(parts[2]), length(parts[3])


def _cut(parts: _Parts, piece: Interval) -> _Parts:
    down, mitigated, disputed, planned = (common(part, [piece]) if part else [] for part in parts)
    return down, mitigated, disputed, planned


def _cause_of(own: Sequence[tuple[Interval, PathOutage]]) -> CauseClass:
    """Answer the earliest cause that is known; of several that begin together, the first of the list."""
    _, first = min(
        own, key=lambda each: (each[1].cause is CauseClass.UNKNOWN, each[0][0], _CAUSES.index(each[1].cause))
    )
    return first.cause

"""A site: each path with its state, its evidence and how it went; the people of its carriers who are on duty."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.charts import Bar, bar, common
from dashboards.series import Series
from dashboards.views.duty import Watch, watches
from inventory.models import Inventory, Path, Risk, Target
from inventory.numbering import shown
from inventory.topology import Topology
from monitor.models import Outage, State, Unobserved
from monitor.moments import nanoseconds
from monitor.snapshot import PathView, SiteView, Snapshot, TargetView
from probes.models import Evidence

__all__ = ["HistoryRow", "PathLine", "history_rows", "path_lines", "watches_of_paths"]

_ROWS = 24


@dataclass(frozen=True, slots=True)
class PathLine:
    """One path: what it is, what is believed, what that rests on, and its bar."""

    path: Path
    number: str
    carrier: str
    view: PathView
    risks: tuple[Risk, ...]
    targets: tuple[tuple[Target, TargetView | None], ...]
    bar: Bar

    @property
    def is_flapping(self) -> bool:
        """Whether an address of it came and went often lately: a label, which blocks nothing."""
        return any(view.is_flapping for _, view in self.targets if view is not None)

    @property
    def lost_from(self) -> str:
        """Carriers through which alone an address of it is lost, for reading; empty unless it is partial."""
        found = {carrier for _, view in self.targets if view is not None for carrier in view.lost_from}
        return ", ".join(sorted(found))

    @property
    def is_unarmed(self) -> bool:
        """Whether no address of it has answered for long enough yet to be believed down."""
        views = [view for _, view in self.targets if view is not None]
        return bool(views) and not any(view.is_armed for view in views)


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """Looks at one target in one piece of the window; seconds."""

    start: datetime
    looks: int
    failures: int
    rtt_mean: float | None
    rtt_max: float | None

    @property
    def loss(self) -> float | None:
        """Share of looks that failed."""
        return self.failures / self.looks if self.looks else None


def path_lines(
    view: SiteView | None,
    snapshot: Snapshot,
    *,
    site: str,
    inventory: Inventory,
    topology: Topology,
    outages: Iterable[Outage],
    unobserved: Iterable[Unobserved],
    recorded_from: Mapping[str, datetime],
    since: datetime,
    until: datetime,
) -> tuple[PathLine, ...]:
    """Answer the paths of a site in the inventory's order."""
    window = (nanoseconds(since), nanoseconds(until))
    by_target: dict[str, list[tuple[int, int]]] = {}
    for outage in outages:
        end = nanoseconds(outage.ended_at) if outage.ended_at else window[1]
        by_target.setdefault(outage.target, []).append((nanoseconds(outage.started_at), end))
    blind = _blind(unobserved, inventory, window)
    known = {path.code: path for path in view.paths} if view else {}
    lines = []
    for code in topology.paths_of_site(site):
        path, targets = inventory.paths[code], topology.targets_of_path(code)
        begun = [recorded_from[target] for target in targets if target in recorded_from]
        lines.append(
            PathLine(
                path=path,
                number=shown(path.number) if path.number else "",
                carrier=_party(inventory, path.carrier),
                view=known.get(code) or _unseen(code),
                risks=tuple(inventory.risks[risk] for risk in topology.risks_of_path(code)),
                targets=tuple((inventory.targets[each], snapshot.targets.get(each)) for each in targets),
                bar=bar(
                    since=since,
                    until=until,
                    down=common([by_target.get(target, []) for target in targets], window),
                    unobserved=blind,
                    recorded_from=min(begun, default=None),
                ),
            )
        )
    return tuple(lines)


def _unseen(code: str) -> PathView:
    return PathView(code=code, state=State.UNKNOWN, since=None, evidence=Evidence.NONE, evidence_at=None)


def _party(inventory: Inventory, code: str) -> str:
    party = inventory.parties.get(code)
    return party.name if party else code


def _blind(
    unobserved: Iterable[Unobserved], inventory: Inventory, window: tuple[int, int]
) -> list[tuple[int, int]]:
    """Nobody looked only while no vantage did."""
    by_vantage: dict[str, list[tuple[int, int]]] = {code: [] for code in inventory.vantages}
    for each in unobserved:
        end = nanoseconds(each.ended_at) if each.ended_at else window[1]
        by_vantage.setdefault(each.vantage, []).append((nanoseconds(each.started_at), end))
    return common(list(by_vantage.values()), window)


def watches_of_paths(lines: Sequence[PathLine], inventory: Inventory, at: datetime) -> tuple[Watch, ...]:
    """Answer who is on duty at the carriers of these paths."""
    carriers = {line.path.carrier for line in lines}
    return tuple(watch for watch in watches(inventory, at) if watch.party in carriers)


def history_rows(series: Series, since: datetime, until: datetime) -> tuple[HistoryRow, ...]:
    """Fold minutes to a table that a person can read: the same as the chart, newest first."""
    step = max(timedelta(minutes=1), (until - since) / _ROWS)
    found: dict[int, list[int]] = {}
    for place, minute in enumerate(series.minutes):
        if since <= minute < until:
            found.setdefault(int((minute - since) / step), []).append(place)
    return tuple(
        _folded(series, places, since + step * piece) for piece, places in sorted(found.items(), reverse=True)
    )


def _folded(series: Series, places: list[int], start: datetime) -> HistoryRow:
    means = [(series.rtt_mean[place], series.looks[place] - series.failures[place]) for place in places]
    weighed = [(mean, count) for mean, count in means if mean is not None and count > 0]
    answers = sum(count for _, count in weighed)
    worst = [series.rtt_max[place] for place in places]
    return HistoryRow(
        start=start,
        looks=sum(series.looks[place] for place in places),
        failures=sum(series.failures[place] for place in places),
        rtt_mean=sum(mean * count for mean, count in weighed) / answers if answers else None,
        rtt_max=max((value for value in worst if value is not None), default=None),
    )

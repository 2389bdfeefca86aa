"""What the service says of itself to Prometheus, on a registry of its own; the fleet has its own page.

Base units, few labels: one series per target lives in :mod:`monitor.exposition`. The histogram of look durations is
fed by columns (a bin count a batch), because an ``observe`` per sample would cost more than the sample.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from inventory.models import Inventory
from inventory.topology import Topology
from monitor.exposition import FleetRenderer
from monitor.ingest import Rows
from probes.health import BreachKind
from probes.models import Outcome

__all__ = ["DURATION_EDGES", "FleetRenderer", "ProbeDurations", "ServiceMetrics", "VantageFigures"]

DURATION_EDGES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
"""Seconds. 0.15 is the one-way delay that ITU-T G.114 asks of voice."""

_COLUMNS = len(DURATION_EDGES) + 1


@dataclass(frozen=True, slots=True)
class VantageFigures:
    """What a vantage counts of its own work, read at every scrape."""

    lag_seconds: float = 0.0
    receive_drops: int = 0
    late: int = 0
    duplicate: int = 0
    foreign: int = 0
    clock_steps: int = 0
    spool: int = 0
    descriptors: int = 0
    breaches: frozenset[str] = frozenset()
    """Kinds of :class:`probes.health.BreachKind` that are out of their bounds now."""


class ProbeDurations(Collector):
    """Histogram of answered looks by kind, carrier and vantage, counted by columns."""

    def __init__(self) -> None:
        self._labels: list[tuple[str, str]] = []
        self._group: npt.NDArray[np.intp] = np.zeros(0, np.intp)
        self._counts: dict[tuple[str, str, str], npt.NDArray[np.int64]] = {}
        self._sums: dict[tuple[str, str, str], float] = {}

    def regroup(self, inventory: Inventory, topology: Topology) -> None:
        """Learn which kind and carrier each fleet index stands for; what was counted stays."""
        labels = [(target.kind.value, topology.owner_of(code)) for code, target in inventory.targets.items()]
        places = {label: place for place, label in enumerate(dict.fromkeys(labels))}
        self._labels = list(places)
        self._group = np.fromiter((places[label] for label in labels), np.intp, len(labels))

    def observe(self, vantage: str, rows: Rows) -> None:
        """Count the looks that measured a duration; a timeout's length is never one."""
        measured = (rows.outcome == Outcome.OK) & ~np.isnan(rows.rtt)
        rtt, group = rows.rtt[measured].astype(np.float64), self._group[rows.target[measured]]
        cells = group * _COLUMNS + np.searchsorted(DURATION_EDGES, rtt, side="left")
        counts = np.bincount(cells, minlength=len(self._labels) * _COLUMNS).reshape(-1, _COLUMNS)
        sums = np.bincount(group, weights=rtt, minlength=len(self._labels))
        for place in np.unique(group).tolist():
            key = (*self._labels[place], vantage)
            self._counts[key] = self._counts.get(key, np.zeros(_COLUMNS, np.int64)) + counts[place]
            self._sums[key] = self._sums.get(key, 0.0) + float(sums[place])

    @override
    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(
            "thongsuot_probe_duration_seconds",
            "Duration of answered looks.",
            labels=("kind", "carrier", "vantage"),
        )
        edges = [*(repr(edge) for edge in DURATION_EDGES), "+Inf"]
        for key, counts in list(self._counts.items()):
            below = np.cumsum(counts).tolist()
            family.add_metric(key, list(zip(edges, below, strict=True)), self._sums[key])
        yield family


class _Figures(Collector):
    def __init__(self) -> None:
        self.readers: dict[str, Callable[[], VantageFigures]] = {}

    @override
    def collect(self) -> Iterable[Metric]:
        read = {vantage: reader() for vantage, reader in list(self.readers.items())}
        gauges = {
            "schedule_lag_seconds": ("How far the schedule of looks lags behind.", "lag_seconds"),
            "spool_results": ("Batches that wait to be taken.", "spool"),
            "vantage_descriptors": ("Files and sockets that are open.", "descriptors"),
        }
        counters = {
            "receive_drops": (
                "Packets that the kernel dropped because nobody read them in time.",
                "receive_drops",
            ),
            "late_answers": ("Answers that came after their timeout.", "late"),
            "duplicate_answers": ("Answers that came twice.", "duplicate"),
            "foreign_packets": ("Packets that answered no look of ours.", "foreign"),
            "clock_steps": ("Steps of the wall clock.", "clock_steps"),
        }
        families: list[Metric] = []
        for name, (text, field) in gauges.items():
            gauge = GaugeMetricFamily(f"thongsuot_{name}", text, labels=("vantage",))
            for vantage, figures in read.items():
                gauge.add_metric((vantage,), getattr(figures, field))
            families.append(gauge)
        for name, (text, field) in counters.items():
            counter = CounterMetricFamily(f"thongsuot_{name}", text, labels=("vantage",))
            for vantage, figures in read.items():
                counter.add_metric((vantage,), getattr(figures, field))
            families.append(counter)
        breach = GaugeMetricFamily(
            "thongsuot_vantage_breach",
            "Whether a vantage is over its budget of a kind; lag, drops and clock_step make its failures not count.",
            labels=("vantage", "kind"),
        )
        for vantage, figures in read.items():
            for kind in BreachKind:
                breach.add_metric((vantage, kind.value), kind.value in figures.breaches)
        return [*families, breach]


class ServiceMetrics:
    """Every metric of the service, made once; each part of the service moves its own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # untyped in the library
        self.registry = CollectorRegistry()
        self.durations = ProbeDurations()
        self._figures = _Figures()
        self.registry.register(self.durations)
        self.registry.register(self._figures)
        self.results = self._counter("probe_results", "Finished looks.", "vantage", "outcome")
        self.batches = self._counter("batches", "Batches by what became of them.", "vantage", "result")
        self.dropped = self._counter(
            "samples_dropped", "Samples not counted, by reason.", "vantage", "reason"
        )
        self.changes = self._counter("state_changes", "Beliefs that changed.", "kind")
        self.errors = self._counter("worker_errors", "Turns of a loop that failed.", "worker")
        self.held = self._gauge("samples_held", "Failures that wait for proof of sight.", "vantage")
        self.isolated = self._gauge("vantage_isolated", "Whether a vantage cannot see at all.", "vantage")
        self.canaries = self._gauge("vantage_canaries_up", "Canaries that answered last.", "vantage")
        self.seen = self._gauge("vantage_last_batch_timestamp_seconds", "Last batch of a vantage.", "vantage")
        self.clock_age = self._gauge(
            "vantage_clock_age_seconds", "Age of the last synchronisation.", "vantage"
        )
        self.targets = self._gauge("targets", "Targets by state.", "state")
        self.sites = self._gauge("sites", "Sites by verdict.", "verdict")
        self.outages = self._gauge("outages_open", "Outages that have not ended.")
        self.flapping = self._gauge("targets_flapping", "Targets that came and went often lately.")
        self.unarmed = self._gauge("targets_unarmed", "Targets that have not answered for long enough yet.")
        self.congested = self._gauge("links_congested", "Links that are congested.")
        self.causes = self._gauge("causes_live", "Causes that have not ended.")
        self.waiting = self._gauge("failures_waiting", "Outages that no cause explains yet.")
        self.unwritten = self._gauge("decisions_unwritten", "Decisions that the database has not taken yet.")
        self.success = self._gauge("worker_last_success_timestamp_seconds", "Last good turn.", "worker")
        self.turn = Histogram(
            "thongsuot_batch_seconds",
            "From a batch taken to its decisions committed.",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
            registry=self.registry,
        )

    def watch_vantage(self, vantage: str, reader: Callable[[], VantageFigures]) -> None:
        """Read the figures of a vantage's engines at every scrape; ``reader`` must be quick and thread-safe."""
        self._figures.readers[vantage] = reader

    def figures(self) -> dict[str, VantageFigures]:
        """Answer the figures of every vantage that looks from this process."""
        return {vantage: read() for vantage, read in list(self._figures.readers.items())}

    def count_looks(self, vantage: str, rows: Rows) -> None:
        """Count outcomes and durations of looks by columns."""
        for outcome, count in enumerate(np.bincount(rows.outcome, minlength=len(Outcome)).tolist()):
            if count:
                self.results.labels(vantage, Outcome(outcome).name.lower()).inc(count)
        self.durations.observe(vantage, rows)

    def show(self, gauge: Gauge, counts: Mapping[str, int]) -> None:
        """Set every child of a gauge with one label."""
        for label, count in counts.items():
            gauge.labels(label).set(count)

    def rendered(self) -> bytes:
        """Answer the page in the Prometheus text format 0.0.4."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"thongsuot_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"thongsuot_{name}", text, labels, registry=self.registry)

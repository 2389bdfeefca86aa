"""What acting shows of itself to Prometheus. Gauges are set by :meth:`AlertingService.measure`, the rest as it happens."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["AlertingMetrics"]

_ACKNOWLEDGE_BUCKETS = (5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


class AlertingMetrics:
    """The metrics of DESIGN.md, section 11, that belong to acting, in the registry that is handed in."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.incidents = Gauge(
            "thongsuot_incidents",
            "Live incidents.",
            ("state", "severity", "party"),
            registry=registry,
        )
        self.acknowledge = Histogram(
            "thongsuot_incident_acknowledge_seconds",
            "From opening (or reopening) to acknowledgement.",
            ("severity", "party"),
            buckets=_ACKNOWLEDGE_BUCKETS,
            registry=registry,
        )
        self.outbox_oldest = Gauge(
            "thongsuot_outbox_oldest_seconds",
            "Age of the oldest message that should have left by now.",
            registry=registry,
        )
        self.roster_gap = Gauge(
            "thongsuot_roster_gap_seconds",
            "For how long nobody has held the duty; 0 while somebody does.",
            ("party", "duty"),
            registry=registry,
        )
        self.deliveries = Counter(
            "thongsuot_deliveries",
            "Attempts to deliver a message, by outcome: sent, retried, failed, withdrawn, uncertain.",
            ("channel", "result"),
            registry=registry,
        )
        self.turns = Counter(
            "thongsuot_alerting_turns", "Turns of the loops of acting.", ("loop",), registry=registry
        )
        self.failures = Counter(
            "thongsuot_alerting_failures",
            "Faults of ours that a loop caught, logged and survived.",
            ("loop",),
            registry=registry,
        )
        self.last_success = Gauge(
            "thongsuot_alerting_last_success_timestamp_seconds",
            "When a loop last finished a turn without a fault.",
            ("loop",),
            registry=registry,
        )

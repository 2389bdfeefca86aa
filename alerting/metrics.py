"""What acting shows of itself to Prometheus. Gauges are set by :meth:`AlertingService.measure`, the rest as it happens."""

from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["AlertingMetrics"]

_LOOPS = ("alerting", "outbox", "auditor")
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
            "Attempts to deliver a message, by outcome: sent, repeated, retried, failed, withdrawn.",
            ("channel", "result"),
            registry=registry,
        )
        self._add_watching(registry)
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

    def _add_watching(self, registry: CollectorRegistry) -> None:
        """Add what delivery tells of watching itself."""
        self.receipts = Counter(
            "thongsuot_receipts",
            "Later words of gateways: delivered, undelivered, repeated, unknown.",
            ("result",),
            registry=registry,
        )
        self.findings = Counter(
            "thongsuot_audit_findings",
            "Promises that the auditor found not to hold, by what became of them: repaired, alarmed.",
            ("kind", "result"),
            registry=registry,
        )
        self.canary = Gauge(
            "thongsuot_canary_up",
            "1 when the last trial message left by this channel, 0 when it did not.",
            ("channel",),
            registry=registry,
        )
        self.contact_faults = Gauge(
            "thongsuot_contact_faults", "Contacts that a gateway refused for good.", registry=registry
        )

    def late_loops(self, now: datetime, limit: timedelta) -> dict[str, str]:
        """Answer the loops of acting whose last good turn is longer ago than ``limit``, or never was."""
        newest = {name: self.last_success.labels(name)._value.get() for name in _LOOPS}  # noqa: SLF001 - the library has no reader
        late = {name: at for name, at in newest.items() if now.timestamp() - at > limit.total_seconds()}
        return {f"loop {name}": "has not ended a turn well for too long" for name in late}

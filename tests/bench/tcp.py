"""A fresh TCP connection to each of 10,000 targets, per CPU second, beside prometheus-blackbox-exporter.

The targets are a real nginx on 20 loopback addresses. The exporter looks at 4_000 of them a round: it is asked over
HTTP for each look, as Prometheus does it, and what that costs it belongs to its looks.
"""

from tests.bench.looking import blackbox_rate, compared, our_rate
from tests.bench.web import web

__all__ = ["run"]

TARGETS = 10_000
PEER_TARGETS = 4_000
LEAST_RATIO = 3.0


def run():
    """Return looks per CPU second of ours and of the exporter."""
    with web() as site:
        ours = site.targets("plain", TARGETS)
        theirs = [f"{address}:{port}" for address, port in site.targets("plain", PEER_TARGETS)]
        return compared(
            lambda: our_rate("tcp", ours, {}),
            lambda: blackbox_rate(site.exporter, "tcp", theirs),
            name="tcp",
            limit_ratio=LEAST_RATIO,
        )

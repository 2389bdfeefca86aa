"""A fresh TLS handshake with each of 3,000 targets, verified and dated, beside prometheus-blackbox-exporter.

The targets are a real nginx on 20 loopback addresses. The exporter looks at 2_000 of them a round: it is asked over
HTTP for each look, as Prometheus does it, and what that costs it belongs to its looks.
"""

from tests.bench.looking import blackbox_rate, compared, our_rate
from tests.bench.web import web

__all__ = ["run"]

TARGETS = 3_000
PEER_TARGETS = 2_000
LEAST_RATIO = 1.8


def run():
    """Return looks per CPU second of ours and of the exporter."""
    with web() as site:
        ours = site.targets("secure", TARGETS)
        theirs = [f"{address}:{port}" for address, port in site.targets("secure", PEER_TARGETS)]
        return compared(
            lambda: our_rate("tls", ours, {"ca": site.ca}),
            lambda: blackbox_rate(site.exporter, "tls", theirs),
            name="tls",
            limit_ratio=LEAST_RATIO,
        )

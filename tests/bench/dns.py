"""One question to a server, 10,000 times over, per CPU second, beside dnspython's own asynchronous client.

Both build and parse by dnspython; the client opens a socket a query, ours shares one. The server is unbound.
"""

import tempfile
from pathlib import Path

from tests.bench.looking import compared, our_rate
from tests.support.dns_servers import unbound

__all__ = ["run"]

TARGETS = 10_000
PEER_TARGETS = 3_000
LEAST_RATIO = 1.0
OPTIONS = {"name": "cs.lab.test", "expect": "127.0.0.9"}


def run():
    """Return looks per CPU second of ours and of the client."""
    with tempfile.TemporaryDirectory() as directory, unbound(Path(directory)) as port:
        return compared(
            lambda: our_rate("dns", [("127.0.0.1", port)] * TARGETS, OPTIONS),
            lambda: our_rate("dnspython", [("127.0.0.1", port)] * PEER_TARGETS, OPTIONS),
            name="dns",
            limit_ratio=LEAST_RATIO,
        )

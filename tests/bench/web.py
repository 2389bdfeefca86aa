"""The nginx and the exporter that the benches of tcp, http and tls share: 20 loopback addresses, one certificate."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.blackbox import Blackbox, blackbox
from tests.support.certificates import Authority
from tests.support.servers import free_port, nginx

__all__ = ["Web", "web"]

ADDRESSES = [f"127.0.0.{n}" for n in range(1, 21)]
MODULES = """\
  tcp: {prober: tcp, timeout: 9s, tcp: {preferred_ip_protocol: ip4}}
  http: {prober: http, timeout: 9s, http: {preferred_ip_protocol: ip4}}
  tls: {prober: tcp, timeout: 9s, tcp: {tls: true, preferred_ip_protocol: ip4, tls_config: {ca_file: CA}}}
"""


class Web:
    """Ends to look at, and the exporter; ``ca`` vouches for the certificate."""

    def __init__(self, plain: int, secure: int, exporter: Blackbox, ca: Path) -> None:
        self.exporter = exporter
        self.ca = str(ca)
        self._ports = {"plain": plain, "secure": secure}

    def targets(self, which: str, count: int) -> list[tuple[str, int]]:
        return [(ADDRESSES[n % len(ADDRESSES)], self._ports[which]) for n in range(count)]


@contextmanager
def web() -> Iterator[Web]:
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        authority = Authority()
        ca = authority.write(directory / "ca.pem")
        chain, key = authority.mint(*ADDRESSES, key=rsa.generate_private_key(65537, 2048)).write(
            directory, "web"
        )
        plain, secure = free_port(), free_port()
        while secure == plain:
            secure = free_port()
        listen = "".join(
            f"listen {address}:{port}{further} backlog=4096; "
            for port, further in ((plain, ""), (secure, " ssl"))
            for address in ADDRESSES
        )
        block = (
            f"server {{ {listen} ssl_certificate {chain}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;"
            ' ssl_session_cache off; ssl_session_tickets off; location / { return 200 "thong suot"; } }'
        )
        with (
            nginx(directory / "nginx", block, port=plain),
            blackbox(directory / "blackbox", MODULES.replace("CA", str(ca))) as exporter,
        ):
            yield Web(plain, secure, exporter, ca)

"""A real nginx behind which every certificate stands that a fleet may show: right ones and wrong ones."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.certificates import Authority, Minted
from tests.support.servers import free_port, nginx

__all__ = ["TlsServers", "tls_servers"]


@dataclass(frozen=True)
class TlsServers:
    """Ports and certificates by name; ``ca`` signs, ``client`` and ``client_key`` are what one server wants to see."""

    ports: dict[str, int]
    minted: dict[str, Minted]
    ca: Path
    client: Path
    client_key: Path


@contextmanager
def tls_servers(directory: Path) -> Iterator[TlsServers]:
    authority = Authority()
    between = Authority("Trung gian", issuer=authority, days=20)
    ca = authority.write(directory / "ca.pem")
    client, client_key = authority.mint("khach.vn").write(directory, "client")
    here = "127.0.0.1"
    minted = {
        "good": authority.mint(here, "a.vn"),
        "chain": between.mint(here, days=(-1, 60), presents=[between.certificate]),
        "expired": authority.mint(here, days=(-9, -2)),
        "not-yet-valid": authority.mint(here, days=(2, 9)),
        "wrong-name": authority.mint("b.vn"),
        "self-signed": authority.mint(here, is_self_signed=True),
        "weak": authority.weak(here),
        "cut": between.mint(here),
        "client": authority.mint(here),
        "old": authority.mint(here),
        "tls13": authority.mint(here),
    }
    ports: dict[str, int] = {}
    blocks = []
    further = {
        "client": f"ssl_verify_client on; ssl_client_certificate {ca};",
        "weak": "ssl_ciphers DEFAULT:@SECLEVEL=0;",
        "old": "ssl_protocols TLSv1; ssl_ciphers DEFAULT:@SECLEVEL=0;",
        "tls13": "ssl_protocols TLSv1.3;",
    }
    for name, made in minted.items():
        chain, key = made.write(directory, name)
        ports[name] = free_port_beside(ports)
        blocks.append(
            f"server {{ listen 127.0.0.1:{ports[name]} ssl http2; ssl_certificate {chain}; ssl_certificate_key {key};"
            f"{further.get(name, '')} location / {{ return 200 {json.dumps('tới nơi')}; }}"
            f" location /plain {{ return 302 http://127.0.0.1/; }} }}"
        )
    with nginx(directory / "run", "\n".join(blocks), port=ports["good"]):
        yield TlsServers(ports, minted, ca, client, client_key)


def free_port_beside(taken: dict[str, int]) -> int:
    while (port := free_port()) in taken.values():
        continue
    return port

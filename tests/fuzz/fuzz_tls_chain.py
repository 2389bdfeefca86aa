"""Certificates: whatever a server presents is judged, never a crash, and never trusted unless it is what was signed."""

from cryptography import x509

from probes.tls_chain import Trust
from tests.support.certificates import Authority, der

AUTHORITY = Authority()
BETWEEN = Authority("Trung gian", issuer=AUTHORITY)
TRUST = Trust([AUTHORITY.certificate])
NOW = AUTHORITY.now.timestamp()
SIGNED = (AUTHORITY.mint("a.vn").leaf, BETWEEN.mint("a.vn").leaf, AUTHORITY.mint("*.b.vn", "10.0.0.1").leaf)
SIGNED_PARTS = frozenset(each.tbs_certificate_bytes for each in SIGNED)
"""What a signature covers; the envelope around it can be written in more than one way."""
SEEDS = (*der(SIGNED), *der((BETWEEN.certificate,)))


def one(data: bytes) -> None:
    """Take the bytes as the server's certificate, and as the one that follows it."""
    for chain in ((data,), (data, *der((BETWEEN.certificate,))), (SEEDS[0], data)):
        for name in ("a.vn", "10.0.0.1"):
            verdict = TRUST.judge(chain, name, NOW, verifies=True)
            assert verdict.fault is not None or _signed_part(chain[0]) in SIGNED_PARTS
            TRUST.judge(chain, name, NOW, verifies=False)


def _signed_part(content: bytes) -> bytes:
    return x509.load_der_x509_certificate(content).tbs_certificate_bytes

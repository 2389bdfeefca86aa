"""Certificates minted for tests: an authority, and leaves that are right or wrong in one way each."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

__all__ = ["Authority", "Minted", "der", "pin_of"]

PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Minted:
    """A chain (its own certificate first) with its key."""

    chain: tuple[x509.Certificate, ...]
    key: object

    @property
    def leaf(self):
        return self.chain[0]

    @property
    def not_after(self):
        return min(each.not_valid_after_utc for each in self.chain).timestamp()

    def write(self, directory: Path, name: str) -> tuple[Path, Path]:
        """Write chain and key; answer both files."""
        chain, key = directory / f"{name}.pem", directory / f"{name}.key"
        chain.write_bytes(b"".join(each.public_bytes(PEM) for each in self.chain))
        key.write_bytes(
            self.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        return chain, key


class Authority:
    """Signs; ``issuer`` makes it an intermediate one."""

    def __init__(self, name="Sở thử nghiệm", *, issuer=None, now=None, days=400):
        self.now = now or datetime.now(UTC).replace(microsecond=0)
        self.name = _name(name)
        self.key = ec.generate_private_key(ec.SECP256R1())
        signer, signer_name = (issuer.key, issuer.name) if issuer else (self.key, self.name)
        self.certificate = _builder(
            self.name, signer_name, self.key.public_key(), (self.now - timedelta(days=30), self.now + timedelta(days=days))
        ).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
            signer, hashes.SHA256()
        )  # fmt: skip

    def write(self, file: Path) -> Path:
        file.write_bytes(self.certificate.public_bytes(PEM))
        return file

    def mint(self, *names, days=(-1, 30), key=None, digest=None, presents=(), is_self_signed=False) -> Minted:
        """Sign a leaf for ``names``, valid from and to so many days from now; ``presents`` follow it in the chain."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        begins, ends = (self.now + timedelta(days=day) for day in days)
        subject = _name(names[0] if names else "nobody")
        builder = _builder(
            subject, subject if is_self_signed else self.name, key.public_key(), (begins, ends)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False
            )
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        leaf = builder.sign(key if is_self_signed else self.key, digest or hashes.SHA256())
        return Minted((leaf, *presents), key)

    def weak(self, *names) -> Minted:
        return self.mint(*names, key=rsa.generate_private_key(65537, 1024))  # that is the point


def der(chain):
    return tuple(each.public_bytes(serialization.Encoding.DER) for each in chain)


def pin_of(certificate) -> str:
    """The pin of a certificate's key, made by OpenSSL's own words for it (RFC 7469, appendix A)."""
    key = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return "sha256/" + base64.b64encode(hashlib.sha256(key).digest()).decode()


def _builder(subject, issuer, public_key, validity):
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
    )


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(name):
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)

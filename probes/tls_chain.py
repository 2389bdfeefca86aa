"""The certificates that a server presents: read in every case, and judged apart from the handshake.

OpenSSL ends a handshake at the first thing that it does not like, and then nobody learns the dates of a certificate
that has run out. So the handshake verifies nothing here, and the chain is judged afterwards: the path to a trusted
authority and its signatures by ``cryptography`` (RFC 5280), dates, name and strength by ourselves, so that each way
to fail has a slug of its own. Of several faults the first in the order of :class:`ChainFault` is told.

A verdict is a pure function of chain, name and time, so it is kept for as long as no date of the chain passes and
for an hour at most: ten thousand looks at the same certificate verify its signatures once.
"""

import hashlib
import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import verification

__all__ = ["ChainFault", "ChainVerdict", "Trust", "read_certificates"]

_HOLDS_SECONDS = 3600.0
_MOST_KEPT = 65_536
_LEAST_RSA_BITS = 2048
_LEAST_CURVE_BITS = 224
_BROKEN_HASHES = (hashes.MD5, hashes.SHA1)
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What ``cryptography`` says of bytes that are no certificate, or no longer one."""

_PEM_END = b"-----END CERTIFICATE-----"


class ChainFault(StrEnum):
    """Why a presented chain is not accepted; the first that applies is told."""

    UNREADABLE = "unreadable-certificate"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    WRONG_NAME = "wrong-name"
    WEAK = "weak"
    """Below OpenSSL's security level 2 (112 bits): RSA under 2048, curves under 224, signatures by MD5 or SHA-1."""
    UNTRUSTED = "untrusted"


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """``fault`` is None for a chain that is right; ``words`` explain it; times are Unix seconds.

    ``not_after`` is the earliest end of validity in the presented chain, NaN if it cannot be read; ``key`` the
    SHA-256 of the server's own public key (SubjectPublicKeyInfo), as in RFC 7469.
    """

    fault: ChainFault | None
    words: str
    not_after: float
    key: bytes
    holds_from: float
    holds_until: float


def read_certificates(content: bytes) -> list[x509.Certificate]:
    """Answer the certificates of a PEM file; one that cannot be read is passed over, as OpenSSL does."""
    found = []
    for piece in content.split(_PEM_END)[:-1]:
        start = piece.find(b"-----BEGIN CERTIFICATE-----")
        if start >= 0:
            try:
                found.append(_parsed(piece[start:] + _PEM_END + b"\n", is_pem=True))
            except ValueError:
                continue
    return found


class Trust:
    """What is trusted: authorities, and certificates named outright (a device's own, given as its ``ca``)."""

    def __init__(self, roots: Iterable[x509.Certificate]) -> None:
        anchors = list(roots)
        self._anchors = {anchor.public_bytes(serialization.Encoding.DER) for anchor in anchors}
        self._store = verification.Store(anchors) if anchors else None
        self._kept: dict[tuple[bytes, str, bool], ChainVerdict] = {}

    def judge(self, chain: tuple[bytes, ...], name: str, at: float, *, verifies: bool) -> ChainVerdict:
        """Judge a chain for a host name or numeric address at a Unix time; without ``verifies`` only read it."""
        digest = hashlib.sha256(b"".join(chain)).digest()
        key = (digest, name, verifies)
        found = self._kept.get(key)
        if found is None or not found.holds_from <= at <= found.holds_until:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            found = self._kept[key] = self._judged(chain, name, at, verifies=verifies)
        return found

    def _judged(self, chain: tuple[bytes, ...], name: str, at: float, *, verifies: bool) -> ChainVerdict:
        try:
            certificates = [_parsed(each) for each in chain]
            validities = [_validity(each) for each in certificates]
            not_after = min(ends for _, ends in validities)
        except _UNREADABLE:
            words = "" if chain else "none was presented"
            fault = ChainFault.UNREADABLE if verifies else None
            return ChainVerdict(fault, words, math.nan, b"", at, at + _HOLDS_SECONDS)
        try:
            found, words = self._fault(certificates, name, at) if verifies else (None, "")
        except _UNREADABLE as error:  # parts of a certificate are parsed when they are asked for
            found, words = ChainFault.UNREADABLE, type(error).__name__
        # Both ends of a validity are within it (RFC 5280, 4.1.2.5), so a verdict holds up to an end, and up to just
        # before a beginning.
        edges = [edge for begins, ends in validities for edge in (math.nextafter(begins, -math.inf), ends)]
        until = min((edge for edge in edges if edge >= at), default=math.inf)
        key = _key_digest(certificates[0])
        return ChainVerdict(found, words, not_after, key, at, min(until, at + _HOLDS_SECONDS))

    def _fault(self, chain: list[x509.Certificate], name: str, at: float) -> tuple[ChainFault | None, str]:
        leaf = chain[0]
        dated = _date_fault(leaf, at)
        if dated is not None:
            return dated, ""
        if not _is_for(leaf, name):
            return ChainFault.WRONG_NAME, _names_shown(leaf)
        path = self._path(chain, name, at)
        weakness = _weakness(path or chain)
        if weakness:
            return ChainFault.WEAK, weakness
        return (None, "") if path else _missing(chain, at)

    def _path(self, chain: list[x509.Certificate], name: str, at: float) -> list[x509.Certificate] | None:
        """Answer the path from the server's certificate to a trusted one, or None."""
        leaf = chain[0]
        if leaf.public_bytes(serialization.Encoding.DER) in self._anchors:
            return [leaf]
        if self._store is None:
            return None
        # Private authorities seldom write the extensions that the public web demands; what a certificate may do
        # (basicConstraints), whom it is for and who signed it is demanded of them all the same.
        verifier = (
            verification.PolicyBuilder()
            .store(self._store)
            .time(datetime.fromtimestamp(at, UTC))
            .extension_policies(ca_policy=_CA_POLICY, ee_policy=_SERVER_POLICY)
            .build_server_verifier(_subject_of(name))
        )
        try:
            return verifier.verify(leaf, chain[1:])
        except verification.VerificationError:
            return None


_CA_POLICY = verification.ExtensionPolicy.permit_all().require_present(
    x509.BasicConstraints, verification.Criticality.AGNOSTIC, None
)
_SERVER_POLICY = verification.ExtensionPolicy.permit_all().require_present(
    x509.SubjectAlternativeName, verification.Criticality.AGNOSTIC, None
)


def _parsed(content: bytes, *, is_pem: bool = False) -> x509.Certificate:
    with warnings.catch_warnings():  # oddities of others' certificates are not ours to complain of
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return x509.load_pem_x509_certificate(content) if is_pem else x509.load_der_x509_certificate(content)


def _key_digest(certificate: x509.Certificate) -> bytes:
    try:
        key = certificate.public_key()
    except _UNREADABLE:
        return b""  # a kind of key that we do not know: no pin names it
    encoded = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(encoded).digest()


def _validity(certificate: x509.Certificate) -> tuple[float, float]:
    return (
        certificate.not_valid_before_utc.timestamp(),
        certificate.not_valid_after_utc.timestamp(),
    )


def _date_fault(certificate: x509.Certificate, at: float) -> ChainFault | None:
    begins, ends = _validity(certificate)
    if at > ends:
        return ChainFault.EXPIRED
    return ChainFault.NOT_YET_VALID if at < begins else None


def _missing(chain: list[x509.Certificate], at: float) -> tuple[ChainFault, str]:
    """Tell why no path leads from a chain to anything trusted."""
    for other in chain[1:]:
        dated = _date_fault(other, at)
        if dated is not None:
            return dated, _subject(other)
    if chain[0].issuer == chain[0].subject:
        return ChainFault.UNTRUSTED, "self-signed"
    return ChainFault.UNTRUSTED, f"no trusted issuer for {_subject(chain[-1])}"


def _weakness(path: list[x509.Certificate]) -> str:
    """Name what in a path is below OpenSSL's security level 2; empty if nothing is."""
    for certificate in path:
        try:
            key = certificate.public_key()
        except _UNREADABLE:
            continue  # a kind of key that we do not know is not thereby weak
        if isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey) and key.key_size < _LEAST_RSA_BITS:
            return f"key of {key.key_size} bits"
        if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < _LEAST_CURVE_BITS:
            return f"curve of {key.key_size} bits"
        # Nobody relies on the signature that an authority put on itself.
        if certificate.issuer != certificate.subject and _signature_is_broken(certificate):
            return "signed by MD5 or SHA-1"
    return ""


def _signature_is_broken(certificate: x509.Certificate) -> bool:
    try:
        return isinstance(certificate.signature_hash_algorithm, _BROKEN_HASHES)
    except _UNREADABLE:  # an algorithm that is not known: the path tells
        return False


def _alternatives(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _is_for(certificate: x509.Certificate, name: str) -> bool:
    """Whether a certificate names a host (RFC 9525: the left-most label may be a wildcard, the subject is ignored)."""
    alternatives = _alternatives(certificate)
    if alternatives is None:
        return False
    try:
        return ip_address(name) in alternatives.get_values_for_type(x509.IPAddress)
    except ValueError:
        wanted = name.lower().rstrip(".")
    parent = "*." + wanted.partition(".")[2]
    names = {each.lower().rstrip(".") for each in alternatives.get_values_for_type(x509.DNSName)}
    return wanted in names or (parent.count(".") > 1 and parent in names)


def _names_shown(certificate: x509.Certificate) -> str:
    alternatives = _alternatives(certificate)
    names: list[str] = []
    if alternatives is not None:
        names += alternatives.get_values_for_type(x509.DNSName)
        names += map(str, alternatives.get_values_for_type(x509.IPAddress))
    return f"is for {', '.join(names[:3])}" if names else "names no host"


def _subject(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()[:60]


def _subject_of(name: str) -> verification.Subject:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name.rstrip("."))

"""The terms on which looks over TLS are taken: contexts and trust, each built once, and the judgement of a session.

The contexts verify nothing, so that a handshake goes on past a bad certificate and its dates are read; the chain is
judged afterwards (:mod:`probes.tls_chain`), before a single byte of the application is sent.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from probes.models import Measure
from probes.tls_chain import Trust, read_certificates
from probes.tls_plan import TlsPlan
from probes.tls_session import TlsContext, TlsSession

__all__ = ["EXPIRES_SOON", "WEAK", "WRONG_KEY", "TlsFinding", "TlsTerms", "TlsTrusts"]

EXPIRES_SOON: Final = "expires-soon"
WEAK: Final = "weak"
WRONG_KEY: Final = "wrong-key"
WRONG_ALPN: Final = "wrong-alpn"

_DAY_SECONDS = 86_400
_SHOWN_CHARACTERS = 120
_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.\d+")
_SECURITY_LEVEL = frozenset(
    {
        "DH_KEY_TOO_SMALL",
        "EE_KEY_TOO_SMALL",
        "CA_KEY_TOO_SMALL",
        "CA_MD_TOO_WEAK",
        "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED",
        "UNSUPPORTED_PROTOCOL",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "UNSAFE_LEGACY_RENEGOTIATION_DISABLED",
        "WRONG_SIGNATURE_TYPE",
    }
)
"""What OpenSSL says to a peer that is too old for its security level (ssl(3), SSL_CTX_set_security_level)."""


@dataclass(frozen=True, slots=True)
class TlsFinding:
    """What a session, or the attempt at one, says: ``detail`` is a slug and words, empty if all is as expected."""

    detail: str
    not_after: float

    @property
    def measures(self) -> dict[Measure, float]:
        """The earliest end of validity of the presented chain, where one was presented."""
        return {} if self.not_after != self.not_after else {Measure.TLS_NOT_AFTER: self.not_after}


class TlsTerms:
    """One target's terms."""

    __slots__ = ("_asks_for", "_context", "_plan", "_seconds", "_trust")

    def __init__(
        self, plan: TlsPlan, *, context: TlsContext, trust: Trust, seconds: Callable[[], float]
    ) -> None:
        self._plan = plan
        self._asks_for = b"" if _is_address(plan.server_name) else plan.server_name.encode("ascii")
        self._context = context
        self._trust = trust
        self._seconds = seconds

    def session(self, stream: socket.socket) -> TlsSession:
        """Begin a session on a connection that stands."""
        return TlsSession(self._context, stream, self._asks_for)

    def judged(self, session: TlsSession) -> TlsFinding:
        """Judge a session whose handshake is done."""
        plan, at = self._plan, self._seconds()
        verdict = self._trust.judge(session.chain(), plan.server_name, at, verifies=plan.verifies)
        detail = ""
        if verdict.fault is not None:
            detail = f"{verdict.fault}: {verdict.words}" if verdict.words else str(verdict.fault)
        elif plan.pins and verdict.key not in plan.pins:
            detail = WRONG_KEY
        elif plan.min_days and not verdict.not_after >= at + plan.min_days * _DAY_SECONDS:
            detail = EXPIRES_SOON
        elif plan.needs_alpn and not session.protocol:
            detail = f"{WRONG_ALPN}: none of {','.join(plan.alpn)}"
        return TlsFinding(detail[:_SHOWN_CHARACTERS], verdict.not_after)

    def failed(self, session: TlsSession, error: ssl.SSLError) -> TlsFinding:
        """Tell why a handshake failed, and the dates of the chain if it came that far."""
        not_after = float("nan")
        chain = session.chain()
        if chain:
            name = self._plan.server_name
            not_after = self._trust.judge(chain, name, self._seconds(), verifies=False).not_after
        said = _failure(error)
        # A Python that does not know OpenSSL's newer reasons by name passes its words on instead.
        words = f"{error.reason} {error}".upper().replace(" ", "_")
        if any(reason in words for reason in _SECURITY_LEVEL):
            said = f"{WEAK}: {said.removeprefix('tls: ')}"
        return TlsFinding(said, not_after)


class TlsTrusts:
    """Builds and keeps contexts and trust; ``extra_ca`` is trusted besides the system's (the lab's own).

    ``wall_ns`` dates the verification.
    """

    def __init__(self, *, wall_ns: Callable[[], int], extra_ca: Path | None = None) -> None:
        self._extra_ca = extra_ca
        self._wall_ns = wall_ns
        self._contexts: dict[tuple[tuple[str, ...], str, str, bool], TlsContext] = {}
        self._trusts: dict[str, Trust] = {}

    async def open(self) -> None:
        """Read the system's authorities, off the loop: it takes tens of milliseconds."""
        self._trusts[""] = await asyncio.to_thread(self._read_trust, "")

    def terms(self, plan: TlsPlan) -> TlsTerms:
        """Answer the terms for a plan; OSError or SSLError where a file cannot be read."""
        trust = self._trusts.get(plan.ca)
        if trust is None:
            trust = self._trusts[plan.ca] = self._read_trust(plan.ca)
        key = (plan.alpn, plan.cert, plan.key, plan.verifies)
        context = self._contexts.get(key)
        if context is None:
            context = self._contexts[key] = TlsContext(
                accepts_old=not plan.verifies, alpn=plan.alpn, cert=plan.cert, key=plan.key
            )
        return TlsTerms(plan, context=context, trust=trust, seconds=self._seconds)

    def _seconds(self) -> float:
        return self._wall_ns() / 1e9

    def _read_trust(self, ca: str) -> Trust:
        if ca:
            named = read_certificates(Path(ca).read_bytes())
            if not named:
                raise ValueError(f"no certificate in {ca}")
            return Trust(named)
        files = _system_files()
        if self._extra_ca is not None:
            files.append(self._extra_ca)
        return Trust(root for file in files for root in read_certificates(file.read_bytes()))


def _failure(error: ssl.SSLError) -> str:
    """Tell in a few words why a handshake failed."""
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "tls: closed within the handshake"
    return f"tls: {error.reason or error}".lower().replace("_", " ")[:_SHOWN_CHARACTERS]


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _system_files() -> list[Path]:
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return [Path(paths.cafile)]
    directory = Path(paths.capath or "/nonexistent")
    if not directory.is_dir():
        return []
    return sorted(file for file in directory.iterdir() if _HASHED_NAME.fullmatch(file.name))

"""TLS contexts, each built once: loading the system's certificates takes tens of milliseconds.

Certificates are verified against the system's authorities by default, against ``ca`` where a target names a file,
and not at all where it says ``insecure``. (Dates of certificates: the ``tls`` kind, which shares these.)
"""

import asyncio
import ssl
from pathlib import Path

__all__ = ["TlsContexts", "tls_failure"]

_SHOWN_CHARACTERS = 120


class TlsContexts:
    """Hands out contexts by what they trust; ``extra_ca`` is trusted besides the system's (the lab's own)."""

    def __init__(self, *, extra_ca: Path | None = None) -> None:
        self._extra_ca = extra_ca
        self._contexts: dict[tuple[str, bool], ssl.SSLContext] = {}

    async def open(self) -> None:
        """Build the two contexts that nearly all targets share, off the loop."""
        for insecure in (False, True):
            self._contexts["", insecure] = await asyncio.to_thread(self._build, "", insecure=insecure)

    def context(self, ca: str, *, insecure: bool) -> ssl.SSLContext:
        """Answer the context for a target; OSError or SSLError where ``ca`` cannot be read."""
        key = ("" if insecure else ca, insecure)
        found = self._contexts.get(key)
        if found is None:
            found = self._contexts[key] = self._build(ca, insecure=insecure)
        return found

    def _build(self, ca: str, *, insecure: bool) -> ssl.SSLContext:
        if insecure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        else:
            context = ssl.create_default_context(cafile=ca or None)
            if not ca and self._extra_ca is not None:
                context.load_verify_locations(cafile=self._extra_ca)
        context.set_alpn_protocols(["http/1.1"])
        return context


def tls_failure(error: ssl.SSLError) -> str:
    """Tell in a few words why a handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"[:_SHOWN_CHARACTERS]
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "tls: closed within the handshake"
    return f"tls: {error.reason or error}".lower().replace("_", " ")[:_SHOWN_CHARACTERS]

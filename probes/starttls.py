"""The words in the clear before TLS: how SMTP (RFC 3207), IMAP (RFC 9051, 6.2.1) and POP3 (RFC 2595) come to it.

Sans I/O: fed with what the server says, it answers what to say next.
"""

from collections.abc import Mapping
from typing import Final

__all__ = ["STARTTLS", "STARTTLS_OPTION", "StartTls", "StartTlsError", "starttls_of"]

STARTTLS_OPTION: Final = "starttls"

_MOST_BYTES: Final = 16_384

STARTTLS: Final = {
    "smtp": ((b"220", b"EHLO thongsuot.invalid\r\n"), (b"250", b"STARTTLS\r\n"), (b"220", b"")),
    "imap": ((b"* OK", b"a1 STARTTLS\r\n"), (b"a1 OK", b"")),
    "pop3": ((b"+OK", b"STLS\r\n"), (b"+OK", b"")),
}
"""For each protocol its turns: how the server's good line begins, and what is said to it; nothing is the end."""


class StartTlsError(ValueError):
    """The server does not come to TLS; the message says why, in a few words."""


class StartTls:
    """One dialogue; ``is_over`` once the handshake may begin."""

    def __init__(self, protocol: str) -> None:
        self._turns = list(STARTTLS[protocol])
        self._received = b""

    @property
    def is_over(self) -> bool:
        """Whether the handshake may begin."""
        return not self._turns

    def feed(self, data: bytes) -> bytes:
        """Take what the server said; answer what to say to it, nothing to go on listening."""
        self._received += data
        if len(self._received) > _MOST_BYTES:
            raise StartTlsError("more words than a greeting has")
        while b"\n" in self._received and self._turns:
            line, _, self._received = self._received.partition(b"\n")
            expected, words = self._turns[0]
            if line.startswith(expected + b"-") or (line.startswith(b"* ") and expected != b"* OK"):
                continue  # SMTP says with a hyphen that more lines follow, IMAP with a star that this is no answer
            if not line.startswith(expected):
                raise StartTlsError(line.strip().decode("ascii", "replace")[:60] or "an empty line")
            del self._turns[0]
            if self._received:
                # What came in the clear must not be taken for what TLS vouches for (CVE-2011-0411).
                raise StartTlsError("words before their turn")
            return words
        return b""


def starttls_of(options: Mapping[str, str]) -> str:
    """Read the option ``starttls``: a protocol, or nothing."""
    protocol = options.get(STARTTLS_OPTION, "")
    if protocol and protocol not in STARTTLS:
        raise ValueError(f"starttls must be one of {', '.join(STARTTLS)}, not {protocol!r}")
    return protocol

"""A TLS session on a connection, without the standard library's wrapper around it.

``ssl.SSLSocket`` costs a fifth of a whole look (a second socket object, three system calls to ask what is known
already), and hides the presented chain before Python 3.13. So the session within it is made directly. It has no
public constructor: this module is the one place that knows, and every release of Python from 3.7 on has had it so.
"""

import socket
import ssl
from typing import Any

__all__ = ["TlsSession"]

_DER = 2
"""``_ssl.ENCODING_DER``."""


class TlsSession:
    """Speaks TLS over a non-blocking socket; raises ``SSLWantReadError`` and its kin where it would block."""

    __slots__ = ("_inner",)

    def __init__(self, context: ssl.SSLContext, stream: socket.socket, name: str) -> None:
        make: Any = getattr(context, "_wrap_socket")  # noqa: B009 # mypy knows no such method
        self._inner: Any = make(stream, False, name, owner=None, session=None)

    def handshake(self) -> None:
        """Go on with the handshake; returns once it is done."""
        self._inner.do_handshake()

    def send(self, data: bytes) -> int:
        """Send what can be sent now; answer how much that was."""
        return int(self._inner.write(data))

    def recv(self, most: int) -> bytes:
        """Answer what has come; nothing once the other side has said farewell."""
        received: bytes = self._inner.read(most)
        return received

    @property
    def shown(self) -> str:
        """What was agreed on: "TLSv1.3 http/1.1"."""
        return f"{self._inner.version()} {self.protocol}".rstrip()

    @property
    def protocol(self) -> str:
        """The protocol chosen by ALPN, empty if none was."""
        return self._inner.selected_alpn_protocol() or ""

    def chain(self) -> tuple[bytes, ...]:
        """Answer what was presented (DER, the server's own first), also after a handshake that failed."""
        return tuple(each.public_bytes(_DER) for each in self._inner.get_unverified_chain() or ())

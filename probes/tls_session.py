"""OpenSSL as ``cryptography`` ships it, spoken to directly: contexts, and sessions on non-blocking sockets.

The standard library's ``ssl`` binds whatever OpenSSL the system has. Debian 12's 3.0 looks up a decoder anew for
every key of every certificate, which makes a handshake cost half as much again as with the 4.0 in the wheel that we
need anyway; and ``ssl`` neither lets a client choose its groups nor shows the chain presented before Python 3.13.
The bindings are those that pyOpenSSL stands on; what of them we use, the tests of the looks over TLS hold.

One key share is offered, X25519, as Go and most of the field do; the other groups are there for the asking. (The
default would add a post-quantum share of 1.2 kB, which costs a third of the look and which old middleboxes drop.)
"""

import errno
import os
import socket
import ssl
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.bindings.openssl.binding import Binding
from cryptography.hazmat.primitives import serialization

__all__ = ["TlsContext", "TlsSession"]

_LIB: Final[Any] = Binding.lib
_FFI: Final[Any] = Binding.ffi

_GROUPS = b"X25519:P-256:X448:P-521:P-384"
_CIPHERS = b"@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM"
"""For TLS 1.2: those of Python's own default."""
_ANY_CIPHERS = b"DEFAULT:@SECLEVEL=0"
_MOST_A_READ: Final = 16_384
"""What a record holds at most; a larger buffer would never be filled."""


class TlsContext:
    """What sessions share. It verifies nothing: the presented chain is judged apart (:mod:`probes.tls_chain`).

    ``accepts_old``: also TLS 1.0, and keys and ciphers below OpenSSL's security level 2; ``cert`` and ``key`` name
    the files with our own certificate and its key. Raises OSError or ValueError where these cannot be used.
    """

    __slots__ = ("_inner",)

    def __init__(
        self, *, accepts_old: bool, alpn: tuple[str, ...] = (), cert: str = "", key: str = ""
    ) -> None:
        self._inner = _FFI.gc(_LIB.SSL_CTX_new(_LIB.TLS_client_method()), _LIB.SSL_CTX_free)
        oldest = _LIB.TLS1_VERSION if accepts_old else _LIB.TLS1_2_VERSION
        wire = b"".join(bytes([len(name)]) + name.encode("ascii") for name in alpn)
        is_made = (
            _LIB.SSL_CTX_set_min_proto_version(self._inner, oldest) == 1
            and _LIB.SSL_CTX_set_cipher_list(self._inner, _ANY_CIPHERS if accepts_old else _CIPHERS) == 1
            and _LIB.SSL_CTX_set1_curves_list(self._inner, _GROUPS) == 1
            and (not wire or _LIB.SSL_CTX_set_alpn_protos(self._inner, wire, len(wire)) == 0)
        )
        if not is_made:
            raise ValueError(f"OpenSSL takes no such settings: {_reason()}")
        _LIB.SSL_CTX_set_session_cache_mode(self._inner, _LIB.SSL_SESS_CACHE_OFF)
        _LIB.SSL_CTX_set_options(self._inner, _LIB.SSL_OP_NO_TICKET | _LIB.SSL_OP_IGNORE_UNEXPECTED_EOF)
        _LIB.SSL_CTX_set_mode(
            self._inner, _LIB.SSL_MODE_ENABLE_PARTIAL_WRITE | _LIB.SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
        )
        if cert:
            self._present(cert, key or cert)

    def _present(self, cert: str, key: str) -> None:
        Path(cert).read_bytes()  # a file that cannot be read has an error that says so
        try:
            # OpenSSL would ask for the password of an encrypted key on the terminal, and wait.
            serialization.load_pem_private_key(Path(key).read_bytes(), password=None)
        except TypeError:
            raise ValueError("the key is encrypted") from None
        is_made = (
            _LIB.SSL_CTX_use_certificate_chain_file(self._inner, os.fsencode(cert)) == 1
            and _LIB.SSL_CTX_use_PrivateKey_file(self._inner, os.fsencode(key), _LIB.SSL_FILETYPE_PEM) == 1
            and _LIB.SSL_CTX_check_private_key(self._inner) == 1
        )
        if not is_made:
            raise ValueError(f"certificate and key cannot be used: {_reason()}".lower().replace("_", " "))

    def _opened(self) -> Any:
        return _FFI.gc(_LIB.SSL_new(self._inner), _LIB.SSL_free)


class TlsSession:
    """Speaks TLS over a non-blocking socket; raises ``SSLWantReadError`` and its kin where it would block.

    ``asks_for`` is the host name to send (SNI), nothing for an address.
    """

    __slots__ = ("_inner",)

    def __init__(self, context: TlsContext, stream: socket.socket, asks_for: bytes) -> None:
        self._inner: Any = context._opened()  # noqa: SLF001 # the two halves of one binding
        _LIB.SSL_set_connect_state(self._inner)
        _LIB.SSL_set_fd(self._inner, stream.fileno())
        if asks_for:
            _LIB.SSL_set_tlsext_host_name(self._inner, asks_for)

    def handshake(self) -> None:
        """Go on with the handshake; returns once it is done."""
        _LIB.ERR_clear_error()
        done = _LIB.SSL_do_handshake(self._inner)
        if done != 1:
            raise self._error(done, _FFI.errno)

    def send(self, data: bytes) -> int:
        """Send what can be sent now; answer how much that was."""
        _LIB.ERR_clear_error()
        done = _LIB.SSL_write(self._inner, data, len(data))
        if done <= 0:
            raise self._error(done, _FFI.errno)
        return int(done)

    def recv(self, most: int) -> bytes:
        """Answer what has come; nothing once the other side has ended, with or without the farewell of TLS."""
        buffer = _FFI.new("char[]", min(most, _MOST_A_READ))
        _LIB.ERR_clear_error()
        done = _LIB.SSL_read(self._inner, buffer, len(buffer))
        if done > 0:
            return bytes(_FFI.buffer(buffer, done))
        error = self._error(done, _FFI.errno)
        if isinstance(error, ssl.SSLZeroReturnError | ssl.SSLEOFError):
            return b""
        raise error

    @property
    def shown(self) -> str:
        """What was agreed on: "TLSv1.3 http/1.1"."""
        version = _FFI.string(_LIB.SSL_get_version(self._inner)).decode("ascii")
        return f"{version} {self.protocol}".rstrip()

    @property
    def protocol(self) -> str:
        """The protocol chosen by ALPN, empty if none was."""
        name, length = _FFI.new("unsigned char **"), _FFI.new("unsigned int *")
        _LIB.SSL_get0_alpn_selected(self._inner, name, length)
        return str(_FFI.buffer(name[0], length[0])[:], "ascii") if length[0] else ""

    def chain(self) -> tuple[bytes, ...]:
        """Answer what was presented (DER, the server's own first), also after a handshake that failed."""
        stack = _LIB.SSL_get_peer_cert_chain(self._inner)
        if stack == _FFI.NULL:
            return ()
        return tuple(_der(_LIB.sk_X509_value(stack, n)) for n in range(_LIB.sk_X509_num(stack)))

    def _error(self, done: int, number: int) -> OSError:
        kind = _LIB.SSL_get_error(self._inner, done)
        if kind == _LIB.SSL_ERROR_WANT_READ:
            return ssl.SSLWantReadError()
        if kind == _LIB.SSL_ERROR_WANT_WRITE:
            return ssl.SSLWantWriteError()
        if kind == _LIB.SSL_ERROR_ZERO_RETURN:
            return ssl.SSLZeroReturnError(kind, "closed")
        if kind == _LIB.SSL_ERROR_SYSCALL:
            if number:
                return OSError(number, os.strerror(number))
            return ssl.SSLEOFError(kind, "closed without a farewell")
        reason = _reason()
        error = ssl.SSLError(errno.EPROTO, reason)
        error.reason = reason
        return error


def _reason() -> str:
    """Take OpenSSL's word for the first thing that went wrong: "WRONG_VERSION_NUMBER"."""
    code = _LIB.ERR_get_error()
    said = _LIB.ERR_reason_error_string(code) if code else _FFI.NULL
    _LIB.ERR_clear_error()
    return "UNKNOWN" if said == _FFI.NULL else _FFI.string(said).decode("ascii").upper().replace(" ", "_")


def _der(certificate: Any) -> bytes:
    memory = _FFI.gc(_LIB.BIO_new(_LIB.BIO_s_mem()), _LIB.BIO_free)
    _LIB.i2d_X509_bio(memory, certificate)
    start = _FFI.new("char **")
    length = _LIB.BIO_get_mem_data(memory, start)
    return bytes(_FFI.buffer(start[0], length))

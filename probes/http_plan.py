"""What an HTTP look asks and expects, made once from a target's options.

=========== ==========================================================================================
``scheme``  ``http`` or ``https``; by default ``https`` on ports 443 and 8443, else ``http``
``path``    what is asked for; by default ``/``
``host``    the Host header; by default the address
``status``  what is right: ``200``, ``200,204``, ``2xx``, ``200-299``; by default 200 to 399, since redirects are
            not followed and a redirect is an answer
``expect``  text that the body must hold (percent-encoded where it has spaces)
``max_body`` bytes of the body that are read at most; by default 65536
``insecure`` ``yes``: do not verify the certificate
``sni``     the name to ask for and to verify in TLS; by default ``host``, else the address
``ca``      a file of certificates to trust instead of the system's
=========== ==========================================================================================
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

__all__ = ["HTTP_OPTIONS", "HttpPlan", "http_plan"]

HTTP_OPTIONS: Final = frozenset(
    {"scheme", "path", "host", "status", "expect", "max_body", "insecure", "sni", "ca"}
)

_PRINTABLE = re.compile(r"[!-~]*")
_LABELS = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_TLS_PORTS = frozenset({443, 8443})
_DEFAULT_PORT = {"http": 80, "https": 443}
_DEFAULT_STATUS = (range(200, 400),)
_DEFAULT_MAX_BODY = 65_536


@dataclass(frozen=True, slots=True)
class HttpPlan:
    """A request ready to be sent, and how its answer is judged. ``statuses`` are ranges of right codes."""

    request: bytes
    statuses: tuple[range, ...]
    expect: bytes
    max_body: int
    is_tls: bool
    server_name: str
    insecure: bool
    ca: str

    def is_right(self, status: int) -> bool:
        """Whether ``status`` is one that was asked for."""
        return any(status in span for span in self.statuses)


def http_plan(address: str, port: int, options: Mapping[str, str]) -> HttpPlan:
    """Make the plan; a ValueError says which option cannot be meant."""
    scheme = options.get("scheme") or ("https" if port in _TLS_PORTS else "http")
    if scheme not in _DEFAULT_PORT:
        raise ValueError(f"scheme must be http or https, not {scheme!r}")
    bare_host = options.get("host", "")
    host = _printable("host", bare_host or (f"[{address}]" if ":" in address else address))
    path = _printable("path", options.get("path") or "/")
    if not path.startswith("/"):
        raise ValueError(f"path must begin with /, not {path!r}")
    authority = host if bare_host or port == _DEFAULT_PORT[scheme] else f"{host}:{port}"
    return HttpPlan(
        request=_request(path, authority),
        statuses=_statuses(options.get("status", "")),
        expect=unquote(options.get("expect", "")).encode(),
        max_body=_count("max_body", options.get("max_body", ""), _DEFAULT_MAX_BODY),
        is_tls=scheme == "https",
        server_name=_server_name(options.get("sni") or _name_only(bare_host) or address),
        insecure=_is_yes("insecure", options.get("insecure", "")),
        ca=options.get("ca", ""),
    )


def _request(path: str, authority: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: thongsuot\r\nAccept: */*\r\n"
        "Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
    ).encode("ascii")


def _printable(name: str, text: str) -> str:
    # Nothing that could end a line of the request and begin another.
    if not _PRINTABLE.fullmatch(text):
        raise ValueError(f"{name} must be printable ASCII without spaces, not {text!r}")
    return text


def _server_name(name: str) -> str:
    # TLS can ask for names of at most 253 letters in labels of 1 to 63 (RFC 1035), and for addresses.
    if ":" not in name and (len(name) > 253 or not _LABELS.fullmatch(name)):
        raise ValueError(f"sni must be a host name in ASCII, not {name!r}")
    return name


def _name_only(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _statuses(text: str) -> tuple[range, ...]:
    if not text:
        return _DEFAULT_STATUS
    return tuple(_span(part.strip().lower()) for part in text.split(","))


def _span(part: str) -> range:
    first, dash, last = part.partition("-")
    if len(part) == 3 and part.endswith("xx") and part[0] in "12345":
        span = range(int(part[0]) * 100, int(part[0]) * 100 + 100)
    elif _is_status(first) and (not dash or _is_status(last)):
        span = range(int(first), int(last or first) + 1)
    else:
        span = range(0)
    if not span:
        raise ValueError(f"status must be like 200, 2xx or 200-299, not {part!r}")
    return span


def _is_status(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isdigit() and text[0] != "0"


def _count(name: str, text: str, default: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{name} must be a number of bytes, not {text!r}")
    return int(text)


def _is_yes(name: str, text: str) -> bool:
    if text not in {"", "yes", "no"}:
        raise ValueError(f"{name} must be yes or no, not {text!r}")
    return text == "yes"

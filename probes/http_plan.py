"""What an HTTP look asks and expects, made once from a target's options.

================= ====================================================================================
``scheme``        ``http`` or ``https``; by default ``https`` on ports 443 and 8443, else ``http``
``path``          what is asked for; by default ``/``
``host``          the Host header; by default the address
``status``        what is right: ``200``, ``200,204``, ``2xx``, ``200-299``; by default 200 to 399, since a
                  redirect that is not followed is an answer
``header``        ``name:text``: a header that must be there and hold the text; several by commas
``expect``        text that the body must hold
``match``         a regular expression that must be found in the body
``no_match``      a regular expression that must not be found in the body
``max_body``      bytes of the body that are read at most; by default 65536
``redirects``     how many redirects are followed; by default 0
``redirect_hosts`` other hosts to which a redirect may lead, by commas: ``name`` at the same address, or
                  ``name@address``; a look never asks a resolver
================= ====================================================================================

Texts are percent-encoded where they hold spaces or commas. For the options of TLS see :mod:`probes.tls_plan`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from probes.tls_plan import TLS_OPTIONS, TlsPlan, tls_plan

__all__ = ["DEFAULT_PORT", "HTTP_OPTIONS", "HttpPlan", "http_plan", "request_bytes"]

HTTP_OPTIONS: Final = TLS_OPTIONS | {
    "scheme",
    "path",
    "host",
    "status",
    "header",
    "expect",
    "match",
    "no_match",
    "max_body",
    "redirects",
    "redirect_hosts",
}

DEFAULT_PORT: Final = {"http": 80, "https": 443}

_ALPN = ("http/1.1",)
_PRINTABLE = re.compile(r"[!-~]*")
_TLS_PORTS = frozenset({443, 8443})
_DEFAULT_STATUS = (range(200, 400),)
_DEFAULT_MAX_BODY = 65_536
_MOST_REDIRECTS = 20


@dataclass(frozen=True, slots=True)
class HttpPlan:
    """A request ready to be sent, and how its answer is judged.

    ``redirects`` is how many may still be followed, where the look ``follows`` any;
    ``statuses`` are ranges of right codes; ``tls`` holds where ``is_tls``, or once a redirect leads there; ``url`` is
    what is asked for and ``name`` its host, against which redirects are held; ``hosts`` are further names and
    their addresses.
    """

    request: bytes
    address: str
    port: int
    url: str
    name: str
    statuses: tuple[range, ...]
    headers: tuple[tuple[bytes, bytes], ...]
    expect: bytes
    match: re.Pattern[str] | None
    no_match: re.Pattern[str] | None
    max_body: int
    follows: bool
    redirects: int
    hosts: Mapping[str, str]
    tls: TlsPlan
    is_tls: bool

    @property
    def reads_headers(self) -> bool:
        """Whether headers matter beyond where the answer ends."""
        return bool(self.headers) or self.follows

    def is_right(self, status: int) -> bool:
        """Whether ``status`` is one that was asked for."""
        return any(status in span for span in self.statuses)


def http_plan(address: str, port: int, options: Mapping[str, str]) -> HttpPlan:
    """Make the plan; a ValueError says which option cannot be meant."""
    scheme = options.get("scheme") or ("https" if port in _TLS_PORTS else "http")
    if scheme not in DEFAULT_PORT:
        raise ValueError(f"scheme must be http or https, not {scheme!r}")
    bare_host = options.get("host", "")
    host = _printable("host", bare_host or (f"[{address}]" if ":" in address else address))
    path = _printable("path", options.get("path") or "/")
    if not path.startswith("/"):
        raise ValueError(f"path must begin with /, not {path!r}")
    authority = host if bare_host or port == DEFAULT_PORT[scheme] else f"{host}:{port}"
    name = _name_only(bare_host) or address
    redirects = min(_count("redirects", options.get("redirects", ""), 0), _MOST_REDIRECTS)
    return HttpPlan(
        request=request_bytes(path, authority),
        address=address,
        port=port,
        url=f"{scheme}://{_with_port(host, port)}{path}",
        name=name.lower(),
        statuses=_statuses(options.get("status", "")),
        headers=tuple(_header(part) for part in options.get("header", "").split(",") if part),
        expect=unquote(options.get("expect", "")).encode(),
        match=_pattern("match", options.get("match", "")),
        no_match=_pattern("no_match", options.get("no_match", "")),
        max_body=_count("max_body", options.get("max_body", ""), _DEFAULT_MAX_BODY),
        follows=redirects > 0,
        redirects=redirects,
        hosts=dict(_host(part, address) for part in options.get("redirect_hosts", "").split(",") if part),
        tls=tls_plan(options, name=name, alpn=_ALPN),
        is_tls=scheme == "https",
    )


def request_bytes(path: str, authority: str) -> bytes:
    """Write the request."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: thongsuot\r\nAccept: */*\r\n"
        "Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
    ).encode("ascii")


def _with_port(host: str, port: int) -> str:
    return host if _name_only(host) != host else f"{host}:{port}"


def _printable(name: str, text: str) -> str:
    # Nothing that could end a line of the request and begin another.
    if not _PRINTABLE.fullmatch(text):
        raise ValueError(f"{name} must be printable ASCII without spaces, not {text!r}")
    return text


def _name_only(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _header(part: str) -> tuple[bytes, bytes]:
    name, colon, text = part.partition(":")
    if not name or not colon:
        raise ValueError(f"header must be like server:nginx, not {part!r}")
    return name.lower().encode(), unquote(text).encode()


def _host(part: str, address: str) -> tuple[str, str]:
    name, _, elsewhere = part.partition("@")
    return name.lower(), elsewhere or address


def _pattern(name: str, text: str) -> re.Pattern[str] | None:
    if not text:
        return None
    try:
        return re.compile(unquote(text))
    except re.error as error:
        raise ValueError(f"{name} is no regular expression: {error}") from error


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
        raise ValueError(f"{name} must be a number, not {text!r}")
    return int(text)

"""What a look at a radio stream asks and expects, made once from a target's options.

============ =========================================================================================
``path``     the mount or the playlist; by default ``/``
``seconds``  how long to listen; by default 3, and never beyond the look's own timeout
``format``   ``audio`` or ``hls``; by default what the answer says that it is
``min_kbps`` the least that must flow, in kilobits a second; by default any
``scheme host`` as of an HTTP look (:mod:`probes.http_plan`); and those of TLS (:mod:`probes.tls_plan`)
============ =========================================================================================
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

from probes.http_plan import DEFAULT_PORT, http_plan, request_bytes
from probes.tls_plan import TLS_OPTIONS, TlsPlan

__all__ = ["STREAM_OPTIONS", "StreamPlan", "asking", "stream_plan"]

_PASSED: Final = TLS_OPTIONS | {"path", "scheme", "host"}
STREAM_OPTIONS: Final = _PASSED | {"seconds", "format", "min_kbps"}

_FORMATS: Final = ("", "audio", "hls")
_SECONDS: Final = 3.0
_MOST_SECONDS: Final = 60.0
_DECIMAL = re.compile(r"\d{1,6}(?:\.\d{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """How one stream is listened to. ``base`` is the address of what ``request`` asks for, to resolve others by."""

    request: bytes
    base: str
    seconds: float
    format: str
    least_bits: float
    is_tls: bool
    tls: TlsPlan


def stream_plan(address: str, port: int, options: Mapping[str, str]) -> StreamPlan:
    """Make the plan; a ValueError says which option cannot be meant."""
    http = http_plan(address, port, {name: options[name] for name in _PASSED if name in options})
    if options.get("format", "") not in _FORMATS:
        raise ValueError(f"format must be audio or hls, not {options['format']!r}")
    seconds = _decimal("seconds", options.get("seconds", ""), _SECONDS)
    if not 0 < seconds <= _MOST_SECONDS:
        raise ValueError(f"seconds must be above 0 and up to {_MOST_SECONDS:.0f}, not {seconds:g}")
    scheme = "https" if http.is_tls else "http"
    bare = f"[{address}]" if ":" in address else address
    host = options.get("host", "") or (bare if port == DEFAULT_PORT[scheme] else f"{bare}:{port}")
    path = options.get("path") or "/"
    return StreamPlan(
        request=request_bytes(path, host),
        base=f"{scheme}://{host}{path}",
        seconds=seconds,
        format=options.get("format", ""),
        least_bits=_decimal("min_kbps", options.get("min_kbps", ""), 0.0) * 1000,
        is_tls=http.is_tls,
        tls=http.tls,
    )


def asking(base: str, uri: str) -> tuple[bytes, str] | None:
    """Answer the request for ``uri`` as ``base`` names it, and its full address; None if another service has it.

    The same scheme is asked for at the same numeric address and port: a playlist never leads a look elsewhere.
    """
    try:
        full = urljoin(base, uri)
        here, there = urlsplit(base), urlsplit(full)
        is_same = (there.scheme, there.hostname, there.port) == (here.scheme, here.hostname, here.port)
    except ValueError:
        return None
    path = (there.path or "/") + (f"?{there.query}" if there.query else "")
    if not is_same or not (path.isascii() and path.isprintable()) or " " in path:
        return None
    return request_bytes(path, here.netloc), full


def _decimal(name: str, text: str, default: float) -> float:
    if not text:
        return default
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{name} must be a number, not {text!r}")
    return float(text)

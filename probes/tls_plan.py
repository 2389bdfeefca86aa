"""What a look over TLS asks and expects, made once from a target's options; shared by all kinds that speak TLS.

============ =========================================================================================
``sni``      the name to ask for and to verify; by default the host, else the address
``verify``   ``no``: accept any certificate, and old devices below OpenSSL's security level with it; the dates
             are read all the same (``insecure=yes`` says the same)
``ca``       a file of certificates to trust instead of the system's
``cert``     a file with our own certificate (and key, unless ``key`` names another)
``key``      the file with its key
``pin``      ``sha256/BASE64`` of the server's public key (SubjectPublicKeyInfo), or several by commas, of which
             one must match
``alpn``     protocols to offer, by commas; one of them must be chosen
``min_days`` days for which the whole presented chain must still be valid
============ =========================================================================================
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["TLS_OPTIONS", "TlsPlan", "is_yes", "tls_plan"]

TLS_OPTIONS: Final = frozenset({"sni", "verify", "insecure", "ca", "cert", "key", "pin", "alpn", "min_days"})

_LABELS = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_PROTOCOL = re.compile(r"[!-~]{1,64}")
_SHA256_BYTES = 32


@dataclass(frozen=True, slots=True)
class TlsPlan:
    """``pins`` are SHA-256 digests, none if any key is right; ``needs_alpn``: one of ``alpn`` must be chosen."""

    server_name: str
    verifies: bool = True
    ca: str = ""
    cert: str = ""
    key: str = ""
    pins: frozenset[bytes] = frozenset()
    alpn: tuple[str, ...] = ()
    needs_alpn: bool = False
    min_days: int = 0


def tls_plan(options: Mapping[str, str], *, name: str, alpn: tuple[str, ...] = ()) -> TlsPlan:
    """Make the plan; ``name`` and ``alpn`` hold where the options name none. A ValueError says what is wrong."""
    cert, key = options.get("cert", ""), options.get("key", "")
    if key and not cert:
        raise ValueError("key needs cert")
    offered = options.get("alpn", "")
    return TlsPlan(
        server_name=_server_name(options.get("sni") or name),
        verifies=is_yes("verify", options.get("verify") or "yes")
        and not is_yes("insecure", options.get("insecure", "")),
        ca=options.get("ca", ""),
        cert=cert,
        key=key,
        pins=frozenset(_pin(part) for part in options.get("pin", "").split(",") if part),
        alpn=tuple(_protocol(part) for part in offered.split(",")) if offered else alpn,
        needs_alpn=bool(offered),
        min_days=_days(options.get("min_days", "")),
    )


def is_yes(name: str, text: str) -> bool:
    """Read a yes or no; nothing is no."""
    if text not in {"", "yes", "no"}:
        raise ValueError(f"{name} must be yes or no, not {text!r}")
    return text == "yes"


def _server_name(name: str) -> str:
    # TLS can ask for names of at most 253 letters in labels of 1 to 63 (RFC 1035), and for addresses.
    if ":" not in name and (len(name) > 253 or not _LABELS.fullmatch(name)):
        raise ValueError(f"sni must be a host name in ASCII, not {name!r}")
    return name


def _pin(text: str) -> bytes:
    kind, _, encoded = text.partition("/")
    try:
        digest = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if kind != "sha256" or len(digest) != _SHA256_BYTES:
        raise ValueError(f"pin must be sha256/ and 32 bytes in base64, not {text!r}")
    return digest


def _protocol(text: str) -> str:
    if not _PROTOCOL.fullmatch(text):
        raise ValueError(f"alpn must be names of protocols, not {text!r}")
    return text


def _days(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) < 6):
        raise ValueError(f"min_days must be a number of days, not {text!r}")
    return int(text or 0)
